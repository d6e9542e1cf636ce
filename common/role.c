/*
 * Names of the processes.
 */
#include "common/role.h"

#include <string.h>

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_FRONTEND] = "frontend",
	[ROLE_AUTHD] = "authd",
	[ROLE_EGRESS] = "egress",
	[ROLE_SECRETD] = "secretd",
	[ROLE_SIGNER] = "signer",
	[ROLE_CTL] = "ctl",
};

const char *
role_name(enum role role)
{
	return (unsigned)role < ROLE_COUNT ? role_names[role] : "unknown";
}

int
role_from_name(const char *name)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (strcmp(name, role_names[role]) == 0)
			return role;
	return -1;
}
