/* See identities.h. */
#include "secretd/identities.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/evp.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "secretd/tls_signer.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define STEADY_MS 30000 /* alive for so long: the back-off starts anew */
/* By hand one file comes after the other: before that is wrong, it is new. */
#define PATIENCE_MS 2000
#define GLANCE_MS 250
#define DIGEST_LEN 32

/* One of the two files: its name in the configuration and in messages, and
 * where it is. */
struct source {
	char *label;	       /* "identity.cert_file" */
	const char *slot;      /* NULL: reference is the path */
	const char *reference; /* as configured */
	char file[256];	       /* that it was last read from */
	struct stat seen;      /* of that file; zeros: it was not there */
};

struct identity {
	struct identities *all;
	enum signer_purpose purpose;
	unsigned number;
	char *name; /* "identity", "prometheus" */
	struct source cert, key;
	struct tls_signer *current, *next; /* NULL: none */
	uint8_t current_digest[DIGEST_LEN], next_digest[DIGEST_LEN];
	bool served;	     /* has been, since the start */
	struct slot_why why; /* what the files hold is not served; "" it is */
	struct event retry, complain;
	uint32_t backoff_ms;
	int64_t started_ms;
	unsigned n_lost;
};

struct identities {
	struct event_base *base;
	const struct slot_dirs *where;
	bool tls12;
	identity_changed_fn *changed;
	void *arg;
	struct identity **at;
	size_t n;
	struct event glance;
};

/* --- the files --- */

static int
read_source(const struct identity *i, struct source *s, bool private,
    struct secret **out, struct slot_why *why)
{
	int r;

	if (s->slot != NULL)
		r = slot_read(i->all->where, s->slot, s->reference, out, why);
	else
		r = slot_read_file(s->label, s->reference, private, out, why);
	(void)snprintf(s->file, sizeof(s->file), "%s",
	    r == 0 && s->slot != NULL ? why->file : s->reference);
	return r;
}

static bool
has_private_key(const struct secret *s)
{
	static const char mark[] = "PRIVATE KEY-----";

	return memmem(secret_peek(s), secret_len(s), mark, strlen(mark)) !=
	    NULL;
}

/* What a peer must not get, and what no message can carry. */
static int
check_pair(
    struct identity *i, const struct secret *key, const struct secret *chain)
{
	if (has_private_key(chain)) {
		(void)snprintf(i->why.text, sizeof(i->why.text),
		    "%s: %s holds a private key as well, which must not reach "
		    "another process: leave only certificates in it",
		    i->cert.label, i->cert.file);
		return ERR_FORMAT;
	}
	if (secret_len(chain) <= MSG_CHAIN_MAX &&
	    secret_len(key) <= TLS_SIGNER_KEY_MAX)
		return 0;
	(void)snprintf(i->why.text, sizeof(i->why.text),
	    "%s has more than %d bytes, or %s more than %d: leave only the "
	    "certificate itself, its intermediates and its key in them",
	    i->cert.file, MSG_CHAIN_MAX, i->key.file, TLS_SIGNER_KEY_MAX);
	return ERR_LIMIT;
}

struct pair {
	struct secret *key, *chain;
};

static void
pair_free(struct pair *p)
{
	secret_free(p->key);
	secret_free(p->chain);
}

static int
read_pair(struct identity *i, struct pair *p)
{
	int r = read_source(i, &i->key, true, &p->key, &i->why);

	if (r == 0)
		r = read_source(i, &i->cert, false, &p->chain, &i->why);
	if (r == 0)
		r = check_pair(i, p->key, p->chain);
	if (r < 0)
		pair_free(p);
	return r;
}

/* Of both, so that what is served is known again without keeping the key. */
static void
digest_of(const struct pair *p, uint8_t digest[DIGEST_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = secret_len(p->key);

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, &len, sizeof(len)) != 1 ||
	    EVP_DigestUpdate(ctx, secret_peek(p->key), len) != 1 ||
	    EVP_DigestUpdate(
		ctx, secret_peek(p->chain), secret_len(p->chain)) != 1 ||
	    EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		log_fatal("OpenSSL has no SHA-256");
	EVP_MD_CTX_free(ctx);
}

