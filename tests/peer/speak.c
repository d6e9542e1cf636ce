/* See speak.h. */
#include "tests/peer/speak.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <check.h>

#include "common/datagram.h"
#include "common/mem.h"
#include "common/slot.h"
#include "tests/peer/world.h"

#define FDS_MAX 8
#define WAIT_MS 4000
#define PAD_LEN 64
#define P256_SHA256 0x0403

/* clang-format off */
const struct channel channels[CHANNEL_COUNT] = {
	[SECRETD_FRONTEND] = { "frontend to secretd", ROLE_SECRETD,
	    ROLE_FRONTEND, { MSG_TICKET_KEYS, MSG_TLS_IDENTITY } },
	[SECRETD_AUTHD] = { "authd to secretd", ROLE_SECRETD, ROLE_AUTHD,
	    { MSG_SESSION_KEYS, MSG_SECRET, MSG_CA, MSG_ASSERTION_KEY } },
	[SECRETD_EGRESS] = { "egress to secretd", ROLE_SECRETD, ROLE_EGRESS,
	    { MSG_SECRET, MSG_CA, MSG_TLS_IDENTITY } },
	[SECRETD_CTL] = { "ctl to secretd", ROLE_SECRETD, ROLE_CTL,
	    { MSG_STATUS, MSG_KEYS, MSG_KEY_DROP } },
	[AUTHD_FRONTEND] = { "frontend to authd", ROLE_AUTHD, ROLE_FRONTEND,
	    { MSG_SCREEN_KEYS, MSG_SESSION, MSG_LOGIN_TOKEN, MSG_LOGOUT,
		MSG_LOGOUT_EVERYWHERE, MSG_OIDC_START,
		MSG_OIDC_CALLBACK, MSG_OIDC_BACKCHANNEL,
		MSG_OIDC_FRONTCHANNEL } },
	[AUTHD_EGRESS] = { "egress to authd", ROLE_AUTHD, ROLE_EGRESS,
	    { MSG_LEASE } },
	[AUTHD_CTL] = { "ctl to authd", ROLE_AUTHD, ROLE_CTL,
	    { MSG_STATUS, MSG_KEY_SESSIONS } },
	[EGRESS_CTL] = { "ctl to egress", ROLE_EGRESS, ROLE_CTL,
	    { MSG_STATUS } },
	[FRONTEND_CTL] = { "ctl to frontend", ROLE_FRONTEND, ROLE_CTL,
	    { MSG_STATUS } },
	[SIGNER_FRONTEND] = { "frontend to signer", ROLE_SIGNER,
	    ROLE_FRONTEND, { MSG_SIGN } },
};
/* clang-format on */

static uint8_t buffer[SPEAK_MAX + 1];
static size_t searched;

/* --- sending --- */

