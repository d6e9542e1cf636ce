/*
 * Answers that Doorward gives itself: status, security headers, a small body
 * that is known whole. Nothing from the request is ever echoed.
 */
#ifndef FRONTEND_REPLY_H
#define FRONTEND_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"

struct evbuffer;

#define REPLY_HEAD_MAX 16384

struct reply {
	unsigned status;
	const char *type; /* Content-Type; NULL: no body */
	struct slice body;
	const char *location; /* NULL: none */
	unsigned allow;	      /* Allow: 1u << enum http_method, 0: none */
	const char *set_cookie;
	const char *set_login_cookie; /* a second one */
	const char *csp;	      /* NULL: one that allows nothing */
	unsigned retry_after_s;
	bool forget_pages;  /* the browser's copies of our origin's pages */
	bool cors;	    /* server.cors_allow_all */
	bool no_referrer;   /* our URL, or one in the page, is a secret */
	bool may_be_framed; /* csp says by whom */
};
/* How it goes out on this connection. */
struct reply_manner {
	bool head;  /* answer to HEAD: no body follows */
	bool close; /* Connection: close */
	bool hsts;  /* we end TLS */
};

void reply_write(
    struct evbuffer *out, const struct reply *r, const struct reply_manner *m);
/* "<status> <reason>\n" as plain text, for what is refused before it is
 * understood. Closes. */
void reply_refuse(struct evbuffer *out, unsigned status, bool hsts);

#define REPLY_TEXT "text/plain; charset=utf-8"
#define REPLY_HTML "text/html; charset=utf-8"
#define REPLY_JSON "application/json"
#define REPLY_HSTS "max-age=31536000; includeSubDomains"

#endif
