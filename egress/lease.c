/*
 * See lease.h. Leases are found by the SHA-256 of credential and route in a
 * chained hash table; the digest cannot be steered, so its first bytes are the
 * hash. The raw credential is kept while the lease lives, since a renewal has
 * to show it again; it is wiped with the lease.
 */
#include "egress/lease.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"

#define ASK_TIMEOUT_MS 9500 /* authd may have to ask the cluster */
#define TICK_MS 500

_Static_assert(SETTINGS_ROUTE_MAX == MSG_ROUTE_MAX, "a route is named");

struct lease_wait {
	TAILQ_ENTRY(lease_wait) entry;
	struct lease *lease;
	lease_fn *done;
	void *arg;
};

struct lease {
	TAILQ_ENTRY(lease) lru;
	struct lease *next; /* in the bucket */
	uint8_t key[32];
	uint8_t handle[MSG_HANDLE_LEN];
	uint8_t key_id[MSG_KEY_ID_LEN]; /* of a cookie that was answered */
	struct leases *owner;
	enum credential kind;
	const char *route;
	char *credential;
	size_t credential_len;
	char client[MSG_CLIENT_MAX + 1];
	enum verdict verdict;
	char *token;
	size_t token_len;
	int64_t until_ms; /* monotonic; 0: never answered or expired */
	uint32_t life_ms;
	uint64_t asking; /* request id, 0 when not */
	bool listed;	 /* still to be found */
	TAILQ_HEAD(, lease_wait) waits;
	struct lease_holder *holders;
	unsigned refs; /* calls that still use it */
};

struct leases {
	struct chan *authd;
	EVP_MD *sha256; /* fetched before the sandbox: OpenSSL reads files */
	EVP_MD_CTX *digest;
	struct event *tick; /* pending while there are leases */
	struct lease **buckets;
	size_t mask, n, max;
	TAILQ_HEAD(lease_list, lease) lru; /* most recently used last */
};

static void lease_ask(struct lease *l);
static void tick_later(struct leases *ls);

/* The table's key of a credential on a route. */
static void
key_of(struct leases *ls, uint8_t key[32], enum credential kind,
    struct slice value, const char *route)
{
	uint8_t tag = (uint8_t)kind;

