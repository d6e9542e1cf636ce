/*
 * What the claims of a service-account token mean (RFC 7519 and Kubernetes'
 * own), for both kinds: bound ones ("kubernetes.io": {...}, aud, exp) and
 * those taken from a Secret (issuer kubernetes/serviceaccount, no aud, no
 * exp). Pure; knows nothing of signatures: who calls says whether the claims
 * are verified.
 */
#ifndef AUTHD_CLAIMS_H
#define AUTHD_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/conf.h"
#include "common/msg.h"
#include "common/text.h"

#include "authd/identity.h"

#define CLAIMS_LEEWAY_S 60 /* clocks differ; Kubernetes allows the same */

struct claims_rules {
	const char *issuer; /* of bound tokens; "" or NULL: only legacy ones */
	const struct conf_list *audiences; /* one must match; none: issuer */
	int64_t now;			   /* unix s */
};

/* 0; ERR_EXPIRED; ERR_DENIED: not issued by or for us, or not yet valid;
 * ERR_FORMAT: a claim is missing or has a wrong type. *why: static, completes
 * the sentence "The token ...". */
int claims_check(const json_t *claims, const struct claims_rules *rules,
    const char **why) __attribute__((warn_unused_result));

/* The exp claim; 0 when there is none or it is no date. */
int64_t claims_expiry(const json_t *claims);
/* "namespace:account" of the kubernetes.io claims of either kind, else
 * ERR_NOT_FOUND (none) or ERR_FORMAT (no Kubernetes names). */
int claims_account(const json_t *claims, char dst[MSG_USER_MAX + 1])
    __attribute__((warn_unused_result));
/* Is it a bound service-account token that is for none of these audiences? */
bool claims_bound_elsewhere(
    const json_t *claims, const struct conf_list *audiences);

/* A user name as it is shown: without "system:serviceaccount:", as Kiali does.
 * ERR_FORMAT: empty, control characters; ERR_LIMIT: too long. */
int claims_display_name(struct slice user, char dst[MSG_USER_MAX + 1])
    __attribute__((warn_unused_result));

/* Whose an account is ("namespace:name"): sets the name, and the groups that
 * Kubernetes gives every service account. */
void claims_name_account(struct identity *who, struct slice account);
/* Sets the name; for the one of a service account the groups as well.
 * ERR_LIMIT: too long. */
int claims_name_user(struct identity *who, struct slice name)
    __attribute__((warn_unused_result));
/* Groups that do not fit are left out, which can only take rights away. */
void claims_add_group(struct identity *who, struct slice group);

#endif
