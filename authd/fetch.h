/*
 * HTTP requests to configured servers, through curl's multi interface on the
 * event loop. The only file that knows curl.
 *
 * SECURITY: HTTPS with TLS 1.2 or later and a verified certificate (plain HTTP
 * to loopback only), HTTP/1.1, no redirects, .netrc or cookies, a proxy only
 * where the options name one, nothing of the environment. Names are resolved by
 * common/resolve.h: curl never does, so there are no threads. Answers are
 * bounded in size and time. curl's memory is wiped when freed; bodies and
 * fields are never logged.
 */
#ifndef AUTHD_FETCH_H
#define AUTHD_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

struct event_base;
struct resolve;
struct url;
struct fetch_client;
struct fetch;

#define FETCH_HEAD_MAX 32768 /* bytes of fields in an answer */

/* A set of servers that are trusted alike. */
struct fetch_options {
	/* No https at all: then no CAs are needed. */
	bool plain;
	bool insecure; /* certificates are not verified */
	/* Which CAs count: server_ca.h. */
	unsigned own_ca; /* enum ca_number: CA_API_SERVER or CA_OPENID */
	const char *ca_file, *ca_pem;
	/* NULL or host NULL: none. It resolves the server's name. Never asked
	 * for servers on loopback, and so only for https. Copied. */
	const struct url *https_proxy;
};

/* Before the sandbox. Fatal when the CAs do not serve. */
struct fetch_client *fetch_client_new(struct event_base *base,
    struct resolve *resolve, const struct fetch_options *options);
/* Another CA bundle: number and rules as of server_ca_set. Running fetches keep
 * the set that they began with. */
void fetch_client_set_ca(
    struct fetch_client *c, unsigned number, struct slice pem);
/* Running fetches are given up without done. NULL allowed. */
void fetch_client_free(struct fetch_client *c);

/* https, or http to loopback. Others are not asked. */
bool fetch_may_ask(const struct url *server);

enum fetch_body {
	FETCH_NONE, /* GET */
	FETCH_JSON, /* POST */
	FETCH_FORM, /* POST, application/x-www-form-urlencoded */
};
struct fetch_request {
	const struct url *server;
	/* With query; the server's own path goes before it. "" and "?..." mean
	 * the server's path itself. Visible ASCII characters. */
	const char *path;
	/* At most one of them; only characters that may stand in a field. */
	struct slice bearer; /* a token */
	struct slice basic;  /* base64 of "id:secret" */
	enum fetch_body kind;
	const char *body;    /* NULL with FETCH_NONE */
	uint32_t timeout_ms; /* for all of it, name lookup included */
	size_t answer_max;   /* bytes of body */
};
struct fetch_answer {
	int err; /* 0: the rest counts; ERR_TIMEOUT, ERR_LIMIT (too long) or
		    ERR_UNAVAILABLE (refused, broken off, bad certificate, a
		    server that may not be asked) */
	unsigned status;	   /* 3xx as any other: nothing is followed */
	struct slice body;	   /* borrowed */
	struct slice content_type; /* borrowed; "" when not said */
	int64_t max_age_s;	   /* cache_control.h; -1: not said */
	const char *detail;	   /* err != 0: for the log; borrowed */
};
typedef void fetch_done_fn(const struct fetch_answer *answer, void *arg);

/* Everything is copied. done is called once, from the loop. */
struct fetch *fetch_start(struct fetch_client *c,
    const struct fetch_request *request, fetch_done_fn *done, void *arg);
/* done will not be called. Not after done. */
void fetch_cancel(struct fetch *f);

#endif
