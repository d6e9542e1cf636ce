#include "frontend/pages.h"

#include <string.h>

#include "common/clock.h"

/* Colours keep a contrast of at least 4.5:1 in both schemes (WCAG 2.1). */
const char pages_style[] =
    ":root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--text:#1b1f24;"
    "--soft:#535a63;--line:#868d96;--main:#0a58ca;--on:#fff;--bad:#a8071a;"
    "--badbg:#fdecee}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--card:#1e2228;"
    "--text:#eceff3;--soft:#aab2bd;--line:#7b838d;--main:#8ab8ff;--on:#10151c;"
    "--bad:#ffb3ba;--badbg:#3a1c20}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:flex;align-items:center;"
    "justify-content:center;padding:1rem;background:var(--bg);"
    "color:var(--text);font:1rem/1.5 system-ui,sans-serif}"
    "main{width:100%;max-width:30rem;padding:1.75rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:.5rem}"
    "h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}"
    "p{margin:0 0 1rem}"
    "label{display:block;margin-bottom:.25rem;font-weight:600}"
    "input,code{font-family:ui-monospace,monospace;font-size:.9375rem}"
    "input{display:block;width:100%;padding:.625rem;color:inherit;"
    "background:var(--bg);border:1px solid var(--line);border-radius:.25rem}"
    "code{display:block;padding:.625rem;background:var(--bg);"
    "border-radius:.25rem;overflow-wrap:anywhere;user-select:all}"
    "button,.button{display:inline-block;margin-top:1rem;padding:.625rem 1.25rem;"
    "font:inherit;font-weight:600;text-decoration:none;color:var(--on);"
    "background:var(--main);border:0;border-radius:.25rem;cursor:pointer}"
    "a{color:var(--main)}"
    "a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid "
    "var(--main);outline-offset:2px}"
    ".soft{margin-top:1.5rem;color:var(--soft);font-size:.9375rem}"
    ".bad{padding:.75rem;color:var(--bad);background:var(--badbg);"
    "border-left:4px solid var(--bad);border-radius:.25rem}"
    "dt{font-weight:600}dd{margin:0 0 .75rem;overflow-wrap:anywhere}";

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

