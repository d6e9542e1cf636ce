/*
 * Names to addresses with evdns: configured once, from files, before the
 * sandbox; afterwards only datagrams on sockets that are open already. Owns the
 * queries and a small cache; knows nothing of who asks.
 */
#include "common/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#define QUERY_MS 5000
#define CACHE_MS 10000
#define CACHE_MAX 32
#define NAME_MAX_LEN 253

struct addresses {
	struct resolve_address at[RESOLVE_MAX];
	size_t n;
};

struct cached {
	char host[NAME_MAX_LEN + 1];
	int64_t until_ms; /* 0: free */
	struct addresses found;
};

struct resolve_query {
	TAILQ_ENTRY(resolve_query) next;
	struct resolve *r; /* NULL when that is gone */
	char *host;
	uint16_t port;
	resolve_fn *done; /* NULL when nobody waits any more */
	void *arg;
	struct evdns_getaddrinfo_request *request;
	bool asked;	    /* evdns has not called back yet */
	struct event event; /* the time limit, or the answer's delivery */
	int err;
	struct addresses found;
};

struct resolve {
	struct event_base *base;
	struct evdns_base *dns;
	TAILQ_HEAD(, resolve_query) queries;
	struct cached cache[CACHE_MAX];
};

static void
log_evdns(int is_warning, const char *text)
{
	static struct log_rate rate;
	if (is_warning)
		log_limited(
		    &rate, 10000, LOG_LEVEL_WARN, "name server: %.200s", text);
	else
		log_trace("name server: %.200s", text);
}

struct resolve *
resolve_new_files(
    struct event_base *base, const char *resolv_conf, const char *hosts)
{
	struct resolve *r = mem_new(sizeof(*r));

	r->base = base;
	TAILQ_INIT(&r->queries);
	/* Query ids must not be guessable; seeded while that may still open
	 * files. */
	evutil_secure_rng_init();
	evdns_set_log_fn(log_evdns);
	r->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (r->dns == NULL)
		log_fatal("name lookup cannot be set up");
	evdns_base_set_option(r->dns, "timeout:", "1");
	evdns_base_set_option(r->dns, "initial-probe-timeout:", "1");
	int err = evdns_base_resolv_conf_parse(r->dns,
	    DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC,
	    resolv_conf);
	if (err != 0)
		log_warn(
		    "%s names no name server: asking 127.0.0.1", resolv_conf);
	if (evdns_base_load_hosts(r->dns, hosts) != 0)
		log_warn("%s cannot be read", hosts);
	return r;
}

struct resolve *
resolve_new(struct event_base *base)
{
	return resolve_new_files(base, "/etc/resolv.conf", "/etc/hosts");
}

/* --- the cache --- */

static struct cached *
cache_find(struct resolve *r, const char *host)
{
	int64_t now = clock_mono_ms();
	for (size_t i = 0; i < CACHE_MAX; i++)
		if (r->cache[i].until_ms > now &&
		    strcasecmp(r->cache[i].host, host) == 0)
			return &r->cache[i];
	return NULL;
}

static void
cache_put(struct resolve *r, const char *host, const struct addresses *found)
{
	size_t len = strlen(host);
	struct cached *c = &r->cache[0]; /* the one that ends first */

	if (len > NAME_MAX_LEN)
		return;
	for (size_t i = 1; i < CACHE_MAX; i++)
		if (r->cache[i].until_ms < c->until_ms)
			c = &r->cache[i];
	memcpy(c->host, host, len + 1);
	c->found = *found;
	c->until_ms = clock_mono_ms() + CACHE_MS;
}

/* --- queries --- */

static void
query_free(struct resolve_query *q)
{
	event_del(&q->event);
	if (q->r != NULL)
		TAILQ_REMOVE(&q->r->queries, q, next);
	free(q->host);
	free(q);
}

/* evdns still calls back after a cancellation; the query lives until then. */
static void
query_drop(struct resolve_query *q)
{
	q->done = NULL;
	event_del(&q->event);
	if (!q->asked)
		query_free(q);
	else if (q->request != NULL)
		evdns_getaddrinfo_cancel(q->request);
}

static void
set_port(struct resolve_address *a, uint16_t port)
{
	void *at = &a->address;
	if (a->address.ss_family == AF_INET)
		((struct sockaddr_in *)at)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)at)->sin6_port = htons(port);
}

