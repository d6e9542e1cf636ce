/* The processes, as the protocol and the sandbox know them. */
#ifndef COMMON_ROLE_H
#define COMMON_ROLE_H

enum role {
	ROLE_FRONTEND,
	ROLE_AUTHD,
	ROLE_EGRESS,
	ROLE_SECRETD,
	ROLE_SIGNER, /* child of secretd, one per TLS key */
	ROLE_CTL,    /* doorward, the control tool */
	ROLE_COUNT
};

const char *role_name(enum role role); /* "frontend", ... */
/* -1 when there is no such role. */
int role_from_name(const char *name);

#endif