	if (EVP_DigestInit_ex(ls->digest, ls->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(ls->digest, &tag, 1) != 1 ||
	    EVP_DigestUpdate(ls->digest, route, strlen(route) + 1) != 1 ||
	    EVP_DigestUpdate(ls->digest, value.p, value.len) != 1 ||
	    EVP_DigestFinal_ex(ls->digest, key, NULL) != 1)
		log_fatal("SHA-256 failed");
}

static void
handle_of(struct leases *ls, uint8_t handle[MSG_HANDLE_LEN], struct slice value)
{
	if (EVP_DigestInit_ex(ls->digest, ls->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(ls->digest, value.p, value.len) != 1 ||
	    EVP_DigestFinal_ex(ls->digest, handle, NULL) != 1)
		log_fatal("SHA-256 failed");
}

static struct lease **
bucket_of(struct leases *ls, const uint8_t key[32])
{
	size_t h;

	memcpy(&h, key, sizeof(h));
	return &ls->buckets[h & ls->mask];
}

static struct lease *
lease_find(struct leases *ls, const uint8_t key[32])
{
	struct lease *l;

	for (l = *bucket_of(ls, key); l != NULL; l = l->next)
		if (secret_equal(l->key, 32, key, 32))
			return l;
	return NULL;
}

static void
wipe_text(char **text, size_t len)
{
	if (*text == NULL)
		return;
	secret_wipe(*text, len);
	free(*text);
	*text = NULL;
}

/* Frees a lease that nobody can find, holds, uses, waits for or asks about. */
static void
lease_free_if_idle(struct lease *l)
{
	if (l->refs > 0 || l->listed || l->holders != NULL || l->asking != 0 ||
	    !TAILQ_EMPTY(&l->waits))
		return;
	wipe_text(&l->credential, l->credential_len);
	wipe_text(&l->token, l->token_len);
	free(l);
}

static void
lease_unlist(struct lease *l)
{
	struct leases *ls = l->owner;
	struct lease **at;

	if (!l->listed)
		return;
	for (at = bucket_of(ls, l->key); *at != l; at = &(*at)->next)
		;
	*at = l->next;
	TAILQ_REMOVE(&ls->lru, l, lru);
	ls->n--;
	l->listed = false;
}

static void
lease_drop(struct lease *l)
{
	lease_unlist(l);
	lease_free_if_idle(l);
}

/* Keeps the lease over callbacks that may let go of it. */
static void
lease_ref(struct lease *l)
{
	l->refs++;
}

static void
lease_unref(struct lease *l)
{
	l->refs--;
	lease_free_if_idle(l);
}

/* cut() releases, so the list shrinks until it is empty. */
static void
lease_cut(struct lease *l, enum verdict why)
{
	lease_ref(l);
	while (l->holders != NULL)
		l->holders->cut(l->holders, why);
	lease_unref(l);
}

static void
lease_make_room(struct leases *ls)
{
	struct lease *l, *next;

	for (l = TAILQ_FIRST(&ls->lru); l != NULL && ls->n >= ls->max;
	     l = next) {
		next = TAILQ_NEXT(l, lru);
		if (l->holders == NULL && TAILQ_EMPTY(&l->waits) &&
		    l->asking == 0)
			lease_drop(l);
	}
}

static struct lease *
lease_new(struct leases *ls, const uint8_t key[32], enum credential kind,
    struct slice value, const char *route)
{
	struct lease *l = mem_new(sizeof(*l));
	struct lease **at = bucket_of(ls, key);

	memcpy(l->key, key, sizeof(l->key));
	handle_of(ls, l->handle, value);
	l->owner = ls;
	l->kind = kind;
	l->route = route;
	l->credential = mem_strndup(value.p, value.len);
	l->credential_len = value.len;
	TAILQ_INIT(&l->waits);
	l->next = *at;
	*at = l;
	TAILQ_INSERT_TAIL(&ls->lru, l, lru);
	l->listed = true;
	if (ls->n++ == 0)
		tick_later(ls);
	return l;
}

static bool
lease_is_fresh(const struct lease *l, int64_t now)
{
	return l->until_ms > now;
}

/* In its last third a lease in use is renewed. */
static bool
lease_is_due(const struct lease *l, int64_t now)
{
	return l->asking == 0 && l->until_ms - now < (int64_t)l->life_ms / 3;
}

/* Tells all that wait; the lease may be gone afterwards. */
static void
lease_answer(struct lease *l, enum verdict verdict)
{
	struct lease_wait *w;

	lease_ref(l);
	while ((w = TAILQ_FIRST(&l->waits)) != NULL) {
		TAILQ_REMOVE(&l->waits, w, entry);
		w->done(verdict, verdict == VERDICT_ALLOW ? l : NULL, w->arg);
		free(w);
	}
	lease_unref(l);
}

struct answer {
	enum verdict verdict;
	struct slice token;
	uint32_t life_ms;
	uint64_t session_end;
	uint8_t handle[MSG_HANDLE_LEN], key_id[MSG_KEY_ID_LEN];
};

static int
answer_parse(struct answer *a, struct wire_reader *r)
{
	unsigned verdict = wire_get_u8(r);

	(void)wire_get_text(r, MSG_USER_MAX); /* nothing injected names it */
	a->token = wire_get_bytes(r, MSG_TOKEN_MAX);
	a->life_ms = wire_get_u32(r);
	a->session_end = wire_get_u64(r);
	wire_get_raw(r, a->handle, sizeof(a->handle));
	wire_get_raw(r, a->key_id, sizeof(a->key_id));
	if (wire_end(r) != 0 || verdict >= VERDICT_COUNT)
		return ERR_PROTOCOL;
	a->verdict = (enum verdict)verdict;
	return 0;
}

static void
lease_store(struct lease *l, const struct answer *a)
{
	wipe_text(&l->token, l->token_len);
	l->token =
	    a->token.len > 0 ? mem_strndup(a->token.p, a->token.len) : NULL;
	l->token_len = a->token.len;
	memcpy(l->handle, a->handle, sizeof(l->handle));
	memcpy(l->key_id, a->key_id, sizeof(l->key_id));
	l->verdict = a->verdict;
	l->life_ms = a->life_ms;
	l->until_ms = clock_mono_ms() + a->life_ms;
}

/* No answer: what is left of the old lease serves those who wait. */
static void
lease_unanswered(struct lease *l)
{
	bool usable =
	    l->verdict == VERDICT_ALLOW && lease_is_fresh(l, clock_mono_ms());

	lease_answer(l, usable ? VERDICT_ALLOW : VERDICT_UNAVAILABLE);
}

static void
lease_answered(int err, struct chan_in *reply, void *arg)
{
	struct lease *l = arg;
	struct answer a = { .verdict = VERDICT_UNAVAILABLE };

	l->asking = 0;
	lease_ref(l);
	if (err == 0 && answer_parse(&a, &reply->body) != 0) {
		log_error("authd sent a lease that cannot be read");
		a.verdict = VERDICT_UNAVAILABLE;
	}
	/* A lease that nobody finds is not renewed and could not be revoked. */
	if (a.verdict == VERDICT_ALLOW && a.life_ms == 0)
		a.verdict = VERDICT_EXPIRED;
	if (a.verdict == VERDICT_ALLOW && !l->listed)
		a.verdict = VERDICT_UNAVAILABLE; /* revoked meanwhile */
	if (a.verdict == VERDICT_UNAVAILABLE) {
		lease_unanswered(l);
	} else {
		lease_store(l, &a);
		lease_answer(l, a.verdict);
		if (a.verdict != VERDICT_ALLOW)
			lease_cut(l, a.verdict);
		if (a.life_ms == 0)
			lease_unlist(l);
	}
	lease_unref(l);
}

static void
lease_ask(struct lease *l)
{
	uint8_t payload[MSG_TOKEN_MAX + 512];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)l->kind);
	wire_put_bytes(&w, l->credential, l->credential_len);
	wire_put_text(&w, l->route);
	wire_put_text(&w, l->client);
	l->asking = chan_request(l->owner->authd, MSG_LEASE, &w, -1,
	    ASK_TIMEOUT_MS, lease_answered, l);
	secret_wipe(payload, w.len);
}

