/* See response.h. */
#include "egress/response.h"

#include <string.h>

#include "common/err.h"
#include "common/log.h"

/* What a service cannot say to Doorward's clients. All services share one
 * origin with the console there, and the credential is Doorward's: a session
 * that a service makes for it is nobody's to carry, a challenge is nobody's to
 * answer, and what rules the whole origin is not a service's to say. */
static const char *const dropped[] = {
	"Alt-Svc",
	"Authentication-Info",
	"Clear-Site-Data",
	"Proxy-Authenticate",
	"Proxy-Authentication-Info",
	"Server",
	"Service-Worker-Allowed",
	"Set-Cookie",
	"Set-Cookie2",
	"Strict-Transport-Security",
	"Via",
	"WWW-Authenticate",
	"X-Powered-By",
};

static bool
is_dropped(struct slice name)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (slice_is_nocase(name, dropped[i]))
			return true;
	return false;
}

/* Once per service and life of the process: whoever configured a service that
 * needs cookies should learn why it does not work. */
static void
warn_of_cookies(const struct location *l)
{
	static bool warned[SERVICE_COUNT];
	int service = l->route->service;

	if (warned[service])
		return;
	warned[service] = true;
	log_warn("%s sends cookies (Set-Cookie); they are dropped, for the "
		 "session at a service is Doorward's and not the person's",
	    l->settings->services[service].name);
}

static void
warn_of_refusal(const struct location *l)
{
	static struct log_rate rate[SERVICE_COUNT];
	int service = l->route->service;

	log_limited(&rate[service], 10000, LOG_LEVEL_ERROR,
	    "%s does not accept Doorward's credential; the client got 502: "
	    "check external_services and the service's secrets",
	    l->settings->services[service].name);
}

static void
warn_of_redirect(const struct location *l)
{
	static struct log_rate rate;
	int service = l->route->service;

	log_limited(&rate, 10000, LOG_LEVEL_WARN,
	    "%s redirects to an address of the inside or out of its route; the "
	    "client got 502",
	    service == SERVICE_NONE ? "the console"
				    : l->settings->services[service].name);
}

/* "5; url=/graph": the value with its URL rewritten; ERR_DENIED when it cannot
 * be read or leads where it may not. */
static int
rewrite_refresh(struct http_out *room, const struct location *l,
    struct slice value, struct slice *out)
{
	struct slice url = value, seconds = slice_cut(&url, ';'), to;
	bool service = l->route->service != SERVICE_NONE;
	char buf[HTTP_HEAD_MAX];
	struct http_out target;
	uint64_t number;
	size_t start;
	int r;

	*out = value;
	if (text_u64(slice_trim(seconds), UINT32_MAX, &number) != 0)
		return service ? ERR_DENIED : 0;
	if (url.p == NULL)
		return 0;
	url = slice_trim(url);
	if (!slice_starts_nocase(url, "url="))
		return service ? ERR_DENIED : 0;
	url = slice_trim((struct slice){ url.p + 4, url.len - 4 });
	if (url.len >= 2 && (url.p[0] == '\'' || url.p[0] == '"') &&
	    url.p[url.len - 1] == url.p[0])
		url = (struct slice){ url.p + 1, url.len - 2 };
	http_out_init(&target, buf, sizeof(buf));
	r = location_rewrite(&target, l, url, &to);
	if (r != 0)
		return r;
	start = room->len;
	http_put_u64(room, number);
	http_put_z(room, "; url=");
	http_put(room, to);
	*out = (struct slice){ room->p + start, room->len - start };
	return room->overflow ? ERR_LIMIT : 0;
}

/* The fields that name a place. */
static const struct {
	const char *name;
	int (*rewrite)(struct http_out *room, const struct location *l,
	    struct slice value, struct slice *out);
	bool redirects; /* a 3xx without it is none */
} places[] = {
	{ "Content-Location", location_rewrite, false },
	{ "Location", location_rewrite, true },
	{ "Refresh", rewrite_refresh, false },
};

enum place_fate { PLACE_KEPT, PLACE_DROPPED, PLACE_MISDIRECTS };

static enum place_fate
rewrite_place(struct http_out *room, const struct location *l,
    struct http_field *f, bool is_redirect)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct slice value;

		if (!slice_is_nocase(f->name, places[i].name))
			continue;
		if (places[i].rewrite(room, l, f->value, &value) == 0) {
			f->value = value;
			return PLACE_KEPT;
		}
		return is_redirect && places[i].redirects ? PLACE_MISDIRECTS
							  : PLACE_DROPPED;
	}
	return PLACE_KEPT;
}

enum response_fate
response_filter(
    struct frame_response *a, struct http_out *room, const struct location *l)
{
	bool service = l->route->service != SERVICE_NONE;
	bool is_redirect = a->status / 100 == 3 && a->status != 304;
	size_t kept = 0;

	if (service && (a->status == 401 || a->status == 407)) {
		warn_of_refusal(l);
		return RESPONSE_UNAUTHORIZED;
	}
	for (size_t i = 0; i < a->fields.n; i++) {
		struct http_field f = a->fields.at[i];
		enum place_fate fate;

		if (service && is_dropped(f.name)) {
			if (slice_is_nocase(f.name, "Set-Cookie"))
				warn_of_cookies(l);
			continue;
		}
		fate = rewrite_place(room, l, &f, is_redirect);
		if (fate == PLACE_MISDIRECTS) {
			warn_of_redirect(l);
			return RESPONSE_MISDIRECTS;
		}
		if (fate == PLACE_KEPT)
			a->fields.at[kept++] = f;
	}
	a->fields.n = kept;
	return RESPONSE_PASSES;
}
