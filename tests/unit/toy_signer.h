/*
 * A signer for tests: the other end of the frontend's channel, with the key in
 * the test's process.
 */
#ifndef TESTS_UNIT_TOY_SIGNER_H
#define TESTS_UNIT_TOY_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "common/chan.h"

struct toy_signer {
	EVP_PKEY *key;
	struct chan *ch; /* NULL when closed */
	bool for_egress; /* else for a frontend */
	bool mute;	 /* takes questions and answers none */
	bool refuse;	 /* answers "" */
	bool late;	 /* refuses each question when the next one comes */
	uint64_t owed;
	unsigned asked;
	unsigned scheme;		  /* of the last question */
	unsigned char last[MSG_SIGN_MAX]; /* its structure */
	size_t last_len;
};

/* Speaks on fd, which is taken. s must stay where it is. */
void toy_signer_attach(
    struct toy_signer *s, struct event_base *base, EVP_PKEY *key, int fd);
void toy_signer_die(struct toy_signer *s);

#endif
