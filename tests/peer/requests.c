/*
 * What egress does with requests of a taken-over frontend: nothing goes to a
 * protected route without a session that authd knows, nothing to another host,
 * and no credential but the session's own.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/peer/login.h"
#include "tests/peer/stream.h"
#include "tests/peer/suites.h"
#include "tests/peer/token.h"
#include "tests/peer/upstream.h"
#include "tests/peer/world.h"
#include "tests/unit/unit.h"

/* Session values that are made when the tests run, by these names. */
#define GOOD "@good"
#define FORGED "@forged"
#define CHANGED "@changed"
#define HANDLE "@handle"
#define TOO_LONG "@too-long"
#define ANOTHER "@another" /* of somebody whom the route does not list */

enum outcome { ENDED, DENIED, FORWARDED };

struct request {
	const char *name;
	const char *path, *query, *host, *session, *bearer, *client, *id;
	const char *field, *value;
	enum http_method method;
	enum outcome outcome;
	enum deny why;
};

/* clang-format off */
#define DENY(deny) .outcome = DENIED, .why = DENY_##deny
#define NOT_FORWARDED .outcome = ENDED
static const struct request requests[] = {
	/* what works, so that the rest is refused for its own reason */
	{ "public", .path = PUBLIC_PATH, .outcome = FORWARDED },
	{ "with a session", .session = GOOD, .outcome = FORWARDED },
	{ "with a query", .path = PUBLIC_PATH, .query = "a=b", .outcome = FORWARDED },
	{ "harmless field", .session = GOOD, .field = "Accept", .value = "*/*",
	  .outcome = FORWARDED },

	/* no session */
	{ "without a session", DENY(NO_SESSION) },
	{ "encoded path", .path = "/%61pi/namespaces", DENY(NO_SESSION) },
	{ "all encoded", .path = "/%61%70%69/namespaces", DENY(NO_SESSION) },
	{ "other case", .path = "/API/namespaces", DENY(NO_SESSION) },
	{ "longer name", .path = "/apix", DENY(NO_SESSION) },
	{ "parameters", .path = "/api;x/namespaces", DENY(NO_SESSION) },
	{ "profiler", .path = "/debug/pprof/heap", DENY(NO_SESSION) },
	{ "invented session", .session = "c2Vzc2lvbg", DENY(NO_SESSION) },
	{ "well-screened session", .session = FORGED, DENY(NO_SESSION) },
	{ "session with one character changed", .session = CHANGED, DENY(NO_SESSION) },
	{ "another session's handle", .session = HANDLE, DENY(NO_SESSION) },
	{ "invented session and good bearer", .session = FORGED, .bearer = GOOD,
	  DENY(NO_SESSION) },
	{ "invented bearer", .bearer = "invented", DENY(REJECTED) },
	{ "JWT without signature", .bearer = "eyJhbGciOiJub25lIn0.e30.", DENY(REJECTED) },
	{ "a session as bearer", .bearer = HANDLE, DENY(REJECTED) },
	{ "session that is no word", .session = "a b", NOT_FORWARDED },
	{ "session with a line end", .session = "a\r\nX: y", NOT_FORWARDED },
	{ "session too long", .session = TOO_LONG, NOT_FORWARDED },
	{ "bearer with a line end", .bearer = "a\r\nX: y", NOT_FORWARDED },
	{ "bearer with a blank", .bearer = "a b", NOT_FORWARDED },

	/* Doorward's own paths, and those of no route */
	{ "own: login page", .path = "/_doorward/login", DENY(NO_ROUTE) },
	{ "own: health", .path = "/healthz", DENY(NO_ROUTE) },
	{ "own: authenticate", .path = "/api/authenticate", .session = GOOD, DENY(NO_ROUTE) },
	{ "own: encoded", .path = "/%61pi/authenticate", .session = GOOD, DENY(NO_ROUTE) },
	{ "other strategies", .path = "/api/auth/openid_redirect", .session = GOOD,
	  DENY(NO_ROUTE) },

	/* services: who is listed, on the listed paths, with the listed methods */
	{ "service", .path = "/metrics/read/x", .session = GOOD, .outcome = FORWARDED },
	{ "service, HEAD", .path = "/metrics/read/x", .session = GOOD, .method = HTTP_HEAD,
	  .outcome = FORWARDED },
	{ "service, by a token", .path = "/metrics/read/x", .bearer = GOOD, .outcome = FORWARDED },
	{ "service without a session", .path = "/metrics/read/x", DENY(NO_SESSION) },
	{ "service, invented session", .path = "/metrics/read/x", .session = FORGED,
	  DENY(NO_SESSION) },
	{ "service, changed session", .path = "/metrics/read/x", .session = CHANGED,
	  DENY(NO_SESSION) },
	{ "service, invented bearer", .path = "/metrics/read/x", .bearer = "invented",
	  DENY(REJECTED) },
	{ "service, somebody else", .path = "/metrics/read/x", .session = ANOTHER,
	  DENY(FORBIDDEN) },
	{ "service, somebody else's token", .path = "/metrics/read/x", .bearer = ANOTHER,
	  DENY(FORBIDDEN) },
	{ "service, other path", .path = "/metrics/write", .session = GOOD, DENY(NO_ROUTE) },
	{ "service, whole", .path = "/metrics/", .session = GOOD, DENY(NO_ROUTE) },
	{ "service, no slash", .path = "/metrics", .session = GOOD, DENY(NO_ROUTE) },
	{ "service, encoded", .path = "/%6detrics/read/x", .session = GOOD, DENY(NO_ROUTE) },
	{ "service, path encoded", .path = "/metrics/%72ead/x", .session = GOOD, DENY(NO_ROUTE) },
	{ "service, method", .path = "/metrics/read/x", .session = GOOD, .method = HTTP_DELETE,
	  DENY(METHOD) },
	{ "service, method and path", .path = "/metrics/write", .session = GOOD,
	  .method = HTTP_POST, DENY(NO_ROUTE) },
	{ "service, dots", .path = "/metrics/read/../write", .session = GOOD, NOT_FORWARDED },

	/* paths that mean another thing to the next reader */
	{ "dot segments", .path = "/static/../api/namespaces", NOT_FORWARDED },
	{ "dot segment", .path = "/./api/namespaces", NOT_FORWARDED },
	{ "encoded dots", .path = "/static/%2e%2E/api/namespaces", NOT_FORWARDED },
	{ "half-encoded dots", .path = "/static/.%2e/api", NOT_FORWARDED },
	{ "dots with parameters", .path = "/static/..;x/api", NOT_FORWARDED },
	{ "encoded slash", .path = "/static%2f..%2fapi", NOT_FORWARDED },
	{ "encoded backslash", .path = "/static%5capi", NOT_FORWARDED },
	{ "backslash", .path = "/static\\api", NOT_FORWARDED },
	{ "encoded NUL", .path = "/static%00", NOT_FORWARDED },
	{ "bad escape", .path = "/static%zz", NOT_FORWARDED },
	{ "two slashes", .path = "//api/namespaces", NOT_FORWARDED },
	{ "two slashes within", .path = "/static//api", NOT_FORWARDED },
	{ "no slash", .path = "api/namespaces", NOT_FORWARDED },
	{ "empty", .path = "", NOT_FORWARDED },
	{ "asterisk", .path = "*", NOT_FORWARDED },
	{ "a whole URL", .path = "http://127.0.0.1/api", NOT_FORWARDED },
	{ "blank in the path", .path = "/static HTTP/1.1", NOT_FORWARDED },
	{ "line end in the path", .path = "/ HTTP/1.1\r\nX: y", NOT_FORWARDED },
	{ "query in the path", .path = "/static?a", NOT_FORWARDED },
	{ "fragment", .path = "/static#a", NOT_FORWARDED },
	{ "byte over 127", .path = "/\xc3\xa4", NOT_FORWARDED },
	{ "line end in the query", .path = PUBLIC_PATH, .query = "a\r\nX: y", NOT_FORWARDED },
	{ "blank in the query", .path = PUBLIC_PATH, .query = "a b", NOT_FORWARDED },

	/* other places of the frame */
	{ "line end in the host", .host = "a\r\nX: y", NOT_FORWARDED },
	{ "host with a user", .host = "user@console.test", NOT_FORWARDED },
	{ "host with a path", .host = "console.test/api", NOT_FORWARDED },
	{ "line end in the client", .client = "1\r\nX: y", NOT_FORWARDED },
	{ "client that is no address", .client = "localhost", NOT_FORWARDED },
	{ "line end in the request id", .id = "1\r\nX: y", NOT_FORWARDED },

	/* fields that the frame says elsewhere, or that frame a message */
	{ "Host twice", .path = PUBLIC_PATH, .field = "Host", .value = "x", NOT_FORWARDED },
	{ "host", .path = PUBLIC_PATH, .field = "host", .value = "x", NOT_FORWARDED },
	{ "Connection", .path = PUBLIC_PATH, .field = "Connection", .value = "close",
	  NOT_FORWARDED },
	{ "Proxy-Connection", .path = PUBLIC_PATH, .field = "Proxy-Connection", .value = "close",
	  NOT_FORWARDED },
	{ "Keep-Alive", .path = PUBLIC_PATH, .field = "Keep-Alive", .value = "1", NOT_FORWARDED },
	{ "TE", .path = PUBLIC_PATH, .field = "TE", .value = "trailers", NOT_FORWARDED },
	{ "Trailer", .path = PUBLIC_PATH, .field = "Trailer", .value = "X", NOT_FORWARDED },
	{ "Upgrade", .path = PUBLIC_PATH, .field = "Upgrade", .value = "websocket", NOT_FORWARDED },
	{ "HTTP2-Settings", .path = PUBLIC_PATH, .field = "HTTP2-Settings", .value = "A",
	  NOT_FORWARDED },
	{ "Expect", .path = PUBLIC_PATH, .field = "Expect", .value = "100-continue", NOT_FORWARDED },
	{ "Content-Length", .path = PUBLIC_PATH, .field = "Content-Length", .value = "3",
	  NOT_FORWARDED },
	{ "Transfer-Encoding", .path = PUBLIC_PATH, .field = "Transfer-Encoding",
	  .value = "chunked", NOT_FORWARDED },
	{ "Transfer_Encoding", .path = PUBLIC_PATH, .field = "Transfer_Encoding",
	  .value = "chunked", NOT_FORWARDED },
	{ "field without a name", .path = PUBLIC_PATH, .field = "", .value = "x", NOT_FORWARDED },
	{ "name with a blank", .path = PUBLIC_PATH, .field = "X ", .value = "x", NOT_FORWARDED },
	{ "name with a colon", .path = PUBLIC_PATH, .field = "X:", .value = "x", NOT_FORWARDED },
	{ "line end in a name", .path = PUBLIC_PATH, .field = "X\r\nY", .value = "x",
	  NOT_FORWARDED },
	{ "line end in a value", .path = PUBLIC_PATH, .field = "X",
	  .value = "x\r\nAuthorization: Bearer x", NOT_FORWARDED },
	{ "bare LF in a value", .path = PUBLIC_PATH, .field = "X", .value = "x\nY: y",
	  NOT_FORWARDED },
};
/* clang-format on */

