/*
 * The signer: a child of secretd that holds one private key and signs with it
 * what the key is for, handshakes or client assertions, for those whose
 * channels secretd hands to it.
 */
#ifndef SECRETD_SIGNER_H
#define SECRETD_SIGNER_H

#include <stdbool.h>

/* Life of the child, right after fork: leaves everything of the parent's
 * behind but fd (the channel to secretd) and the log, confines itself, serves.
 * Once that channel is closed it serves those it has until they are gone, and
 * 30 s at most; when secretd dies it dies too. */
void signer_run(int fd, bool tls12_allowed) __attribute__((noreturn));

#endif
