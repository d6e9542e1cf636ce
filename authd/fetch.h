/*
 * HTTP requests to one configured server, through curl's multi interface on
 * the event loop. The only file that knows curl.
 *
 * SECURITY: HTTPS with TLS 1.2 or later and a verified certificate (plain HTTP
 * to loopback only), HTTP/1.1, no redirects, proxies, .netrc or cookies,
 * nothing of the environment. Names are resolved by common/resolve.h: curl
 * never does, so there are no threads. Answers are bounded in size and time.
 * curl's memory is wiped when freed; bodies and fields are never logged.
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

/* Before the sandbox. ca_file: PEM; NULL or "": the system's bundle. server is
 * copied. Fatal when the CA file does not serve or the URL is not allowed. */
struct fetch_client *fetch_client_new(struct event_base *base,
    struct resolve *resolve, const struct url *server, const char *ca_file);
/* Another CA bundle: number and rules as of cluster_ca_set. Nothing for http.
 */
void fetch_client_set_ca(
    struct fetch_client *c, unsigned number, struct slice pem);
/* Running fetches are given up without done. NULL allowed. */
void fetch_client_free(struct fetch_client *c);

struct fetch_request {
	bool post;	  /* JSON in body */
	const char *path; /* with query; the server's own path goes before it */
	struct slice bearer; /* token: visible characters only */
	const char *body;
	uint32_t timeout_ms; /* for all of it, name lookup included */
	size_t answer_max;   /* bytes of body */
};
struct fetch_answer {
	int err; /* 0: the rest counts; ERR_TIMEOUT, ERR_LIMIT (too long) or
		    ERR_UNAVAILABLE (refused, broken off, bad certificate) */
	unsigned status;
	struct slice body;  /* borrowed */
	const char *detail; /* err != 0: for the log; borrowed */
};
typedef void fetch_done_fn(const struct fetch_answer *answer, void *arg);

/* Everything is copied. done is called once, from the loop. */
struct fetch *fetch_start(struct fetch_client *c,
    const struct fetch_request *request, fetch_done_fn *done, void *arg);
/* done will not be called. Not after done. */
void fetch_cancel(struct fetch *f);

#endif
