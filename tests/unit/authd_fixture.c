/* authd in one process for tests; see authd_fixture.h. */
#include "tests/unit/authd_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>
#include <event2/event.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/mem.h"

#include "authd/handlers.h"
#include "authd/key_sessions.h"

#define PENDING_CHECKS_MAX 128

/* --- clocks (linked with --wrap) --- */

int64_t clock_ahead_s;

int64_t __real_clock_unix_s(void);
int64_t __wrap_clock_unix_s(void);
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);

int64_t
__wrap_clock_unix_s(void)
{
	return __real_clock_unix_s() + clock_ahead_s;
}

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + clock_ahead_s * 1000;
}

/* --- the verifier --- */

struct fake_verifier fake;

struct token_check {
	struct event *timer;
	struct token_result result;
	token_checked_fn *done;
	void *arg;
};
static struct event_base *fake_base;
static struct token_check *held[PENDING_CHECKS_MAX];
static size_t n_held;

static void
decide(struct slice token, struct token_result *r)
{
	struct slice name = token;

	(void)slice_cut(&name, '-');
	r->code = LOGIN_REJECTED;
	if (fake.cluster_down || slice_starts(token, "down"))
		r->code = LOGIN_UNAVAILABLE;
	else if (fake.cluster_bad)
		r->code = LOGIN_REJECTED;
	else if (slice_starts(token, "good-") || slice_starts(token, "short-"))
		r->code = LOGIN_OK;
	else if (slice_starts(token, "over"))
		r->code = LOGIN_EXPIRED;
	else if (slice_starts(token, "none"))
		r->code = LOGIN_NO_NAMESPACE;
	if (r->code != LOGIN_OK) {
		(void)snprintf(r->reason, sizeof r->reason, "because");
		return;
	}
	if (slice_starts(token, "short-"))
		r->expires = clock_unix_s() + 100;
	ck_assert_int_eq(slice_copy(name, r->who.user, sizeof r->who.user), 0);
	ck_assert_int_eq(slice_copy(name, r->who.name, sizeof r->who.name), 0);
}

static void
check_answer(evutil_socket_t fd, short what, void *arg)
{
	struct token_check *c = arg;

	(void)fd;
	(void)what;
	if (fake.hold) {
		ck_assert_uint_lt(n_held, PENDING_CHECKS_MAX);
		held[n_held++] = c;
		return;
	}
	c->done(&c->result, c->arg);
	event_free(c->timer);
	free(c);
}

struct token_check *
token_check_start(struct token_verifier *v, struct slice token,
    token_checked_fn *done, void *arg)
{
	struct token_check *c = mem_new(sizeof *c);
	struct timeval now = { 0, 0 };

	(void)v;
	fake.started++;
	c->done = done;
	c->arg = arg;
	decide(token, &c->result);
	c->timer = evtimer_new(fake_base, check_answer, c);
	evtimer_add(c->timer, &now);
	return c;
}

void
token_check_cancel(struct token_check *c)
{
	event_free(c->timer);
	free(c);
}

void
token_verifier_set_cluster_token(struct token_verifier *v, struct slice token)
{
	(void)v;
	(void)token;
}

void
token_verifier_set_ca(
    struct token_verifier *v, unsigned number, struct slice pem)
{
	(void)v;
	(void)number;
	(void)pem;
}

void
fake_release(void)
{
	fake.hold = false;
	while (n_held > 0)
		check_answer(-1, 0, held[--n_held]);
}

/* --- authd --- */

void
fixture_key(struct session_key *key, uint8_t first)
{
	memset(key, first, sizeof *key);
	memset(key->id, first ^ 0x55, sizeof key->id);
}

void
fixture_load_keys(struct fixture *f, size_t n, const uint8_t *firsts)
{
	uint8_t buf[1100];
	struct wire_writer w;
	struct wire_reader r;
	bool dropped = false;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_u8(&w, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		struct session_key key;
		fixture_key(&key, firsts[i]);
		wire_put_raw(&w, key.id, sizeof key.id);
		wire_put_raw(&w, key.seal, sizeof key.seal);
		wire_put_raw(&w, key.screening, sizeof key.screening);
	}
	wire_reader_init(&r, buf, w.len);
	ck_assert_int_eq(keys_load(f->authd->keys, &r, &dropped), 0);
	if (dropped)
		key_sessions_end_lost(f->authd);
}

static void
authd_start(struct fixture *f, bool with_keys)
{
	static const uint8_t first = 1;

	f->base = fake_base = daemon_base();
	f->authd = authd_new(f->base, &f->settings, NULL, f->dir);
	if (with_keys)
		fixture_load_keys(f, 1, &first);
	if (f->started != NULL)
		f->started(f);
}

