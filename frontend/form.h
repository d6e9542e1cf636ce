/*
 * application/x-www-form-urlencoded (WHATWG URL 5.1) as it comes, keeping only
 * the few fields that we know, so that a megabyte of form costs no
 * memory. The first field of a name counts, as in Go. Pure.
 *
 * SECURITY: token is a credential: form_done wipes it.
 */
#ifndef FRONTEND_FORM_H
#define FRONTEND_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/msg.h"
#include "common/text.h"
#include "frontend/return_path.h"

enum form_field {
	FORM_TOKEN,
	FORM_RETURN,
	FORM_LOGOUT_TOKEN, /* OpenID Connect Back-Channel Logout 1.0, 2.5 */
	FORM_EVERYWHERE,   /* of the sign-out page */
	FORM_FIELD_COUNT
};

struct form_value {
	char *p; /* decoded */
	size_t len, cap;
	bool seen, too_long;
};
struct form {
	struct form_value values[FORM_FIELD_COUNT];
	char name[16];
	size_t name_len;	 /* over the size: no name that we know */
	struct form_value *into; /* NULL: skip */
	bool in_value, broken;
	unsigned escape; /* hex digits still to come */
	unsigned char byte;
};

struct form *form_new(void);
void form_free(struct form *f); /* wipes; NULL allowed */
void form_feed(struct form *f, const char *p, size_t len);
/* After the last byte. 0, ERR_FORMAT (broken escape, NUL) or ERR_LIMIT (a
 * field that we know is too long). */
int form_end(struct form *f) __attribute__((warn_unused_result));
/* Takes blanks and line ends out of a field, wherever they are. */
void form_strip(struct form *f, enum form_field field);
/* "" when it was not sent. Borrowed. */
struct slice form_get(const struct form *f, enum form_field field);

#endif
