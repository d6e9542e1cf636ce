/*
 * The pages that people see: sign in, sign out, session, errors. No scripts,
 * no pictures, no fonts: one inline style sheet, allowed by its hash in
 * PAGES_CSP. Pure: text in, HTML out; every inserted value is escaped here.
 */
#ifndef FRONTEND_PAGES_H
#define FRONTEND_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http/http.h"
#include "common/msg.h"
#include "common/settings.h"
#include "common/text.h"

#define PAGES_MAX 32768 /* enough for each of them */
/* base64(SHA-256(pages_style)); a unit test holds the two together. */
#define PAGES_STYLE_HASH "Ee8IhBBf/QXRLJXT9EuHmH7xO176oPqPTVq/9aOZjA4="
/* An origin belongs behind it. */
#define PAGES_CSP_FRAMED_BY                                                      \
	"default-src 'none'; img-src data:; style-src 'sha256-" PAGES_STYLE_HASH \
	"'; "                                                                    \
	"base-uri 'none'; form-action 'self'; frame-ancestors "

#define PAGES_CSP PAGES_CSP_FRAMED_BY "'none'"

extern const char pages_style[];

struct page_login {
	const char *error;  /* sentence for the person, or NULL */
	struct slice go_to; /* where to go afterwards: a checked return path */
};
/* A field for a token; with STRATEGY_OPENID a link to the provider. */
void page_login(
    struct http_out *o, const struct settings *s, const struct page_login *p);
/* error: why the person is still signed in, or NULL. */
void page_logout(
    struct http_out *o, const struct settings *s, const char *error);
void page_signed_out(struct http_out *o, const struct settings *s);
/* The session here is over; goes on to the provider's logout page at once.
 * Needs PAGES_MAX bytes and 12 for each of location. */
void page_provider_logout(struct http_out *o, struct slice location);
/* In a frame of the provider: Front-Channel Logout. */
void page_front_channel(struct http_out *o, bool ended);
struct page_failed { /* a login through the provider */
	enum login_code code;
	const char *sentence;
	struct slice reference; /* "": none */
	unsigned rounds;	/* that failed one after the other */
	struct slice go_to;	/* a checked return path, "": the web root */
};
void page_failed(
    struct http_out *o, const struct settings *s, const struct page_failed *p);
struct page_session {
	struct slice user; /* "": nobody is signed in */
	int64_t expires_s, now_s;
};
void page_session(
    struct http_out *o, const struct settings *s, const struct page_session *p);
/* title and text: as they stand in HTML. */
void page_sentence(struct http_out *o, const struct settings *s,
    unsigned status, const char *title, const char *text);
/* A status without words of its own gets those of its class. */
void page_error(struct http_out *o, const struct settings *s, unsigned status);

#endif
