/*
 * What to ask a cluster about a token, in which order, and what its answers
 * mean. Pure: no I/O, no clock; token.c carries the questions out.
 *
 *   who is it?   SelfSubjectReview v1, v1beta1, v1alpha1 with the user's token;
 *                where none is served (404, or 403 for an ordinary account:
 *                older clusters authorise before they route)
 *                  TokenReview with Doorward's own token, or without one
 *                  SelfSubjectAccessReview with the user's token: 201 proves
 *                  that the cluster took it, and so that its claims are true
 *   sees it one? GET /api/v1/namespaces, on 403 or an empty list the
 *                configured namespaces one by one
 *
 * SECURITY: success needs a positive answer of the right kind at each step. 403
 * never proves a token good: what the server cannot read as a bearer token
 * becomes system:anonymous. Anything unexpected is LOGIN_UNAVAILABLE.
 */
#ifndef AUTHD_KUBE_H
#define AUTHD_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/token.h"
#include "common/text.h"

struct jose;
struct settings;

enum kube_ask {
	KUBE_ASK_SELF_V1,
	KUBE_ASK_SELF_V1BETA1,
	KUBE_ASK_SELF_V1ALPHA1,
	KUBE_ASK_TOKEN_REVIEW,
	KUBE_ASK_ACCESS_REVIEW,
	KUBE_ASK_NAMESPACES, /* list */
	KUBE_ASK_NAMESPACE,  /* one of the configured */
	KUBE_ASK_NOTHING,    /* finished: result says it */
	KUBE_ASK_COUNT
};

/* Which review the cluster serves, shared by all checks; asked anew after a
 * while, so that an upgrade of the cluster is noticed. Zeroed at first. */
struct kube_memory {
	int64_t until;	     /* unix s */
	enum kube_ask works; /* SELF_*, or TOKEN_REVIEW for any older way */
};
#define KUBE_MEMORY_S 600

/* Answers bigger than this are not read. */
#define KUBE_ANSWER_MAX 65536
#define KUBE_LIST_MAX 1048576

struct kube_flow {
	const struct settings *settings; /* borrowed */
	struct kube_memory *memory;	 /* borrowed */
	struct slice token;		 /* borrowed */
	bool has_own_token;
	enum kube_ask ask;
	unsigned asked;	   /* bits of enum kube_ask */
	size_t namespace;  /* index of the one being asked for */
	struct jose *jose; /* the token's claims, not verified by us; or NULL */
	const char *detail; /* why UNAVAILABLE, for the log; static */
	struct token_result result;
};

struct kube_request {
	bool post;
	bool with_own_token; /* else the user's */
	char path[320];
	char *body; /* JSON, "" for none; may hold the token: wiped by done */
	size_t answer_max;
};
/* err 0: status and body count; else why there is no answer. */
struct kube_answer {
	int err;
	unsigned status;
	struct slice body;
	int64_t now; /* unix s */
};

void kube_flow_init(struct kube_flow *f, const struct settings *settings,
    struct kube_memory *memory, bool has_own_token, struct slice token,
    int64_t now);
void kube_flow_done(struct kube_flow *f);
/* The next question; not when ask is KUBE_ASK_NOTHING. */
void kube_flow_request(const struct kube_flow *f, struct kube_request *out);
void kube_request_done(struct kube_request *r);
/* Takes the answer to it and goes on. */
void kube_flow_answer(struct kube_flow *f, const struct kube_answer *a);
/* For logs: "SelfSubjectReview v1", ... */
const char *kube_ask_name(enum kube_ask ask);

#endif
