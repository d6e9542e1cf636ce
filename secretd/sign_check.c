/* Checks of a structure to sign; see sign_check.h. */
#include "secretd/sign_check.h"

#include <stddef.h>
#include <string.h>

#define PAD_LEN 64
#define CONTEXT(side) "TLS 1.3, " side " CertificateVerify"
#define CONTEXT_LEN sizeof(CONTEXT("server")) /* its NUL is signed too */
#define TLS13_LEN(hash) (PAD_LEN + CONTEXT_LEN + (hash))

#define RANDOMS_LEN 64
#define PARAMS_HEAD_LEN 4 /* curve type, curve, length of the point */
#define NAMED_CURVE 3

#define P256 (1u << KEY_P256)
#define P384 (1u << KEY_P384)
#define EC (P256 | P384)
#define RSA (1u << KEY_RSA)

/* TLS 1.3 binds the curve to the hash and has no PKCS #1 v1.5. */
/* clang-format off */
static const struct sign_scheme schemes[] = {
	{ 0x0403, "SHA256", false, P256, EC },  /* ecdsa_secp256r1_sha256 */
	{ 0x0503, "SHA384", false, P384, EC },  /* ecdsa_secp384r1_sha384 */
	{ 0x0603, "SHA512", false, 0,    EC },  /* ecdsa_secp521r1_sha512 */
	{ 0x0804, "SHA256", true,  RSA,  RSA }, /* rsa_pss_rsae_sha256 */
	{ 0x0805, "SHA384", true,  RSA,  RSA }, /* rsa_pss_rsae_sha384 */
	{ 0x0806, "SHA512", true,  RSA,  RSA }, /* rsa_pss_rsae_sha512 */
	{ 0x0401, "SHA256", false, 0,    RSA }, /* rsa_pkcs1_sha256 */
	{ 0x0501, "SHA384", false, 0,    RSA }, /* rsa_pkcs1_sha384 */
	{ 0x0601, "SHA512", false, 0,    RSA }, /* rsa_pkcs1_sha512 */
};

static const struct {
	unsigned curve;
	size_t point_len;
	bool uncompressed; /* begins with 4 (RFC 8422 5.4.1) */
} groups[] = {
	{ 23, 65, true },  /* secp256r1 */
	{ 24, 97, true },  /* secp384r1 */
	{ 29, 32, false }, /* x25519 */
};
/* clang-format on */

static const char contexts[SIGNER_PURPOSE_COUNT][CONTEXT_LEN] = {
	[SIGNER_TLS_SERVER] = CONTEXT("server"),
	[SIGNER_TLS_CLIENT] = CONTEXT("client"),
};

static bool
is_tls13(enum signer_purpose purpose, const uint8_t *p, size_t len)
{
	if (contexts[purpose][0] == '\0') /* not for handshakes */
		return false;
	if (len != TLS13_LEN(32) && len != TLS13_LEN(48))
		return false;
	for (size_t i = 0; i < PAD_LEN; i++)
		if (p[i] != 0x20)
			return false;
	return memcmp(p + PAD_LEN, contexts[purpose], CONTEXT_LEN) == 0;
}

static bool
is_ecdh_params(const uint8_t *p, size_t len)
{
	unsigned curve;

	if (len < PARAMS_HEAD_LEN || p[0] != NAMED_CURVE)
		return false;
	curve = (unsigned)p[1] << 8 | p[2];
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (curve != groups[i].curve)
			continue;
		return p[3] == groups[i].point_len &&
		    len == PARAMS_HEAD_LEN + groups[i].point_len &&
		    (!groups[i].uncompressed || p[PARAMS_HEAD_LEN] == 4);
	}
	return false;
}

static bool
is_tls12(const uint8_t *p, size_t len)
{
	/* The randoms are the peers': any bytes. */
	return len > RANDOMS_LEN &&
	    is_ecdh_params(p + RANDOMS_LEN, len - RANDOMS_LEN);
}

static const struct sign_scheme *
find(uint16_t id)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].id == id)
			return &schemes[i];
	return NULL;
}

const struct sign_scheme *
sign_check(enum key_kind kind, struct sign_use use, uint16_t scheme,
    struct slice structure, const char **why)
{
	const struct sign_scheme *s = find(scheme);
	const uint8_t *p = (const uint8_t *)structure.p;
	unsigned kinds;

	if (s == NULL) {
		*why = "unknown signature scheme";
		return NULL;
	}
	if (is_tls13(use.purpose, p, structure.len)) {
		kinds = s->tls13;
	} else if (!use.tls12 || use.purpose != SIGNER_TLS_SERVER) {
		*why = "not a TLS 1.3 CertificateVerify of its side";
		return NULL;
	} else if (is_tls12(p, structure.len)) {
		kinds = s->tls12;
	} else {
		*why = "neither a TLS 1.3 CertificateVerify nor a TLS 1.2 key "
		       "exchange";
		return NULL;
	}
	if (!(kinds & (1u << kind))) {
		*why = "the signature scheme does not fit the key";
		return NULL;
	}
	return s;
}
