/*
 * deployment.tls_config and identity: names that Kiali knows become names that
 * OpenSSL knows. Kiali's rules: unknown names are skipped with a warning, a
 * list of which nothing is left is an error.
 */
#include "common/settings_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct tls_name {
	const char *iana, *openssl;
};

/* TLS 1.2 with forward secrecy and AEAD; Doorward offers nothing weaker. */
static const struct tls_name ciphers[] = {
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	    "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	    "ECDHE-RSA-AES128-GCM-SHA256" },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	    "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	    "ECDHE-RSA-AES256-GCM-SHA384" },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	    "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	    "ECDHE-RSA-CHACHA20-POLY1305" },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
	    "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
	    "ECDHE-RSA-CHACHA20-POLY1305" },
	{ NULL, NULL },
};
/* Case-sensitive, as in Kiali. */
static const struct tls_name groups[] = {
	{ "X25519", "X25519" },
	{ "secp256r1", "P-256" },
	{ "secp384r1", "P-384" },
	{ "secp521r1", "P-521" },
	{ NULL, NULL },
};

static const char *
openssl_name(const struct tls_name *names, const char *name)
{
	for (; names->iana != NULL; names++)
		if (strcmp(name, names->iana) == 0 ||
		    strcmp(name, names->openssl) == 0)
			return names->openssl;
	return NULL;
}

static void
translate(const struct settings *s, struct conf_errors *e, const char *path,
    const struct tls_name *names, struct conf_list *list)
{
	struct conf_list known = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const char *name = openssl_name(names, list->at[i]);

		if (name != NULL)
			conf_list_add(&known, name);
		else
			settings_complain(s, e, true, path,
			    "%.100s is not offered by Doorward, skipped",
			    list->at[i]);
	}
	if (list->n > 0 && known.n == 0)
		settings_complain(
		    s, e, false, path, "none of these is offered by Doorward");
	conf_list_done(list);
	*list = known;
}

/* enum tls_version, or -1 */
static int
version_of(const char *text)
{
	static const char *const v12[] = { "TLSv1.2", "TLS1.2",
		"VersionTLS12" };
	static const char *const v13[] = { "TLSv1.3", "TLS1.3",
		"VersionTLS13" };

	if (text[0] == '\0')
		return TLS_VERSION_UNSET;
	for (size_t i = 0; i < sizeof(v12) / sizeof(v12[0]); i++) {
		if (strcmp(text, v12[i]) == 0)
			return TLS_VERSION_1_2;
		if (strcmp(text, v13[i]) == 0)
			return TLS_VERSION_1_3;
	}
	return -1;
}

static int
check_version(const struct settings *s, struct conf_errors *e, const char *path,
    const char *text)
{
	int version = version_of(text);

	if (version < 0) {
		settings_complain(s, e, false, path,
		    "must be TLSv1.2 or TLSv1.3 (older versions are not safe)");
		return TLS_VERSION_UNSET;
	}
	return version;
}

static void
check_versions(struct settings *s, struct conf_errors *e)
{
	static const char min[] = "deployment.tls_config.min_version";
	static const char max[] = "deployment.tls_config.max_version";

	s->tls_min = check_version(s, e, min, s->tls_min_text);
	s->tls_max = check_version(s, e, max, s->tls_max_text);
	if (s->tls_max == TLS_VERSION_UNSET)
		s->tls_max = TLS_VERSION_1_3;
	if (s->tls_min == TLS_VERSION_UNSET)
		s->tls_min = s->tls_max;
	if (s->tls_max < s->tls_min)
		settings_complain(
		    s, e, false, max, "is lower than min_version");
}

static void
add_certificate(struct settings *s, const char *cert_file, const char *key_file)
{
	s->certificates = mem_grow(s->certificates, s->n_certificates,
	    s->n_certificates + 1, sizeof(*s->certificates));
	s->certificates[s->n_certificates++] = (struct certificate_settings){
		.cert_file = mem_strdup(cert_file),
		.key_file = mem_strdup(key_file),
	};
}

static void
check_identity(const struct settings *s, struct conf_errors *e)
{
	static const char cert[] = "identity.cert_file";
	static const char key[] = "identity.private_key_file";
	bool has_cert = s->cert_file[0] != '\0';
	bool has_key = s->key_file[0] != '\0';

	if (has_cert != has_key)
		settings_complain(s, e, false, has_cert ? cert : key,
		    "needs %s as well: HTTPS takes both",
		    has_cert ? key : cert);
	if (has_cert && s->cert_file[0] != '/')
		settings_complain(
		    s, e, false, cert, "must be an absolute path");
	if (has_key && s->key_file[0] != '/')
		settings_complain(s, e, false, key, "must be an absolute path");
}

static void
check_more_certificates(const struct settings *s, struct conf_errors *e)
{
	for (size_t i = 0; i < s->n_more_certificates; i++) {
		const struct certificate_settings *c = &s->more_certificates[i];
		const char *const files[] = { c->cert_file, c->key_file };
		static const char *const keys[] = { "cert_file",
			"private_key_file" };

		for (size_t k = 0; k < 2; k++) {
			char *path = mem_printf(
			    "doorward.certificates[%zu].%s", i, keys[k]);

			if (files[k][0] == '\0')
				settings_complain(s, e, false, path,
				    "is needed: a certificate takes both "
				    "files");
			settings_check_absolute(s, e, path, files[k]);
			free(path);
		}
	}
	if (s->n_more_certificates > 0 && !settings_tls(s))
		settings_complain(s, e, false, "doorward.certificates",
		    "needs identity.cert_file as well: the certificate for "
		    "names that none of these has");
}

static void
join_certificates(struct settings *s)
{
	if (!settings_tls(s))
		return;
	add_certificate(s, s->cert_file, s->key_file);
	for (size_t i = 0; i < s->n_more_certificates; i++)
		add_certificate(s, s->more_certificates[i].cert_file,
		    s->more_certificates[i].key_file);
}

void
settings_check_tls(struct settings *s, struct conf_errors *e)
{
	if (s->tls_source != 0)
		settings_complain(s, e, true, "deployment.tls_config.source",
		    "auto: no cluster's TLS profile can be read here, the "
		    "values of this file count");
	check_versions(s, e);
	translate(s, e, "deployment.tls_config.cipher_suites", ciphers,
	    &s->cipher_suites);
	translate(s, e, "deployment.tls_config.groups", groups, &s->groups);
	check_identity(s, e);
	check_more_certificates(s, e);
	join_certificates(s);
}
