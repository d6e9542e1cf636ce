/* Signs tokens as a provider would, with the key of RFC 8037 A.1 (Ed25519),
 * which everybody knows. */
#ifndef TESTS_UNIT_TOY_PROVIDER_H
#define TESTS_UNIT_TOY_PROVIDER_H

#include "common/text.h"

/* The key set that verifies them: kid "t". */
#define TOY_PROVIDER_KEYS                                                \
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"t\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"
#define TOY_PROVIDER_HEADER "{\"alg\":\"EdDSA\",\"kid\":\"t\"}"

/* A compact JWS, to be freed. header and claims are signed as they are. */
char *toy_provider_sign(struct slice header, struct slice claims);

#endif