/* --- making --- */

static struct login_answer user, another;
static char good_token[TOKEN_CAP];

static void
log_people_in(void)
{
	(void)snprintf(good_token, sizeof(good_token), "%s", upstream->token);
	login_ask(slice_of(good_token), &user);
	ck_assert_int_eq(user.code, LOGIN_OK);
	login_ask(slice_of(world.idle_token), &another);
	ck_assert_int_eq(another.code, LOGIN_OK);
}

/* The text itself, or what its name stands for; valid until the next call. */
static struct slice
value_of(const char *text)
{
	static char made[2 * MSG_COOKIE_MAX];
	uint8_t handle[MSG_HANDLE_LEN];
	struct slice name = slice_of(text);

	if (slice_is(name, GOOD))
		return slice_of(user.cookie);
	if (slice_is(name, ANOTHER))
		return slice_of(another.cookie);
	if (slice_is(name, FORGED)) {
		cookie_forge(made);
	} else if (slice_is(name, CHANGED)) {
		memcpy(made, user.cookie, sizeof(user.cookie));
		made[40] = made[40] == 'A' ? 'B' : 'A';
	} else if (slice_is(name, HANDLE)) {
		ticket_handle(handle, slice_of(another.cookie));
		text_hex(made, handle, sizeof(handle));
	} else if (slice_is(name, TOO_LONG)) {
		memset(made, 'A', MSG_COOKIE_MAX + 1);
		made[MSG_COOKIE_MAX + 1] = '\0';
	} else {
		return name;
	}
	return slice_of(made);
}

