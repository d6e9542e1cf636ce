#include "frontend/pages.h"

#include <string.h>

#include "common/clock.h"
#include "frontend/return_path.h"

/* Colours keep a contrast of at least 4.5:1 in both schemes (WCAG 2.1), the
 * edges of fields 3:1. The transparent border shows where the system replaces
 * all colours. */
const char pages_style[] =
    ":root{color-scheme:light dark;--bg:#f3f5f8;--card:#fff;--text:#1b1f24;"
    "--soft:#535a63;--edge:#d5dae1;--line:#7d858f;--main:#0a58ca;"
    "--hover:#084298;--on:#fff;--bad:#a8071a;--badbg:#fdecee}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1e2228;"
    "--text:#eceff3;--soft:#aab2bd;--edge:#363c45;--line:#858d98;"
    "--main:#8ab8ff;--hover:#b3d1ff;--on:#10151c;--bad:#ffb3ba;"
    "--badbg:#3a1c20}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:min(12vh,7rem) 1rem 1rem;background:var(--bg);"
    "color:var(--text);font:1rem/1.5 system-ui,sans-serif;"
    "overflow-wrap:anywhere}"
    "main{max-width:36rem;margin:0 auto;padding:1.75rem;"
    "background:var(--card);border:1px solid var(--edge);"
    "border-top:4px solid var(--main);border-radius:.5rem}"
    "h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}"
    "h2{margin:0 0 .25rem;font-size:1rem;line-height:1.5}"
    "p{margin:0 0 1rem}"
    "main>:last-child,.more>:last-child{margin-bottom:0}"
    "label{display:block;font-weight:600}"
    "input,code{font-family:ui-monospace,monospace;font-size:.875rem}"
    "input{display:block;width:100%;min-height:2.75rem;padding:.5rem .75rem;"
    "color:inherit;background:var(--card);border:1px solid var(--line);"
    "border-radius:.25rem}"
    "code{display:block;padding:.625rem .75rem;background:var(--bg);"
    "border-radius:.25rem;user-select:all}"
    "button,.button{display:inline-block;min-height:2.75rem;margin-top:1rem;"
    "padding:.5rem 1.5rem;font:inherit;font-weight:600;text-align:center;"
    "text-decoration:none;color:var(--on);background:var(--main);"
    "border:1px solid transparent;border-radius:.25rem;cursor:pointer}"
    "button:hover,.button:hover{background:var(--hover)}"
    "button.other{margin-left:.75rem;color:var(--main);background:var(--card);"
    "border-color:var(--line)}button.other:hover{border-color:var(--main)}"
    "a{color:var(--main)}"
    "a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid "
    "var(--main);outline-offset:2px}"
    ".soft{margin-bottom:.5rem;color:var(--soft);font-size:.9375rem}"
    ".more{margin-top:1.5rem;padding-top:1.25rem;"
    "border-top:1px solid var(--edge)}"
    ".bad{padding:.75rem 1rem;color:var(--bad);background:var(--badbg);"
    "border-left:4px solid var(--bad);border-radius:.25rem}"
    "dt{color:var(--soft);font-size:.9375rem}dd{margin:0 0 .75rem;"
    "font-weight:600}dd small{display:block;color:var(--soft);"
    "font-size:.9375rem;font-weight:400}"
    "@media(max-width:30rem){main{padding:1.25rem}"
    "button,.button{width:100%}button.other{margin-left:0}}";

static void
put_escaped(struct http_out *o, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.p[i]) {
		case '&':
			http_put_z(o, "&amp;");
			break;
		case '<':
			http_put_z(o, "&lt;");
			break;
		case '>':
			http_put_z(o, "&gt;");
			break;
		case '"':
			http_put_z(o, "&quot;");
			break;
		case '\'':
			http_put_z(o, "&#39;");
			break;
		default:
			http_put(o, (struct slice){ text.p + i, 1 });
		}
	}
}

static void
put_link(struct http_out *o, const struct settings *s, const char *path)
{
	put_escaped(o, slice_of(s->web_prefix));
	http_put_z(o, path);
}

/* A title that says so lets those who do not see the page know at once that
 * something is wrong. The empty icon keeps browsers from asking the console for
 * one that a person without a session may not have. */
