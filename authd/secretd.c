/* authd's side of secretd; see secretd.h. */
#include "authd/secretd.h"

#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>

#include "common/ca_set.h"
#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings.h"
#include "common/slot.h"

#include "authd/authd.h"
#include "authd/key_sessions.h"
#include "authd/keys.h"
#include "authd/oidc/oidc.h"
#include "authd/token.h"

#define ASK_INTERVAL_S 30
#define ASK_TIMEOUT_MS 5000

struct asked {
	struct authd *authd;
	void (*done)(void *arg); /* NULL: nobody waits */
	void *arg;
};

static void
take_keys(struct authd *a, int err, struct chan_in *reply)
{
	bool ready = keys_ready(a->keys), dropped = false;

	if (err == 0) {
		a->secretd_answered = true;
		err = keys_load(a->keys, &reply->body, &dropped);
	}
	if (err == ERR_NOT_FOUND)
		log_error("secretd has no usable signing key: %s",
		    ready ? "the last one stays in use" : "nobody can log in");
	else if (err != 0)
		log_warn("session keys: %s", err_text(err));
	if (!ready && keys_ready(a->keys))
		log_info("session keys are here: %zu", keys_count(a->keys));
	if (dropped)
		key_sessions_end_lost(a);
}

static void
session_keys_came(int err, struct chan_in *reply, void *arg)
{
	struct asked *asked = arg;

	take_keys(asked->authd, err, reply);
	if (asked->done != NULL)
		asked->done(asked->arg);
	free(asked);
}

void
secretd_ask_keys(struct authd *a, void (*done)(void *arg), void *arg)
{
	struct asked *asked = mem_new(sizeof *asked);

	*asked = (struct asked){ .authd = a, .done = done, .arg = arg };
	chan_request(a->secretd, MSG_SESSION_KEYS, NULL, -1, ASK_TIMEOUT_MS,
	    session_keys_came, asked);
}

static void
cluster_token_came(int err, struct chan_in *reply, void *arg)
{
	struct authd *a = arg;
	struct slice token;

	if (err != 0)
		return;
	(void)wire_get_u8(&reply->body); /* without a value there is none */
	token = wire_get_bytes(&reply->body, MSG_TOKEN_MAX);
	if (wire_end(&reply->body) == 0)
		token_verifier_set_cluster_token(a->verifier, token);
}

static void
ask_cluster_token(struct authd *a)
{
	uint8_t payload[2];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, SLOT_CLUSTER_TOKEN_NO);
	chan_request(a->secretd, MSG_SECRET, &w, -1, ASK_TIMEOUT_MS,
	    cluster_token_came, a);
}

static void
oidc_secret_came(int err, struct chan_in *reply, void *arg)
{
	struct authd *a = arg;
	struct slice secret;

	if (err != 0)
		return;
	(void)wire_get_u8(&reply->body); /* without a value there is none */
	secret = wire_get_bytes(&reply->body, MSG_SECRET_MAX);
	if (wire_end(&reply->body) == 0)
		oidc_set_secret(a->oidc, secret);
}

static void
ask_oidc_secret(struct authd *a)
{
	uint8_t payload[2];
	struct wire_writer w;

	if (a->oidc == NULL)
		return;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, SLOT_OIDC_SECRET_NO);
	chan_request(a->secretd, MSG_SECRET, &w, -1, ASK_TIMEOUT_MS,
	    oidc_secret_came, a);
}

static void
bundle_came(struct authd *a, unsigned number, int fd)
{
	char *pem;
	size_t n;
	int r = ca_pem_read(fd, &pem, &n);

	if (r != 0) {
		log_error("a CA bundle %s; nothing changes", ca_set_problem(r));
		return;
	}
	token_verifier_set_ca(a->verifier, number, (struct slice){ pem, n });
	if (a->oidc != NULL)
		oidc_set_ca(a->oidc, number, (struct slice){ pem, n });
	free(pem);
}

