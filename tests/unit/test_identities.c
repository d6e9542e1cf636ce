/*
 * TLS identities with real files and real signers: a pair takes over only when
 * it is one, whatever else is put there changes nothing but what the status
 * says, and a signer that dies is started anew with the last good pair.
 */
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/settings.h"
#include "secretd/identities.h"
#include "secretd/watch.h"
#include "tests/unit/tls_pem.h"
#include "tests/unit/unit.h"

#define SECOND_MS 1000
#define NOBODY 65534
#define LONG_MS 15000 /* the machine may be busy */

static char root[40];
static char *dir_paths[2];
static struct conf_list dirs = { dir_paths, 2 };
static const struct slot_dirs where = { &dirs, NULL };
static struct settings settings;
static struct certificate_settings server;
static struct event_base *base;
static struct watch *watch;
static struct identities *identities;
static unsigned n_changed;

/* Two pairs; the second key is of another kind. */
static struct {
	struct slice key, cert;
} pairs[2];

/* --- files --- */

static char *
at(const char *name)
{
	return mem_printf("%s/%s", root, name);
}

static void
make_dir(const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(mkdir(path, 0755), 0);
	free(path);
}

static void
put_part(const char *name, struct slice s, mode_t mode)
{
	char *path = at(name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(s.p, 1, s.len, f), s.len);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	free(path);
}

static void
put(const char *name, struct slice s)
{
	put_part(name, s, strstr(name, "key") != NULL ? 0600 : 0644);
}

