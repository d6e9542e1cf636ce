/*
 * One connection from a frontend, one exchange at a time:
 *
 *   IDLE --REQUEST--> LEASE --allowed--> CONNECT --connected--> RELAY
 *     ^                 |                  |                      |
 *     |               DENY               DENY                both ends
 *     +-----------------+------------------+----------------------+
 *
 *   From RELAY: a response that is over before the request body leads to DROP,
 *   where the frontend is expected to close. Whatever fails after the response
 *   head has gone out closes the connection, which the client sees.
 *
 * SECURITY: the frontend is not trusted. Every frame is checked again; what
 * breaks the protocol closes that connection and nothing else.
 */
#ifndef EGRESS_EXCHANGE_H
#define EGRESS_EXCHANGE_H

struct egress;

/* Takes an accepted frontend connection. */
void exchange_accept(struct egress *eg, int fd);

#endif
