/*
 * What a browser brings back from the provider (RFC 6749 4.1.2, RFC 9207): the
 * query of the callback. Pure.
 *
 * SECURITY: anybody can make a browser ask for any query. What is named twice,
 * too long or not of its alphabet is refused as a whole, so that nothing else
 * ever reads another half of it.
 */
#ifndef AUTHD_OIDC_CALLBACK_QUERY_H
#define AUTHD_OIDC_CALLBACK_QUERY_H

#include "common/text.h"

#define CALLBACK_CODE_MAX 4096
#define CALLBACK_ERROR_MAX 128
#define CALLBACK_ISSUER_MAX 2048

enum callback_fault {
	CALLBACK_OK,
	CALLBACK_MALFORMED, /* the encoding */
	CALLBACK_TWICE,
	CALLBACK_NO_STATE, /* none, or longer than any of ours */
	CALLBACK_CODE,	   /* too long, or characters that no code has */
	CALLBACK_ERROR,
	CALLBACK_ISSUER,
	CALLBACK_NOTHING, /* neither code nor error */
	CALLBACK_BOTH,
	CALLBACK_FAULTS
};
/* A sentence for the person; and one that completes "The answer ..." for the
 * log. Static. */
const char *callback_person(enum callback_fault fault);
const char *callback_log(enum callback_fault fault);

/* Decoded; a parameter without a value is as none: len 0. */
struct callback_query {
	struct slice state;
	struct slice code;	  /* a secret; or */
	struct slice error;	  /* "access_denied", visible characters */
	struct slice description; /* of the error: any bytes, of any length */
	struct slice iss;
};

/* Decodes in place; what comes out is borrowed from text. Parameters that are
 * none of these are ignored. On a fault *out is empty. */
enum callback_fault callback_query_parse(char *text, size_t len,
    struct callback_query *out) __attribute__((warn_unused_result));

#endif
