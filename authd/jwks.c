/*
 * Key sets: JSON to EVP_PKEY (RFC 7517, RFC 7518 section 6, RFC 8037); see the
 * header. Does not know tokens.
 */
#include "authd/jwks.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"

#define COORDINATE_MAX 48
#define MODULUS_MAX (JWKS_RSA_BITS_MAX / 8)
#define EXPONENT_MAX 8

struct jwk {
	enum jwk_type type;
	int alg; /* enum jose_alg that it is bound to, or -1 */
	bool has_kid;
	char kid[JWKS_KID_MAX + 1];
	EVP_PKEY *key;
};
struct jwks {
	struct jwk keys[JWKS_KEYS_MAX];
	size_t n;
};

/* clang-format off */
static const struct {
	const char *name;
	enum jwk_type type;
} algs[JOSE_ALG_COUNT] = {
	[JOSE_RS256] = { "RS256", JWK_RSA },
	[JOSE_PS256] = { "PS256", JWK_RSA },
	[JOSE_ES256] = { "ES256", JWK_P256 },
	[JOSE_ES384] = { "ES384", JWK_P384 },
	[JOSE_EDDSA] = { "EdDSA", JWK_ED25519 },
};
static const struct curve {
	const char *kty, *crv;
	enum jwk_type type;
	const char *group; /* OpenSSL's name */
	size_t len;        /* of a coordinate */
} curves[] = {
	{ "EC",  "P-256",   JWK_P256,    "P-256", 32 },
	{ "EC",  "P-384",   JWK_P384,    "P-384", 48 },
	{ "OKP", "Ed25519", JWK_ED25519, NULL,    32 },
};
/* Members of private and symmetric keys (RFC 7518 6.2.2, 6.3.2, 6.4.1). */
static const char *const private_members[] = {
	"d", "p", "q", "dp", "dq", "qi", "oth", "k",
};
/* clang-format on */

int
jose_alg_from(struct slice name)
{
	for (int i = 0; i < JOSE_ALG_COUNT; i++)
		if (slice_is(name, algs[i].name))
			return i;
	return -1;
}

enum jwk_type
jose_alg_key_type(enum jose_alg alg)
{
	return algs[alg].type;
}

static int
member_bytes(
    const json_t *jwk, const char *name, uint8_t *dst, size_t cap, size_t *n)
{
	struct slice text;

	if (json_strict_text(jwk, name, &text) != 0)
		return ERR_FORMAT;
	return b64url_decode(dst, cap, n, text.p, text.len);
}

/* Takes the builder's content as a public key and has OpenSSL check it: an EC
 * point that is not on its curve is refused here. */
static int
build_key(OSSL_PARAM_BLD *builder, const char *type, EVP_PKEY **out)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *key = NULL;
	int r = ERR_CRYPTO;

	if (params == NULL || make == NULL ||
	    EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		goto out;
	check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (check == NULL || EVP_PKEY_public_check(check) != 1)
		goto out;
	*out = key;
	key = NULL;
	r = 0;
out:
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(make);
	OSSL_PARAM_free(params);
	ERR_clear_error();
	return r;
}

static int
read_rsa(const json_t *jwk, struct jwk *out, const char **why)
{
	uint8_t n_bytes[MODULUS_MAX], e_bytes[EXPONENT_MAX];
	size_t n_len, e_len;
	OSSL_PARAM_BLD *builder = NULL;
	BIGNUM *n = NULL, *e = NULL;
	int r = ERR_FORMAT;

	*why = "an RSA key is malformed or over 8192 bits";
	if (member_bytes(jwk, "n", n_bytes, sizeof(n_bytes), &n_len) != 0 ||
	    member_bytes(jwk, "e", e_bytes, sizeof(e_bytes), &e_len) != 0)
		return ERR_FORMAT;
	n = BN_bin2bn(n_bytes, (int)n_len, NULL);
	e = BN_bin2bn(e_bytes, (int)e_len, NULL);
	builder = OSSL_PARAM_BLD_new();
	if (n == NULL || e == NULL || builder == NULL)
		goto out;
	*why = "an RSA key has less than 2048 bits or a bad exponent";
	r = ERR_CRYPTO;
	if (BN_num_bits(n) < JWKS_RSA_BITS_MIN || !BN_is_odd(n) ||
	    !BN_is_odd(e) || BN_is_one(e))
		goto out;
	if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		goto out;
	out->type = JWK_RSA;
	r = build_key(builder, "RSA", &out->key);
out:
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return r;
}

static int
read_ec(const json_t *jwk, const struct curve *c, struct jwk *out)
{
	uint8_t point[1 + 2 * COORDINATE_MAX];
	size_t x_len, y_len;
	OSSL_PARAM_BLD *builder;
	int r = ERR_CRYPTO;

	/* RFC 7518 6.2.1.2: coordinates have exactly the curve's length. */
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	if (member_bytes(jwk, "x", point + 1, c->len, &x_len) != 0 ||
	    member_bytes(jwk, "y", point + 1 + c->len, c->len, &y_len) != 0 ||
	    x_len != c->len || y_len != c->len)
		return ERR_FORMAT;
	builder = OSSL_PARAM_BLD_new();
	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(
		builder, OSSL_PKEY_PARAM_GROUP_NAME, c->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->len) == 1)
		r = build_key(builder, "EC", &out->key);
	OSSL_PARAM_BLD_free(builder);
	return r;
}