static void
authd_stop(struct fixture *f)
{
	fixture_lose(f, &f->frontend);
	fixture_lose(f, &f->egress);
	fixture_lose(f, &f->ctl);
	if (f->ending != NULL)
		f->ending(f);
	authd_free(f->authd);
	event_base_free(f->base);
}

void
fixture_begin(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	memset(&fake, 0, sizeof fake);
	n_held = 0;
	clock_ahead_s = 0;
	(void)snprintf(f->dir, sizeof f->dir, "authd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	f->settings.strategy = STRATEGY_TOKEN;
	f->settings.recheck_s = 10;
	f->settings.expiration_s = 86400;
	f->settings.jwks_file = mem_strdup("");
	f->egress_acks = true;
	authd_start(f, true);
}

void
fixture_restart(struct fixture *f, bool with_keys)
{
	authd_stop(f);
	authd_start(f, with_keys);
}

void
fixture_end(struct fixture *f)
{
	static const char *const names[] = { "sessions.db", "sessions.db-wal",
		"sessions.db.damaged" };
	char path[128];

	authd_stop(f);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(f->dir), 0);
	free(f->settings.jwks_file);
}

/* --- the loop --- */

void
fixture_run_until(struct fixture *f, const bool *done)
{
	int64_t end = __real_clock_mono_ms() + 5000;

	while (!*done && __real_clock_mono_ms() < end) {
		fixture_run_ms(f, 5);
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	ck_assert(*done);
}

void
fixture_run_ms(struct fixture *f, unsigned ms)
{
	struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	(void)event_base_loopexit(f->base, &tv);
	(void)event_base_dispatch(f->base);
}

/* --- peers --- */

static int
take_revoke(struct chan *ch, struct chan_in *in)
{
	struct fixture *f = chan_ctx(ch);
	uint64_t sequence = wire_get_u64(&in->body);
	uint8_t buf[8];
	struct wire_writer w;

	f->revoke_kind = wire_get_u8(&in->body);
	wire_get_raw(&in->body, f->revoked, sizeof f->revoked);
	if (wire_end(&in->body) != 0)
		return ERR_PROTOCOL;
	f->revokes++;
	if (!f->egress_acks)
		return 0;
	wire_writer_init(&w, buf, sizeof buf);
	wire_put_u64(&w, sequence);
	return chan_reply(ch, in->id, MSG_REVOKE_ACK, &w, -1);
}

static void
mark_ready(struct chan *ch)
{
	bool *ready = chan_user(ch);

	*ready = true;
}

static void
mark_closed(struct chan *ch)
{
	struct fixture *f = chan_ctx(ch);

	if (f->frontend == ch)
		f->frontend = NULL;
	if (f->egress == ch)
		f->egress = NULL;
}

static const struct chan_handler egress_rows[] = {
	{ MSG_REVOKE, CHAN_READY, take_revoke },
};
static const struct chan_peer as_frontend = { .self = ROLE_FRONTEND,
	.peer = ROLE_AUTHD,
	.ready = mark_ready,
	.closed = mark_closed };
static const struct chan_peer as_egress = { .self = ROLE_EGRESS,
	.peer = ROLE_AUTHD,
	.handlers = egress_rows,
	.n_handlers = 1,
	.ready = mark_ready,
	.closed = mark_closed };
static const struct chan_peer as_ctl = { .self = ROLE_CTL,
	.peer = ROLE_AUTHD,
	.ready = mark_ready,
	.closed = mark_closed };

static struct chan *
peer_connect(struct fixture *f, enum role role, const struct chan_peer *peer)
{
	bool ready = false;
	struct chan *ch;
	int fd[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	authd_accepted(fd[0], role, f->authd);
	ch = chan_accepted(f->base, fd[1], peer, f);
	chan_set_user(ch, &ready);
	fixture_run_until(f, &ready);
	fixture_run_ms(f, 5); /* authd has the other HELLO too */
	return ch;
}

void
fixture_connect_frontend(struct fixture *f)
{
	f->frontend = peer_connect(f, ROLE_FRONTEND, &as_frontend);
}

void
fixture_connect_egress(struct fixture *f)
{
	f->egress = peer_connect(f, ROLE_EGRESS, &as_egress);
}

void
fixture_connect_ctl(struct fixture *f)
{
	f->ctl = peer_connect(f, ROLE_CTL, &as_ctl);
}

void
fixture_lose(struct fixture *f, struct chan **ch)
{
	if (*ch == NULL)
		return;
	chan_free(*ch);
	*ch = NULL;
	fixture_run_ms(f, 20);
}

/* --- requests --- */

static void
take_answer(int err, struct chan_in *in, void *arg)
{
	struct answer *a = arg;

	a->done = true;
	a->err = err;
	if (err != 0)
		return;
	a->type = in->type;
	a->len = in->body.left;
	memcpy(a->bytes, in->body.p, a->len);
	wire_reader_init(&a->body, a->bytes, a->len);
}

void
fixture_send(struct chan *ch, enum msg_type type, const struct wire_writer *w,
    struct answer *a)
{
	memset(a, 0, sizeof *a);
	chan_request(ch, type, w, -1, 10000, take_answer, a);
}

void
fixture_ask(struct fixture *f, struct chan *ch, enum msg_type type,
    const struct wire_writer *w, struct answer *a)
{
	fixture_send(ch, type, w, a);
	fixture_run_until(f, &a->done);
	ck_assert_int_eq(a->err, 0);
}

static void
get_text(struct answer *a, char *dst, size_t cap)
{
	ck_assert_int_eq(
	    slice_copy(wire_get_bytes(&a->body, cap - 1), dst, cap), 0);
}

void
send_login(
    struct fixture *f, const char *token, const char *client, struct answer *a)
{
	uint8_t buf[1000];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, token);
	wire_put_text(&w, client);
	fixture_send(f->frontend, MSG_LOGIN_TOKEN, &w, a);
}

void
read_login(struct answer *a, struct login_answer *l)
{
	ck_assert_int_eq(a->err, 0);
	ck_assert_int_eq(a->type, MSG_LOGIN_RESULT);
	l->code = (enum login_code)wire_get_u8(&a->body);
	get_text(a, l->cookie, sizeof l->cookie);
	l->expires = (int64_t)wire_get_u64(&a->body);
	get_text(a, l->user, sizeof l->user);
	get_text(a, l->reason, sizeof l->reason);
	ck_assert_int_eq(wire_end(&a->body), 0);
}

void
ask_login(struct fixture *f, const char *token, struct login_answer *l)
{
	struct answer a;

	send_login(f, token, "192.0.2.1:1234", &a);
	fixture_run_until(f, &a.done);
	read_login(&a, l);
}

enum verdict
ask_logout(struct fixture *f, const char *cookie)
{
	uint8_t buf[300];
	struct wire_writer w;
	struct answer a;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, cookie);
	wire_put_text(&w, "192.0.2.1:1234");
	wire_put_text(&w, "https://k.example");
	fixture_ask(f, f->frontend, MSG_LOGOUT, &w, &a);
	ck_assert_int_eq(a.type, MSG_LOGOUT_RESULT);
	return (enum verdict)wire_get_u8(&a.body);
}