static void
page_head(struct http_out *o, const char *title, const char *error)
{
	http_put_z(o,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<link rel=\"icon\" href=\"data:,\">\n<title>");
	http_put_z(o, error != NULL ? "Error: " : "");
	http_put_z(o, title);
	http_put_z(o, "</title>\n<style>");
	http_put_z(o, pages_style);
	http_put_z(o, "</style>\n");
}

static void
page_body(struct http_out *o, const char *title, const char *error)
{
	http_put_z(o, "</head>\n<body>\n<main>\n<h1>");
	http_put_z(o, title);
	http_put_z(o, "</h1>\n");
	if (error == NULL)
		return;
	http_put_z(o, "<p class=\"bad\" role=\"alert\" id=\"error\">");
	put_escaped(o, slice_of(error));
	http_put_z(o, "</p>\n");
}

static void
page_begin(struct http_out *o, const char *title, const char *error)
{
	page_head(o, title, error);
	page_body(o, title, error);
}

static void
page_end(struct http_out *o)
{
	http_put_z(o, "</main>\n</body>\n</html>\n");
}

static void
put_button_link(struct http_out *o, const struct settings *s, const char *path,
    const char *text)
{
	http_put_z(o, "<p><a class=\"button\" href=\"");
	put_link(o, s, path);
	http_put_z(o, "\">");
	http_put_z(o, text);
	http_put_z(o, "</a></p>\n");
}

static bool
is_sign_in_here(const struct settings *s)
{
	return s->strategy == STRATEGY_TOKEN || s->strategy == STRATEGY_OPENID;
}

static void
put_start_page_link(struct http_out *o, const struct settings *s)
{
	put_button_link(o, s, "/", "Go to the start page");
}

static void
put_sign_in_link(struct http_out *o, const struct settings *s)
{
	if (is_sign_in_here(s))
		put_button_link(o, s, "/_doorward/login", "Sign in");
	else
		put_start_page_link(o, s);
}

static void
put_text_link(struct http_out *o, const struct settings *s, const char *text)
{
	http_put_z(o, "<p><a href=\"");
	put_link(o, s, "/");
	http_put_z(o, "\">");
	http_put_z(o, text);
	http_put_z(o, "</a></p>\n");
}

static void
put_how_to_get_a_token(struct http_out *o, const struct settings *s)
{
	http_put_z(o,
	    "<div class=\"more\">\n<h2>No token yet?</h2>\n"
	    "<p class=\"soft\">Someone with access to the cluster makes one "
	    "with this command:</p>\n<p><code>kubectl -n ");
	put_escaped(o, slice_of(s->deployment_namespace));
	http_put_z(o, " create token ");
	put_escaped(o, slice_of(s->service_account));
	http_put_z(o, "</code></p>\n</div>\n");
}

/* A password field rather than a text area: a token is a password, so it must
 * not be read over a shoulder or from a shared screen, be spell-checked by a
 * service, or come back with the history. Line ends that a terminal put into it
 * arrive as spaces, which the server takes out. No maxlength: a cut token would
 * fail without telling why. */
static void
put_token_field(struct http_out *o, bool failed)
{
	http_put_z(o,
	    "<label for=\"token\">Kubernetes token</label>\n"
	    "<p class=\"soft\" id=\"hint\">Paste the whole token. "
	    "It stays hidden.</p>\n"
	    "<input id=\"token\" name=\"token\" type=\"password\" required "
	    "autofocus autocomplete=\"off\" autocapitalize=\"none\" "
	    "spellcheck=\"false\"");
	http_put_z(o,
	    failed ? " aria-invalid=\"true\" aria-describedby=\"error hint\">\n"
		   : " aria-describedby=\"hint\">\n");
}

/* The way to the provider. text: of the link; class: with its quotes, or "". */
static void
put_start_link(struct http_out *o, const struct settings *s, struct slice go_to,
    const char *text, const char *class)
{
	char encoded[3 * MSG_RETURN_MAX + 1];

	http_put_z(o, "<p><a");
	http_put_z(o, class);
	http_put_z(o, " href=\"");
	put_link(o, s, "/api/auth/openid_redirect");
	if (go_to.len > 0 && go_to.len <= MSG_RETURN_MAX &&
	    return_path_encode(go_to, encoded, sizeof(encoded)) == 0) {
		http_put_z(o, "?return=");
		put_escaped(o, slice_of(encoded));
	}
	http_put_z(o, "\">");
	http_put_z(o, text);
	http_put_z(o, "</a></p>\n");
}

