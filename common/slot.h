/*
 * Slots: the numbered places of secrets. What each is called, what it holds,
 * who may ask secretd for it and whether this configuration needs it: one
 * table, shared by secretd, by those who ask and by check-config. Knows no
 * file and no value.
 */
#ifndef COMMON_SLOT_H
#define COMMON_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/role.h"
#include "common/settings.h"

/* Of each service; the order is the wire's. */
enum slot_field {
	SLOT_USERNAME,
	SLOT_PASSWORD,
	SLOT_TOKEN,
	SLOT_CERT,
	SLOT_KEY,
	SLOT_CLIENT_SECRET,
	SLOT_FIELDS
};

#define SLOT_HEADERS_MAX 16 /* custom headers of a service that have slots */

/* Slot numbers: service * SLOT_FIELDS + field, then these. */
enum {
	SLOT_SIGNING_KEY_NO = SERVICE_COUNT * SLOT_FIELDS,
	SLOT_OIDC_SECRET_NO,
	SLOT_OIDC_KEY_NO, /* of private_key_jwt: a signer's alone */
	SLOT_CLUSTER_TOKEN_NO,
	SLOT_LOCAL_TOKEN_NO, /* bearer of the console's local TCP listener */
	SLOT_HEADER_BASE,    /* + service * SLOT_HEADERS_MAX + header */
	SLOT_COUNT = SLOT_HEADER_BASE + SERVICE_COUNT * SLOT_HEADERS_MAX
};

enum slot_content {
	SLOT_TEXT,	  /* one line for a header or a form */
	SLOT_CERTIFICATE, /* PEM */
	SLOT_PRIVATE_KEY, /* PEM */
};

#define SLOT_NAME_MAX 160

struct slot_spec {
	char name[SLOT_NAME_MAX + 1]; /* "prometheus-password" */
	enum slot_content content;
	unsigned askers; /* mask of 1 << enum role: who is told its value */
	size_t max;	 /* bytes of the value, blanks around it gone */
	const char *reference; /* what the configuration says: "", a literal,
				  "secret:..." or a path; borrowed */
	bool needed;	       /* secretd does not start without it */
};

/* service < SERVICE_COUNT, field < SLOT_FIELDS, header < SLOT_HEADERS_MAX */
unsigned slot_of_service(enum service_id service, enum slot_field field);
unsigned slot_of_header(enum service_id service, size_t header);

/* false: there is no such slot in this configuration (any number is allowed).
 */
bool slot_describe(
    const struct settings *s, unsigned number, struct slot_spec *out);
/* "prometheus-password", "no such slot". Static, until the next call. */
const char *slot_name(const struct settings *s, unsigned number);
/* Is it "secret:..." or an absolute path, or does it stand for itself? */
bool slot_is_reference(const char *value);

#endif
