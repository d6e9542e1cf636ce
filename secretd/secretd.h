/* What the parts of secretd share: main.c makes it, handlers.c answers by it.
 */
#ifndef SECRETD_SECRETD_H
#define SECRETD_SECRETD_H

#include <stdint.h>

#include "secretd/slots.h"

struct event_base;
struct keyring;
struct settings;
struct tickets;
struct tls_signer;

struct secretd {
	struct event_base *base;
	const struct settings *settings;
	struct slot_dirs slots;
	struct keyring *keyring;
	struct tickets *tickets;
	struct tls_signer *signer; /* NULL: no TLS */
	int64_t started_s;
	uint64_t n_requests;
};

/* Reads the signing key, if the strategy needs one; fatal when it is of no
 * use. */
void secretd_load_keys(struct secretd *d);
/* Puts the sandbox on: the folders of the secrets can be read, nothing else. */
void secretd_confine(const struct secretd *d);

#endif