static void
build(struct frame_request *q, const struct request *from)
{
	stream_request(q, from->path != NULL ? from->path : SESSION_PATH);
	q->method = from->method;
	q->has_query = from->query != NULL;
	q->query = slice_of(from->query);
	if (from->host != NULL)
		q->host = slice_of(from->host);
	if (from->client != NULL)
		q->client = slice_of(from->client);
	if (from->id != NULL)
		q->request_id = slice_of(from->id);
	q->session = value_of(from->session);
	if (slice_is(slice_of(from->bearer), GOOD))
		q->bearer = slice_of(good_token);
	else if (slice_is(slice_of(from->bearer), ANOTHER))
		q->bearer = slice_of(world.idle_token);
	else if (from->bearer != NULL)
		q->bearer = value_of(from->bearer);
	if (from->field != NULL)
		(void)http_fields_add(
		    &q->fields, slice_of(from->field), slice_of(from->value));
}

static void
expect(int fd, const struct request *r)
{
	struct stream_frame f = { .type = FRAME_END };
	enum stream_hearing h = stream_hear(fd, &f);

	ck_assert_msg(h != STREAM_SILENT, "%s: no answer", r->name);
	if (r->outcome == ENDED) {
		ck_assert_msg(h == STREAM_END, "%s: answered with frame %u",
		    r->name, (unsigned)f.type);
		return;
	}
	ck_assert_msg(h == FRAME_CAME, "%s: the connection ended", r->name);
	ck_assert_msg(
	    f.type == (r->outcome == DENIED ? FRAME_DENY : FRAME_RESPONSE),
	    "%s: answered with frame %u", r->name, (unsigned)f.type);
	ck_assert_msg(r->outcome != DENIED || f.why == r->why,
	    "%s: denied for reason %u", r->name, (unsigned)f.why);
}

