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
#include "common/settings.h"
#include "common/text.h"

#define PAGES_MAX 32768 /* enough for each of them */
/* base64(SHA-256(pages_style)); a unit test holds the two together. */
#define PAGES_STYLE_HASH "QOSYRcYJ+65OyXRcuLsU0L5AnbUmFhQiPSUDRI1TUZE="
#define PAGES_CSP                                                                \
	"default-src 'none'; img-src data:; style-src 'sha256-" PAGES_STYLE_HASH \
	"'; "                                                                    \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

extern const char pages_style[];

struct page_login {
	const char *error;  /* sentence for the person, or NULL */
	struct slice go_to; /* where to go afterwards: a checked return path */
};
void page_login(
    struct http_out *o, const struct settings *s, const struct page_login *p);
/* error: why the person is still signed in, or NULL. */
void page_logout(
    struct http_out *o, const struct settings *s, const char *error);
void page_signed_out(struct http_out *o, const struct settings *s);
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
