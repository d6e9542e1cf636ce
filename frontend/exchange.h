/*
 * One proxied request: frames to egress, its answer back to the client, both
 * bodies streamed. Neither side is read faster than the other one takes, so
 * memory stays flat whatever the bodies' sizes.
 */
#ifndef FRONTEND_EXCHANGE_H
#define FRONTEND_EXCHANGE_H

struct client;
struct exchange;

/* Begins with c->req; sets c->exchange. May free the client. */
void exchange_start(struct client *c);
/* Cancels what is under way. NULL allowed. */
void exchange_free(struct exchange *e);
/* From the client's connection; may free the client. */
void exchange_client_readable(struct exchange *e);
void exchange_client_drained(struct exchange *e);

#endif