static void
page_login_openid(
    struct http_out *o, const struct settings *s, const struct page_login *p)
{
	page_begin(o, "Sign in", p->error);
	http_put_z(o,
	    "<p>You sign in at your organisation's provider and come back "
	    "here.</p>\n");
	put_start_link(
	    o, s, p->go_to, "Sign in with your provider", " class=\"button\"");
	page_end(o);
}

/* clang-format off */
static const char *const causes[LOGIN_CODE_COUNT] = {
	[LOGIN_OK]           = "",
	[LOGIN_EXPIRED]      = "The likely cause is a clock: the one of this device, of the server or of the provider is wrong. Whoever runs Doorward can compare them.",
	[LOGIN_REJECTED]     = "The likely causes: this browser blocks cookies for this site, or a clock (of this device, of the server or of the provider) is wrong, or the provider is set up differently from what is expected here.",
	[LOGIN_NO_NAMESPACE] = "Signing in itself works, but this account may see nothing. Trying again does not change that: ask whoever administers the cluster, or sign out at your provider and take another account.",
	[LOGIN_FORBIDDEN]    = "Signing in itself works, but this account is not let in. Trying again does not change that: ask whoever runs Doorward, or sign out at your provider and take another account.",
	[LOGIN_UNAVAILABLE]  = "The likely cause is the provider, or the way from here to it. Wait until it works again; whoever runs Doorward sees the reason in the log.",
	[LOGIN_NOT_OFFERED]  = "Signing in through a provider is not set up here. Ask whoever runs Doorward.",
	[LOGIN_BUSY]         = "There were too many attempts from your address in a short time. Wait a few minutes.",
};
/* clang-format on */

/* One failure may be chance, so the way back is a button. Who fails again and
 * again is told why, and is not invited to go round once more. */
#define FAILED_ROUNDS_MAX 2

void
page_failed(
    struct http_out *o, const struct settings *s, const struct page_failed *p)
{
	bool again = p->rounds < FAILED_ROUNDS_MAX;

	page_begin(o, "Signing in did not work", p->sentence);
	if (again) {
		put_start_link(
		    o, s, p->go_to, "Try again", " class=\"button\"");
	} else {
		http_put_z(o, "<p>");
		http_put_z(o, causes[p->code]);
		http_put_z(o, "</p>\n");
	}
	if (again && p->reference.len == 0) {
		page_end(o);
		return;
	}
	http_put_z(o, "<div class=\"more\">\n");
	if (p->reference.len > 0) {
		http_put_z(o,
		    "<p class=\"soft\">For help, say this reference. The log "
		    "has the reason under it.</p>\n"
		    "<p><code>");
		put_escaped(o, p->reference);
		http_put_z(o, "</code></p>\n");
	}
	if (!again)
		put_start_link(o, s, p->go_to, "Try once more", "");
	http_put_z(o, "</div>\n");
	page_end(o);
}

void
page_login(
    struct http_out *o, const struct settings *s, const struct page_login *p)
{
	if (s->strategy == STRATEGY_OPENID) {
		page_login_openid(o, s, p);
		return;
	}
	page_begin(o, "Sign in", p->error);
	http_put_z(o, "<form method=\"post\" action=\"");
	put_link(o, s, "/_doorward/login");
	http_put_z(o, "\">\n<input type=\"hidden\" name=\"return\" value=\"");
	put_escaped(o, p->go_to);
	http_put_z(o, "\">\n");
	put_token_field(o, p->error != NULL);
	http_put_z(o, "<button type=\"submit\">Sign in</button>\n</form>\n");
	put_how_to_get_a_token(o, s);
	page_end(o);
}

/* STRATEGY_ANONYMOUS: for every page about sessions. */
static void
page_everybody(struct http_out *o, const struct settings *s)
{
	page_begin(o, "Nobody signs in here", NULL);
	http_put_z(o,
	    "<p>This server asks nobody who they are, so there is no session "
	    "that could begin or end.</p>\n");
	put_start_page_link(o, s);
	page_end(o);
}

