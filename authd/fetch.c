/*
 * curl on libevent; see the header.
 */
#include "authd/fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/url.h"
#include "common/wiped_mem.h"

#include "authd/cache_control.h"
#include "authd/server_ca.h"

#define BODY_FIRST 4096
/* As many are kept as there may be: curl counts those in use, too, and with
 * fewer would close each after one request when many come at a time. */
#define CONNECTIONS_MAX 32L
#define CONNECTIONS_KEPT CONNECTIONS_MAX
#define IDLE_MAX_S 50L

struct fetch_client {
	struct event_base *base;
	struct resolve *resolve;
	CURLM *multi;
	struct event *timer;  /* curl's one timeout */
	struct server_ca *ca; /* NULL: none are needed */
	bool insecure;
	struct url proxy; /* host NULL: none */
	TAILQ_HEAD(fetches, fetch) running;
};

struct fetch {
	TAILQ_ENTRY(fetch) link;
	struct fetch_client *client;
	fetch_done_fn *done;
	void *arg;
	CURL *easy;
	bool added; /* to the multi */
	struct resolve_query *query;
	struct event *deadline;
	bool refused; /* before anything was asked */
	char *host; /* that we connect to, the proxy's if there is one; without
		       brackets */
	uint16_t port;
	bool to_proxy;
	struct curl_slist *fields, *addresses;
	struct ca_text *ca; /* NULL: not verified, or no TLS */
	char *body;	    /* of the answer */
	size_t len, cap, max, head_len;
	int64_t max_age_s;
	bool head_ended; /* by an empty line: curl takes less for an answer */
	bool too_long;
	char error[CURL_ERROR_SIZE];
};

/* A socket of curl's: its event. */
struct watch {
	struct event *event;
};

/* curl's sockets and timer on the event loop */

static void finish_completed(struct fetch_client *c);

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_client *c = arg;
	int action = 0, running;

	if ((what & EV_READ) != 0)
		action |= CURL_CSELECT_IN;
	if ((what & EV_WRITE) != 0)
		action |= CURL_CSELECT_OUT;
	curl_multi_socket_action(c->multi, fd, action, &running);
	finish_completed(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_client *c = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_completed(c);
}

static int
want_timer(CURLM *multi, long ms, void *arg)
{
	struct fetch_client *c = arg;
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	(void)multi;
	if (ms < 0)
		event_del(c->timer);
	else
		event_add(c->timer, &tv);
	return 0;
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct fetch_client *c = arg;
	struct watch *w = socket_arg;
	short events = EV_PERSIST;

	(void)easy;
	if (w != NULL)
		event_free(w->event);
	if (what == CURL_POLL_REMOVE) {
		free(w);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (w == NULL) {
		w = mem_new(sizeof(*w));
		curl_multi_assign(c->multi, fd, w);
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EV_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EV_WRITE;
	w->event = event_new(c->base, fd, events, on_socket, c);
	if (w->event == NULL || event_add(w->event, NULL) != 0)
		log_fatal("cannot watch a socket: %s", strerror(errno));
	return 0;
}

/* The client */

static bool
is_v6(const char *host)
{
	uint8_t address[16];

	return inet_pton(AF_INET6, host, address) == 1;
}

static bool
is_numeric(const char *host)
{
	uint8_t address[4];

	return is_v6(host) || inet_pton(AF_INET, host, address) == 1;
}

bool
fetch_may_ask(const struct url *server)
{
	return server->tls || url_is_loopback(server->host);
}

/* "https://host:port" */
static char *
origin_of(const struct url *u)
{
	return mem_printf(is_v6(u->host) ? "%s://[%s]:%u" : "%s://%s:%u",
	    u->tls ? "https" : "http", u->host, (unsigned)u->port);
}

static void
copy_proxy(struct url *to, const struct url *from)
{
	if (from == NULL || from->host == NULL)
		return;
	*to = (struct url){ .tls = from->tls,
		.host = mem_strdup(from->host),
		.port = from->port,
		.path = mem_strdup("") };
}

/* Everything that libraries read or set up once happens here, before the
 * sandbox: curl's and OpenSSL's own start, and OpenSSL's configuration file. */
static void
start_libraries(void)
{
	static bool started; /* curl has one global state as well */
	SSL_CTX *ctx;

	if (started)
		return;
	/* curl would write session keys to the file it names. */
	unsetenv("SSLKEYLOGFILE");
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiped_alloc, wiped_free,
		wiped_realloc, wiped_strdup, wiped_calloc) != CURLE_OK)
		log_fatal("curl cannot be initialised");
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL)
		log_fatal("OpenSSL cannot be initialised");
	SSL_CTX_free(ctx);
	started = true;
}

