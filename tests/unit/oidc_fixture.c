/* See oidc_fixture.h. */
#include "tests/unit/oidc_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/json_strict.h"
#include "common/mem.h"
#include "common/resolve.h"

#include "authd/oidc/oidc.h"
#include "authd/oidc/state.h"

#define CLIENT "192.0.2.1:1234"

static char client_id[] = "doorward", username_claim[] = "email",
	    groups_claim[] = "groups", nothing[] = "";

static void
started(struct fixture *f)
{
	struct oidc_fixture *o = (struct oidc_fixture *)f;

	o->provider.base = f->base;
	if (f->settings.strategy != STRATEGY_OPENID)
		return;
	standin_up(&o->provider);
	o->resolve = resolve_new(f->base);
	f->authd->oidc = oidc_new(f->authd, o->resolve);
	oidc_set_secret(f->authd->oidc, SLICE("client-secret"));
}

static void
ending(struct fixture *f)
{
	struct oidc_fixture *o = (struct oidc_fixture *)f;

	oidc_free(f->authd->oidc);
	f->authd->oidc = NULL;
	resolve_free(o->resolve);
	o->resolve = NULL;
	standin_down(&o->provider);
}

static void
fill_settings(struct oidc_fixture *o)
{
	struct openid_settings *s = &o->f.settings.openid;

	o->f.settings.strategy = STRATEGY_OPENID;
	s->client_id = client_id;
	s->issuer = o->provider.issuer;
	s->disable_rbac = true;
	s->api_token_text = nothing;
	s->username_claim = username_claim;
	s->groups_claim = groups_claim;
	s->authentication_timeout_s = 300;
	s->authorization_endpoint = nothing;
	s->override.authorization_endpoint = nothing;
	s->override.token_endpoint = nothing;
	s->override.jwks_uri = nothing;
	s->override.userinfo_endpoint = nothing;
	s->override.end_session_endpoint = nothing;
	s->post_logout_redirect_uri = nothing;
	s->refresh_margin_s = 60;
	conf_list_add(&s->scopes, "openid");
	conf_list_add(&s->algs, "EdDSA");
	s->ports[s->n_ports++] = o->provider.port;
}

void
oidc_begin(struct oidc_fixture *o)
{
	json_strict_init();
	memset(o, 0, sizeof(*o));
	fixture_begin(&o->f);
	standin_begin(&o->provider, o->f.base);
	standin_down(&o->provider);
	fill_settings(o);
	o->f.started = started;
	o->f.ending = ending;
	fixture_restart(&o->f, true);
	fixture_connect_frontend(&o->f);
	fixture_connect_egress(&o->f);
}

void
oidc_end(struct oidc_fixture *o)
{
	struct openid_settings *s = &o->f.settings.openid;

	fixture_end(&o->f);
	standin_end(&o->provider);
	conf_list_done(&s->scopes);
	conf_list_done(&s->algs);
	conf_list_done(&s->allowed_domains);
	conf_list_done(&s->allow.users);
	conf_list_done(&s->allow.groups);
	conf_list_done(&s->allow.emails);
	conf_list_done(&s->allow.domains);
}

static void
get_text(struct answer *a, char *dst, size_t cap)
{
	ck_assert_int_eq(
	    slice_copy(wire_get_bytes(&a->body, cap - 1), dst, cap), 0);
}

/* --- the beginning --- */

void
send_start(struct oidc_fixture *o, const char *path, const char *cookie,
    struct answer *a)
{
	uint8_t buf[2300];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, OIDC_BASE_URL);
	wire_put_text(&w, path);
	wire_put_text(&w, cookie);
	wire_put_text(&w, CLIENT);
	wire_put_text(&w, "scheme: web_schema, host: web_fqdn, port: default");
	fixture_send(o->f.frontend, MSG_OIDC_START, &w, a);
}

void
read_start(struct answer *a, struct start_answer *s)
{
	ck_assert_int_eq(a->err, 0);
	ck_assert_int_eq(a->type, MSG_OIDC_START_RESULT);
	s->code = (enum login_code)wire_get_u8(&a->body);
	get_text(a, s->location, sizeof(s->location));
	get_text(a, s->cookie, sizeof(s->cookie));
	get_text(a, s->reason, sizeof(s->reason));
	get_text(a, s->reference, sizeof(s->reference));
	ck_assert_int_eq(wire_end(&a->body), 0);
}

