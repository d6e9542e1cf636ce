/*
 * The OpenSSL side of a remote key (provider(7), provider-keymgmt(7),
 * provider-signature(7)). Everything public is passed on to the certificate's
 * EVP_PKEY. Exporting the private part fails, which makes libcrypto use the
 * signature functions here instead of another provider's.
 */
#include "common/tls_provider.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "common/err.h"
#include "common/mem.h"

#define NAME "doorward"
#define KEY_PARAM "doorward-key" /* a struct tls_key **, by address */

typedef void (*dispatch_fn)(void);

/* --- key management --- */

struct keydata {
	struct tls_key *key; /* NULL until imported */
};

static void *
keydata_new(void *provider)
{
	(void)provider;
	return mem_new(sizeof(struct keydata));
}

static void
keydata_free(void *data)
{
	struct keydata *d = data;
	if (d == NULL)
		return;
	tls_key_unref(d->key);
	free(d);
}

static int
keydata_has(const void *data, int selection)
{
	const struct keydata *d = data;
	(void)selection;
	return d->key != NULL;
}

static int
keydata_match(const void *a, const void *b, int selection)
{
	const struct keydata *x = a, *y = b;
	(void)selection;
	return x->key != NULL && y->key != NULL &&
	    EVP_PKEY_eq(tls_key_public(x->key), tls_key_public(y->key)) == 1;
}

/* Takes a key of ours only: other providers' keys stay where they are. */
static int
keydata_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct keydata *d = data;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, KEY_PARAM);
	struct tls_key *k;
	(void)selection;
	if (p == NULL || d->key != NULL ||
	    p->data_type != OSSL_PARAM_OCTET_STRING ||
	    p->data_size != sizeof(k))
		return 0;
	memcpy(&k, p->data, sizeof(k));
	d->key = tls_key_ref(k);
	return 1;
}

static const OSSL_PARAM *
keydata_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(KEY_PARAM, NULL, 0),
		OSSL_PARAM_END,
	};
	(void)selection;
	return types;
}

static int
keydata_export(void *data, int selection, OSSL_CALLBACK *take, void *take_arg)
{
	struct keydata *d = data;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
	    d->key == NULL)
		return 0;
	return EVP_PKEY_export(
	    tls_key_public(d->key), selection, take, take_arg);
}

static const OSSL_PARAM public_params[] = {
	OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM *
keydata_export_types(int selection)
{
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0
	    ? NULL
	    : public_params;
}

static const OSSL_PARAM *
keydata_gettable(void *provider)
{
	(void)provider;
	return public_params;
}

static int
keydata_get_params(void *data, OSSL_PARAM params[])
{
	struct keydata *d = data;
	return d->key != NULL &&
	    EVP_PKEY_get_params(tls_key_public(d->key), params);
}

static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

static const char *
rsa_operation(int operation)
{
	(void)operation;
	return "RSA";
}

/* clang-format off */
#define KEYMGMT(operation) { \
	{ OSSL_FUNC_KEYMGMT_NEW, (dispatch_fn)keydata_new }, \
	{ OSSL_FUNC_KEYMGMT_FREE, (dispatch_fn)keydata_free }, \
	{ OSSL_FUNC_KEYMGMT_HAS, (dispatch_fn)keydata_has }, \
	{ OSSL_FUNC_KEYMGMT_MATCH, (dispatch_fn)keydata_match }, \
	{ OSSL_FUNC_KEYMGMT_IMPORT, (dispatch_fn)keydata_import }, \
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (dispatch_fn)keydata_import_types }, \
	{ OSSL_FUNC_KEYMGMT_EXPORT, (dispatch_fn)keydata_export }, \
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (dispatch_fn)keydata_export_types }, \
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (dispatch_fn)keydata_get_params }, \
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (dispatch_fn)keydata_gettable }, \
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (dispatch_fn)(operation) }, \
	{ 0, NULL } }
/* clang-format on */

static const OSSL_DISPATCH ec_keymgmt[] = KEYMGMT(ec_operation);
static const OSSL_DISPATCH rsa_keymgmt[] = KEYMGMT(rsa_operation);

/* --- signatures --- */

struct sigctx {
	struct tls_key *key;
	char digest[16];
	bool pss;
};

/* TLS 1.2 with RSA is offered with PSS only (RFC 8446 4.2.3), so PKCS #1 v1.5
 * is never asked for. */
/* clang-format off */
static const struct {
	const char *type;
	bool pss;
	const char *digest;
	uint16_t scheme;
} schemes[] = {
	{ "EC", false, "SHA256", 0x0403 }, /* ecdsa_secp256r1_sha256 */
	{ "EC", false, "SHA384", 0x0503 }, /* ecdsa_secp384r1_sha384 */
	{ "RSA", true, "SHA256", 0x0804 }, /* rsa_pss_rsae_sha256 */
	{ "RSA", true, "SHA384", 0x0805 }, /* rsa_pss_rsae_sha384 */
	{ "RSA", true, "SHA512", 0x0806 }, /* rsa_pss_rsae_sha512 */
};
/* clang-format on */

