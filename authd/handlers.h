/*
 * Which peer may ask authd what: the tables that the channels are made with.
 *
 * SECURITY: the frontend faces the network and is not believed. It may log in,
 * ask about a cookie, end a session and get screening keys; only egress is
 * given tokens, and only for a credential that it shows.
 */
#ifndef AUTHD_HANDLERS_H
#define AUTHD_HANDLERS_H

#include "common/role.h"

struct authd;
struct listen_set;
struct options;

/* A connected and identified peer; ctx is the struct authd. */
void authd_accepted(int fd, enum role peer, void *ctx);
/* Accepts on the inherited listeners frontend, egress and ctl. Fatal when one
 * of the first two is missing. */
void authd_listen(
    struct authd *a, const struct listen_set *set, const struct options *o);

#endif