/* A bundle that is gone, or of no use, changes nothing; secretd has said so. */
static void
common_ca_came(int err, struct chan_in *reply, void *arg)
{
	if (err == 0 && reply->type == MSG_CA_RESULT)
		bundle_came(arg, CA_COMMON, reply->fd);
}

static void
api_server_ca_came(int err, struct chan_in *reply, void *arg)
{
	if (err == 0 && reply->type == MSG_CA_RESULT)
		bundle_came(arg, CA_API_SERVER, reply->fd);
}

static void
openid_ca_came(int err, struct chan_in *reply, void *arg)
{
	if (err == 0 && reply->type == MSG_CA_RESULT)
		bundle_came(arg, CA_OPENID, reply->fd);
}

static chan_reply_fn *
ca_taker(unsigned number)
{
	if (number == CA_COMMON)
		return common_ca_came;
	return number == CA_OPENID ? openid_ca_came : api_server_ca_came;
}

static void
ask_ca(struct authd *a, unsigned number)
{
	uint8_t payload[2];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, (uint16_t)number);
	chan_request(
	    a->secretd, MSG_CA, &w, -1, ASK_TIMEOUT_MS, ca_taker(number), a);
}

void
secretd_ask(struct authd *a)
{
	secretd_ask_keys(a, NULL, NULL);
	ask_cluster_token(a);
	ask_oidc_secret(a);
}

static void
assertion_key_changed(struct authd *a)
{
	if (a->oidc != NULL)
		oidc_key_changed(a->oidc);
}

/* secretd says that it has something new. */
static int
handle_changed(struct chan *ch, struct chan_in *in)
{
	unsigned what = wire_get_u8(&in->body);
	unsigned number = wire_get_u16(&in->body);

	if (wire_end(&in->body) != 0 || what >= CHANGED_COUNT)
		return ERR_FORMAT;
	if (what == CHANGED_KEYS)
		secretd_ask_keys(chan_ctx(ch), NULL, NULL);
	else if (what == CHANGED_SECRET && number == SLOT_CLUSTER_TOKEN_NO)
		ask_cluster_token(chan_ctx(ch));
	else if (what == CHANGED_SECRET && number == SLOT_OIDC_SECRET_NO)
		ask_oidc_secret(chan_ctx(ch));
	else if (what == CHANGED_IDENTITY && number == 0)
		assertion_key_changed(chan_ctx(ch));
	else if (what == CHANGED_CA &&
	    (number == CA_COMMON || number == CA_API_SERVER ||
		number == CA_OPENID))
		ask_ca(chan_ctx(ch), number);
	return 0;
}

static void
secretd_ready(struct chan *ch)
{
	struct authd *a = chan_ctx(ch);

	/* Before the keys: nobody is let in before these have come. */
	ask_ca(a, CA_COMMON);
	ask_ca(a, CA_API_SERVER);
	if (a->oidc != NULL)
		ask_ca(a, CA_OPENID);
	secretd_ask(a);
}

static void
ask_timer(evutil_socket_t fd, short what, void *arg)
{
	struct authd *a = arg;

	(void)fd;
	(void)what;
	if (chan_is_ready(a->secretd))
		secretd_ask(a);
}

static const struct chan_handler from_secretd[] = {
	{ MSG_CHANGED, CHAN_READY, handle_changed },
};

static const struct chan_peer secretd_peer = {
	.self = ROLE_AUTHD,
	.peer = ROLE_SECRETD,
	.handlers = from_secretd,
	.n_handlers = sizeof(from_secretd) / sizeof(from_secretd[0]),
	.ready = secretd_ready,
};

void
secretd_connect(struct authd *a, const char *path)
{
	struct timeval interval = { .tv_sec = ASK_INTERVAL_S };

	a->secretd = chan_connect(a->base, path, &secretd_peer, a);
	a->ask_secretd = event_new(a->base, -1, EV_PERSIST, ask_timer, a);
	if (a->ask_secretd == NULL || event_add(a->ask_secretd, &interval) != 0)
		log_fatal("no timer");
}