static void *
sig_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return mem_new(sizeof(struct sigctx));
}

static void
sig_free(void *ctx)
{
	struct sigctx *c = ctx;
	if (c == NULL)
		return;
	tls_key_unref(c->key);
	free(c);
}

static int
sig_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct sigctx *c = ctx;
	const OSSL_PARAM *p;
	const char *mode = NULL;
	int pad = 0;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p == NULL)
		return 1; /* the salt is as long as the digest in TLS */
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (!OSSL_PARAM_get_utf8_string_ptr(p, &mode))
			return 0;
		c->pss = strcmp(mode, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	} else {
		if (!OSSL_PARAM_get_int(p, &pad))
			return 0;
		c->pss = pad == RSA_PKCS1_PSS_PADDING;
	}
	return 1;
}

static const OSSL_PARAM *
sig_settable(void *ctx, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(
		    OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};
	(void)ctx;
	(void)provider;
	return settable;
}

static int
sig_init(void *ctx, const char *digest, void *data, const OSSL_PARAM params[])
{
	struct sigctx *c = ctx;
	struct keydata *d = data;
	EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);

	if (md == NULL)
		return 0;
	/* SHA2-256 and SHA256 are one. */
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (EVP_MD_is_a(md, schemes[i].digest))
			memcpy(c->digest, schemes[i].digest,
			    strlen(schemes[i].digest) + 1);
	EVP_MD_free(md);
	if (d != NULL && d->key != NULL && c->key == NULL)
		c->key = tls_key_ref(d->key);
	return c->key != NULL && sig_set_params(ctx, params);
}

static uint16_t
scheme_of(const struct sigctx *c)
{
	const EVP_PKEY *public_key = tls_key_public(c->key);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (EVP_PKEY_is_a(public_key, schemes[i].type) &&
		    c->pss == schemes[i].pss &&
		    strcmp(c->digest, schemes[i].digest) == 0)
			return schemes[i].scheme;
	return 0;
}

static int
sig_sign(void *ctx, unsigned char *sig, size_t *len, size_t cap,
    const unsigned char *tbs, size_t tbs_len)
{
	struct sigctx *c = ctx;
	int max = EVP_PKEY_get_size(tls_key_public(c->key));
	struct tls_to_sign what = { scheme_of(c), tbs, tbs_len };

	if (max <= 0 || what.scheme == 0)
		return 0;
	if (sig == NULL) {
		*len = (size_t)max;
		return 1;
	}
	return tls_key_make_signature(c->key, &what, sig, cap, len) == 0;
}

static const OSSL_DISPATCH signature[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (dispatch_fn)sig_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (dispatch_fn)sig_free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (dispatch_fn)sig_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (dispatch_fn)sig_sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (dispatch_fn)sig_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (dispatch_fn)sig_settable },
	{ 0, NULL },
};

/* --- the provider --- */

#define PROPERTIES "provider=" NAME

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM keys[] = {
		{ "EC:id-ecPublicKey", PROPERTIES, ec_keymgmt, NULL },
		{ "RSA:rsaEncryption", PROPERTIES, rsa_keymgmt, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM signatures[] = {
		{ "ECDSA", PROPERTIES, signature, NULL },
		{ "RSA:rsaEncryption", PROPERTIES, signature, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	(void)provider;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keys;
	return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
    const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (dispatch_fn)query },
		{ 0, NULL },
	};
	static char context; /* nothing to keep, but it must not be NULL */
	(void)handle;
	(void)core;
	*provider = &context;
	*out = functions;
	return 1;
}

static OSSL_PROVIDER *by_default, *ours;

/* Whoever asks for "EC" without more must get the default provider's: ours
 * makes no keys. A key of ours still finds the functions of its own provider,
 * since its private part cannot go to another. */
int
tls_provider_load(void)
{
	if (OSSL_PROVIDER_add_builtin(NULL, NAME, provider_init) != 1)
		return ERR_CRYPTO;
	by_default = OSSL_PROVIDER_load(NULL, "default");
	ours = OSSL_PROVIDER_load(NULL, NAME);
	if (by_default == NULL || ours == NULL ||
	    EVP_set_default_properties(NULL, "?provider=default") != 1)
		return ERR_CRYPTO;
	return 0;
}

void
tls_provider_unload(void)
{
	OSSL_PROVIDER_unload(ours);
	OSSL_PROVIDER_unload(by_default);
}

EVP_PKEY *
tls_provider_pkey(struct tls_key *k)
{
	bool ec = EVP_PKEY_is_a(tls_key_public(k), "EC") == 1;
	EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(NULL, ec ? "EC" : "RSA", PROPERTIES);
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string(KEY_PARAM, &k, sizeof(k)),
		OSSL_PARAM_END,
	};

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}
