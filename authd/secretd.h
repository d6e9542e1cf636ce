/*
 * authd's side of secretd: the session keys, the own service-account token, the
 * provider's client secret, and the CAs of the API server and the provider;
 * asked for when the channel is ready and when secretd says that they are
 * others now; what are no CAs again every half minute as a safety net.
 */
#ifndef AUTHD_SECRETD_H
#define AUTHD_SECRETD_H

struct authd;

/* Connects, and keeps connecting, to secretd's socket. */
void secretd_connect(struct authd *a, const char *path);
/* Asks for all but the CAs now. Needs a->secretd. */
void secretd_ask(struct authd *a);

/* Asks for the session keys alone; done is called once, later, when they are in
 * use, or when no answer came. */
void secretd_ask_keys(struct authd *a, void (*done)(void *arg), void *arg);

#endif