static void
drop_file(const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

/* --- what is served --- */

static void
changed(enum signer_purpose purpose, unsigned number, void *arg)
{
	(void)purpose;
	(void)number;
	(void)arg;
	n_changed++;
}

/* Is that pair's certificate served? A channel to its signer, too. */
static bool
serves(enum signer_purpose purpose, unsigned number, unsigned pair)
{
	struct slice chain;
	int fd;

	if (identities_attach(identities, purpose, number, 0, &fd, &chain) < 0)
		return false;
	(void)close(fd);
	/* a slot is read without the blanks around it */
	return chain.len + 1 >= pairs[pair].cert.len &&
	    chain.len <= pairs[pair].cert.len &&
	    memcmp(chain.p, pairs[pair].cert.p, chain.len) == 0;
}

static bool
status_has(const char *words)
{
	char text[8192];
	size_t len = identities_status(identities, text, sizeof(text) - 1);

	text[len] = '\0';
	return strstr(text, words) != NULL;
}

static void
tick(void)
{
	const struct timeval t = { .tv_usec = 5000 };

	(void)event_base_loopexit(base, &t);
	(void)event_base_dispatch(base);
}

#define UNTIL(condition, limit_ms)                                 \
	do {                                                       \
		int64_t end = clock_mono_ms() + (limit_ms);        \
		while (!(condition) && clock_mono_ms() < end)      \
			tick();                                    \
		ck_assert_msg((condition), "not within %d ms: %s", \
		    (int)(limit_ms), #condition);                  \
	} while (0)

static pid_t
signer_pid(void)
{
	char text[8192];
	const char *found;
	size_t len = identities_status(identities, text, sizeof(text) - 1);

	text[len] = '\0';
	found = strstr(text, ", signer ");
	return found != NULL ? (pid_t)atoi(found + 9) : 0;
}

/* --- set-up --- */

static void
make_pair(unsigned i, EVP_PKEY *key)
{
	pairs[i].key = pem_of_key(key, NULL);
	pairs[i].cert = pem_of_certificate(key);
	EVP_PKEY_free(key);
}

/* What secretd is, and does before its own sandbox. */
static void
be_secretd(void)
{
	tzset();
	ck_assert_int_eq(
	    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL), 1);
	if (getuid() != 0)
		return;
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

static void
set_up(void)
{
	be_secretd();
	(void)snprintf(root, sizeof(root), "/tmp/dw-identities.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	make_dir("first");
	make_dir("second");
	dir_paths[0] = at("first");
	dir_paths[1] = at("second");
	settings = (struct settings){ .n_certificates = 0 };
	make_pair(0, EVP_EC_gen("P-256"));
	make_pair(1, EVP_RSA_gen(2048));
	n_changed = 0;
	base = event_base_new();
	watch = watch_new(base);
}

static void
start(void)
{
	identities = identities_new(base, &settings, &where, changed, NULL);
	identities_start(identities);
	identities_watch(identities, watch);
}

static void
start_server(void)
{
	server = (struct certificate_settings){ at("crt"), at("key") };
	settings.certificates = &server;
	settings.n_certificates = 1;
	put("crt", pairs[0].cert);
	put("key", pairs[0].key);
	start();
	ck_assert(serves(SIGNER_TLS_SERVER, 0, 0));
}

static void
use_client(void)
{
	struct service_settings *s = &settings.services[SERVICE_PERSES];

	s->name = "perses";
	s->in_use = true;
	s->auth.cert_file = (char *)(uintptr_t) "secret:mounted:tls.crt";
	s->auth.key_file = (char *)(uintptr_t) "secret:mounted:tls.key";
}

static void
tear_down(void)
{
	char *command = mem_printf("rm -rf %s", root);

	identities_free(identities);
	watch_free(watch);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* --- a server's pair --- */

/* One after the other: nothing is said of the half, and then both count. */
START_TEST(late_half)
{
	start_server();
	put("key", pairs[1].key);
	UNTIL(status_has("not replaced"), LONG_MS);
	ck_assert(serves(SIGNER_TLS_SERVER, 0, 0));
	put("crt", pairs[1].cert);
	UNTIL(serves(SIGNER_TLS_SERVER, 0, 1), SECOND_MS);
	ck_assert(!status_has("not replaced"));
	ck_assert_uint_eq(n_changed, 1);
	ck_assert(status_has("TLS signer restarts: 0"));
}
END_TEST

static const char junk[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
			   "-----END CERTIFICATE-----\n";
static const char junk_key[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n"
			       "-----END PRIVATE KEY-----\n";

static void
other_key(void)
{
	put("key", pairs[1].key);
}

static void
broken_certificate(void)
{
	put("crt", slice_of(junk));
}

static void
broken_key(void)
{
	put("key", slice_of(junk_key));
}

static void
half_a_key(void)
{
	put("key", (struct slice){ pairs[0].key.p, pairs[0].key.len / 2 });
}

/* Takes key. */
static void
put_key(EVP_PKEY *key, const char *password)
{
	struct slice pem = pem_of_key(key, password);
	char *text;

	put("key", pem);
	memcpy(&text, &pem.p, sizeof(text));
	free(text);
	EVP_PKEY_free(key);
}

static void
wrong_kind(void)
{
	put_key(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), NULL);
}

static void
locked_key(void)
{
	put_key(EVP_EC_gen("P-256"), "secret");
}

static void
no_key(void)
{
	drop_file("key");
}

static void
no_certificate(void)
{
	drop_file("crt");
}

static void
key_for_everybody(void)
{
	put_part("key", pairs[0].key, 0644);
}

static void
key_in_certificate(void)
{
	put("crt", pairs[0].key);
}

static const struct {
	void (*spoil)(void);
	const char *words; /* in the status */
} spoilers[] = {
	{ other_key, "not that of the certificate" },
	{ broken_certificate, "crt: " },
	{ broken_key, "key: " },
	{ half_a_key, "no private key in PEM" },
	{ wrong_kind, "key: " },
	{ locked_key, "key: " },
	{ no_key, "there is no file" },
	{ no_certificate, "there is no file" },
	{ key_for_everybody, "can be read by everybody" },
	{ key_in_certificate, "holds a private key as well" },
};

START_TEST(what_is_no_pair_changes_nothing)
{
	start_server();
	spoilers[_i].spoil();
	UNTIL(status_has("not replaced: "), LONG_MS);
	UNTIL(status_has(spoilers[_i].words), LONG_MS);
	ck_assert(serves(SIGNER_TLS_SERVER, 0, 0));
	put("crt", pairs[0].cert);
	put("key", pairs[0].key);
	UNTIL(!status_has("not replaced"), LONG_MS);
	ck_assert(serves(SIGNER_TLS_SERVER, 0, 0));
	ck_assert_uint_eq(n_changed, 0);
	ck_assert(status_has("TLS signer restarts: 0"));
}
END_TEST

/* The last good pair is kept for this; the complaint stays until the files are
 * mended, and then what they hold counts. */
START_TEST(dies_while_its_files_are_broken)
{
	pid_t before;

	start_server();
	spoilers[_i].spoil();
	UNTIL(status_has("not replaced: "), LONG_MS);
	before = signer_pid();
	ck_assert_int_gt(before, 0);
	ck_assert_int_eq(kill(before, SIGKILL), 0);
	UNTIL(status_has("TLS signer restarts: 1"), LONG_MS);
	UNTIL(serves(SIGNER_TLS_SERVER, 0, 0), LONG_MS);
	ck_assert_int_ne(signer_pid(), before);
	ck_assert_uint_eq(n_changed, 1); /* its users ask for a channel */
	ck_assert(status_has("not replaced: "));
	ck_assert(status_has(spoilers[_i].words));
	put("crt", pairs[1].cert);
	put("key", pairs[1].key);
	UNTIL(serves(SIGNER_TLS_SERVER, 0, 1), LONG_MS);
	ck_assert(!status_has("not replaced"));
}
END_TEST

/* While it is away, that is what the status says. */
START_TEST(dies)
{
	start_server();
	ck_assert_int_eq(kill(signer_pid(), SIGKILL), 0);
	/* by its death or by its channel, whichever is seen first */
	UNTIL(status_has("identity: away: the signer "), LONG_MS);
	ck_assert(!serves(SIGNER_TLS_SERVER, 0, 0));
	UNTIL(serves(SIGNER_TLS_SERVER, 0, 0), LONG_MS);
	ck_assert(!status_has("away"));
}
END_TEST

/* Both halves in one folder, which is swapped as a whole. */
static void
link_to(const char *version)
{
	char *from = at("..data_tmp"), *to = at("..data");

	ck_assert_int_eq(symlink(version, from), 0);
	ck_assert_int_eq(rename(from, to), 0);
	free(from);
	free(to);
}

static void
link_file(const char *name, const char *target)
{
	char *path = at(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

START_TEST(swapped_by_kubernetes)
{
	make_dir("..1");
	link_to("..1");
	link_file("crt", "..data/crt");
	link_file("key", "..data/key");
	start_server();
	make_dir("..2");
	put("..2/crt", pairs[1].cert);
	put("..2/key", pairs[1].key);
	link_to("..2");
	UNTIL(serves(SIGNER_TLS_SERVER, 0, 1), SECOND_MS);
	ck_assert_uint_eq(n_changed, 1);
}
END_TEST

/* --- a client's pair, in slots --- */

START_TEST(client_slots)
{
	use_client();
	make_dir("second/perses-cert");
	make_dir("second/perses-key");
	put("second/perses-cert/tls.crt", pairs[0].cert); /* for everybody */
	put("second/perses-key/tls.key", pairs[0].key);
	start();
	ck_assert(serves(SIGNER_TLS_CLIENT, SERVICE_PERSES, 0));
	ck_assert(!serves(SIGNER_TLS_SERVER, SERVICE_PERSES, 0));
	ck_assert(!serves(SIGNER_TLS_CLIENT, 0, 0));
	/* in an earlier folder, which has neither slot yet */
	make_dir("first/perses-key");
	put("first/perses-key/value.txt", pairs[1].key);
	UNTIL(status_has("not replaced"), LONG_MS);
	make_dir("first/perses-cert");
	put("first/perses-cert/value.txt", pairs[1].cert);
	UNTIL(serves(SIGNER_TLS_CLIENT, SERVICE_PERSES, 1), SECOND_MS);
	/* and away again */
	drop_file("first/perses-key/value.txt");
	drop_file("first/perses-cert/value.txt");
	UNTIL(serves(SIGNER_TLS_CLIENT, SERVICE_PERSES, 0), SECOND_MS);
}
END_TEST

START_TEST(client_key_for_everybody)
{
	use_client();
	make_dir("first/perses-cert");
	make_dir("first/perses-key");
	put("first/perses-cert/tls.crt", pairs[0].cert);
	put("first/perses-key/tls.key", pairs[0].key);
	start();
	put_part("first/perses-key/tls.key", pairs[0].key, 0644);
	UNTIL(status_has("slot perses-key: "), LONG_MS);
	ck_assert(status_has("can be read by everybody"));
	ck_assert(serves(SIGNER_TLS_CLIENT, SERVICE_PERSES, 0));
}
END_TEST

/* --- the key of client assertions --- */

static void
use_assertion(void)
{
	settings.strategy = STRATEGY_OPENID;
	settings.openid.auth_method = OPENID_AUTH_PRIVATE_KEY_JWT;
	settings.openid.client_id = (char *)(uintptr_t) "doorward";
	settings.openid.issuer = (char *)(uintptr_t) "https://idp.example";
	make_dir("first/oidc-key");
}

/* Asserts as what? "ES256 <kid>", or "". */
static const char *
asserts_as(void)
{
	static char name[MSG_NAMES_MAX + 1];
	struct slice s = { NULL, 0 };
	int fd;

	name[0] = '\0';
	if (identities_attach(
		identities, SIGNER_CLIENT_ASSERTION, 0, 0, &fd, &s) < 0)
		return name;
	(void)close(fd);
	ck_assert_int_eq(slice_copy(s, name, sizeof(name)), 0);
	return name;
}

START_TEST(assertion_key)
{
	char *first;
	pid_t pid;

	use_assertion();
	put_part("first/oidc-key/value.txt", pairs[0].key, 0600);
	start();
	first = mem_strdup(asserts_as());
	ck_assert_uint_eq(strlen(first), strlen("ES256 ") + 43);
	ck_assert(status_has(first));
	ck_assert(
	    status_has("client key for the provider: {\"crv\":\"P-256\","));
	ck_assert(!serves(SIGNER_TLS_SERVER, 0, 0));
	/* of no use: nothing changes but the status */
	put_part("first/oidc-key/value.txt",
	    SLICE("-----BEGIN PRIVATE KEY-----\nAAAA\n"
		  "-----END PRIVATE KEY-----\n"),
	    0600);
	UNTIL(status_has("; not replaced: "), LONG_MS);
	ck_assert(status_has("no private key in PEM form"));
	ck_assert_str_eq(asserts_as(), first);
	ck_assert_uint_eq(n_changed, 0);
	/* its signer dies meanwhile: the last good key serves */
	pid = signer_pid();
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	UNTIL(signer_pid() != pid && asserts_as()[0] != '\0', LONG_MS);
	ck_assert_str_eq(asserts_as(), first);
	/* another one */
	put_part("first/oidc-key/value.txt", pairs[1].key, 0600);
	UNTIL(strncmp(asserts_as(), "RS256 ", 6) == 0, LONG_MS);
	ck_assert_uint_eq(n_changed, 2);
	ck_assert(!status_has(first));
	free(first);
}
END_TEST

/* Without the key nothing starts. */
START_TEST(assertion_key_is_needed)
{
	use_assertion();
	if (_i > 0)
		put_part("first/oidc-key/value.txt", pairs[0].cert, 0600);
	start();
}
END_TEST

/* There is one only where the configuration wants it. */
START_TEST(no_assertion_key)
{
	use_assertion();
	settings.openid.auth_method = OPENID_AUTH_BASIC;
	put_part("first/oidc-key/value.txt", pairs[0].key, 0600);
	start();
	ck_assert_str_eq(asserts_as(), "");
	ck_assert(!status_has("client key"));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("identities");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, late_half);
	tcase_add_loop_test(
	    t, what_is_no_pair_changes_nothing, 0, (int)N_ROWS(spoilers));
	tcase_add_loop_test(
	    t, dies_while_its_files_are_broken, 0, (int)N_ROWS(spoilers));
	tcase_add_test(t, dies);
	tcase_add_test(t, swapped_by_kubernetes);
	tcase_add_test(t, client_slots);
	tcase_add_test(t, client_key_for_everybody);
	tcase_add_test(t, assertion_key);
	tcase_add_loop_exit_test(t, assertion_key_is_needed, 1, 0, 2);
	tcase_add_test(t, no_assertion_key);
	return unit_run("identities", t);
}
