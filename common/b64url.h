/*
 * base64url without padding (RFC 4648 section 5). Constant time for the
 * content: no table is indexed by secret bytes. Decoding is strict: no
 * padding, no blanks, and the unused bits of the last character are zero.
 */
#ifndef COMMON_B64URL_H
#define COMMON_B64URL_H

#include <stddef.h>
#include <stdint.h>

#define B64URL_LEN(n) (((n)*4 + 2) / 3) /* characters for n bytes, no NUL */

/* Writes B64URL_LEN(n) characters and a NUL. */
void b64url_encode(char *dst, const void *src, size_t n);

#define B64_LEN(n) (((n) + 2) / 3 * 4)
/* The other alphabet, with padding (section 4): writes B64_LEN(n) characters
 * and a NUL. Constant time too. */
void b64_encode(char *dst, const void *src, size_t n);
/* Decodes len characters into at most cap bytes; *n_out says how many.
 * ERR_FORMAT or ERR_LIMIT. */
int b64url_decode(uint8_t *dst, size_t cap, size_t *n_out, const char *src,
    size_t len) __attribute__((warn_unused_result));

#endif
