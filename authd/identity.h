/*
 * Who somebody is, as far as a login method has proved it: what sessions keep,
 * what allow rules (policy.h) are compared with. Pure.
 */
#ifndef AUTHD_IDENTITY_H
#define AUTHD_IDENTITY_H

#include <stddef.h>

#include "common/msg.h"
#include "common/wire.h"

#define IDENTITY_NAME_MAX (MSG_USER_MAX + 32)
#define IDENTITY_GROUPS_MAX 4096
#define IDENTITY_EMAIL_MAX 254
#define IDENTITY_DOMAIN_MAX 253

struct identity {
	char user[MSG_USER_MAX + 1]; /* as it is shown */
	/* As the cluster or the issuer has it, with the prefix of service
	 * accounts; "": nobody said who this is. */
	char name[IDENTITY_NAME_MAX + 1];
	char groups[IDENTITY_GROUPS_MAX]; /* NUL-terminated, end to end */
	size_t groups_len;
	/* Verified, or "". Tokens of Kubernetes have none. */
	char email[IDENTITY_EMAIL_MAX + 1];
	char domain[IDENTITY_DOMAIN_MAX + 1]; /* that hosts the account */
};

/* As bytes: what a session keeps is this, so the form is for good. At most
 * IDENTITY_WIRE_MAX of them. */
#define IDENTITY_WIRE_MAX (5 * 2 + sizeof(struct identity))
void identity_put(struct wire_writer *w, const struct identity *who);
/* What does not serve sets r's error. */
void identity_get(struct wire_reader *r, struct identity *who);

#endif