struct lease_wait *
lease_get(struct leases *ls, enum credential kind, struct slice value,
    const char *route, const char *client, lease_fn *done, void *arg)
{
	int64_t now = clock_mono_ms();
	struct lease_wait *w;
	struct lease *l;
	uint8_t key[32];

	key_of(ls, key, kind, value, route);
	l = lease_find(ls, key);
	if (l == NULL) {
		lease_make_room(ls);
		l = lease_new(ls, key, kind, value, route);
	}
	TAILQ_REMOVE(&ls->lru, l, lru);
	TAILQ_INSERT_TAIL(&ls->lru, l, lru);
	if (l->asking == 0 &&
	    slice_copy(slice_of(client), l->client, sizeof(l->client)) != 0)
		l->client[0] = '\0';
	if (lease_is_fresh(l, now)) {
		if (l->verdict == VERDICT_ALLOW && lease_is_due(l, now))
			lease_ask(l);
		done(l->verdict, l->verdict == VERDICT_ALLOW ? l : NULL, arg);
		return NULL;
	}
	w = mem_new(sizeof(*w));
	*w = (struct lease_wait){ .lease = l, .done = done, .arg = arg };
	TAILQ_INSERT_TAIL(&l->waits, w, entry);
	if (l->asking == 0)
		lease_ask(l);
	return w;
}

void
lease_cancel(struct lease_wait *w)
{
	if (w == NULL)
		return;
	TAILQ_REMOVE(&w->lease->waits, w, entry);
	free(w);
}

void
lease_hold(struct lease *l, struct lease_holder *h)
{
	h->lease = l;
	h->next = l->holders;
	h->link = &l->holders;
	if (h->next != NULL)
		h->next->link = &h->next;
	l->holders = h;
}

void
lease_release(struct lease_holder *h)
{
	struct lease *l = h->lease;

	if (l == NULL)
		return;
	*h->link = h->next;
	if (h->next != NULL)
		h->next->link = h->link;
	h->lease = NULL;
	lease_free_if_idle(l);
}

struct slice
lease_token(const struct lease *l)
{
	return (struct slice){ l->token, l->token_len };
}

/* From now on nobody finds it, and nothing goes on under it. */
static void
lease_revoke(struct lease *l)
{
	lease_ref(l);
	lease_unlist(l);
	l->until_ms = 0;
	lease_cut(l, VERDICT_NO_SESSION);
	lease_unref(l);
}