bool
speak_raw(int fd, const void *bytes, size_t len, unsigned n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[FDS_MAX];
	struct cmsghdr *c;

	if (n_fds > 0) {
		for (unsigned i = 0; i < FDS_MAX; i++)
			fds[i] = STDERR_FILENO;
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
		return true;
	ck_assert_msg(errno == EPIPE || errno == ECONNRESET, "sendmsg: %s",
	    strerror(errno));
	return false;
}

bool
speak(int fd, const struct said *what)
{
	struct wire_writer w;

	wire_writer_init(&w, buffer, sizeof(buffer));
	wire_put_u16(&w, MSG_MAGIC);
	wire_put_u16(&w, (uint16_t)what->type);
	wire_put_u64(&w, what->id);
	wire_put_raw(&w, what->payload, what->len);
	ck_assert_int_eq(wire_done(&w), 0);
	return speak_raw(fd, buffer, w.len, what->n_fds);
}

void
speak_hello(int fd, uint32_t version)
{
	uint8_t payload[16];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u32(&w, version);
	wire_put_text(&w, "peer");
	(void)speak(fd,
	    &(struct said){
		.type = MSG_HELLO, .payload = payload, .len = w.len });
}

/* --- hearing --- */

static void
search(const struct channel *c, const uint8_t *bytes, size_t len)
{
	const char *canary = world_canary_find(bytes, len);

	searched += len;
	ck_assert_msg(canary == NULL, "%s: was told %s", c->name, canary);
}

size_t
speak_searched(void)
{
	return searched;
}

enum hearing
speak_hear(const struct channel *c, int fd, struct heard *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct wire_reader r;
	long n;

	if (poll(&p, 1, WAIT_MS) != 1)
		return HEARD_NOTHING;
	n = datagram_receive(fd, buffer, sizeof(buffer), &out->fd);
	if (n <= 0)
		return HEARD_END;
	if (c->self == ROLE_FRONTEND || c->self == ROLE_CTL)
		search(c, buffer, (size_t)n);
	wire_reader_init(&r, buffer, (size_t)n);
	ck_assert_uint_eq(wire_get_u16(&r), MSG_MAGIC);
	out->type = (enum msg_type)wire_get_u16(&r);
	out->id = wire_get_u64(&r);
	ck_assert_int_eq(r.err, 0);
	out->len = r.left;
	memcpy(out->payload, r.p, r.left);
	ck_assert_msg(msg_check(out->type, out->len, out->fd >= 0, c->server,
			  c->self) == 0,
	    "%s: was told what the table forbids", c->name);
	return HEARD;
}

static struct heard heard;

void
speak_expect_end(const struct channel *c, int fd, const char *after)
{
	enum hearing h;

	while ((h = speak_hear(c, fd, &heard)) == HEARD)
		ck_assert_msg(heard.type == MSG_HELLO,
		    "%s: %s was answered with %s", c->name, after,
		    msg_name(heard.type));
	ck_assert_msg(
	    h == HEARD_END, "%s: still open after %s", c->name, after);
}

/* --- opening --- */

static int
connect_unix(const struct channel *c)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_lt(
	    snprintf(un.sun_path, sizeof(un.sun_path), "%s/%s.%s.sock",
		world.run_dir, role_name(c->server), role_name(c->self)),
	    (int)sizeof(un.sun_path));
	ck_assert_msg(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0,
	    "%s: %s", un.sun_path, strerror(errno));
	return fd;
}

/* secretd hands a channel to the signer out. */
static int
connect_signer(void)
{
	uint8_t payload[2];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	speak_put(&w, MSG_TLS_IDENTITY);
	ck_assert(speak_ask(
	    &channels[SECRETD_FRONTEND], MSG_TLS_IDENTITY, &w, &heard));
	ck_assert_int_eq(heard.type, MSG_TLS_IDENTITY_RESULT);
	ck_assert_int_ge(heard.fd, 0);
	return heard.fd;
}

int
speak_connect(const struct channel *c)
{
	int fd = c->server == ROLE_SIGNER ? connect_signer() : connect_unix(c);

	datagram_buffer(fd, SPEAK_MAX + 1);
	return fd;
}

int
speak_open(const struct channel *c)
{
	int fd = speak_connect(c);

	speak_hello(fd, MSG_PROTOCOL_VERSION);
	ck_assert_msg(speak_hear(c, fd, &heard) == HEARD &&
		heard.type == MSG_HELLO && heard.id == 0,
	    "%s: no HELLO", c->name);
	return fd;
}

/* --- asking --- */

size_t
speak_handshake(
    uint8_t dst[HANDSHAKE_MAX], const char *context, size_t hash_len)
{
	size_t len = strlen(context) + 1;

	ck_assert_uint_le(PAD_LEN + len + hash_len, HANDSHAKE_MAX);
	memset(dst, 0x20, PAD_LEN);
	memcpy(dst + PAD_LEN, context, len);
	memset(dst + PAD_LEN + len, 0x5a, hash_len);
	return PAD_LEN + len + hash_len;
}

