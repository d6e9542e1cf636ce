/*
 * A request to one of the provider's endpoints: a form by the OAuth client that
 * we are, with its authentication (RFC 6749 2.3.1 and 3.2.1, OpenID Connect
 * Core 9), or a GET with somebody's access token. For the modules of this
 * folder that know what is in the forms.
 *
 *   provider's metadata -> authentication -> request -> done
 *
 * Every step may end later, from the loop.
 */
#ifndef AUTHD_OIDC_CLIENT_CALL_H
#define AUTHD_OIDC_CLIENT_CALL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/http/http.h"
#include "common/log.h"
#include "common/text.h"

#include "authd/oidc/metadata.h"
#include "authd/oidc/token_answer.h"

struct assertions;
struct fetch_client;
struct provider;
struct secret;
struct settings;
struct client_call;

/* The largest form: a token of MSG_TOKEN_MAX, encoded, and the rest. */
#define CLIENT_FORM_MAX 65536
#define CLIENT_SECRET_MAX 4096

struct token_endpoint {
	const struct settings *settings;
	struct provider *provider;
	struct fetch_client *client;
	struct assertions *assertions; /* NULL: none */
	bool secret_known;	       /* secretd has said what there is */
	struct secret *secret;	       /* NULL: none */
	TAILQ_HEAD(client_calls, client_call) calls;
	struct log_rate trouble; /* for those who do not hand details on */
};

struct client_request {
	/* METADATA_ENDPOINTS: none, the call is over when the metadata is
	 * there. */
	enum metadata_endpoint at;
	/* Encoded; an overflow ends the call. Moves into the call. NULL: a GET
	 * with bearer, which is copied. */
	struct http_out *form;
	bool has_client_id; /* in the form, for whatever it means there */
	struct slice bearer;
	size_t answer_max;
};
struct client_answer {
	struct token_endpoint *te;
	enum token_fault fault;	 /* TOKEN_OK: answered, with whatever status */
	bool no_endpoint;	 /* as TOKEN_REFUSED: the provider has none */
	enum metadata_auth auth; /* that was used for a form */
	unsigned status;
	struct slice body, content_type; /* borrowed */
	char detail[TOKEN_DETAIL_MAX];	 /* with a fault, without the name */
};
/* Called once, from the loop, later than client_call. */
typedef void client_done_fn(const struct client_answer *answer, void *own);

/* A form to write, of CLIENT_FORM_MAX bytes. */
void client_form_init(struct http_out *form);
/* own is for done, and freed with free(3) after it or instead of it. */
void client_call(struct token_endpoint *te, const struct client_request *q,
    client_done_fn *done, void *own);
/* All that run, without done. */
void client_calls_drop(struct token_endpoint *te);
/* "token endpoint: DETAIL", for the log. */
void client_describe(
    enum metadata_endpoint at, const char *detail, char line[TOKEN_DETAIL_MAX]);
/* Logs that, not too often. */
void client_log_trouble(
    struct token_endpoint *te, enum metadata_endpoint at, const char *detail);

#endif
