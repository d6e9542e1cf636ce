/* Loading and using a TLS private key with OpenSSL; see private_key.h. */
#include "secretd/private_key.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (MSG_SIGN_MAX * 8) /* its signature fits a message */

struct private_key {
	EVP_PKEY *pkey;
	enum key_kind kind;
	struct leaf_facts leaf;
};

/* Never asks for a password on a terminal. */
static int
no_password(char *buf, int size, int writing, void *was_asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)was_asked = true;
	return -1;
}

static BIO *
bio_of(struct slice pem)
{
	return pem.len > 0 && pem.len <= INT_MAX
	    ? BIO_new_mem_buf(pem.p, (int)pem.len)
	    : NULL;
}

static EVP_PKEY *
read_key(struct slice pem, const char **why)
{
	BIO *bio = bio_of(pem);
	bool encrypted = false;
	EVP_PKEY *pkey = bio != NULL
	    ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted)
	    : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (pkey != NULL)
		return pkey;
	*why = encrypted
	    ? "the private key is encrypted: store it without a passphrase "
	      "(openssl pkey -in KEY -out NEW)"
	    : "the file holds no private key in PEM form";
	return NULL;
}

static bool
check_kind(
    EVP_PKEY *pkey, bool is_for_tls, enum key_kind *kind, const char **why)
{
	char group[32] = "";
	int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "RSA")) {
		*kind = KEY_RSA;
		*why = "an RSA key must have 2048 to 4096 bits";
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	}
	if (EVP_PKEY_is_a(pkey, "EC"))
		(void)EVP_PKEY_get_utf8_string_param(pkey,
		    OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
	if (strcmp(group, "prime256v1") == 0) {
		*kind = KEY_P256;
		return true;
	}
	if (strcmp(group, "secp384r1") == 0) {
		*kind = KEY_P384;
		return true;
	}
	*kind = KEY_ED25519;
	*why = is_for_tls
	    ? "the key must be EC on P-256 or P-384, or RSA"
	    : "the key must be EC on P-256 or P-384, RSA or Ed25519";
	return is_for_tls ? false : EVP_PKEY_is_a(pkey, "ED25519");
}

static X509 *
read_leaf(struct slice pem)
{
	BIO *bio = bio_of(pem);
	bool encrypted = false;
	X509 *leaf = bio != NULL
	    ? PEM_read_bio_X509(bio, NULL, no_password, &encrypted)
	    : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return leaf;
}

static void
warn_of_dates(const X509 *leaf)
{
	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		log_warn("the TLS certificate has expired");
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		log_warn("the TLS certificate is not valid yet");
}

static void
add_name(struct leaf_facts *f, const char *name, size_t len)
{
	size_t at = strlen(f->names), comma = at > 0 ? 2 : 0;

	if (at + comma + len > MSG_NAMES_MAX)
		return;
	memcpy(f->names + at, ", ", comma);
	memcpy(f->names + at + comma, name, len);
	f->names[at + comma + len] = '\0';
}

static void
add_alternative_names(struct leaf_facts *f, const X509 *leaf)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(all, i);

		if (n->type == GEN_DNS)
			add_name(f,
			    (const char *)ASN1_STRING_get0_data(n->d.dNSName),
			    (size_t)ASN1_STRING_length(n->d.dNSName));
	}
	GENERAL_NAMES_free(all);
}

static void
add_common_name(struct leaf_facts *f, const X509 *leaf)
{
	const X509_NAME *subject = X509_get_subject_name(leaf);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *s = at < 0
	    ? NULL
	    : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

	if (s != NULL)
		add_name(f, (const char *)ASN1_STRING_get0_data(s),
		    (size_t)ASN1_STRING_length(s));
}

static void
note_leaf(struct leaf_facts *f, const X509 *leaf)
{
	struct tm tm;

	add_alternative_names(f, leaf);
	if (f->names[0] == '\0')
		add_common_name(f, leaf);
	if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) == 1)
		f->until_s = (int64_t)timegm(&tm);
}

static enum signer_state
check_leaf(struct slice chain_pem, EVP_PKEY *pkey, struct leaf_facts *facts,
    const char **why)
{
	X509 *leaf = read_leaf(chain_pem);
	enum signer_state state = SIGNER_READY;

	if (leaf == NULL) {
		*why = "the file holds no certificate in PEM form";
		return SIGNER_BAD_CERT;
	}
	if (X509_check_private_key(leaf, pkey) != 1) {
		*why = "the private key is not that of the certificate: the "
		       "first one in the file must be the key's own";
		state = SIGNER_MISMATCH;
	} else {
		warn_of_dates(leaf);
		note_leaf(facts, leaf);
	}
	X509_free(leaf);
	ERR_clear_error();
	return state;
}

enum signer_state
private_key_load(struct slice key_pem, struct slice chain_pem,
    struct private_key **out, const char **why)
{
	EVP_PKEY *pkey = read_key(key_pem, why);
	enum signer_state state = SIGNER_BAD_KEY;
	struct leaf_facts facts = { .names = "" };
	enum key_kind kind;

	if (pkey != NULL && check_kind(pkey, true, &kind, why))
		state = check_leaf(chain_pem, pkey, &facts, why);
	if (state != SIGNER_READY) {
		EVP_PKEY_free(pkey);
		return state;
	}
	*out = mem_new(sizeof(**out));
	(*out)->pkey = pkey;
	(*out)->kind = kind;
	(*out)->leaf = facts;
	return SIGNER_READY;
}

enum signer_state
private_key_load_bare(
    struct slice key_pem, struct private_key **out, const char **why)
{
	EVP_PKEY *pkey = read_key(key_pem, why);
	enum key_kind kind;

	if (pkey == NULL)
		return SIGNER_BAD_KEY;
	if (!check_kind(pkey, false, &kind, why)) {
		EVP_PKEY_free(pkey);
		return SIGNER_BAD_KEY;
	}
	*out = mem_new(sizeof(**out));
	(*out)->pkey = pkey;
	(*out)->kind = kind;
	return SIGNER_READY;
}

void
private_key_free(struct private_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum key_kind
private_key_kind(const struct private_key *k)
{
	return k->kind;
}

EVP_PKEY *
private_key_pkey(const struct private_key *k)
{
	return k->pkey;
}

const struct leaf_facts *
private_key_leaf(const struct private_key *k)
{
	return &k->leaf;
}

static int
start(EVP_MD_CTX *ctx, EVP_PKEY *pkey, const struct sign_scheme *scheme)
{
	EVP_PKEY_CTX *pctx;

	if (EVP_DigestSignInit_ex(
		ctx, &pctx, scheme->digest, NULL, NULL, pkey, NULL) != 1)
		return ERR_CRYPTO;
	/* RFC 8446 4.2.3: the salt is as long as the digest. */
	if (scheme->pss &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(
		    pctx, RSA_PSS_SALTLEN_DIGEST) != 1))
		return ERR_CRYPTO;
	return 0;
}

int
private_key_sign(const struct private_key *k, const struct sign_scheme *scheme,
    struct slice structure, uint8_t *sig, size_t *len)
{
	size_t need = (size_t)EVP_PKEY_get_size(k->pkey);
	EVP_MD_CTX *ctx;
	int r;

	if (*len < need)
		return ERR_LIMIT;
	ctx = EVP_MD_CTX_new();
	r = ctx != NULL ? start(ctx, k->pkey, scheme) : ERR_CRYPTO;
	if (r == 0 &&
	    EVP_DigestSign(ctx, sig, len, (const unsigned char *)structure.p,
		structure.len) != 1)
		r = ERR_CRYPTO;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}
