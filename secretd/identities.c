/* See identities.h. */
#include "secretd/identities.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/slot.h"
#include "common/wire.h"
#include "secretd/registry.h"
#include "secretd/tls_signer.h"
#include "secretd/watch.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define STEADY_MS 30000 /* alive for so long: the back-off starts anew */
/* By hand one file comes after the other: before that is wrong, it is new. */
#define PATIENCE_MS 2000

/* One of the two files: its name in the configuration and in messages, and
 * where it is. */
struct source {
	char *label;	       /* "identity.cert_file", "prometheus-cert" */
	const char *reference; /* as configured */
	bool is_slot;	       /* else reference is the path */
	struct slot_spec spec; /* of the slot */
	char file[256];	       /* that it was last read from */
};

struct pair {
	struct secret *key, *chain; /* NULL: none */
};

struct identity {
	struct identities *all;
	enum signer_purpose purpose;
	unsigned number;
	char *name; /* "identity", "prometheus" */
	struct source cert, key;
	const struct openid_settings
	    *openid;			   /* of client assertions; no cert */
	struct tls_signer *current, *next; /* NULL: none */
	struct pair good;		   /* the last that was served */
	struct pair trying;		   /* what next has */
	bool fell_back;	     /* trying is good, as the files are of no use */
	bool vanished;	     /* a file is not there */
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
};

/* --- pairs --- */

static void
pair_free(struct pair *p)
{
	secret_free(p->key);
	secret_free(p->chain);
	*p = (struct pair){ NULL, NULL };
}

static bool
is_same(const struct secret *a, const struct secret *b)
{
	return secret_equal(
	    secret_peek(a), secret_len(a), secret_peek(b), secret_len(b));
}

static bool
pair_equal(const struct pair *a, const struct pair *b)
{
	return a->key != NULL && b->key != NULL && is_same(a->key, b->key) &&
	    is_same(a->chain, b->chain);
}

static struct secret *
copy_of(const struct secret *s)
{
	return secret_from(secret_peek(s), secret_len(s));
}

/* --- the files --- */

/* What is read from a file has room for the largest: not worth keeping. */
static void
shrink(struct secret **s)
{
	struct secret *large = *s;

	if (secret_len(large) == 0)
		return;
	*s = copy_of(large);
	secret_free(large);
}

static int
read_source(const struct identity *i, struct source *s, bool private,
    struct secret **out, struct slot_why *why)
{
	const char *file = s->reference;
	int r;