static int
read_okp(const json_t *jwk, const struct curve *c, struct jwk *out)
{
	uint8_t x[COORDINATE_MAX];
	size_t len;

	if (member_bytes(jwk, "x", x, sizeof(x), &len) != 0 || len != c->len)
		return ERR_FORMAT;
	out->key =
	    EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, len);
	ERR_clear_error();
	return out->key != NULL ? 0 : ERR_CRYPTO;
}

static int
read_curve(const json_t *jwk, struct jwk *out, const char **why)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		const struct curve *c = &curves[i];

		if (!json_strict_is(jwk, "kty", c->kty) ||
		    !json_strict_is(jwk, "crv", c->crv))
			continue;
		*why = "an elliptic-curve key is malformed";
		out->type = c->type;
		return c->group != NULL ? read_ec(jwk, c, out)
					: read_okp(jwk, c, out);
	}
	return ERR_NOT_FOUND; /* a curve or type that we do not know */
}

/* RFC 7517 4.2, 4.3: is the key meant for verifying signatures? */
static bool
is_for_signatures(const json_t *jwk)
{
	json_t *ops;
	int r = json_strict_array(jwk, "key_ops", &ops);

	if (json_object_get(jwk, "use") != NULL &&
	    !json_strict_is(jwk, "use", "sig"))
		return false;
	if (r == ERR_NOT_FOUND)
		return true;
	if (r != 0 || !json_strict_texts(ops, 16))
		return false;
	for (size_t i = 0; i < json_array_size(ops); i++)
		if (slice_is(json_strict_text_at(ops, i), "verify"))
			return true;
	return false;
}

/* kid and alg. ERR_NOT_FOUND: the key is bound to an algorithm that we do not
 * accept. */
static int
read_labels(const json_t *jwk, struct jwk *out, const char **why)
{
	struct slice text;
	int r = json_strict_text(jwk, "kid", &text);

	*why = "a key's kid or alg is malformed";
	out->has_kid = r == 0;
	if (r == ERR_FORMAT ||
	    (r == 0 && slice_copy(text, out->kid, sizeof(out->kid)) != 0))
		return ERR_FORMAT;
	out->alg = -1;
	r = json_strict_text(jwk, "alg", &text);
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r != 0)
		return r;
	out->alg = jose_alg_from(text);
	return out->alg >= 0 ? 0 : ERR_NOT_FOUND;
}

/* ERR_NOT_FOUND: not for us, leave it out. */
static int
read_key(const json_t *jwk, struct jwk *out, const char **why)
{
	int r;

	*why = "a key is not an object with a kty";
	if (!json_is_object(jwk) ||
	    !json_is_string(json_object_get(jwk, "kty")))
		return ERR_FORMAT;
	*why = "it holds a private or symmetric key; only public keys belong "
	       "there";
	for (size_t i = 0;
	     i < sizeof(private_members) / sizeof(private_members[0]); i++)
		if (json_object_get(jwk, private_members[i]) != NULL)
			return ERR_CRYPTO;
	if (!is_for_signatures(jwk))
		return ERR_NOT_FOUND;
	r = read_labels(jwk, out, why);
	if (r != 0)
		return r;
	r = json_strict_is(jwk, "kty", "RSA") ? read_rsa(jwk, out, why)
					      : read_curve(jwk, out, why);
	if (r != 0)
		return r;
	if (out->alg < 0 || algs[out->alg].type == out->type)
		return 0;
	*why = "a key's alg does not fit its type";
	return ERR_FORMAT;
}

static int
read_keys(const json_t *keys, struct jwks *set, const char **why)
{
	*why = "it has more than 64 keys";
	if (json_array_size(keys) > JWKS_KEYS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < json_array_size(keys); i++) {
		struct jwk *k = &set->keys[set->n];
		int r = read_key(json_array_get(keys, i), k, why);

		if (r == 0) {
			set->n++;
			continue;
		}
		EVP_PKEY_free(k->key);
		*k = (struct jwk){ 0 };
		if (r != ERR_NOT_FOUND)
			return r;
	}
	*why = "it has no key that can verify RS256, PS256, ES256, ES384 or "
	       "EdDSA";
	return set->n > 0 ? 0 : ERR_NOT_FOUND;
}

int
jwks_parse(struct slice text, struct jwks **out, const char **why)
{
	json_t *o = NULL, *keys;
	struct jwks *set = mem_new(sizeof(*set));
	int r;

	*why = "it is not a JSON object, or it is too long";
	r = json_strict_parse(text, JWKS_TEXT_MAX, &o);
	if (r != 0)
		goto out;
	*why = "it has no array \"keys\"";
	r = ERR_FORMAT;
	if (json_strict_array(o, "keys", &keys) != 0)
		goto out;
	r = read_keys(keys, set, why);
	if (r != 0)
		goto out;
	*out = set;
	set = NULL;
out:
	json_decref(o);
	jwks_free(set);
	return r;
}

void
jwks_free(struct jwks *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		EVP_PKEY_free(set->keys[i].key);
	free(set);
}

size_t
jwks_count(const struct jwks *set)
{
	return set->n;
}

size_t
jwks_select(const struct jwks *set, enum jose_alg alg, bool has_kid,
    struct slice kid, EVP_PKEY *out[JWKS_TRIES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < set->n && n < JWKS_TRIES_MAX; i++) {
		const struct jwk *k = &set->keys[i];

		if (k->type != jose_alg_key_type(alg) ||
		    (k->alg >= 0 && k->alg != (int)alg))
			continue;
		if (has_kid && !(k->has_kid && slice_is(kid, k->kid)))
			continue;
		out[n++] = k->key;
	}
	return n;
}
