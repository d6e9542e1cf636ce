/* The tables of suites and groups, and choosing from them; see tls_policy.h. */
#include "frontend/tls_policy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "common/err.h"
#include "common/log.h"
#include "common/settings.h"

struct choice {
	const char *names[4]; /* OpenSSL's first */
	int version;	      /* suites: of which; groups: from which */
	bool by_default;
};

#define V12 TLS1_2_VERSION
#define V13 TLS1_3_VERSION

/* clang-format off */
static const struct choice suites[] = {
	{ { "TLS_AES_128_GCM_SHA256" }, V13, true },
	{ { "TLS_AES_256_GCM_SHA384" }, V13, true },
	{ { "TLS_CHACHA20_POLY1305_SHA256" }, V13, true },
	{ { "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" }, V12, true },
	{ { "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" }, V12, true },
	{ { "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" }, V12, true },
	{ { "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" }, V12, true },
	{ { "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" }, V12, true },
	{ { "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" }, V12, true },
};

/* Those whose TLS 1.2 parameters the signer accepts; secp521r1 needs 1.3. */
static const struct choice groups[] = {
	{ { "X25519" }, V12, true },
	{ { "P-256", "secp256r1", "prime256v1", "CurveP256" }, V12, true },
	{ { "P-384", "secp384r1", "CurveP384" }, V12, true },
	{ { "P-521", "secp521r1", "CurveP521" }, V13, false },
};
/* clang-format on */

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct choice *
find(const struct choice *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < 4 && table[i].names[j] != NULL; j++)
			if (strcasecmp(table[i].names[j], name) == 0)
				return &table[i];
	return NULL;
}

static void
append(char *list, size_t cap, const char *name)
{
	size_t at = strlen(list), len = strlen(name);
	if (at + len + 2 > cap)
		return;
	if (at > 0)
		list[at++] = ':';
	memcpy(list + at, name, len + 1);
}

static void
append_defaults(
    char *list, size_t cap, const struct choice *table, size_t n, int version)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].by_default && table[i].version == version)
			append(list, cap, table[i].names[0]);
}

/* A list that names suites of one version only says nothing of the other. */
static int
read_suites(struct tls_policy *p, const struct conf_list *list)
{
	size_t known = 0;
	for (size_t i = 0; i < list->n; i++) {
		const struct choice *c = find(suites, N(suites), list->at[i]);
		if (c == NULL) {
			log_warn("deployment.tls_config.cipher_suites: %.100s "
				 "is unknown or not ECDHE with AEAD: left out",
			    list->at[i]);
			continue;
		}
		known++;
		if (c->version == V13)
			append(p->suites13, sizeof(p->suites13), c->names[0]);
		else
			append(p->suites12, sizeof(p->suites12), c->names[0]);
	}
	if (list->n > 0 && known == 0) {
		log_error("deployment.tls_config.cipher_suites names no suite "
			  "that can be used");
		return ERR_CONFIG;
	}
	if (p->suites13[0] == '\0')
		append_defaults(
		    p->suites13, sizeof(p->suites13), suites, N(suites), V13);
	if (p->suites12[0] == '\0')
		append_defaults(
		    p->suites12, sizeof(p->suites12), suites, N(suites), V12);
	return 0;
}

static int
read_groups(struct tls_policy *p, const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct choice *c = find(groups, N(groups), list->at[i]);
		if (c == NULL || c->version > p->min)
			log_warn("deployment.tls_config.groups: %.100s is %s: "
				 "left out",
			    list->at[i],
			    c == NULL ? "unknown" : "for TLS 1.3 only");
		else
			append(p->groups, sizeof(p->groups), c->names[0]);
	}
	if (list->n > 0 && p->groups[0] == '\0') {
		log_error("deployment.tls_config.groups names no group that "
			  "can be used");
		return ERR_CONFIG;
	}
	if (p->groups[0] == '\0')
		append_defaults(
		    p->groups, sizeof(p->groups), groups, N(groups), V12);
	return 0;
}

int
tls_policy_read(struct tls_policy *p, const struct settings *s)
{
	memset(p, 0, sizeof(*p));
	p->min = s->tls_min == TLS_VERSION_1_2 ? V12 : V13;
	p->max = s->tls_max == TLS_VERSION_1_2 ? V12 : V13;
	if (p->min > p->max) {
		log_error("deployment.tls_config: max_version is below "
			  "min_version");
		return ERR_CONFIG;
	}
	int err = read_suites(p, &s->cipher_suites);
	return err != 0 ? err : read_groups(p, &s->groups);
}

/* libssl picks among these what it asks the signer for. NULL: a key that is
 * not supported. */
static const char *
schemes_for(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_is_a(key, "RSA") == 1 && bits >= 2048 && bits <= 4096)
		return "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"
		       "rsa_pss_rsae_sha512";
	char group[32] = "";
	if (EVP_PKEY_is_a(key, "EC") != 1 ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	if (strcmp(group, "prime256v1") == 0)
		return "ECDSA+SHA256";
	return strcmp(group, "secp384r1") == 0 ? "ECDSA+SHA384" : NULL;
}

int
tls_policy_apply(const struct tls_policy *p, SSL_CTX *ctx, const EVP_PKEY *key)
{
	const char *for_key = schemes_for(key);
	char groups_list[sizeof(p->groups)], schemes[128];

	if (for_key == NULL)
		return ERR_CONFIG;
	/* OpenSSL's macros cast const away; it only reads. */
	memcpy(groups_list, p->groups, sizeof(groups_list));
	snprintf(schemes, sizeof(schemes), "%s", for_key);
	if (SSL_CTX_set_min_proto_version(ctx, p->min) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, p->max) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, p->suites13) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, p->suites12) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups_list) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ctx, schemes) != 1)
		return ERR_CRYPTO;
	return 0;
}
