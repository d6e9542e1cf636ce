/* Keys and self-signed certificates in PEM, made for a test. */
#ifndef TESTS_UNIT_TLS_PEM_H
#define TESTS_UNIT_TLS_PEM_H

#include <openssl/evp.h>

#include "common/text.h"

/* password NULL: not encrypted. Caller frees the text. */
struct slice pem_of_key(EVP_PKEY *key, const char *password);
struct slice pem_of_certificate(EVP_PKEY *key);

#endif
