/*
 * Where the login page may send a person afterwards: a path of this origin and
 * nothing else, so that a link to the login page cannot lead elsewhere. Pure.
 */
#ifndef FRONTEND_RETURN_PATH_H
#define FRONTEND_RETURN_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/settings.h"
#include "common/text.h"

#define RETURN_PATH_MAX 2048

/* path with or without a query, as a browser would send it as a target. No
 * "//" or "/\" in front, no scheme, no control characters, nothing that the
 * HTTP gate would refuse, none of our own pages and no answer of a provider. */
bool return_path_allowed(const struct settings *s, struct slice path);
/* The web root with code and state, or error and state, in its query: what a
 * provider sends people back with (RFC 6749 4.1.2). Only with
 * STRATEGY_OPENID. */
bool return_path_is_callback(
    const struct settings *s, struct slice path, struct slice query);
/* path if it is allowed, else the web root. Borrowed from either; fallback
 * holds the web root while it is used. */
struct slice return_path_or_root(
    const struct settings *s, struct slice path, char *fallback, size_t cap);
/* Percent-encodes for use as a query's value; NUL-terminated. ERR_LIMIT when
 * dst is too small. */
int return_path_encode(struct slice path, char *dst, size_t cap)
    __attribute__((warn_unused_result));
/* The query's parameter of that name, decoded into dst; "" when there is none
 * or it cannot be decoded or is too long. */
void return_path_from_query(
    struct slice query, const char *name, char *dst, size_t cap);

#endif