START_TEST(every_request)
{
	const struct request *r = &requests[_i];
	struct frame_request q;
	int fd = stream_open();

	log_people_in();
	(void)stream_forwarded();
	build(&q, r);
	ck_assert(stream_ask(fd, &q));
	expect(fd, r);
	(void)close(fd);
	stream_expect_fresh_service();
	ck_assert_msg(stream_forwarded() == (r->outcome == FORWARDED),
	    "%s: the console got it: %s", r->name, upstream->head);
	world_check();
}
END_TEST

/* --- fields that are Doorward's to say --- */

#define MARK "peer-mark"

static const struct {
	const char *name, *value;
} owned[] = {
	{ "Authorization", "Bearer " MARK },
	{ "AUTHORIZATION", "Basic " MARK },
	{ "authorization", MARK },
	{ "Proxy-Authorization", "Basic " MARK },
	{ "Proxy_Authorization", "Basic " MARK },
	{ "Impersonate-User", MARK },
	{ "Impersonate-Group", MARK },
	{ "impersonate.uid", MARK },
	{ "Kiali-User", MARK },
	{ "kiali_user", MARK },
	{ "X-Forwarded-User", MARK },
	{ "X_Forwarded_For", MARK },
	{ "X-Forwarded-Host", MARK },
	{ "Forwarded", "for=" MARK },
	{ "X-Real-IP", MARK },
	{ "X-Auth-Request-User", MARK },
	{ "Remote-User", MARK },
	{ "X.Remote.User", MARK },
	{ "X-WEBAUTH-USER", MARK },
	{ "X-Original-URL", "/" MARK },
	{ "X-Rewrite-URL", "/" MARK },
	{ "X-Client-Cert", MARK },
	{ "X-SSL-Client", MARK },
	{ "X-Envoy-Original-Path", "/" MARK },
	{ "X-Doorward-Assertion", MARK },
	{ "X-Request-Id", MARK },
	{ "Cookie", "doorward=" MARK },
	{ "Cookie", "__Host-doorward=" MARK "; __Secure-doorward=" MARK },
	{ "Cookie", "kiali-token=" MARK "; kiali-token-1=" MARK },
};