static void
page_begin(struct http_out *o, const char *title)
{
	http_put_z(o,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<title>");
	http_put_z(o, title);
	http_put_z(o, "</title>\n<style>");
	http_put_z(o, pages_style);
	http_put_z(o, "</style>\n</head>\n<body>\n<main>\n<h1>");
	http_put_z(o, title);
	http_put_z(o, "</h1>\n");
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

static void
put_hint(struct http_out *o, const struct settings *s)
{
	http_put_z(o,
	    "<div class=\"soft\" id=\"hint\">\n"
	    "<p>Whoever administers the cluster makes a token with:</p>\n"
	    "<p><code>kubectl -n ");
	put_escaped(o, slice_of(s->deployment_namespace));
	http_put_z(o, " create token ");
	put_escaped(o, slice_of(s->service_account));
	http_put_z(o, "</code></p>\n</div>\n");
}

void
page_login(
    struct http_out *o, const struct settings *s, const struct page_login *p)
{
	page_begin(o, "Sign in");
	if (p->error != NULL) {
		http_put_z(o, "<p class=\"bad\" role=\"alert\" id=\"error\">");
		put_escaped(o, slice_of(p->error));
		http_put_z(o, "</p>\n");
	}
	http_put_z(o, "<form method=\"post\" action=\"");
	put_link(o, s, "/_doorward/login");
	http_put_z(o, "\">\n<input type=\"hidden\" name=\"return\" value=\"");
	put_escaped(o, p->go_to);
	http_put_z(o,
	    "\">\n<label for=\"token\">Kubernetes token</label>\n"
	    "<input id=\"token\" name=\"token\" type=\"password\" required "
	    "autofocus autocomplete=\"off\" autocapitalize=\"none\" "
	    "spellcheck=\"false\"");
	http_put_z(o,
	    p->error != NULL
		? " aria-invalid=\"true\" aria-describedby=\"error hint\">\n"
		: " aria-describedby=\"hint\">\n");
	http_put_z(o, "<button type=\"submit\">Sign in</button>\n</form>\n");
	put_hint(o, s);
	page_end(o);
}

static void
put_sign_out_form(struct http_out *o, const struct settings *s)
{
	http_put_z(o, "<form method=\"post\" action=\"");
	put_link(o, s, "/_doorward/logout");
	http_put_z(
	    o, "\">\n<button type=\"submit\">Sign out</button>\n</form>\n");
}

void
page_logout(struct http_out *o, const struct settings *s)
{
	page_begin(o, "Sign out");
	http_put_z(o,
	    "<p>This ends your session here. You will need a token "
	    "to come back.</p>\n");
	put_sign_out_form(o, s);
	http_put_z(o, "<p class=\"soft\"><a href=\"");
	put_link(o, s, "/");
	http_put_z(o, "\">Stay signed in</a></p>\n");
	page_end(o);
}

void
page_signed_out(struct http_out *o, const struct settings *s)
{
	page_begin(o, "You are signed out");
	http_put_z(o, "<p>Your session has ended.</p>\n");
	put_button_link(o, s,
	    s->console_preset == PRESET_GENERIC ? "/_doorward/login" : "/",
	    "Sign in again");
	page_end(o);
}

void
page_session(struct http_out *o, const struct settings *s, struct slice user,
    int64_t expires_s)
{
	char date[CLOCK_HTTP_LEN + 1];

	if (user.len == 0) {
		page_begin(o, "Nobody is signed in");
		http_put_z(o, "<p>This browser has no session.</p>\n");
		put_button_link(o, s, "/_doorward/login", "Sign in");
		page_end(o);
		return;
	}
	page_begin(o, "Your session");
	http_put_z(o, "<dl>\n<dt>Signed in as</dt>\n<dd>");
	put_escaped(o, user);
	http_put_z(o, "</dd>\n<dt>Until</dt>\n<dd>");
	clock_http_date(date, expires_s);
	http_put_z(o, date);
	http_put_z(o, "</dd>\n</dl>\n");
	put_sign_out_form(o, s);
	http_put_z(o, "<p class=\"soft\"><a href=\"");
	put_link(o, s, "/");
	http_put_z(o, "\">Back to the console</a></p>\n");
	page_end(o);
}

/* clang-format off */
static const struct page_error_row {
	unsigned status;
	const char *title, *text;
} error_rows[] = {
	{ 400, "Bad request", "The server could not understand what the browser sent." },
	{ 401, "Sign in to continue", "This page needs a session, and there is none or it has ended." },
	{ 403, "Not allowed", "You may not do this. If you think you should, ask whoever administers the cluster." },
	{ 404, "Not found", "There is nothing at this address." },
	{ 405, "Not possible", "This address does not accept this kind of request." },
	{ 413, "Too large", "The form that was sent is larger than a sign-in can be." },
	{ 421, "Wrong address", "This server does not answer for the name in the address bar. Check the address." },
	{ 502, "The console does not answer", "The sign-in service works, but the console behind it does not answer properly. Try again in a moment." },
	{ 503, "Not available now", "Your session cannot be checked at the moment. Nothing is lost: try again in a moment." },
	{ 504, "The console is too slow", "The console behind the sign-in service did not answer in time. Try again in a moment." },
	{ 0, "Something went wrong", "The request could not be answered." },
};
/* clang-format on */

void
page_error(struct http_out *o, const struct settings *s, unsigned status)
{
	const struct page_error_row *row = error_rows;

	while (row->status != 0 && row->status != status)
		row++;
	page_begin(o, row->title);
	http_put_z(o, "<p>");
	http_put_z(o, row->text);
	http_put_z(o, "</p>\n");
	if (status == 401)
		put_button_link(o, s, "/_doorward/login", "Sign in");
	else if (status != 421)
		put_button_link(o, s, "/", "Go to the start page");
	http_put_z(o, "<p class=\"soft\">Error ");
	http_put_u64(o, status);
	http_put_z(o, "</p>\n");
	page_end(o);
}