static void
put_sign_out_form(struct http_out *o, const struct settings *s)
{
	http_put_z(o, "<form method=\"post\" action=\"");
	put_link(o, s, "/_doorward/logout");
	http_put_z(o,
	    "\">\n<button type=\"submit\">Sign out</button>\n"
	    "<button type=\"submit\" name=\"everywhere\" value=\"yes\" "
	    "class=\"other\">Sign out everywhere</button>\n</form>\n");
}

/* clang-format off */
static const struct {
	const char *sign_out, *signed_out;
} words[STRATEGY_HEADER + 1] = {
	[STRATEGY_TOKEN] = {
		"This ends your session in this browser. \"Everywhere\" ends those in other browsers as well. To come back, you will need a token.",
		"Your session has ended. The token itself works until it expires, so keep it to yourself.",
	},
	[STRATEGY_OPENID] = {
		"This ends your session in this browser, and the one at your provider if it takes part. \"Everywhere\" ends your sessions in other browsers as well.",
		"Your session here has ended. At your provider you may still be signed in.",
	},
	[STRATEGY_HEADER] = {
		"This ends your session here; \"Everywhere\" ends those in other browsers as well. The proxy in front of this server signs you in again when you go on; to end that, sign out there.",
		"Your session here has ended. The proxy in front of this server signs you in again when you go on; to end that, sign out there.",
	},
};
/* clang-format on */

static void
put_words(struct http_out *o, const char *text)
{
	http_put_z(o, "<p>");
	http_put_z(o, text);
	http_put_z(o, "</p>\n");
}

void
page_logout(struct http_out *o, const struct settings *s, const char *error)
{
	if (s->strategy == STRATEGY_ANONYMOUS) {
		page_everybody(o, s);
		return;
	}
	page_begin(o, "Sign out", error);
	put_words(o, words[s->strategy].sign_out);
	put_sign_out_form(o, s);
	http_put_z(o, "<div class=\"more\">\n");
	put_text_link(o, s, "Stay signed in");
	http_put_z(o, "</div>\n");
	page_end(o);
}

void
page_signed_out(struct http_out *o, const struct settings *s)
{
	if (s->strategy == STRATEGY_ANONYMOUS) {
		page_everybody(o, s);
		return;
	}
	page_begin(o, "You are signed out", NULL);
	put_words(o, words[s->strategy].signed_out);
	if (is_sign_in_here(s))
		put_button_link(o, s,
		    s->console_preset == PRESET_GENERIC ? "/_doorward/login"
							: "/",
		    "Sign in again");
	else
		put_start_page_link(o, s);
	page_end(o);
}

/* A redirect could not be used: form-action (CSP) refuses one that leads from
 * our form to another origin. */
void
page_provider_logout(struct http_out *o, struct slice location)
{
	page_head(o, "You are signed out here", NULL);
	http_put_z(o, "<meta http-equiv=\"refresh\" content=\"0;url=");
	put_escaped(o, location);
	http_put_z(o, "\">\n");
	page_body(o, "You are signed out here", NULL);
	http_put_z(o,
	    "<p>Your session here has ended. At your provider you are still "
	    "signed in until you sign out there, too.</p>\n"
	    "<p><a class=\"button\" href=\"");
	put_escaped(o, location);
	http_put_z(o, "\">Continue to sign out at the provider</a></p>\n");
	page_end(o);
}

void
page_front_channel(struct http_out *o, bool ended)
{
	page_begin(
	    o, ended ? "You are signed out" : "Nothing was signed out", NULL);
	http_put_z(o,
	    ended ? "<p>Your session here has ended.</p>\n"
		  : "<p>The session that the provider names is not here, or "
		    "could not be ended.</p>\n");
	page_end(o);
}

/* "in 7 h 59 min" needs no time zone. */
static void
put_time_left(struct http_out *o, int64_t seconds)
{
	uint64_t minutes = seconds > 0 ? (uint64_t)seconds / 60 : 0;
	uint64_t days = minutes / 1440, hours = minutes / 60 % 24;

	http_put_z(o, "<small>in ");
	if (days > 0) {
		http_put_u64(o, days);
		http_put_z(o, days == 1 ? " day " : " days ");
	}
	if (hours > 0) {
		http_put_u64(o, hours);
		http_put_z(o, " h ");
	}
	http_put_u64(o, minutes % 60);
	http_put_z(o, " min</small>");
}