/* The query's event: the answer is there, or time is up. */
static void
on_query_event(evutil_socket_t fd, short what, void *arg)
{
	struct resolve_query *q = arg;
	struct addresses found = q->found;
	int err = q->asked ? ERR_TIMEOUT : q->err;
	resolve_fn *done = q->done;
	void *done_arg = q->arg;
	(void)fd;
	(void)what;

	for (size_t i = 0; i < found.n; i++)
		set_port(&found.at[i], q->port);
	query_drop(q);
	if (err == 0)
		done(0, found.at, found.n, done_arg);
	else
		done(err, NULL, 0, done_arg);
}

static void
take_addresses(struct addresses *to, const struct evutil_addrinfo *ai)
{
	for (; ai != NULL && to->n < RESOLVE_MAX; ai = ai->ai_next) {
		struct resolve_address *a = &to->at[to->n];
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		a->len = (socklen_t)ai->ai_addrlen;
		memcpy(&a->address, ai->ai_addr, a->len);
		to->n++;
	}
}

static void
on_answer(int result, struct evutil_addrinfo *ai, void *arg)
{
	struct resolve_query *q = arg;

	q->asked = false;
	q->request = NULL;
	take_addresses(&q->found, ai);
	if (ai != NULL)
		evutil_freeaddrinfo(ai);
	if (q->done == NULL) {
		query_free(q);
		return;
	}
	if (q->found.n > 0)
		cache_put(q->r, q->host, &q->found);
	else if (result == 0 || result == EVUTIL_EAI_NONAME ||
	    result == EVUTIL_EAI_NODATA)
		q->err = ERR_NOT_FOUND;
	else
		q->err = ERR_TIMEOUT;
	event_active(&q->event, EV_TIMEOUT, 1);
}

static bool
take_numeric(struct addresses *to, const char *host)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
		memcpy(&to->at[0].address, &four, sizeof(four));
		to->at[0].len = sizeof(four);
	} else if (inet_pton(AF_INET6, host, &six.sin6_addr) == 1) {
		memcpy(&to->at[0].address, &six, sizeof(six));
		to->at[0].len = sizeof(six);
	} else {
		return false;
	}
	to->n = 1;
	return true;
}

/* RFC 6761 6.3: this machine, whatever a name server says. What is only asked
 * without TLS because it is here must be here. */
static bool
take_localhost(struct addresses *to, const char *host)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (strcasecmp(host, "localhost") != 0)
		return false;
	memcpy(&to->at[0].address, &four, sizeof(four));
	to->at[0].len = sizeof(four);
	memcpy(&to->at[1].address, &six, sizeof(six));
	to->at[1].len = sizeof(six);
	to->n = 2;
	return true;
}

static void
ask(struct resolve_query *q)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP };
	struct timeval limit = { .tv_sec = QUERY_MS / 1000 };

	event_add(&q->event, &limit);
	q->asked = true;
	struct evdns_getaddrinfo_request *request =
	    evdns_getaddrinfo(q->r->dns, q->host, NULL, &hints, on_answer, q);
	/* It may have answered already, from the hosts file. */
	if (q->asked)
		q->request = request;
}

struct resolve_query *
resolve_host(struct resolve *r, const char *host, uint16_t port,
    resolve_fn *done, void *arg)
{
	struct resolve_query *q = mem_new(sizeof(*q));
	struct cached *cached = cache_find(r, host);

	q->r = r;
	q->host = mem_strdup(host);
	q->port = port;
	q->done = done;
	q->arg = arg;
	event_assign(&q->event, r->base, -1, 0, on_query_event, q);
	TAILQ_INSERT_TAIL(&r->queries, q, next);
	if (host[0] == '\0' || strlen(host) > NAME_MAX_LEN) {
		q->err = ERR_NOT_FOUND;
		event_active(&q->event, EV_TIMEOUT, 1);
	} else if (take_numeric(&q->found, host) ||
	    take_localhost(&q->found, host)) {
		event_active(&q->event, EV_TIMEOUT, 1);
	} else if (cached != NULL) {
		q->found = cached->found;
		event_active(&q->event, EV_TIMEOUT, 1);
	} else {
		ask(q);
	}
	return q;
}

void
resolve_cancel(struct resolve_query *q)
{
	if (q != NULL)
		query_drop(q);
}

void
resolve_free(struct resolve *r)
{
	if (r == NULL)
		return;
	struct resolve_query *q;
	while ((q = TAILQ_FIRST(&r->queries)) != NULL) {
		TAILQ_REMOVE(&r->queries, q, next);
		q->r = NULL;
		query_drop(q);
	}
	evdns_base_free(r->dns, 1);
	free(r);
}
