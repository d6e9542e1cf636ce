/*
 * One signer process as secretd sees it: forks it, gives it a key with its
 * certificate or, for client assertions, with what they say, and tells when it
 * is ready, refuses them or is gone. Which files, and when to try again, is
 * identities.c's to say.
 */
#ifndef SECRETD_TLS_SIGNER_H
#define SECRETD_TLS_SIGNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/text.h"
#include "secretd/sign_check.h"

struct event_base;
struct secret;
struct tls_signer;

#define TLS_SIGNER_KEY_MAX 16384 /* bytes of a key in PEM */

enum tls_signer_news {
	TLS_SIGNER_READY, /* channels can be attached */
	TLS_SIGNER_BAD_KEY,
	TLS_SIGNER_BAD_CERT,
	TLS_SIGNER_MISMATCH, /* both are good, and do not belong together */
	TLS_SIGNER_LOST,     /* the process has ended or hangs */
};

/* Told from the loop: first READY or one of the others, after READY LOST at
 * most. why: a sentence ("" when ready), valid for the call. After all but
 * READY the owner has to drop it, and may do so in this call. */
typedef void tls_signer_fn(struct tls_signer *t, enum tls_signer_news news,
    const char *why, void *arg);

/* What the certificate says of itself, or what the key for client assertions
 * is. */
struct tls_signer_facts {
	char names[MSG_NAMES_MAX + 1]; /* "a, b", maybe cut; "ES256 <kid>" */
	int64_t until_s;	       /* unix s, 0: unknown */
	char jwk[MSG_JWK_MAX + 1];     /* "" for a certificate */
};

/* Collects children that have ended, for all signers of this process. Before
 * the first of them, and before the sandbox. */
void tls_signers_watch(struct event_base *base);
/* key and chain (PEM, at most TLS_SIGNER_KEY_MAX and MSG_CHAIN_MAX bytes; in
 * place of the chain what MSG_SIGNER_LOAD says) are
 * borrowed until it is retired or dropped. NULL when no process can be had;
 * errno says why. */
struct tls_signer *tls_signer_new(struct event_base *base, struct sign_use use,
    const struct secret *key, const struct secret *chain, tls_signer_fn *told,
    void *arg);
/* Nobody new is attached. The process serves those it has to their end, for
 * 30 s at most. */
void tls_signer_retire(struct tls_signer *t);
/* Ends the process at once. NULL allowed. */
void tls_signer_drop(struct tls_signer *t);

/* One end of a new channel to the signer, for the process (0: not known) of a
 * peer; the caller closes it. 0, or ERR_UNAVAILABLE. */
int tls_signer_attach(struct tls_signer *t, pid_t process, int *fd)
    __attribute__((warn_unused_result));
/* The chain that it was made with. */
struct slice tls_signer_chain(const struct tls_signer *t);
/* Once it is ready. */
const struct tls_signer_facts *tls_signer_facts(const struct tls_signer *t);
pid_t tls_signer_pid(const struct tls_signer *t);

#endif
