/*
 * For tests of requests to a provider as its client: a server in this process,
 * a stand-in for provider.c that has the metadata which the test gives it, and
 * requests whose ten seconds can be made shorter.
 */
#ifndef TESTS_UNIT_CLIENT_FIXTURE_H
#define TESTS_UNIT_CLIENT_FIXTURE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/resolve.h"
#include "common/settings.h"

#include "authd/fetch.h"
#include "authd/oidc/client_call.h"
#include "authd/oidc/metadata.h"
#include "authd/oidc/provider.h"
#include "authd/oidc/token_endpoint.h"

#include "tests/unit/tls_fixture.h"
#include "tests/unit/toy_server.h"
#include "tests/unit/unit.h"

static struct event_base *base;
static struct resolve *resolve;
static struct fetch_client *client;
static struct toy_server *server;
static struct metadata *metadata;
static struct token_endpoint *te;
static struct settings settings;
static unsigned n_needed;

/* A provider whose metadata is there, or not. */

struct need {
	provider_ready_fn *done;
	void *arg;
};

static void
tell_need(evutil_socket_t fd, short what, void *arg)
{
	struct need n = *(struct need *)arg;

	(void)fd;
	(void)what;
	free(arg);
	n.done(metadata != NULL ? 0 : ERR_UNAVAILABLE, n.arg);
}

void
provider_need(struct provider *p, provider_ready_fn *done, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct need *n = mem_new(sizeof(*n));

	(void)p;
	n_needed++;
	n->done = done;
	n->arg = arg;
	event_base_once(base, -1, EV_TIMEOUT, tell_need, n, &now);
}

const struct metadata *
provider_metadata(const struct provider *p)
{
	(void)p;
	return metadata;
}

/* Requests have their ten seconds; the tests do not. */

static uint32_t hurry_ms;
struct fetch *__real_fetch_start(struct fetch_client *c,
    const struct fetch_request *request, fetch_done_fn *done, void *arg);
struct fetch *__wrap_fetch_start(struct fetch_client *c,
    const struct fetch_request *request, fetch_done_fn *done, void *arg);

struct fetch *
__wrap_fetch_start(struct fetch_client *c, const struct fetch_request *request,
    fetch_done_fn *done, void *arg)
{
	struct fetch_request q = *request;

	ck_assert_uint_eq(q.timeout_ms, 10000);
	if (hurry_ms > 0)
		q.timeout_ms = hurry_ms;
	return __real_fetch_start(c, &q, done, arg);
}

/* The server */

static const char *status, *fields, *body;
static bool raw, silent;
static char *body_seen;

static bool
say(const char *head, const char *text, struct evbuffer *out, void *arg)
{
	(void)head;
	(void)arg;
	free(body_seen);
	body_seen = mem_strdup(text);
	if (silent)
		return false;
	if (raw)
		evbuffer_add(out, body, strlen(body));
	else
		toy_answer(out, status, fields, body);
	return true;
}

#define HEAD_HAS(text)                                                 \
	ck_assert_msg(strstr(toy_server_head(server), (text)) != NULL, \
	    "no \"%s\" in %s", (text), toy_server_head(server))
#define HEAD_LACKS(text) \
	ck_assert_ptr_null(strstr(toy_server_head(server), (text)))

/* %u: the server's port. NULL: without the endpoint. */
static void
set_metadata(const char *authorization, const char *pushed, const char *more)
{
	unsigned port = toy_server_port(server);
	struct metadata_problem why = { NULL, NULL };
	char *push = pushed == NULL
	    ? mem_strdup("")
	    : mem_printf("\"pushed_authorization_request_endpoint\":"
			 "\"http://127.0.0.1:%u%s\",",
		  port, pushed);
	char *text = mem_printf(
	    "{\"issuer\":\"http://127.0.0.1\",%s%s"
	    "\"authorization_endpoint\":\"%s\","
	    "\"token_endpoint\":\"http://127.0.0.1:%u/token?tenant=1\","
	    "\"userinfo_endpoint\":\"http://127.0.0.1:%u/me\","
	    "\"revocation_endpoint\":\"http://127.0.0.1:%u/revoke\","
	    "\"jwks_uri\":\"https://idp.test/jwks\","
	    "\"response_types_supported\":[\"code\"]}",
	    push, more, authorization, port, port, port);

	metadata_free(metadata);
	metadata = NULL;
	ck_assert_msg(metadata_parse(slice_of(text), "http://127.0.0.1",
			  &metadata, &why) == 0,
	    "%s %s", why.member, why.what);
	free(text);
	free(push);
}

static void
setup(void)
{
	static char id[] = "doorward", openid[] = "openid", mail[] = "a b";
	static char *scopes[] = { openid, mail };

	signal(SIGPIPE, SIG_IGN);
	json_strict_init();
	base = event_base_new();
	resolve = resolve_new_files(base, "/dev/null", "/dev/null");
	client = fetch_client_new(
	    base, resolve, &(struct fetch_options){ .plain = true });
	server = toy_server_new(base, NULL, say, NULL);
	settings = (struct settings){ .strategy = STRATEGY_OPENID };
	settings.openid.client_id = id;
	settings.openid.scopes = (struct conf_list){ scopes, 2 };
	te = token_endpoint_new(&settings, NULL, client, NULL);
	token_endpoint_set_secret(te, SLICE("geheim"));
	set_metadata("https://idp.test/auth", NULL, "");
	status = "200 OK";
	fields = "Content-Type: application/json\r\n";
	body = "{\"id_token\":\"a.b.c\",\"access_token\":\"A\","
	       "\"refresh_token\":\"R\",\"token_type\":\"Bearer\","
	       "\"expires_in\":300}";
}

static void
teardown(void)
{
	token_endpoint_free(te);
	fetch_client_free(client);
	/* The server's connections see that, and end. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	toy_server_free(server);
	metadata_free(metadata);
	resolve_free(resolve);
	event_base_free(base);
	free(body_seen);
	body_seen = NULL;
	metadata = NULL;
	raw = silent = false;
	hurry_ms = 0;
	n_needed = 0;
}

/* Calls, and what came of them */

static struct seen {
	unsigned n;
	enum token_fault fault;
	char tokens[64], detail[TOKEN_DETAIL_MAX];
	char location[MSG_LOCATION_MAX + 1];
	char subject[64];
	bool done;
} seen;

static void
begin(void)
{
	memset(&seen, 0, sizeof(seen));
}

/* Done is called once, and never from within the call. */
static void
wait_done(void)
{
	ck_assert_uint_eq(seen.n, 0);
	ck_assert(tls_fixture_run(base, &seen.done, 8000));
	ck_assert_uint_eq(seen.n, 1);
}

#endif
