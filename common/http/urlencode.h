/*
 * application/x-www-form-urlencoded, written: bodies of POST, and queries (RFC
 * 6749 appendix B). Pure. What is read in this form: text_url_decode.
 */
#ifndef COMMON_HTTP_URLENCODE_H
#define COMMON_HTTP_URLENCODE_H

#include "common/http/http.h"

/* Characters for len bytes at most. */
#define URLENCODE_LEN(len) (3 * (len))

/* Letters, digits and "-._~" stay, a space becomes '+', all else %XX, as Go's
 * url.QueryEscape has it. What does not fit sets overflow. */
void urlencode_put(struct http_out *o, struct slice value);
/* "name=value", both encoded, with '&' before it unless o is empty or ends in
 * '?' or '&': encoded values have neither. */
void urlencode_pair(struct http_out *o, struct slice name, struct slice value);

#endif