void
speak_put(struct wire_writer *w, enum msg_type request)
{
	uint8_t structure[HANDSHAKE_MAX];
	size_t len;

	if (request == MSG_TLS_IDENTITY) {
		wire_put_u16(w, 0);
	} else if (request == MSG_SECRET) {
		wire_put_u16(w, SLOT_CLUSTER_TOKEN_NO);
	} else if (request == MSG_CA) {
		wire_put_u16(w, CA_COMMON);
	} else if (request == MSG_SESSION) {
		wire_put_text(w, "no-such-cookie");
		wire_put_text(w, "");
	} else if (request == MSG_LOGIN_TOKEN) {
		wire_put_text(w, "no-such-thing");
		wire_put_text(w, "192.0.2.1:4711");
	} else if (request == MSG_LOGOUT || request == MSG_LOGOUT_EVERYWHERE) {
		wire_put_text(w, "no-such-cookie");
		wire_put_text(w, "192.0.2.1:4711");
		wire_put_text(w, "https://k.example");
	} else if (request == MSG_OIDC_START) {
		wire_put_text(w, "https://k.example");
		wire_put_text(w, "/x");
		wire_put_text(w, "");
		wire_put_text(w, "192.0.2.1:4711");
		wire_put_text(w, "because");
	} else if (request == MSG_OIDC_CALLBACK) {
		wire_put_text(w, "https://k.example");
		wire_put_text(w, "code=x&state=y");
		wire_put_text(w, "no-such-cookie");
		wire_put_text(w, "");
		wire_put_text(w, "192.0.2.1:4711");
	} else if (request == MSG_OIDC_BACKCHANNEL) {
		wire_put_text(w, "no.such.token");
		wire_put_text(w, "192.0.2.1:4711");
	} else if (request == MSG_OIDC_FRONTCHANNEL) {
		wire_put_text(w, "https://idp.example");
		wire_put_text(w, "no-such-sid");
		wire_put_text(w, "no-such-cookie");
		wire_put_text(w, "192.0.2.1:4711");
	} else if (request == MSG_LEASE) {
		wire_put_u8(w, CREDENTIAL_COOKIE);
		wire_put_text(w, "no-such-cookie");
		wire_put_text(w, "console");
		wire_put_text(w, "192.0.2.1:4711");
	} else if (request == MSG_KEY_DROP) {
		wire_put_u8(w, KEY_RETIRE);
		wire_put_raw(w, "none", MSG_KEY_ID_LEN);
	} else if (request == MSG_KEY_SESSIONS) {
		wire_put_raw(w, "none", MSG_KEY_ID_LEN);
	} else if (request == MSG_SIGN) {
		len = speak_handshake(
		    structure, "TLS 1.3, server CertificateVerify", 32);
		wire_put_u16(w, P256_SHA256);
		wire_put_bytes(w, structure, len);
	}
	ck_assert_int_eq(wire_done(w), 0);
}

bool
speak_may_ask(const struct channel *c, unsigned type)
{
	for (size_t i = 0; i < SPEAK_REQUESTS_MAX; i++)
		if (type != MSG_NONE && c->requests[i] == type)
			return true;
	return false;
}

bool
speak_ask(const struct channel *c, enum msg_type type,
    const struct wire_writer *body, struct heard *out)
{
	int fd = speak_open(c);
	enum hearing h = HEARD_END;

	if (speak(fd,
		&(struct said){ .type = type,
		    .id = 7,
		    .payload = body->p,
		    .len = body->len }))
		h = speak_hear(c, fd, out);
	ck_assert_msg(
	    h != HEARD_NOTHING, "%s: no answer to %s", c->name, msg_name(type));
	ck_assert(
	    h != HEARD || (out->id == 7 && msg_is_answer(type, out->type)));
	(void)close(fd);
	return h == HEARD;
}

void
speak_expect_service(const struct channel *c, int fd)
{
	static uint64_t id = 1000;
	uint8_t payload[256];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	speak_put(&w, c->requests[0]);
	(void)speak(fd,
	    &(struct said){ .type = c->requests[0],
		.id = ++id,
		.payload = payload,
		.len = w.len });
	ck_assert_msg(speak_hear(c, fd, &heard) == HEARD && heard.id == id &&
		msg_is_answer(c->requests[0], heard.type),
	    "%s: a good request is not answered", c->name);
}

void
speak_expect_fresh_service(const struct channel *c)
{
	int fd = speak_open(c);

	speak_expect_service(c, fd);
	(void)close(fd);
}

void
speak_learn_session_keys(void)
{
	struct wire_writer nothing = { 0 };
	struct wire_reader r;
	uint8_t id[MSG_KEY_ID_LEN], key[32];
	unsigned n;

	ck_assert(speak_ask(
	    &channels[SECRETD_AUTHD], MSG_SESSION_KEYS, &nothing, &heard));
	ck_assert_int_eq(heard.type, MSG_SESSION_KEYS_RESULT);
	wire_reader_init(&r, heard.payload, heard.len);
	n = wire_get_u8(&r);
	ck_assert_uint_eq(n, 1);
	wire_get_raw(&r, id, sizeof(id));
	wire_get_raw(&r, key, sizeof(key));
	world_canary_add("the seal key", key, sizeof(key));
	wire_get_raw(&r, key, sizeof(key));
	world_canary_add("the screening key", key, sizeof(key));
	ck_assert_int_eq(wire_end(&r), 0);
}