struct fetch_client *
fetch_client_new(struct event_base *base, struct resolve *resolve,
    const struct fetch_options *options)
{
	struct fetch_client *c = mem_new(sizeof(*c));

	start_libraries();
	c->base = base;
	c->resolve = resolve;
	TAILQ_INIT(&c->running);
	c->insecure = options->insecure;
	if (!options->plain && !options->insecure)
		c->ca = server_ca_new(
		    options->own_ca, options->ca_file, options->ca_pem);
	copy_proxy(&c->proxy, options->https_proxy);
	c->timer = evtimer_new(base, on_timer, c);
	c->multi = curl_multi_init();
	if (c->timer == NULL || c->multi == NULL)
		log_fatal("curl cannot be initialised");
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(
	    c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	return c;
}

void
fetch_client_set_ca(struct fetch_client *c, unsigned number, struct slice pem)
{
	if (c->ca != NULL)
		server_ca_set(c->ca, number, pem);
}

static void
release(struct fetch *f)
{
	struct fetch_client *c = f->client;

	if (f->query != NULL)
		resolve_cancel(f->query);
	if (f->added)
		curl_multi_remove_handle(c->multi, f->easy);
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->fields);
	curl_slist_free_all(f->addresses);
	ca_text_release(f->ca);
	free(f->host);
	event_free(f->deadline);
	TAILQ_REMOVE(&c->running, f, link);
	wiped_free(f->body);
	free(f);
}

void
fetch_client_free(struct fetch_client *c)
{
	struct fetch *f;

	if (c == NULL)
		return;
	while ((f = TAILQ_FIRST(&c->running)) != NULL)
		release(f);
	curl_multi_cleanup(c->multi);
	event_free(c->timer);
	url_done(&c->proxy);
	server_ca_free(c->ca);
	free(c);
}

/* One fetch */

static void
finish(struct fetch *f, const struct fetch_answer *a)
{
	fetch_done_fn *done = f->done;
	void *arg = f->arg;

	/* The answer's body lives in f until done has returned; f is no longer
	 * running then, so that done may start another one. */
	event_del(f->deadline);
	if (f->added)
		curl_multi_remove_handle(f->client->multi, f->easy);
	f->added = false;
	done(a, arg);
	release(f);
}

static void
fail(struct fetch *f, int err, const char *detail)
{
	finish(f, &(struct fetch_answer){ .err = err, .detail = detail });
}

static void
complete(struct fetch *f, CURLcode code)
{
	struct fetch_answer a = { .max_age_s = f->max_age_s };
	const char *type = NULL;
	long status = 0;

	if (code == CURLE_OK && !f->head_ended) {
		fail(f, ERR_UNAVAILABLE, "the answer breaks off");
	} else if (code == CURLE_OK) {
		curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
		a.status = status > 0 ? (unsigned)status : 0;
		a.body = (struct slice){ f->body, f->len };
		curl_easy_getinfo(f->easy, CURLINFO_CONTENT_TYPE, &type);
		a.content_type = slice_of(type);
		finish(f, &a);
	} else if (f->too_long) {
		fail(f, ERR_LIMIT, "the answer is too long");
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		fail(f, ERR_TIMEOUT, "timed out");
	} else {
		fail(f, ERR_UNAVAILABLE,
		    f->error[0] != '\0' ? f->error : curl_easy_strerror(code));
	}
}

static void
finish_completed(struct fetch_client *c)
{
	CURLMsg *m;
	CURLcode code;
	char *p;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		p = NULL;
		code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
		complete((struct fetch *)(void *)p, code);
	}
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct fetch *f = arg;

	(void)fd;
	(void)what;
	if (f->refused)
		fail(f, ERR_UNAVAILABLE,
		    "it is only asked through https (http:// only on this "
		    "machine)");
	else
		fail(f, ERR_TIMEOUT, "timed out");
}

/* More room, at most f->max: an answer may hold a token, so the old place is
 * wiped. */