enum verdict
ask_session_with(struct fixture *f, const char *cookie, const char *token)
{
	uint8_t buf[300];
	struct wire_writer w;
	struct answer a;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_text(&w, cookie);
	wire_put_text(&w, token);
	fixture_ask(f, f->frontend, MSG_SESSION, &w, &a);
	ck_assert_int_eq(a.type, MSG_SESSION_RESULT);
	return (enum verdict)wire_get_u8(&a.body);
}

enum verdict
ask_session(struct fixture *f, const char *cookie)
{
	return ask_session_with(f, cookie, "");
}

void
send_lease(struct fixture *f, enum credential kind, const char *value,
    struct answer *a)
{
	uint8_t buf[1000];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	wire_put_u8(&w, (uint8_t)kind);
	wire_put_text(&w, value);
	wire_put_text(&w, f->route != NULL ? f->route : SETTINGS_ROUTE_CONSOLE);
	wire_put_text(&w, "192.0.2.1:1234");
	fixture_send(f->egress, MSG_LEASE, &w, a);
}

void
read_lease(struct answer *a, struct lease_answer *l)
{
	ck_assert_int_eq(a->err, 0);
	ck_assert_int_eq(a->type, MSG_LEASE_RESULT);
	l->verdict = (enum verdict)wire_get_u8(&a->body);
	get_text(a, l->user, sizeof l->user);
	get_text(a, l->token, sizeof l->token);
	l->lease_ms = wire_get_u32(&a->body);
	l->end = (int64_t)wire_get_u64(&a->body);
	wire_get_raw(&a->body, l->handle, sizeof l->handle);
	wire_get_raw(&a->body, l->key_id, sizeof l->key_id);
	ck_assert_int_eq(wire_end(&a->body), 0);
}

enum verdict
ask_lease(struct fixture *f, enum credential kind, const char *value,
    struct lease_answer *l)
{
	struct lease_answer ignored;
	struct answer a;

	send_lease(f, kind, value, &a);
	fixture_run_until(f, &a.done);
	read_lease(&a, l != NULL ? l : &ignored);
	return l != NULL ? l->verdict : ignored.verdict;
}
