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
/* authd waits 10 s for each answer of a provider: for its metadata, or none. */
#define START_TIMEOUT_MS 12000
/* For token endpoint, keys and userinfo, one after the other; people see their
 * browser wait, and a code cannot be used again. */
#define CALLBACK_TIMEOUT_MS 25000
/* The provider's keys may have to be fetched. */
#define BACKCHANNEL_TIMEOUT_MS 15000

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
authd_session(struct chan *ch, struct slice cookie, struct slice token,
    chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_COOKIE_MAX + MSG_TOKEN_MAX + 4];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, cookie);
	wire_put_slice(&w, token);
	return credential_request(
	    ch, MSG_SESSION, &w, SESSION_TIMEOUT_MS, done, arg);
}

uint64_t
authd_logout(
    struct chan *ch, const struct authd_end *q, chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_COOKIE_MAX + MSG_CLIENT_MAX + MSG_BASE_URL_MAX + 6];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, q->cookie);
	wire_put_text(&w, q->client);
	wire_put_text(&w, q->base_url);
	return credential_request(ch,
	    q->everywhere ? MSG_LOGOUT_EVERYWHERE : MSG_LOGOUT, &w,
	    LOGOUT_TIMEOUT_MS, done, arg);
}

uint64_t
authd_oidc_start(struct chan *ch, const struct authd_start *q,
    chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_BASE_URL_MAX + MSG_RETURN_MAX + MSG_LOGIN_COOKIE_MAX +
	    MSG_CLIENT_MAX + MSG_WHY_MAX + 10];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, q->base_url);
	wire_put_slice(&w, q->return_path);
	wire_put_slice(&w, q->login_cookie);
	wire_put_text(&w, q->client);
	wire_put_text(&w, q->why);
	return credential_request(
	    ch, MSG_OIDC_START, &w, START_TIMEOUT_MS, done, arg);
}

uint64_t
authd_oidc_callback(
    struct chan *ch, const struct authd_back *q, chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_BASE_URL_MAX + MSG_QUERY_MAX + MSG_LOGIN_COOKIE_MAX +
	    MSG_COOKIE_MAX + MSG_CLIENT_MAX + 10];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, q->base_url);
	wire_put_slice(&w, q->query);
	wire_put_slice(&w, q->login_cookie);
	wire_put_slice(&w, q->cookie);
	wire_put_text(&w, q->client);
	return credential_request(
	    ch, MSG_OIDC_CALLBACK, &w, CALLBACK_TIMEOUT_MS, done, arg);
}

uint64_t
authd_oidc_backchannel(struct chan *ch, struct slice logout_token,
    const char *client, chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_TOKEN_MAX + MSG_CLIENT_MAX + 4];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, logout_token);
	wire_put_text(&w, client);
	return credential_request(
	    ch, MSG_OIDC_BACKCHANNEL, &w, BACKCHANNEL_TIMEOUT_MS, done, arg);
}

uint64_t
authd_oidc_frontchannel(struct chan *ch, const struct authd_front *q,
    chan_reply_fn *done, void *arg)
{
	uint8_t buf[MSG_BASE_URL_MAX + MSG_SUBJECT_MAX + MSG_COOKIE_MAX +
	    MSG_CLIENT_MAX + 8];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_slice(&w, q->iss);
	wire_put_slice(&w, q->sid);
	wire_put_slice(&w, q->cookie);
	wire_put_text(&w, q->client);
	return credential_request(
	    ch, MSG_OIDC_FRONTCHANNEL, &w, LOGOUT_TIMEOUT_MS, done, arg);
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

void
authd_read_logout(
    struct authd_ended *a, bool everywhere, int err, struct chan_in *in)
{
	struct slice location;
	unsigned verdict;

	*a = (struct authd_ended){ .over = false };
	if (err != 0)
		return;
	verdict = wire_get_u8(&in->body);
	if (everywhere)
		(void)wire_get_u32(&in->body);
	location = wire_get_text(&in->body, MSG_LOGOUT_URL_MAX);
	if (wire_end(&in->body) != 0)
		return;
	a->over = verdict == VERDICT_ALLOW || verdict == VERDICT_NO_SESSION ||
	    verdict == VERDICT_UNAVAILABLE;
	a->location = location;
}

void
authd_read_oidc_start(struct authd_started *a, int err, struct chan_in *in)
{
	struct authd_started got = { 0 };
	unsigned code;

	*a = (struct authd_started){ .code = LOGIN_UNAVAILABLE };
	if (err != 0)
		return;
	code = wire_get_u8(&in->body);
	got.location = wire_get_text(&in->body, MSG_LOCATION_MAX);
	got.login_cookie = wire_get_text(&in->body, MSG_LOGIN_COOKIE_MAX);
	got.reason = wire_get_text(&in->body, MSG_REASON_MAX);
	got.reference = wire_get_text(&in->body, MSG_REFERENCE_MAX);
	if (wire_end(&in->body) != 0 || code >= LOGIN_CODE_COUNT)
		return;
	got.code = (enum login_code)code;
	if (got.code == LOGIN_OK &&
	    (got.location.len == 0 || got.login_cookie.len == 0))
		return;
	*a = got;
}

void
authd_read_oidc_callback(struct authd_returned *a, int err, struct chan_in *in)
{
	struct authd_returned got = { 0 };
	unsigned code;

	*a = (struct authd_returned){ .code = LOGIN_UNAVAILABLE };
	if (err != 0)
		return;
	code = wire_get_u8(&in->body);
	got.cookie = wire_get_text(&in->body, MSG_COOKIE_MAX);
	got.expires_s = (int64_t)wire_get_u64(&in->body);
	got.user = wire_get_text(&in->body, MSG_USER_MAX);
	got.return_path = wire_get_text(&in->body, MSG_RETURN_MAX);
	got.login_cookie = wire_get_text(&in->body, MSG_LOGIN_COOKIE_MAX);
	got.reason = wire_get_text(&in->body, MSG_REASON_MAX);
	got.reference = wire_get_text(&in->body, MSG_REFERENCE_MAX);
	got.rounds = wire_get_u8(&in->body);
	if (wire_end(&in->body) != 0 || code >= LOGIN_CODE_COUNT)
		return;
	got.code = (enum login_code)code;
	*a = got;
}

enum login_code
authd_read_oidc_backchannel(struct slice *reason, int err, struct chan_in *in)
{
	struct slice got;
	unsigned code;

	*reason = (struct slice){ NULL, 0 };
	if (err != 0)
		return LOGIN_UNAVAILABLE;
	code = wire_get_u8(&in->body);
	got = wire_get_text(&in->body, MSG_REASON_MAX);
	if (wire_end(&in->body) != 0)
		return LOGIN_UNAVAILABLE;
	*reason = got;
	if (code == LOGIN_OK || code == LOGIN_REJECTED)
		return (enum login_code)code;
	return LOGIN_UNAVAILABLE;
}

enum verdict
authd_read_oidc_frontchannel(int err, struct chan_in *in)
{
	unsigned verdict;

	if (err != 0)
		return VERDICT_UNAVAILABLE;
	verdict = wire_get_u8(&in->body);
	if (wire_end(&in->body) != 0 || verdict >= VERDICT_COUNT)
		return VERDICT_UNAVAILABLE;
	return (enum verdict)verdict;
}