static bool
make_room(struct fetch *f, size_t more)
{
	size_t cap = f->cap > 0 ? f->cap : BODY_FIRST;

	if (more > f->max - f->len)
		return false;
	while (cap - f->len < more)
		cap *= 2;
	if (cap != f->cap)
		f->body = wiped_realloc(f->body, cap);
	f->cap = cap;
	return true;
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;

	if (n == 0)
		return 0;
	if (n > SIZE_MAX / size || !make_room(f, size * n)) {
		f->too_long = true;
		return 0; /* anything but size * n ends the transfer */
	}
	memcpy(f->body + f->len, bytes, size * n);
	f->len += size * n;
	return size * n;
}

static size_t
take_field(char *bytes, size_t size, size_t n, void *arg)
{
	static const char name[] = "Cache-Control:";
	struct fetch *f = arg;
	struct slice line = { bytes, size * n };

	f->head_len += line.len;
	if (f->head_len > FETCH_HEAD_MAX) {
		f->too_long = true;
		return 0;
	}
	if (slice_starts(line, "HTTP/")) { /* the last of several counts */
		f->max_age_s = CACHE_CONTROL_UNSAID;
		f->head_ended = false;
	}
	while (line.len > 0 && strchr("\r\n", line.p[line.len - 1]) != NULL)
		line.len--;
	if (line.len == 0)
		f->head_ended = true;
	if (slice_starts_nocase(line, name)) {
		line.p += sizeof(name) - 1;
		line.len -= sizeof(name) - 1;
		f->max_age_s = cache_control_take(f->max_age_s, line);
	}
	return size * n;
}

/* curl asks before it would look a name up by itself: never. */
static int
refuse_lookup(void *resolver, void *reserved, void *arg)
{
	(void)resolver;
	(void)reserved;
	(void)arg;
	return 1;
}

/* A decrypted record is wiped from OpenSSL's buffer once it has been read. */
static CURLcode
set_tls_context(CURL *easy, void *ctx, void *arg)
{
	(void)easy;
	(void)arg;
	SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* A connection that is kept serves only requests with the same CAs: curl
 * compares them. The proxy's own certificate is checked as the server's is. */
static void
set_tls(struct fetch *f, CURL *e)
{
	struct curl_blob ca = { .flags = CURL_BLOB_NOCOPY };
	long verify = f->client->insecure ? 0 : 1;

	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2 * verify);
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(
	    e, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYPEER, verify);
	curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYHOST, 2 * verify);
	curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, set_tls_context);
	if (f->client->ca == NULL)
		return;
	f->ca = server_ca_hold(f->client->ca);
	ca.data = f->ca->pem;
	ca.len = f->ca->len;
	curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
	curl_easy_setopt(e, CURLOPT_PROXY_CAINFO_BLOB, &ca);
}

/* Where the connection goes. CURLOPT_PROXY and CURLOPT_NOPROXY are always set:
 * else the environment's would count. */
static void
set_peer(struct fetch *f, CURL *e, const struct url *server)
{
	const struct url *proxy = &f->client->proxy;
	char *text;

	f->to_proxy = proxy->host != NULL && !url_is_loopback(server->host);
	f->host = mem_strdup(f->to_proxy ? proxy->host : server->host);
	f->port = f->to_proxy ? proxy->port : server->port;
	text = f->to_proxy ? origin_of(proxy) : mem_strdup("");
	curl_easy_setopt(e, CURLOPT_PROXY, text);
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* Credentials are for the server alone. */
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	free(text);
	if (!is_numeric(f->host))
		curl_easy_setopt(
		    e, CURLOPT_RESOLVER_START_FUNCTION, refuse_lookup);
}

static void
set_options(struct fetch *f, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_PRIVATE, f);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_field);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "doorward/" PACKAGE_VERSION);
}

static void
add_field(struct fetch *f, const char *name, struct slice value)
{
	char *line = mem_printf("%s: %.*s", name, SLICE_ARG(value));
	struct curl_slist *longer = curl_slist_append(f->fields, line);

	wiped_free(line);
	if (longer == NULL)
		log_fatal("out of memory");
	f->fields = longer;
}

static void
add_authorization(struct fetch *f, const char *scheme, struct slice credential)
{
	char *value;

	if (credential.len == 0)
		return;
	value = mem_printf("%s %.*s", scheme, SLICE_ARG(credential));
	add_field(f, "Authorization", slice_of(value));
	wiped_free(value);
}

