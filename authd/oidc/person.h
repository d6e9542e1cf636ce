/*
 * From what a provider says of somebody, in the id_token and in the answer of
 * its userinfo endpoint, to who it is (authd/identity.h). Pure.
 *
 * SECURITY: claims come from a verified id_token (id_token.h), which goes
 * before userinfo where both say something. What is malformed or unverified is
 * left out, which can only take rights away; what somebody would be mistaken
 * for another by is refused.
 */
#ifndef AUTHD_OIDC_PERSON_H
#define AUTHD_OIDC_PERSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct conf_list;
struct identity;

#define PERSON_USERINFO_MAX 65536     /* bytes of the answer */
#define PERSON_NAMELESS "OpenId User" /* Kiali's, without username_claim */

struct person_rules {
	const char *username_claim; /* "sub" */
	const char *groups_claim;   /* "groups"; "": none are read */
	/* Empty: any. Else exactly one of them, case apart. */
	const struct conf_list *allowed_domains;
	/* An e-mail address counts when email_verified is true. Of a provider
	 * that never says so, because it hands out the addresses itself, the
	 * administrator can believe them without it. False always means no. */
	bool trust_unsaid_email;
};

enum person_fault {
	PERSON_OK,
	PERSON_USERINFO_SUBJECT, /* userinfo is about somebody else */
	PERSON_NAME,		 /* control characters, or too long */
	PERSON_RESERVED_NAME,	 /* "system:...": Kubernetes' own */
	PERSON_UNVERIFIED_NAME,	 /* username_claim is email, not verified */
	PERSON_NO_DOMAIN,	 /* allowed_domains, but none is known */
	PERSON_DOMAIN,		 /* who->domain is not allowed */
	PERSON_FAULTS
};
/* A sentence for the person; and one that completes "The account ..." for the
 * log. Static. */
const char *person_person(enum person_fault fault);
const char *person_log(enum person_fault fault);

enum person_userinfo {
	PERSON_USERINFO_NO,  /* the id_token says all that is wanted */
	PERSON_USERINFO_MAY, /* it could add groups or an e-mail address;
				without them there are only fewer rights */
	PERSON_USERINFO_MUST /* without it the name or domain is unknown */
};
enum person_userinfo person_wants_userinfo(
    const json_t *claims, const struct person_rules *rules);

/* userinfo: an object, or NULL: none. Fills in who, on faults as far as it
 * goes, for the log: the name may be empty then. *left_out: so many groups were
 * malformed, reserved or did not fit. */
enum person_fault person_read(const json_t *claims, const json_t *userinfo,
    const struct person_rules *rules, struct identity *who, size_t *left_out)
    __attribute__((warn_unused_result));

#endif