static void
put_session(struct http_out *o, const struct page_session *p)
{
	char http_date[CLOCK_HTTP_LEN + 1], date[CLOCK_RFC3339_LEN + 1];

	clock_rfc3339(date, p->expires_s);
	clock_http_date(http_date, p->expires_s);
	http_put_z(o, "<dl>\n<dt>Signed in as</dt>\n<dd>");
	put_escaped(o, p->user);
	http_put_z(o, "</dd>\n<dt>Until</dt>\n<dd><time datetime=\"");
	http_put_z(o, date);
	http_put_z(o, "\">");
	http_put_z(o, http_date);
	http_put_z(o, "</time>");
	put_time_left(o, p->expires_s - p->now_s);
	http_put_z(o, "</dd>\n</dl>\n");
}

/* With STRATEGY_HEADER the proxy's token counts, with a session or without. */
static void
page_no_session(struct http_out *o, const struct settings *s)
{
	bool here = is_sign_in_here(s);

	page_begin(o, here ? "Nobody is signed in" : "No session here", NULL);
	put_words(o,
	    here ? "This browser has no session, or it has ended."
		 : "This browser has no session, or it has ended. The proxy in "
		   "front of this server says with each request who you are, "
		   "and that needs no session.");
	put_sign_in_link(o, s);
	page_end(o);
}

void
page_session(
    struct http_out *o, const struct settings *s, const struct page_session *p)
{
	if (s->strategy == STRATEGY_ANONYMOUS) {
		page_everybody(o, s);
		return;
	}
	if (p->user.len == 0) {
		page_no_session(o, s);
		return;
	}
	page_begin(o, "Your session", NULL);
	put_session(o, p);
	put_sign_out_form(o, s);
	http_put_z(o, "<div class=\"more\">\n");
	put_text_link(o, s, "Back to the console");
	http_put_z(o, "</div>\n");
	page_end(o);
}

/* clang-format off */
static const struct page_error_row {
	unsigned status;
	const char *title, *text;
} error_rows[] = {
	{ 400, "Bad request", "The server could not understand what the browser sent. Go back and try again, or begin at the start page." },
	{ 401, "Sign in to continue", "This page needs a session, and there is none or it has ended." },
	{ 403, "Not allowed", "You may not do this, or another site asked for it in your name. If you think that you should be allowed, ask whoever administers the cluster." },
	{ 404, "Not found", "There is nothing at this address. Check it, or begin at the start page." },
	{ 405, "Not possible", "This address does not take this kind of request. Begin at the start page." },
	{ 413, "Too large", "The form that was sent is larger than a sign-in can be." },
	{ 421, "Wrong address", "This server does not answer for the name in the address bar. Check the address." },
	{ 502, "This page does not answer", "What is behind it does not answer properly. Try again in a moment; if it stays so, tell whoever runs it." },
	{ 503, "Not available now", "Your session cannot be checked at the moment. Nothing is lost: try again in a moment." },
	{ 504, "This page is too slow", "What is behind it did not answer in time. Try again in a moment; if it stays so, tell whoever runs it." },
	{ 0, "Something went wrong", "The request could not be answered. Try again in a moment." },
};
static const char no_answer_text[] = "The server cannot go on at the moment. Nothing is lost: try again in a moment.";
static const char no_header_text[] = "The proxy in front of this server signs people in. This request did not come through it, or the sign-in that it brought is not good any more. If it stays so, tell whoever runs that proxy.";
/* clang-format on */

void
page_sentence(struct http_out *o, const struct settings *s, unsigned status,
    const char *title, const char *text)
{
	page_begin(o, title, NULL);
	put_words(o, text);
	if (status == 401)
		put_sign_in_link(o, s);
	else if (status != 421)
		put_start_page_link(o, s);
	http_put_z(o, "<p class=\"soft more\">Error ");
	http_put_u64(o, status);
	http_put_z(o, "</p>\n");
	page_end(o);
}

void
page_error(struct http_out *o, const struct settings *s, unsigned status)
{
	const struct page_error_row *row = error_rows;
	const char *text;

	while (row->status != 0 && row->status != status)
		row++;
	text = row->text;
	if (status == 401 && s->strategy == STRATEGY_HEADER)
		text = no_header_text;
	else if (status == 503 && s->strategy == STRATEGY_ANONYMOUS)
		text = no_answer_text;
	page_sentence(o, s, status, row->title, text);
}
