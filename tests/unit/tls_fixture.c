#include "tests/unit/tls_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "common/clock.h"
#include "common/mem.h"

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(e);
	X509_add_ext(cert, e, -1);
	X509_EXTENSION_free(e);
}

static char *
text_of(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	char *text = mem_strndup(p, (size_t)n);
	BIO_free(b);
	return text;
}

static EVP_PKEY *
make_key(const char *kind)
{
	if (strncmp(kind, "RSA-", 4) == 0)
		return EVP_RSA_gen((size_t)strtoul(kind + 4, NULL, 10));
	return EVP_EC_gen(kind);
}

void
tls_fixture_make(struct tls_fixture *f, const char *kind)
{
	tls_fixture_make_for(f, kind, "DNS:localhost,IP:127.0.0.1");
}

void
tls_fixture_make_for(struct tls_fixture *f, const char *kind, const char *names)
{
	f->key = make_key(kind);
	ck_assert_ptr_nonnull(f->key);
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, f->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(x, NID_subject_alt_name, names);
	ck_assert(X509_sign(x, f->key, EVP_sha256()) > 0);
	f->cert = x;

	BIO *b = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(b, x);
	f->chain_pem = text_of(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, f->key, NULL, NULL, 0, NULL, NULL);
	f->key_pem = text_of(b);
}

void
tls_fixture_drop(struct tls_fixture *f)
{
	EVP_PKEY_free(f->key);
	X509_free(f->cert);
	free(f->chain_pem);
	free(f->key_pem);
}

SSL_CTX *
tls_fixture_server(const struct tls_fixture *f, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	ck_assert(SSL_CTX_use_certificate(ctx, f->cert) == 1);
	ck_assert(SSL_CTX_use_PrivateKey(ctx, f->key) == 1);
	return ctx;
}

SSL_CTX *
tls_fixture_client(const struct tls_fixture *f, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), f->cert);
	return ctx;
}

static void
wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

bool
tls_fixture_run(struct event_base *base, const bool *done, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	struct timeval tick = { 0, 5000 };
	struct event *timer =
	    event_new(base, -1, EV_PERSIST | EV_TIMEOUT, wake, NULL);
	event_add(timer, &tick);
	while (!*done && clock_mono_ms() < end)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(timer);
	return *done;
}
