/*
 * Looking things up in a list of fields, and the two lists of names that do
 * not travel: hop-by-hop fields, and those that Doorward owns.
 */
#include <string.h>

#include "common/http/chars.h"
#include "common/http/head.h"
#include "common/http/http.h"

bool
http_field_check(struct slice name, struct slice value)
{
	return name.len > 0 && char_all(name, CHAR_TOKEN) &&
	    char_all(value, CHAR_VALUE);
}

const struct http_field *
http_fields_get(const struct http_fields *f, const char *name, size_t *count)
{
	const struct http_field *found = NULL;
	size_t n = 0, len = strlen(name);

	for (size_t i = 0; i < f->n; i++) {
		if (f->at[i].name.len != len ||
		    !slice_is_nocase(f->at[i].name, name))
			continue;
		found = &f->at[i];
		n++;
	}
	if (count != NULL)
		*count = n;
	return n == 1 ? found : NULL;
}

bool
http_fields_add(struct http_fields *f, struct slice name, struct slice value)
{
	if (f->n >= HTTP_FIELDS_MAX)
		return false;
	f->at[f->n++] = (struct http_field){ name, value };
	return true;
}

static bool
value_lists(struct slice value, struct slice token)
{
	while (value.p != NULL) {
		struct slice element = slice_trim(slice_cut(&value, ','));

		if (slice_equal_nocase(element, token))
			return true;
	}
	return false;
}

bool
head_list_has(const struct http_fields *f, const char *name, struct slice token)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < f->n; i++) {
		if (f->at[i].name.len == len &&
		    slice_is_nocase(f->at[i].name, name) &&
		    value_lists(f->at[i].value, token))
			return true;
	}
	return false;
}

bool
http_fields_list_has(
    const struct http_fields *f, const char *name, const char *token)
{
	return head_list_has(f, name, slice_of(token));
}

/*
 * Names as CGI folds them: lower case, '_' for whatever is not alphanumeric. A
 * '*' at the end of a row stands for any rest. Folding matters: an upstream
 * that folds takes "Transfer_Encoding" for what it is not.
 */
/* clang-format off */
static const char *const hop_names[] = {
	"connection", "keep_alive", "proxy_connection", "proxy_authenticate",
	"te", "trailer", "transfer_encoding", "upgrade", "content_length",
	"expect", "http2_settings", NULL
};
static const char *const owned_names[] = {
	"authorization", "proxy_authorization", "impersonate_*", "kiali_user",
	"x_forwarded_*", "forwarded", "x_real_ip", "x_auth_request_*",
	"remote_*", "x_remote_*", "x_webauth_*", "x_original_*",
	"x_rewrite_url", "x_client_cert*", "x_ssl_*", "x_envoy_*",
	"x_doorward_*", NULL
};
/* clang-format on */

static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return char_is(c, CHAR_ALNUM) ? c : '_';
}

static bool
matches_folded(struct slice name, const char *row)
{
	size_t i = 0;

	while (i < name.len && row[i] != '\0' && fold(name.p[i]) == row[i])
		i++;
	return row[i] == '*' || (row[i] == '\0' && i == name.len);
}

static bool
matches_any(struct slice name, const char *const *rows)
{
	for (; *rows != NULL; rows++) {
		if (matches_folded(name, *rows))
			return true;
	}
	return false;
}

bool
http_field_is_same(struct slice a, struct slice b)
{
	size_t i = 0;

	while (i < a.len && i < b.len && fold(a.p[i]) == fold(b.p[i]))
		i++;
	return i == a.len && i == b.len;
}

bool
http_field_is_hop(const struct http_fields *f, struct slice name)
{
	if (matches_any(name, hop_names))
		return true;
	return f != NULL && head_list_has(f, "connection", name);
}

bool
http_field_is_impersonation(struct slice name)
{
	return slice_is_nocase(name, "Impersonate-User") ||
	    slice_is_nocase(name, "Impersonate-Group") ||
	    slice_starts_nocase(name, "Impersonate-Extra-");
}

bool
http_field_is_owned(struct slice name)
{
	return matches_any(name, owned_names);
}