static void
forward_owned(const char *path, struct slice session)
{
	struct frame_request q;
	struct stream_frame f;
	int fd = stream_open();

	stream_request(&q, path);
	q.session = session;
	for (size_t i = 0; i < N_ROWS(owned); i++)
		(void)http_fields_add(&q.fields, slice_of(owned[i].name),
		    slice_of(owned[i].value));
	ck_assert(stream_ask(fd, &q));
	ck_assert_int_eq(stream_hear(fd, &f), FRAME_CAME);
	ck_assert_int_eq(f.type, FRAME_RESPONSE);
	ck_assert_msg(strstr(upstream->head, MARK) == NULL,
	    "the console got a field that is not the frontend's to say: %s",
	    upstream->head);
	(void)close(fd);
}

START_TEST(no_credential_of_the_frontends_choice)
{
	log_people_in();
	(void)stream_forwarded();
	forward_owned(PUBLIC_PATH, slice_of(""));
	ck_assert_ptr_null(strstr(upstream->head, "Bearer"));
	forward_owned(SESSION_PATH, slice_of(user.cookie));
	ck_assert_ptr_nonnull(strstr(upstream->head, upstream->token));
	/* a public route gets nobody's token, whoever asks */
	forward_owned(PUBLIC_PATH, slice_of(user.cookie));
	ck_assert_ptr_null(strstr(upstream->head, "Bearer"));
	ck_assert_uint_eq(stream_forwarded(), 3);
}
END_TEST

/* --- other hosts --- */

START_TEST(no_other_host)
{
	char port[24];
	struct frame_request q;
	struct stream_frame f;
	int fd = stream_open();

	(void)stream_forwarded();
	(void)snprintf(
	    port, sizeof(port), "127.0.0.1:%u", world.elsewhere_port);
	stream_request(&q, PUBLIC_PATH);
	q.host = slice_of(port);
	q.server_port = world.elsewhere_port;
	ck_assert(stream_ask(fd, &q));
	ck_assert_int_eq(stream_hear(fd, &f), FRAME_CAME);
	ck_assert_int_eq(f.type, FRAME_RESPONSE);
	ck_assert_uint_eq(stream_forwarded(), 1);
	ck_assert_uint_eq(elsewhere_visits(), 0);
	(void)close(fd);
}
END_TEST

void
requests_add(TCase *t)
{
	tcase_add_loop_test(t, every_request, 0, (int)N_ROWS(requests));
	tcase_add_test(t, no_credential_of_the_frontends_choice);
	tcase_add_test(t, no_other_host);
}
