#include "frontend/authd.h"

#include "common/err.h"
#include "common/secret.h"
#include "common/wire.h"

/* authd calls a cluster unreachable after 8 s; people are told within 10. */
#define LOGIN_TIMEOUT_MS 9000
/* Kiali's UI shows nothing at all before it knows who is there. */
#define SESSION_TIMEOUT_MS 5000
#define LOGOUT_TIMEOUT_MS 5000 /* authd waits 2 s for every egress */
#define KEYS_TIMEOUT_MS 2000

struct chan *
authd_connect(struct event_base *base, const char *path,
    void (*ready)(struct chan *ch), void *ctx)
{
	static struct chan_peer peer = { .self = ROLE_FRONTEND,
		.peer = ROLE_AUTHD };

	peer.ready = ready;
	return chan_connect(base, path, &peer, ctx);
}

/* Sends what is in w, a token or cookie among it, and wipes it. */
static uint64_t
credential_request(struct chan *ch, enum msg_type type, struct wire_writer *w,
    uint32_t timeout_ms, chan_reply_fn *done, void *arg)
{
	uint64_t id = chan_request(ch, type, w, -1, timeout_ms, done, arg);

	secret_wipe(w->p, w->len);
	return id;
}

uint64_t
authd_login_token(struct chan *ch, struct slice token, const char *client,
    chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_TOKEN_MAX + MSG_CLIENT_MAX + 4];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, token);
	wire_put_text(&w, client);
	return credential_request(
	    ch, MSG_LOGIN_TOKEN, &w, LOGIN_TIMEOUT_MS, done, arg);
}

uint64_t
authd_session(
    struct chan *ch, struct slice cookie, chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_COOKIE_MAX + 2];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, cookie);
	return credential_request(
	    ch, MSG_SESSION, &w, SESSION_TIMEOUT_MS, done, arg);
}

uint64_t
authd_logout(struct chan *ch, struct slice cookie, const char *client,
    chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_COOKIE_MAX + MSG_CLIENT_MAX + 6];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, cookie);
	wire_put_text(&w, client);
	wire_put_text(&w, "");
	return credential_request(
	    ch, MSG_LOGOUT, &w, LOGOUT_TIMEOUT_MS, done, arg);
}

uint64_t
authd_screen_keys(struct chan *ch, chan_reply_fn *done, void *arg)
{
	return chan_request(
	    ch, MSG_SCREEN_KEYS, NULL, -1, KEYS_TIMEOUT_MS, done, arg);
}

void
authd_read_login(struct authd_login *a, int err, struct chan_in *in)
{
	struct authd_login got = { 0 };
	unsigned code;

	*a = (struct authd_login){ .code = LOGIN_UNAVAILABLE };
	if (err != 0)
		return;
	code = wire_get_u8(&in->body);
	got.cookie = wire_get_text(&in->body, MSG_COOKIE_MAX);
	got.expires_s = (int64_t)wire_get_u64(&in->body);
	got.user = wire_get_text(&in->body, MSG_USER_MAX);
	got.reason = wire_get_text(&in->body, MSG_REASON_MAX);
	if (wire_end(&in->body) != 0 || code >= LOGIN_CODE_COUNT)
		return;
	got.code = (enum login_code)code;
	if (got.code == LOGIN_OK && got.cookie.len == 0)
		return;
	*a = got;
}

void
authd_read_session(struct authd_session *a, int err, struct chan_in *in)
{
	struct authd_session got = { 0 };
	unsigned verdict;

	*a = (struct authd_session){ .verdict = VERDICT_UNAVAILABLE };
	if (err != 0)
		return;
	verdict = wire_get_u8(&in->body);
	got.user = wire_get_text(&in->body, MSG_USER_MAX);
	got.expires_s = (int64_t)wire_get_u64(&in->body);
	if (wire_end(&in->body) != 0 || verdict >= VERDICT_COUNT)
		return;
	got.verdict = (enum verdict)verdict;
	*a = got;
}

bool
authd_read_logout(int err, struct chan_in *in)
{
	unsigned verdict;

	if (err != 0)
		return false;
	verdict = wire_get_u8(&in->body);
	(void)wire_get_text(&in->body, MSG_LOGOUT_URL_MAX);
	return wire_end(&in->body) == 0 &&
	    (verdict == VERDICT_ALLOW || verdict == VERDICT_NO_SESSION ||
		verdict == VERDICT_UNAVAILABLE);
}