/* A path of its own always begins with '/'. */
static void
set_url(struct fetch *f, const struct url *server, const char *path)
{
	const char *base = server->path != NULL ? server->path : "";
	char *origin = origin_of(server);
	char *url = mem_printf("%s%s%s%s", origin, base,
	    base[0] == '\0' && path[0] != '/' ? "/" : "", path);

	curl_easy_setopt(f->easy, CURLOPT_URL, url);
	curl_easy_setopt(
	    f->easy, CURLOPT_PROTOCOLS_STR, server->tls ? "https" : "http");
	free(origin);
	free(url);
}

static void
set_request(struct fetch *f, const struct fetch_request *q)
{
	static const char *const types[] = {
		[FETCH_JSON] = "application/json",
		[FETCH_FORM] = "application/x-www-form-urlencoded",
	};

	set_url(f, q->server, q->path);
	add_field(f, "Accept", SLICE("application/json"));
	add_authorization(f, "Bearer", q->bearer);
	add_authorization(f, "Basic", q->basic);
	if (q->kind != FETCH_NONE) {
		add_field(f, "Content-Type", slice_of(types[q->kind]));
		curl_easy_setopt(
		    f->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(q->body));
		curl_easy_setopt(f->easy, CURLOPT_COPYPOSTFIELDS, q->body);
	}
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->fields);
}

static void
begin(struct fetch *f)
{
	if (curl_multi_add_handle(f->client->multi, f->easy) != CURLM_OK)
		log_fatal("curl refuses a transfer");
	f->added = true;
}

/* "name:port:address,address": what curl takes instead of a lookup. */
static char *
address_line(const struct fetch *f, const struct resolve_address *at, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	char *line = mem_printf("%s:%u:", f->host, (unsigned)f->port), *longer;

	for (size_t i = 0; i < n; i++) {
		const struct sockaddr_storage *a = &at[i].address;
		bool v6 = a->ss_family == AF_INET6;
		const void *p = v6
		    ? (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr
		    : (const void *)&((const struct sockaddr_in *)a)->sin_addr;

		if (inet_ntop(a->ss_family, p, text, sizeof(text)) == NULL)
			continue;
		longer = mem_printf(
		    v6 ? "%s%s[%s]" : "%s%s%s", line, i > 0 ? "," : "", text);
		free(line);
		line = longer;
	}
	return line;
}

static void
resolved(int err, const struct resolve_address *at, size_t n, void *arg)
{
	struct fetch *f = arg;
	char *line;

	f->query = NULL;
	if (err != 0 || n == 0) {
		fail(f, ERR_UNAVAILABLE,
		    f->to_proxy ? "the proxy's host name is not known"
				: "the host name is not known");
		return;
	}
	line = address_line(f, at, n);
	f->addresses = curl_slist_append(NULL, line);
	free(line);
	curl_easy_setopt(f->easy, CURLOPT_RESOLVE, f->addresses);
	begin(f);
}

/* Refused from the loop: done is never called by fetch_start. */
static void
refuse_later(struct fetch *f)
{
	f->refused = true;
	event_active(f->deadline, EV_TIMEOUT, 1);
}

static void
connect_to(struct fetch *f, const struct fetch_request *request)
{
	struct fetch_client *c = f->client;

	set_peer(f, f->easy, request->server);
	set_options(f, f->easy);
	if (request->server->tls)
		set_tls(f, f->easy);
	set_request(f, request);
	if (is_numeric(f->host))
		begin(f);
	else
		f->query =
		    resolve_host(c->resolve, f->host, f->port, resolved, f);
}

struct fetch *
fetch_start(struct fetch_client *c, const struct fetch_request *request,
    fetch_done_fn *done, void *arg)
{
	struct fetch *f = mem_new(sizeof(*f));
	struct timeval tv = { request->timeout_ms / 1000,
		(request->timeout_ms % 1000) * 1000 };

	f->client = c;
	f->done = done;
	f->arg = arg;
	f->max = request->answer_max;
	f->max_age_s = CACHE_CONTROL_UNSAID;
	f->easy = curl_easy_init();
	f->deadline = evtimer_new(c->base, on_deadline, f);
	if (f->easy == NULL || f->deadline == NULL ||
	    event_add(f->deadline, &tv) != 0)
		log_fatal("curl refuses a transfer");
	TAILQ_INSERT_TAIL(&c->running, f, link);
	if (!fetch_may_ask(request->server) ||
	    (request->server->tls && c->ca == NULL && !c->insecure))
		refuse_later(f);
	else
		connect_to(f, request);
	return f;
}

void
fetch_cancel(struct fetch *f)
{
	release(f);
}