static struct lease *
lease_find_handle(struct leases *ls, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct lease *l;

	TAILQ_FOREACH(l, &ls->lru, lru)
		if (secret_equal(
			l->handle, MSG_HANDLE_LEN, handle, MSG_HANDLE_LEN))
			return l;
	return NULL;
}

/* From the start after each one: cutting may begin new exchanges. */
void
leases_revoke(struct leases *ls, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct lease *l;

	while ((l = lease_find_handle(ls, handle)) != NULL)
		lease_revoke(l);
}

/* A bearer has no key, and its zeroes are nobody's id. */
static struct lease *
lease_find_key(struct leases *ls, const uint8_t id[MSG_KEY_ID_LEN])
{
	struct lease *l;

	TAILQ_FOREACH(l, &ls->lru, lru)
		if (l->kind == CREDENTIAL_COOKIE &&
		    l->verdict == VERDICT_ALLOW &&
		    memcmp(l->key_id, id, MSG_KEY_ID_LEN) == 0)
			return l;
	return NULL;
}

void
leases_revoke_key(struct leases *ls, const uint8_t id[MSG_KEY_ID_LEN])
{
	struct lease *l;

	while ((l = lease_find_key(ls, id)) != NULL)
		lease_revoke(l);
}

void
leases_revoke_all(struct leases *ls)
{
	struct lease *l;

	while ((l = TAILQ_FIRST(&ls->lru)) != NULL)
		lease_revoke(l);
}

void
leases_expire_all(struct leases *ls)
{
	int64_t now = clock_mono_ms();
	struct lease *l;

	TAILQ_FOREACH(l, &ls->lru, lru)
		if (l->until_ms > now)
			l->until_ms = now;
}

size_t
leases_count(const struct leases *ls)
{
	return ls->n;
}

static struct lease *
lease_find_outlived(struct leases *ls, int64_t now)
{
	struct lease *l;

	TAILQ_FOREACH(l, &ls->lru, lru)
		if (l->holders != NULL && now - l->until_ms > LEASE_HOLD_MS)
			return l;
	return NULL;
}

/* No verdict for too long: nothing goes on under these. From the start after
 * each one, as in leases_revoke. */
static void
leases_cut_outlived(struct leases *ls, int64_t now)
{
	struct lease *l;

	while ((l = lease_find_outlived(ls, now)) != NULL)
		lease_cut(l, VERDICT_UNAVAILABLE);
}

static void
tick_later(struct leases *ls)
{
	const struct timeval after = { .tv_usec = TICK_MS * 1000 };

	event_add(ls->tick, &after);
}

/* Renews what open exchanges live under, and ends what is over. */
static void
leases_tick(evutil_socket_t fd, short what, void *arg)
{
	struct leases *ls = arg;
	int64_t now = clock_mono_ms();
	struct lease *l, *next;

	(void)fd;
	(void)what;
	leases_cut_outlived(ls, now);
	for (l = TAILQ_FIRST(&ls->lru); l != NULL; l = next) {
		next = TAILQ_NEXT(l, lru);
		if (l->holders != NULL && lease_is_due(l, now))
			lease_ask(l);
		else if (l->holders == NULL && !lease_is_fresh(l, now) &&
		    l->asking == 0 && TAILQ_EMPTY(&l->waits))
			lease_drop(l);
	}
	if (ls->n > 0)
		tick_later(ls);
}

struct leases *
leases_new(struct event_base *base, size_t max)
{
	struct leases *ls = mem_new(sizeof(*ls));
	size_t n;

	for (n = 64; n < max; n *= 2)
		;
	ls->buckets = mem_array(n, sizeof(ls->buckets[0]));
	ls->mask = n - 1;
	ls->max = max;
	TAILQ_INIT(&ls->lru);
	ls->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ls->digest = EVP_MD_CTX_new();
	if (ls->sha256 == NULL || ls->digest == NULL)
		log_fatal("OpenSSL has no SHA-256");
	ls->tick = event_new(base, -1, 0, leases_tick, ls);
	if (ls->tick == NULL)
		log_fatal("no timer for the leases");
	return ls;
}

void
leases_set_authd(struct leases *ls, struct chan *authd)
{
	ls->authd = authd;
}
