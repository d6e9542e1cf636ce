/*
 * Signing out with our own pages, and what they share with Kiali's /api/logout.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "frontend/authd.h"
#include "frontend/own_internal.h"
#include "frontend/pages.h"

static void
show_logout(struct own *o, unsigned status, const char *error)
{
	struct http_out page;

	http_out_init(&page, (char *)o->c->w->scratch, PAGES_MAX);
	page_logout(&page, o->c->w->settings, error);
	own_page(o, status, &page, NULL);
}

void
page_logout_get(struct own *o)
{
	show_logout(o, 200, NULL);
}

void
own_logout(struct own *o, own_act_fn *nobody, chan_reply_fn *answered)
{
	const struct request *r = o->c->req;
	char client[ORIGIN_CLIENT_MAX];
	struct base_url base;
	struct authd_end q = { .cookie = r->cookie,
		.client = client,
		.base_url = base.text,
		.everywhere = o->everywhere };

	if (o->c->w->authd == NULL || r->cookie.len == 0) {
		nobody(o);
		return;
	}
	if (request_base_url(&base, o->c->w->settings, r) != 0)
		q.base_url = "";
	origin_text(&r->origin, client);
	o->asked = authd_logout(o->c->w->authd, &q, answered, o);
}

struct authd_ended
own_logout_read(const struct own *o, int err, struct chan_in *in)
{
	struct authd_ended a;

	authd_read_logout(&a, o->everywhere, err, in);
	if (!own_is_url(a.location))
		a.location = (struct slice){ NULL, 0 };
	return a;
}

/* The back button must not bring the console's pages back. */
static void
to_signed_out(struct own *o)
{
	char line[COOKIE_LINE_MAX], path[COOKIE_LINE_MAX];
	struct reply r = {
		.status = 303, .location = path, .forget_pages = true
	};

	snprintf(path, sizeof(path), "%s/_doorward/signed-out",
	    o->c->w->settings->web_prefix);
	r.set_cookie = own_drop_cookie(o, line);
	client_reply(o->c, &r);
}

static void
to_provider(struct own *o, struct slice location)
{
	size_t cap = PAGES_MAX + 12 * location.len;
	char line[COOKIE_LINE_MAX], *text = mem_new(cap);
	struct reply r = { .status = 200,
		.type = REPLY_HTML,
		.csp = PAGES_CSP,
		.forget_pages = true,
		.no_referrer = true };
	struct http_out page;

	http_out_init(&page, text, cap);
	page_provider_logout(&page, location);
	r.body = (struct slice){ page.p, page.len };
	r.set_cookie = own_drop_cookie(o, line);
	client_reply(o->c, &r);
	secret_wipe(text, cap); /* it holds an id_token */
	free(text);
}

static void
on_logout(int err, struct chan_in *in, void *arg)
{
	struct own *o = arg;
	struct authd_ended a = own_logout_read(o, err, in);

	o->asked = 0;
	/* As in Kiali's logout: who believes to be out must be. */
	if (!a.over)
		show_logout(o, 503,
		    "You are still signed in: the sign-in service does not "
		    "answer. Try again in a moment.");
	else if (a.location.len > 0)
		to_provider(o, a.location);
	else
		to_signed_out(o);
}

void
page_logout_post(struct own *o)
{
	o->everywhere = form_get(o->form, FORM_EVERYWHERE).len > 0;
	own_logout(o, to_signed_out, on_logout);
}

/* The page of those who have just signed out; whoever comes here with a session
 * that lives is told so. */
void
page_signed_out_get(struct own *o)
{
	struct http_out page;

	if (o->c->req->cookie.len > 0) {
		page_session_get(o);
		return;
	}
	http_out_init(&page, (char *)o->c->w->scratch, PAGES_MAX);
	page_signed_out(&page, o->c->w->settings);
	own_page(o, 200, &page, NULL);
}
