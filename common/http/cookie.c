/*
 * Cookie fields as servers read them: pairs between ';', blanks around them,
 * quotes part of the value (RFC 6265 5.4). A ';' always separates, in quotes
 * too.
 */
#include <string.h>

#include "common/http/http.h"

/* Splits "name=value"; a pair without '=' is all name. */
static struct slice
split_pair(struct slice pair, struct slice *value)
{
	struct slice name = slice_trim(slice_cut(&pair, '='));

	*value = slice_trim(pair);
	return name;
}

struct slice
http_cookie_get(const struct http_fields *f, const char *name, size_t *count)
{
	struct slice found = { NULL, 0 };
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct slice rest = f->at[i].value;

		if (!slice_is_nocase(f->at[i].name, "cookie"))
			continue;
		while (rest.p != NULL) {
			struct slice value;
			struct slice pair = slice_cut(&rest, ';');

			if (!slice_is(split_pair(pair, &value), name))
				continue;
			if (n++ == 0)
				found = value;
		}
	}
	if (count != NULL)
		*count = n;
	return found;
}

/* Appends a pair; a blank after the ';' only where the client had one, so that
 * the result is never longer than the original. */
static size_t
append_pair(char *dst, size_t len, struct slice raw)
{
	struct slice pair = slice_trim(raw);

	if (len > 0) {
		dst[len++] = ';';
		if (pair.p > raw.p)
			dst[len++] = ' ';
	}
	memcpy(dst + len, pair.p, pair.len);
	return len + pair.len;
}

size_t
http_cookie_filter(char *dst, struct slice value,
    bool (*drop)(struct slice name, void *arg), void *arg)
{
	size_t len = 0;

	while (value.p != NULL) {
		struct slice raw = slice_cut(&value, ';'), unused;

		if (slice_trim(raw).len == 0 ||
		    drop(split_pair(raw, &unused), arg))
			continue;
		len = append_pair(dst, len, raw);
	}
	return len;
}
