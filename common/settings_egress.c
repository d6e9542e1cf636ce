/*
 * doorward.egress: the listener through which a console on the same machine
 * reaches the external services. What comes in there carries no session, so who
 * may connect is restricted: a Unix socket by user, a loopback address by a
 * bearer that is a slot.
 */
#include "common/settings_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/mem.h"

static const char listen_key[] = "doorward.egress.listen";
static const char uids_key[] = "doorward.egress.allow_uids";

static void
check_uids(struct settings *s, struct conf_errors *e)
{
	const struct conf_list *text = &s->egress.allow_uids_text;

	for (size_t i = 0; i < text->n; i++) {
		uint64_t uid;

		/* the largest one means "no user" to the kernel */
		if (text_u64(slice_of(text->at[i]), UINT32_MAX - 1, &uid) !=
		    0) {
			settings_complain(s, e, false, uids_key,
			    "%.100s is not the number of a user", text->at[i]);
			continue;
		}
		s->egress.allow_uids = mem_grow(s->egress.allow_uids,
		    s->egress.n_allow_uids, s->egress.n_allow_uids + 1,
		    sizeof(*s->egress.allow_uids));
		s->egress.allow_uids[s->egress.n_allow_uids++] = (uint32_t)uid;
	}
}

static void
check_unix(struct settings *s, const char *path, struct conf_errors *e)
{
	s->egress.is_unix = true;
	s->egress.path = mem_strdup(path);
	if (path[0] != '/' || path[strlen(path) - 1] == '/')
		settings_complain(s, e, false, listen_key,
		    "the socket must be an absolute path");
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		settings_complain(s, e, false, listen_key,
		    "the socket's path is longer than 107 characters");
	if (s->egress.allow_uids_text.n == 0)
		settings_complain(s, e, false, uids_key,
		    "must name the users who may connect to the socket, by "
		    "number: that of the console");
}

bool
settings_is_local_listener(const struct settings *s, const struct url *u)
{
	return s->egress.listen[0] != '\0' && !s->egress.is_unix &&
	    u->host != NULL && s->egress.at.port == u->port &&
	    url_is_loopback(u->host);
}

static void
check_tcp(struct settings *s, struct conf_errors *e)
{
	struct endpoint *at = &s->egress.at;
	struct url u = { .host = at->host };

	if (endpoint_parse(s->egress.listen, at) != 0) {
		settings_complain(s, e, false, listen_key,
		    "must be a loopback address like 127.0.0.1:9091 or "
		    "[::1]:9091, or the absolute path of a socket");
		return;
	}
	u.port = at->port;
	if (!url_is_loopback(at->host))
		settings_complain(s, e, false, listen_key,
		    "must be on loopback: whoever reaches it gets to the "
		    "services without a session");
	else if (at->port != 0 && settings_is_own_listener(s, &u))
		settings_complain(s, e, false, listen_key,
		    "is taken by doorward.listen; choose another port");
	else if (settings_is_local_listener(s, &s->console))
		settings_complain(s, e, false, listen_key,
		    "is where the console itself is (doorward.console.url); "
		    "choose another port");
	if (s->egress.allow_uids_text.n > 0)
		settings_complain(s, e, false, uids_key,
		    "goes with a Unix socket; callers of an address send the "
		    "bearer in the slot egress-token");
}

void
settings_check_egress(struct settings *s, struct conf_errors *e)
{
	static const char scheme[] = "unix:";
	const char *listen = s->egress.listen;

	check_uids(s, e);
	if (listen[0] == '\0') {
		if (s->egress.allow_uids_text.n > 0)
			settings_complain(s, e, true, uids_key,
			    "is only used with doorward.egress.listen");
		return;
	}
	if (slice_starts(slice_of(listen), scheme))
		check_unix(s, listen + sizeof(scheme) - 1, e);
	else if (listen[0] == '/')
		check_unix(s, listen, e);
	else
		check_tcp(s, e);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (s->services[i].enabled && s->services[i].url.host != NULL)
			s->services[i].in_use = true;
}