/* --- telling --- */

static void
audit(const struct identity *i, const char *result, const char *reason)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Credential rotated");
	audit_str(&a, "slot", i->key.slot != NULL ? i->key.slot : i->name);
	audit_str(&a, "file", i->cert.file);
	audit_str(&a, "key_file", i->key.file);
	audit_str(&a, "result", result);
	audit_str(&a, "reason", reason);
	audit_end(&a);
}

static void
after(struct event *e, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	(void)evtimer_add(e, &tv);
}

static void
on_complain(evutil_socket_t fd, short what, void *arg)
{
	const struct identity *i = arg;

	(void)fd;
	(void)what;
	log_error("TLS certificate of %s not replaced: %s; what was served is "
		  "served on, and the next change of %s or %s is tried",
	    i->name, i->why.text, i->cert.file, i->key.file);
	audit(i, "failed", i->why.text);
}

static void
retry_later(struct identity *i)
{
	if (clock_mono_ms() - i->started_ms > STEADY_MS)
		i->backoff_ms = BACKOFF_MIN_MS;
	after(&i->retry, i->backoff_ms);
	if (i->served)
		log_error("TLS signer of %s: %s; next try in %u ms", i->name,
		    i->why.text, i->backoff_ms);
	if (i->backoff_ms < BACKOFF_MAX_MS)
		i->backoff_ms *= 2;
}

/* What the files hold cannot be served; i->why says why. */
static void
not_served(struct identity *i)
{
	if (i->current != NULL)
		after(&i->complain, PATIENCE_MS);
	else
		retry_later(i);
}

/* --- signers --- */

static void
drop_next(struct identity *i)
{
	tls_signer_drop(i->next);
	i->next = NULL;
}

static void
take_over(struct identity *i)
{
	bool replaced = i->served &&
	    memcmp(i->current_digest, i->next_digest, DIGEST_LEN) != 0;

	tls_signer_retire(i->current);
	i->current = i->next;
	i->next = NULL;
	memcpy(i->current_digest, i->next_digest, DIGEST_LEN);
	i->why.text[0] = '\0';
	log_info("TLS signer of %s ready: process %d, for %s", i->name,
	    (int)tls_signer_pid(i->current),
	    tls_signer_facts(i->current)->names);
	if (replaced)
		audit(i, "ok", NULL);
	if (i->served)
		i->all->changed(i->purpose, i->number, i->all->arg);
	i->served = true;
}

static void
current_lost(struct identity *i, const char *why)
{
	tls_signer_drop(i->current);
	i->current = NULL;
	i->n_lost++;
	(void)snprintf(i->why.text, sizeof(i->why.text), "%s", why);
	(void)event_del(&i->complain);
	if (i->next == NULL)
		retry_later(i);
}

/* A bad pair leads to no other try before a file changes; a process that was
 * lost says nothing of the pair. */
static void
next_failed(struct identity *i, enum tls_signer_news news, const char *why)
{
	const char *file =
	    news == TLS_SIGNER_BAD_KEY ? i->key.file : i->cert.file;

	if (news == TLS_SIGNER_LOST)
		(void)snprintf(i->why.text, sizeof(i->why.text), "%s", why);
	else if (news == TLS_SIGNER_MISMATCH)
		(void)snprintf(i->why.text, sizeof(i->why.text),
		    "%s and %s: %s: put the key of this certificate there, or "
		    "its certificate",
		    i->cert.file, i->key.file, why);
	else
		(void)snprintf(
		    i->why.text, sizeof(i->why.text), "%s: %s", file, why);
	drop_next(i);
	if (news == TLS_SIGNER_LOST)
		retry_later(i);
	else
		not_served(i);
}

static void
told(
    struct tls_signer *t, enum tls_signer_news news, const char *why, void *arg)
{
	struct identity *i = arg;

