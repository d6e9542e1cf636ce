/*
 * A peer's side of a control channel, without the manners of common/chan: it
 * sends what a test says, right or wrong, and tells what comes back.
 *
 * Everything that a frontend or the control tool is told is searched for the
 * canaries of world.h.
 */
#ifndef TESTS_PEER_SPEAK_H
#define TESTS_PEER_SPEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/wire.h"

#define SPEAK_MAX (MSG_HEADER_LEN + MSG_PAYLOAD_MAX)
#define SPEAK_REQUESTS_MAX 10

/* One control channel, and by hand all that may be asked on it: not derived
 * from the message table, so that a mistake there is seen here. */
struct channel {
	const char *name;
	enum role server, self;
	enum msg_type requests[SPEAK_REQUESTS_MAX]; /* MSG_NONE ends */
};

enum channel_id {
	SECRETD_FRONTEND,
	SECRETD_AUTHD,
	SECRETD_EGRESS,
	SECRETD_CTL,
	AUTHD_FRONTEND,
	AUTHD_EGRESS,
	AUTHD_CTL,
	EGRESS_CTL,
	FRONTEND_CTL,
	SIGNER_FRONTEND,
	CHANNEL_COUNT
};
extern const struct channel channels[CHANNEL_COUNT];

/* Something received. */
struct heard {
	enum msg_type type;
	uint64_t id;
	int fd; /* -1, or the receiver's */
	size_t len;
	uint8_t payload[MSG_PAYLOAD_MAX];
};
enum hearing { HEARD, HEARD_END, HEARD_NOTHING };

/* A message of any kind. */
struct said {
	unsigned type;
	uint64_t id;
	const void *payload;
	size_t len;
	unsigned n_fds; /* that go with it */
};

/* Connected, nothing said yet. */
int speak_connect(const struct channel *c);
/* Connected, HELLO said and heard. */
int speak_open(const struct channel *c);
/* False when the daemon has closed already. */
bool speak(int fd, const struct said *what);
bool speak_raw(int fd, const void *bytes, size_t len, unsigned n_fds);
void speak_hello(int fd, uint32_t version);
enum hearing speak_hear(const struct channel *c, int fd, struct heard *out);
/* The channel must end without an answer to what was said. */
void speak_expect_end(const struct channel *c, int fd, const char *after);
/* One request with this payload on a fresh channel: true with its answer, or
 * false when the daemon closed the channel instead. */
bool speak_ask(const struct channel *c, enum msg_type type,
    const struct wire_writer *body, struct heard *out);
/* The daemon answers a good request, on this channel. */
void speak_expect_service(const struct channel *c, int fd);
/* The same on a fresh one. */
void speak_expect_fresh_service(const struct channel *c);

/* A good payload for a request. */
void speak_put(struct wire_writer *w, enum msg_type request);
/* Is it among the requests of that channel? */
bool speak_may_ask(const struct channel *c, unsigned type);
/* As authd: makes canaries of the keys that secretd derives for it. */
void speak_learn_session_keys(void);
/* Bytes searched for canaries so far. */
size_t speak_searched(void);

/* The structure of a TLS 1.3 CertificateVerify. */
#define HANDSHAKE_MAX 146
size_t speak_handshake(
    uint8_t dst[HANDSHAKE_MAX], const char *context, size_t hash_len);

#endif
