/* See urlencode.h. */
#include "common/http/urlencode.h"

#include <string.h>

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~';
}

void
urlencode_put(struct http_out *o, struct slice value)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.p[i];
		char escape[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (c == ' ')
			http_put(o, SLICE("+"));
		else if (is_plain(value.p[i]))
			http_put(o, (struct slice){ value.p + i, 1 });
		else
			http_put(o, (struct slice){ escape, sizeof(escape) });
	}
}

void
urlencode_pair(struct http_out *o, struct slice name, struct slice value)
{
	if (o->len > 0 && strchr("?&", o->p[o->len - 1]) == NULL)
		http_put(o, SLICE("&"));
	urlencode_put(o, name);
	http_put(o, SLICE("="));
	urlencode_put(o, value);
}
