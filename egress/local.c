/* See local.h. */
#include "egress/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/slot.h"
#include "egress/egress.h"
#include "egress/front.h"
#include "egress/front_http.h"
#include "egress/secrets.h"

#define AUDIT_EVERY_MS 1000

/* --- who may --- */

/* Somebody who knocks all day must not fill the disk. */
static void
audit_refused(const char *client, const char *why)
{
	static int64_t next_ms;
	static unsigned suppressed;
	int64_t now = clock_mono_ms();
	struct audit a;
	char more[16];

	if (now < next_ms) {
		suppressed++;
		return;
	}
	(void)snprintf(more, sizeof(more), "%u", suppressed);
	audit_begin(&a, "AUDIT: Access denied");
	audit_str(&a, "reason", why);
	audit_str(&a, "client", client);
	audit_str(&a, "route", "local");
	audit_str(&a, "suppressed", suppressed > 0 ? more : NULL);
	audit_end(&a);
	next_ms = now + AUDIT_EVERY_MS;
	suppressed = 0;
}

/* SECURITY: the uid is the kernel's word, taken when the client connected. */
static bool
uid_may(const struct settings *s, uid_t uid)
{
	for (size_t i = 0; i < s->egress.n_allow_uids; i++)
		if (s->egress.allow_uids[i] == uid)
			return true;
	return false;
}

static bool
unix_client(const struct settings *s, int fd, char *client, size_t cap)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return false;
	(void)snprintf(client, cap, "uid=%u", (unsigned)cred.uid);
	if (uid_may(s, cred.uid))
		return true;
	audit_refused(client, "uid not in doorward.egress.allow_uids");
	return false;
}

static void
accepted(int fd, enum role peer, void *ctx)
{
	static struct log_rate rate;
	struct egress *eg = ctx;
	char client[24];

	(void)peer;
	if (eg->n_local >= LOCAL_CONNECTIONS_MAX) {
		log_limited(&rate, 10000, LOG_LEVEL_WARN,
		    "local connection refused: there are %d already",
		    LOCAL_CONNECTIONS_MAX);
		(void)close(fd);
	} else if (!eg->local_is_unix) {
		front_http_accept(eg, fd, NULL);
	} else if (unix_client(eg->settings, fd, client, sizeof(client))) {
		front_http_accept(eg, fd, client);
	} else {
		(void)close(fd);
	}
}

/* SECURITY: a page in a browser of this machine may have us under a name of its
 * own (DNS rebinding). */
static bool
host_is_local(struct slice host)
{
	struct slice name;
	uint16_t port;
	char text[64];

	if (!http_host_split(host, &name, &port) ||
	    slice_copy(name, text, sizeof(text)) != 0)
		return false;
	return slice_is_nocase(name, "localhost") || url_is_loopback(text);
}

static struct slice
bearer_of(const struct http_fields *f)
{
	const struct http_field *field =
	    http_fields_get(f, "authorization", NULL);
	struct slice value;

	if (field == NULL || !slice_starts_nocase(field->value, "bearer "))
		return (struct slice){ NULL, 0 };
	value = field->value;
	value.p += strlen("bearer ");
	value.len -= strlen("bearer ");
	return slice_trim(value);
}

/* Nobody may pass; never: everybody. */
static unsigned
closed(enum held_state state, const char **why)
{
	static const char *const text[] = {
		[HELD_WAITING] = "secretd has not told the secret of the slot "
				 "egress-token yet",
		[HELD_READY] = "the secret of the slot egress-token is empty",
		[HELD_ABSENT] = "there is no secret in the slot egress-token; "
				"create it",
		[HELD_BAD] = "the secret of the slot egress-token is of no "
			     "use; replace it",
	};
	static struct log_rate rate;

	log_limited(&rate, 10000, LOG_LEVEL_ERROR,
	    "local listener: nobody may use it: %s", text[state]);
	*why = text[state];
	return 503;
}

static unsigned
judge_bearer(
    const struct front *front, const struct http_fields *f, const char **why)
{
	const struct held *held = front->eg->local_token;
	struct slice token = held_value(held), given = bearer_of(f);

	if (token.len == 0)
		return closed(held_state(held), why);
	if (secret_equal(given.p, given.len, token.p, token.len))
		return 0;
	audit_refused(front->client,
	    given.len == 0 ? "no bearer token" : "wrong bearer token");
	*why = "Authorization: Bearer with the token of the slot egress-token "
	       "is needed.";
	return 401;
}

unsigned
local_judge(
    const struct front *front, const struct http_request *q, const char **why)
{
	if (!host_is_local(q->host)) {
		audit_refused(front->client, "host is not local");
		*why = "Host must be localhost or a loopback address.";
		return 421;
	}
	return front->eg->local_is_unix ? 0
					: judge_bearer(front, &q->fields, why);
}

/* --- where to --- */

/* "/prometheus" or "/prometheus/...": what is behind the name in *rest. */
static bool
begins_with(struct slice path, const char *name, struct slice *rest)
{
	size_t len = strlen(name);

	if (path.len == 0 || path.p[0] != '/')
		return false;
	path.p++;
	path.len--;
	if (!slice_starts(path, name) || (path.len > len && path.p[len] != '/'))
		return false;
	*rest = (struct slice){ path.p + len, path.len - len };
	return true;
}

struct route
local_route(const struct settings *s, struct slice path)
{
	struct route route = { .kind = ROUTE_NONE,
		.name = "local",
		.service = SERVICE_NONE,
		.rest = path };

	for (int i = 0; i < SERVICE_COUNT; i++) {
		const struct service_settings *service = &s->services[i];
		struct slice rest;

		if (!service->in_use || service->url.host == NULL ||
		    !begins_with(path, service->name, &rest))
			continue;
		route.kind = ROUTE_PUBLIC;
		route.service = i;
		route.base = slice_of(service->url.path);
		route.rest = rest;
		route.mount = (struct slice){ path.p, path.len - rest.len };
		route.stripped = true;
		if (route.base.len == 0 && rest.len == 0)
			route.rest = SLICE("/");
	}
	return route;
}

/* --- the socket --- */

static bool
is_loopback(const struct sockaddr_storage *at)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	memcpy(&six, at, sizeof(six));
	memcpy(&four, at, sizeof(four));
	if (at->ss_family == AF_INET)
		return ntohl(four.sin_addr.s_addr) >> 24 == 127;
	return at->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
}

void
local_listen(struct egress *eg, int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		log_fatal("local listener: %s", strerror(errno));
	eg->local_is_unix = at.ss_family == AF_UNIX;
	if (!eg->local_is_unix && !is_loopback(&at))
		log_fatal("the local listener's socket must be a loopback "
			  "address or a Unix socket: see ListenStream= in "
			  "doorward-egress-local.socket");
	if (eg->settings->egress.listen[0] == '\0')
		log_fatal("there is a socket for a local listener, but "
			  "doorward.egress.listen is not set: set it, or "
			  "disable doorward-egress-local.socket");
	if (eg->local_is_unix && eg->settings->egress.n_allow_uids == 0)
		log_warn("doorward.egress.allow_uids is empty: nobody may use "
			 "the local listener");
	if (!eg->local_is_unix)
		eg->local_token =
		    secrets_want(eg->secrets, SLOT_LOCAL_TOKEN_NO);
	listen_anybody(eg->base, fd, "local client", accepted, eg);
}
