/*
 * An OpenID provider on loopback for tests, in the test's own event loop:
 * discovery, key set, token endpoint (codes with PKCE, rotating refresh
 * tokens), userinfo, revocation, pushed requests. It does what a good provider
 * does, and what the test says instead. Signs with the key that everybody knows
 * (toy_provider.h).
 */
#ifndef TESTS_UNIT_PROVIDER_STANDIN_H
#define TESTS_UNIT_PROVIDER_STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct event_base;
struct evhttp;
struct evhttp_request;

enum standin_endpoint {
	STANDIN_DISCOVERY, /* /.well-known/openid-configuration */
	STANDIN_JWKS,	   /* /jwks */
	STANDIN_TOKEN,	   /* /token */
	STANDIN_USERINFO,  /* /userinfo */
	STANDIN_REVOKE,	   /* /revoke */
	STANDIN_PAR,	   /* /par; in the discovery document when par is set */
	STANDIN_ENDPOINTS
	/* Never asked by us: /authorize, /end_session. */
};

#define STANDIN_CODES 256
#define STANDIN_ASKED_MAX 20000

/* What an endpoint does instead of its work. */
struct standin_fault {
	int status;	  /* 0: works */
	const char *body; /* NULL: ""; JSON, unless type is set */
	const char *type; /* content type */
	bool silent;	  /* takes the request and never answers */
	unsigned times;	  /* 0: always, else so often, then works again */
};

struct standin_code {
	bool used;
	char code[24];
	char nonce[64], challenge[64], redirect_uri[512];
};

struct standin {
	struct event_base *base;
	struct evhttp *http; /* NULL: down */
	uint16_t port;
	char issuer[64];       /* "http://127.0.0.1:PORT" */
	const char *client_id; /* "doorward" */
	/* Wall time; the tests' clock_unix_s unless set. */
	int64_t (*now)(void);

	struct standin_fault fault[STANDIN_ENDPOINTS];
	unsigned asked[STANDIN_ENDPOINTS];
	/* Of the last request: its body, and the field Authorization. */
	char last[STANDIN_ENDPOINTS][STANDIN_ASKED_MAX];
	char authorization[STANDIN_ENDPOINTS][STANDIN_ASKED_MAX];
	/* Requests whose answer standin_release gives. */
	bool hold_tokens;

	/* Laid over what it says by itself; a member null takes it away. Owned
	 * here: standin_say sets them. */
	json_t *discovery, *id_token, *userinfo, *token_answer;
	const char *kid;	  /* that it signs with, "t" */
	const char *jwks_kid;	  /* that the key set has, "t" */
	const char *header;	  /* of id_tokens; NULL: EdDSA and kid */
	const char *access_token; /* "access-1" */
	bool refresh;		  /* gives refresh tokens: "refresh-1", ... */
	bool keep_refresh;	  /* does not rotate them */
	bool par;
	unsigned expires_in; /* 3600 */

	unsigned generation; /* of the refresh token */
	unsigned n_codes;
	struct standin_code codes[STANDIN_CODES];
	/* The pushed request that a request_uri stands for. */
	char pushed[4096];
	struct evhttp_request *held[STANDIN_CODES];
	unsigned n_held;
};

/* Listens on a free port of 127.0.0.1. */
void standin_begin(struct standin *p, struct event_base *base);
void standin_end(struct standin *p);
/* Stops listening, and listens on the same port again. */
void standin_down(struct standin *p);
void standin_up(struct standin *p);
/* A person has signed in at the location that the browser was sent to: a code
 * to come back with. false: the location is no authorization request that a
 * provider would take. state: of at least 2100 bytes. */
bool standin_authorize(struct standin *p, const char *location, char state[],
    size_t state_size, char code[24]);
/* A parameter of a query or form, decoded; false: it is not there. */
bool standin_parameter(
    const char *query, const char *name, char *dst, size_t size);
/* Replaces *what by the JSON object in text; NULL: nothing is laid over. */
void standin_say(json_t **what, const char *text);
/* A token that the provider signs: claims, a JSON object. To be freed. */
char *standin_sign(const struct standin *p, const char *claims);
/* Answers the token requests that hold_tokens kept, and ends it. */
void standin_release(struct standin *p);

#endif
