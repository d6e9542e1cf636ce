/*
 * JSON (jansson) as a security check may read it: one object, no duplicate
 * members, no NUL, valid UTF-8, bounded size and depth, nothing behind it. The
 * getters fail on a member of another type instead of converting it.
 */
#ifndef COMMON_JSON_STRICT_H
#define COMMON_JSON_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/text.h"

#define JSON_STRICT_DEPTH_MAX 32

/* Makes jansson wipe what it frees, since documents hold tokens. Once per
 * process, before the first document. */
void json_strict_init(void);

/* An object, to be freed with json_decref. ERR_LIMIT: longer than max or nested
 * deeper than JSON_STRICT_DEPTH_MAX. ERR_FORMAT: anything else. */
int json_strict_parse(struct slice text, size_t max, json_t **out)
    __attribute__((warn_unused_result));

/* A member of object o: 0, ERR_NOT_FOUND (no such member, or o is NULL) or
 * ERR_FORMAT (another type, null included). What comes out is borrowed from
 * o. */
int json_strict_text(const json_t *o, const char *key, struct slice *out)
    __attribute__((warn_unused_result));
int json_strict_bool(const json_t *o, const char *key, bool *out)
    __attribute__((warn_unused_result));
/* A count of seconds as JWT has it (RFC 7519 section 2, NumericDate): an
 * integer or a fraction, which is rounded down, in 0..253402300799 (the year
 * 9999). */
int json_strict_date(const json_t *o, const char *key, int64_t *out)
    __attribute__((warn_unused_result));
int json_strict_object(const json_t *o, const char *key, json_t **out)
    __attribute__((warn_unused_result));
int json_strict_array(const json_t *o, const char *key, json_t **out)
    __attribute__((warn_unused_result));
/* Is the member a text, and this one? */
bool json_strict_is(const json_t *o, const char *key, const char *text);
/* Has an array only texts, at most max of them? */
bool json_strict_texts(const json_t *array, size_t max);
/* Element i of an array that json_strict_texts has accepted. */
struct slice json_strict_text_at(const json_t *array, size_t i);

#endif