void
ask_start(struct oidc_fixture *o, const char *path, const char *cookie,
    struct start_answer *s)
{
	struct answer a;

	send_start(o, path, cookie, &a);
	fixture_run_until(&o->f, &a.done);
	read_start(&a, s);
}

/* --- the end --- */

void
send_callback(
    struct oidc_fixture *o, const struct callback_question *q, struct answer *a)
{
	uint8_t buf[9100];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_text(&w, q->base_url != NULL ? q->base_url : OIDC_BASE_URL);
	wire_put_text(&w, q->query);
	wire_put_text(&w, q->cookie);
	wire_put_text(&w, q->session);
	wire_put_text(&w, CLIENT);
	fixture_send(o->f.frontend, MSG_OIDC_CALLBACK, &w, a);
}

void
read_callback(struct answer *a, struct callback_answer *c)
{
	ck_assert_int_eq(a->err, 0);
	ck_assert_int_eq(a->type, MSG_OIDC_CALLBACK_RESULT);
	c->code = (enum login_code)wire_get_u8(&a->body);
	get_text(a, c->session, sizeof(c->session));
	c->expires = (int64_t)wire_get_u64(&a->body);
	get_text(a, c->user, sizeof(c->user));
	get_text(a, c->path, sizeof(c->path));
	get_text(a, c->cookie, sizeof(c->cookie));
	get_text(a, c->reason, sizeof(c->reason));
	get_text(a, c->reference, sizeof(c->reference));
	c->rounds = wire_get_u8(&a->body);
	ck_assert_int_eq(wire_end(&a->body), 0);
}

void
ask_callback(struct oidc_fixture *o, const struct callback_question *q,
    struct callback_answer *c)
{
	struct answer a;

	send_callback(o, q, &a);
	fixture_run_until(&o->f, &a.done);
	read_callback(&a, c);
}

/* --- both --- */

void
oidc_visit(struct oidc_fixture *o, const char *path, const char *cookie,
    struct oidc_visit *v)
{
	char state[STATE_MAX + 1], code[24];
	struct start_answer s;

	ask_start(o, path, cookie, &s);
	ck_assert_msg(s.code == LOGIN_OK, "%s", s.reason);
	ck_assert(standin_authorize(
	    &o->provider, s.location, state, sizeof(state), code));
	memcpy(v->cookie, s.cookie, sizeof(v->cookie));
	(void)snprintf(
	    v->query, sizeof(v->query), "code=%s&state=%s", code, state);
}

void
oidc_login(
    struct oidc_fixture *o, const char *session, struct callback_answer *c)
{
	struct oidc_visit v;
	struct callback_question q = {
		.query = v.query, .cookie = v.cookie, .session = session
	};

	oidc_visit(o, "", "", &v);
	ask_callback(o, &q, c);
}

void
oidc_come_back(struct oidc_fixture *o, const struct oidc_visit *v,
    struct callback_answer *c)
{
	struct callback_question q = { .query = v->query, .cookie = v->cookie };

	ask_callback(o, &q, c);
}

void
oidc_check_refused(struct oidc_fixture *o, const struct callback_answer *c,
    enum login_code code)
{
	ck_assert_msg(c->code == code, "%d: %s", (int)c->code, c->reason);
	ck_assert_str_eq(c->session, "");
	ck_assert_str_eq(c->user, "");
	ck_assert_uint_gt(strlen(c->reason), 5);
	ck_assert_uint_eq(strlen(c->reference), 10);
	ck_assert_uint_eq(o->f.authd->oidc->n_attempts, 0);
}

void
oidc_check_good(struct oidc_fixture *o, const struct callback_answer *c)
{
	ck_assert_msg(c->code == LOGIN_OK, "%s", c->reason);
	ck_assert_uint_eq(strlen(c->session), TICKET_LEN);
	ck_assert_str_eq(c->user, "alice@example.com");
	ck_assert_str_eq(c->reason, "");
	ck_assert_str_eq(c->reference, "");
	ck_assert_uint_eq(o->f.authd->oidc->n_attempts, 0);
}
