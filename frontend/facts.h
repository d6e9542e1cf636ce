/*
 * What a request's fields say about who is asking and from where: navigation
 * or script, same origin or not, which credential. Pure.
 */
#ifndef FRONTEND_FACTS_H
#define FRONTEND_FACTS_H

#include <stdbool.h>

#include "common/http/http.h"
#include "common/text.h"
#include "frontend/forwarded.h"

#define REQUEST_ID_MAX 128
#define REQUEST_ID_MADE 20

/* A person looks at the answer: Sec-Fetch-Mode says navigate, or, where a
 * browser does not send it, Accept names text/html. */
bool facts_navigation(const struct http_fields *f);
/* Sec-Fetch-Site, or where there is none Origin, says that another origin is
 * behind this request. Without both it is not from a browser that could be
 * tricked (or an old one, whose SameSite cookie stays at home). */
bool facts_cross_site(const struct http_fields *f, const struct origin *o);
/* The browser asks on a guess that somebody will click (Sec-Purpose, and its
 * older names). */
bool facts_prefetch(const struct http_fields *f);
/* The path and query of the Referer when it is a page of ours, else "". */
struct slice facts_referer(const struct http_fields *f, const struct origin *o);
/* Is the body a form? An optional charset must be UTF-8. */
bool facts_is_form(const struct http_fields *f);
/* The token of "Authorization: Bearer x", "" for none or one that cannot be a
 * token. */
struct slice facts_bearer(const struct http_fields *f);
/* The client's X-Request-Id if it is one that may be passed on, else "". */
struct slice facts_request_id(const struct http_fields *f);
/* A fresh one: random base32, NUL-terminated. */
void facts_make_request_id(char dst[REQUEST_ID_MADE + 1]);

#endif
