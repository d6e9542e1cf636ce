/*
 * What goes wrong at the provider, as a refusal (attempt.h): sentences for the
 * person and for the log.
 */
#ifndef AUTHD_OIDC_REFUSALS_H
#define AUTHD_OIDC_REFUSALS_H

#include "authd/oidc/attempt.h"
#include "authd/oidc/id_token.h"
#include "authd/oidc/token_endpoint.h"

/* The endpoints that we ask. detail: borrowed by the refusal; NULL: none. */
struct refusal token_fault_refusal(enum token_fault fault, const char *detail);
struct refusal id_token_refusal(enum id_token_fault fault);
/* What the provider says instead of a code: error of RFC 6749 4.1.2.1, OpenID
 * Connect Core 3.1.2.6; detail as above. */
struct refusal callback_error_refusal(struct slice error, const char *detail);

#endif