	if (t == i->current)
		current_lost(i, why);
	else if (news == TLS_SIGNER_READY)
		take_over(i);
	else
		next_failed(i, news, why);
}

static void
try_pair(struct identity *i, struct pair *p, const uint8_t digest[DIGEST_LEN])
{
	struct sign_use use = { i->purpose,
		i->all->tls12 && i->purpose == SIGNER_TLS_SERVER };

	memcpy(i->next_digest, digest, DIGEST_LEN);
	i->started_ms = clock_mono_ms();
	i->next = tls_signer_new(i->all->base, use, p->key, p->chain, told, i);
	if (i->next != NULL)
		return;
	(void)snprintf(i->why.text, sizeof(i->why.text),
	    "a signer cannot be started: %s", strerror(errno));
	retry_later(i);
}

/* Serves what the files hold now, unless it is served already. */
static void
look(struct identity *i)
{
	uint8_t digest[DIGEST_LEN];
	struct pair p = { NULL, NULL };

	(void)event_del(&i->complain);
	if (read_pair(i, &p) < 0) {
		drop_next(i);
		not_served(i);
		return;
	}
	digest_of(&p, digest);
	if (i->next != NULL &&
	    memcmp(digest, i->next_digest, DIGEST_LEN) == 0) {
		pair_free(&p);
		return;
	}
	drop_next(i);
	if (i->current != NULL &&
	    memcmp(digest, i->current_digest, DIGEST_LEN) == 0) {
		i->why.text[0] = '\0';
		pair_free(&p);
		return;
	}
	try_pair(i, &p, digest);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

/* --- changes --- */

/* The file, or what it is a link to, is another one or has other content. */
static bool
is_changed(struct source *s)
{
	struct stat now;

	if (stat(s->file, &now) != 0)
		memset(&now, 0, sizeof(now));
	if (now.st_dev == s->seen.st_dev && now.st_ino == s->seen.st_ino &&
	    now.st_size == s->seen.st_size &&
	    now.st_ctim.tv_sec == s->seen.st_ctim.tv_sec &&
	    now.st_ctim.tv_nsec == s->seen.st_ctim.tv_nsec)
		return false;
	s->seen = now;
	return true;
}

static void
on_glance(evutil_socket_t fd, short what, void *arg)
{
	const struct identities *all = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < all->n; i++) {
		bool cert = is_changed(&all->at[i]->cert);

		if (is_changed(&all->at[i]->key) || cert)
			look(all->at[i]);
	}
}

/* --- the set --- */

static struct identity *
add(struct identities *all, enum signer_purpose purpose, unsigned number,
    const char *name)
{
	struct identity *i = mem_new(sizeof(*i));

	all->at = mem_grow(all->at, all->n, all->n + 1, sizeof(*all->at));
	all->at[all->n++] = i;
	i->all = all;
	i->purpose = purpose;
	i->number = number;
	i->name = mem_strdup(name);
	i->backoff_ms = BACKOFF_MIN_MS;
	(void)evtimer_assign(&i->retry, all->base, on_retry, i);
	(void)evtimer_assign(&i->complain, all->base, on_complain, i);
	return i;
}

static void
add_server(struct identities *all, const struct settings *s, size_t index)
{
	char name[48] = "identity";
	struct identity *i;

	if (index > 0)
		(void)snprintf(name, sizeof(name), "doorward.certificates[%zu]",
		    index - 1);
	i = add(all, SIGNER_TLS_SERVER, (unsigned)index, name);
	i->cert.label = mem_printf("%s.cert_file", name);
	i->cert.reference = s->certificates[index].cert_file;
	i->key.label = mem_printf("%s.private_key_file", name);
	i->key.reference = s->certificates[index].key_file;
}

static void
add_client(
    struct identities *all, const struct service_settings *s, unsigned id)
{
	struct identity *i;