	if (s->is_slot) {
		r = slot_read_spec(i->all->where, &s->spec, out, why);
		file = why->file;
	} else {
		r = slot_read_file(s->label, s->reference, private, out, why);
	}
	if (file[0] != '\0')
		(void)snprintf(s->file, sizeof(s->file), "%s", file);
	if (r == 0)
		shrink(out);
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

static bool
is_for_tls(const struct identity *i)
{
	return i->purpose != SIGNER_CLIENT_ASSERTION;
}

/* In place of a certificate: what the assertions say (MSG_SIGNER_LOAD). */
static int
read_about(struct identity *i, struct secret **out)
{
	const struct openid_settings *o = i->openid;
	struct wire_writer w;

	*out = secret_new(MSG_CHAIN_MAX);
	wire_writer_init(&w, secret_bytes(*out), MSG_CHAIN_MAX);
	wire_put_text(&w, o->client_id);
	wire_put_text(&w, o->issuer);
	secret_set_len(*out, w.len);
	shrink(out);
	if (wire_done(&w) == 0)
		return 0;
	(void)snprintf(i->why.text, sizeof(i->why.text),
	    "client_id and issuer_uri are too long for a client assertion");
	return ERR_LIMIT;
}

static int
read_pair(struct identity *i, struct pair *p)
{
	int r = read_source(i, &i->key, true, &p->key, &i->why);

	if (r == 0 && is_for_tls(i))
		r = read_source(i, &i->cert, false, &p->chain, &i->why);
	else if (r == 0)
		r = read_about(i, &p->chain);
	if (r == 0)
		r = check_pair(i, p->key, p->chain);
	if (r < 0)
		pair_free(p);
	i->vanished = r == ERR_NOT_FOUND;
	return r;
}

/* --- telling --- */

static void
audit(const struct identity *i, const char *result, const char *reason)
{
	struct audit a;

	audit_begin(&a, "AUDIT: Credential rotated");
	audit_str(&a, "slot", i->key.is_slot ? i->key.label : i->name);
	if (is_for_tls(i))
		audit_str(&a, "file", i->cert.file);
	audit_str(&a, is_for_tls(i) ? "key_file" : "file", i->key.file);
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
	audit(i, "failed", i->why.text);
	if (!is_for_tls(i)) {
		log_error(
		    "key of client assertions not replaced: %s; the one "
		    "before serves on, and the next change of %s is tried",
		    i->why.text, i->key.file);
		return;
	}
	log_write(i->vanished ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
	    "TLS certificate of %s not replaced: %s; what was served is served "
	    "on, and the next change of %s or %s is tried",
	    i->name, i->why.text, i->cert.file, i->key.file);
}

static void
retry_later(struct identity *i)
{
	if (clock_mono_ms() - i->started_ms > STEADY_MS)
		i->backoff_ms = BACKOFF_MIN_MS;
	after(&i->retry, i->backoff_ms);
	if (i->good.key != NULL)
		log_error("signer of %s: %s; next try in %u ms", i->name,
		    i->why.text, i->backoff_ms);
	if (i->backoff_ms < BACKOFF_MAX_MS)
		i->backoff_ms *= 2;
}

/* --- signers --- */

static void
drop_next(struct identity *i)
{
	tls_signer_drop(i->next);
	i->next = NULL;
	pair_free(&i->trying);
}

static tls_signer_fn told;

/* Takes *p. */
static void
try_pair(struct identity *i, const struct pair *p, bool fall_back)
{
	struct sign_use use = { i->purpose,
		i->all->tls12 && i->purpose == SIGNER_TLS_SERVER };

	i->trying = *p;
	i->fell_back = fall_back;
	i->started_ms = clock_mono_ms();
	i->next = tls_signer_new(i->all->base, use, p->key, p->chain, told, i);
	if (i->next != NULL)
		return;
	(void)snprintf(i->why.text, sizeof(i->why.text),
	    "a signer cannot be started: %s", strerror(errno));
	drop_next(i);
	retry_later(i);
}

/* What the files hold cannot be served; i->why says why. */
static void
not_served(struct identity *i)
{
	struct pair p;

	if (i->current != NULL) {
		after(&i->complain, PATIENCE_MS);
	} else if (i->good.key != NULL) {
		p = (struct pair){ copy_of(i->good.key),
			copy_of(i->good.chain) };
		try_pair(i, &p, true);
	} else {
		retry_later(i);
	}
}

static void
take_over(struct identity *i)
{
	bool again = i->good.key != NULL;
	bool replaced = again && !pair_equal(&i->good, &i->trying);

	tls_signer_retire(i->current);
	i->current = i->next;
	i->next = NULL;
	pair_free(&i->good);
	i->good = i->trying;
	i->trying = (struct pair){ NULL, NULL };
	log_info("signer of %s ready: process %d, for %s", i->name,
	    (int)tls_signer_pid(i->current),
	    tls_signer_facts(i->current)->names);
	if (i->fell_back)
		after(&i->complain, PATIENCE_MS);
	else
		i->why.text[0] = '\0';
	if (replaced)
		audit(i, "ok", NULL);
	if (again)
		i->all->changed(i->purpose, i->number, i->all->arg);
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

/* Serves what the files hold now, unless it is served already. */
static void
look(void *identity)
{
	struct identity *i = identity;
	struct pair p = { NULL, NULL };

	(void)event_del(&i->complain);
	if (read_pair(i, &p) < 0) {
		drop_next(i);
		not_served(i);
	} else if (i->next != NULL && pair_equal(&p, &i->trying)) {
		i->fell_back = false;
		pair_free(&p);
	} else if (i->current != NULL && pair_equal(&p, &i->good)) {
		drop_next(i);
		i->why.text[0] = '\0';
		pair_free(&p);
	} else {
		drop_next(i);
		try_pair(i, &p, false);
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
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
use_slot(struct source *s, const struct settings *settings, unsigned number)
{
	if (!slot_describe(settings, number, &s->spec))
		log_fatal("there is no slot %u", number);
	s->is_slot = true;
	s->label = mem_strdup(s->spec.name);
	s->reference = s->spec.reference;
}

/* The registry leaves this slot out, since nobody is told its value. */
static void
add_assertion(struct identities *all, const struct settings *s)
{
	struct slot_spec spec;
	struct identity *i;

	if (!slot_describe(s, SLOT_OIDC_KEY_NO, &spec) || !spec.needed)
		return;
	i = add(all, SIGNER_CLIENT_ASSERTION, 0, "client assertions");
	i->openid = &s->openid;
	use_slot(&i->key, s, SLOT_OIDC_KEY_NO);
}

static void
add_client(struct identities *all, const struct settings *s, enum service_id id)
{
	const struct service_settings *service = &s->services[id];
	struct identity *i;

	if (!service->in_use || service->auth.cert_file[0] == '\0')
		return;
	i = add(all, SIGNER_TLS_CLIENT, id, service->name);
	use_slot(&i->cert, s, slot_of_service(id, SLOT_CERT));
	use_slot(&i->key, s, slot_of_service(id, SLOT_KEY));
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
		add_client(all, settings, i);
	add_assertion(all, settings);
	return all;
}

void
identities_start(struct identities *all)
{
	for (size_t i = 0; i < all->n; i++)
		look(all->at[i]);
	for (size_t i = 0; i < all->n; i++) {
		const struct identity *one = all->at[i];

		while (one->next != NULL)
			if (event_base_loop(all->base, EVLOOP_ONCE) != 0)
				log_fatal("signers: the event loop failed");
		if (one->current == NULL)
			log_fatal("%s: %s",
			    is_for_tls(one)
				? "TLS cannot be offered"
				: "client assertions (private_key_jwt) cannot "
				  "be made",
			    one->why.text);
	}
}

static void
drop(struct identity *i)
{
	(void)event_del(&i->retry);
	(void)event_del(&i->complain);
	drop_next(i);
	tls_signer_drop(i->current);
	pair_free(&i->good);
	free(i->cert.label);
	free(i->key.label);
	free(i->name);
	free(i);
}

void
identities_look(struct identities *all)
{
	for (size_t i = 0; i < all->n; i++)
		look(all->at[i]);
}

static void
watch_source(const struct identity *i, const struct source *s, struct watch *w,
    void *looked_at)
{
	if (s->is_slot)
		slot_watch(w, i->all->where, s->spec.name, s->reference, look,
		    looked_at);
	else
		watch_file(w, s->reference, look, looked_at);
}

void
identities_watch(struct identities *all, struct watch *w)
{
	for (size_t i = 0; i < all->n; i++) {
		struct identity *one = all->at[i];

		if (is_for_tls(one))
			watch_source(one, &one->cert, w, one);
		watch_source(one, &one->key, w, one);
	}
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
	if (is_for_tls(i))
		*chain = tls_signer_chain(i->current);
	else
		*chain = slice_of(tls_signer_facts(i->current)->names);
	return 0;
}

void
identities_free(struct identities *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		drop(all->at[i]);
	free(all->at);
	free(all);
}

/* --- status --- */

static int
put_assertion(const struct identity *i, char *dst, size_t cap)
{
	const struct tls_signer_facts *f = tls_signer_facts(i->current);

	return snprintf(dst, cap,
	    "client key: %s, signer %d%s%s\nclient key for the provider: %s\n",
	    f->names, (int)tls_signer_pid(i->current),
	    i->why.text[0] != '\0' ? "; not replaced: " : "", i->why.text,
	    f->jwk);
}

static size_t
put_line(const struct identity *i, char *dst, size_t cap)
{
	static const char *const kind[SIGNER_PURPOSE_COUNT] = {
		[SIGNER_TLS_SERVER] = "certificate",
		[SIGNER_TLS_CLIENT] = "client certificate",
		[SIGNER_CLIENT_ASSERTION] = "key of",
	};
	const struct tls_signer_facts *f;
	char until[CLOCK_RFC3339_LEN + 1];
	int n;

	if (i->current == NULL) {
		n = snprintf(dst, cap, "%s %s: away: %s\n", kind[i->purpose],
		    i->name, i->why.text);
	} else if (!is_for_tls(i)) {
		n = put_assertion(i, dst, cap);
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