	if (!s->in_use || s->auth.cert_file[0] == '\0')
		return;
	i = add(all, SIGNER_TLS_CLIENT, id, s->name);
	i->cert.label = mem_printf("%s-cert", s->name);
	i->cert.slot = i->cert.label;
	i->cert.reference = s->auth.cert_file;
	i->key.label = mem_printf("%s-key", s->name);
	i->key.slot = i->key.label;
	i->key.reference = s->auth.key_file;
}

struct identities *
identities_new(struct event_base *base, const struct settings *settings,
    const struct slot_dirs *where, identity_changed_fn *changed, void *arg)
{
	struct identities *all = mem_new(sizeof(*all));

	all->base = base;
	all->where = where;
	all->tls12 = settings->tls_min == TLS_VERSION_1_2;
	all->changed = changed;
	all->arg = arg;
	tls_signers_watch(base);
	for (size_t i = 0; i < settings->n_certificates; i++)
		add_server(all, settings, i);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		add_client(all, &settings->services[i], i);
	return all;
}

void
identities_start(struct identities *all)
{
	const struct timeval every = { .tv_usec = GLANCE_MS * 1000 };

	for (size_t i = 0; i < all->n; i++)
		look(all->at[i]);
	for (size_t i = 0; i < all->n; i++) {
		const struct identity *one = all->at[i];

		while (one->next != NULL)
			if (event_base_loop(all->base, EVLOOP_ONCE) != 0)
				log_fatal("TLS signers: the event loop failed");
		if (one->current == NULL)
			log_fatal("TLS cannot be offered: %s", one->why.text);
	}
	(void)event_assign(
	    &all->glance, all->base, -1, EV_PERSIST, on_glance, all);
	(void)event_add(&all->glance, &every);
}

static struct identity *
find(const struct identities *all, enum signer_purpose purpose, unsigned number)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i]->purpose == purpose &&
		    all->at[i]->number == number)
			return all->at[i];
	return NULL;
}

int
identities_attach(struct identities *all, enum signer_purpose purpose,
    unsigned number, pid_t process, int *fd, struct slice *chain)
{
	const struct identity *i = find(all, purpose, number);

	if (i == NULL)
		return ERR_NOT_FOUND;
	if (i->current == NULL ||
	    tls_signer_attach(i->current, process, fd) < 0)
		return ERR_UNAVAILABLE;
	*chain = tls_signer_chain(i->current);
	return 0;
}

/* --- status --- */

static size_t
put_line(const struct identity *i, char *dst, size_t cap)
{
	static const char *const kind[SIGNER_PURPOSE_COUNT] = {
		[SIGNER_TLS_SERVER] = "certificate",
		[SIGNER_TLS_CLIENT] = "client certificate",
	};
	const struct tls_signer_facts *f;
	char until[CLOCK_RFC3339_LEN + 1];
	int n;

	if (i->current == NULL) {
		n = snprintf(dst, cap, "%s %s: away: %s\n", kind[i->purpose],
		    i->name, i->why.text);
	} else {
		f = tls_signer_facts(i->current);
		clock_rfc3339(until, f->until_s);
		n = snprintf(dst, cap,
		    "%s %s: %s, good until %s, signer %d%s%s\n",
		    kind[i->purpose], i->name, f->names, until,
		    (int)tls_signer_pid(i->current),
		    i->why.text[0] != '\0' ? "; not replaced: " : "",
		    i->why.text);
	}
	return n < 0 || (size_t)n >= cap ? 0 : (size_t)n;
}

size_t
identities_status(const struct identities *all, char *dst, size_t cap)
{
	unsigned n_ready = 0, n_lost = 0;
	size_t len = 0;
	int n;

	for (size_t i = 0; i < all->n; i++) {
		n_ready += all->at[i]->current != NULL;
		n_lost += all->at[i]->n_lost;
		len += put_line(all->at[i], dst + len, cap - len);
	}
	n = snprintf(dst + len, cap - len,
	    "TLS signers: %u of %zu\nTLS signer restarts: %u\n", n_ready,
	    all->n, n_lost);
	return n < 0 || (size_t)n >= cap - len ? len : len + (size_t)n;
}
