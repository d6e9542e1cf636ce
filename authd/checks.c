/* Token checks with a short memory; see checks.h. */
#include "authd/checks.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"

#define BUCKETS 16384

struct waiter {
	TAILQ_ENTRY(waiter) link;
	token_checked_fn *done;
	void *arg;
};
TAILQ_HEAD(waiters, waiter);

/* An answer, or a check that runs (check != NULL, then not in the LRU list). */
struct entry {
	TAILQ_ENTRY(entry) lru;
	struct entry *next; /* in its bucket */
	struct checks *owner;
	uint8_t handle[MSG_HANDLE_LEN];
	struct token_check *check;
	struct waiters waiters;
	size_t n_waiters;
	int64_t until_ms;
	/* The result, as small as it can be kept. */
	enum login_code code;
	int64_t expires;
	uint8_t *who; /* identity_put; NULL unless OK */
	size_t who_len;
	char *reason;
};
TAILQ_HEAD(entries, entry);

struct checks {
	struct token_verifier *verifier;
	uint32_t recheck_s;
	struct entry *bucket[BUCKETS];
	struct entries lru; /* newest first */
	size_t n_kept, n_in_flight;
	uint64_t seed;
	struct token_result lent; /* what checks_known returned */
};

struct checks *
checks_new(struct token_verifier *verifier, uint32_t recheck_s)
{
	struct checks *c = mem_new(sizeof *c);

	c->verifier = verifier;
	c->recheck_s = recheck_s > 0 ? recheck_s : 1;
	TAILQ_INIT(&c->lru);
	secret_random(&c->seed, sizeof c->seed);
	c->seed |= 1;
	return c;
}

/* SHA-256 spreads well, but whoever chooses tokens can choose some that share
 * their low bits: the secret factor spreads those. */
static struct entry **
bucket_of(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN])
{
	uint64_t h;

	memcpy(&h, handle, sizeof h);
	return &c->bucket[(h * c->seed) >> 50];
}

static struct entry *
entry_find(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN])
{
	for (struct entry *e = *bucket_of(c, handle); e != NULL; e = e->next)
		if (memcmp(e->handle, handle, MSG_HANDLE_LEN) == 0)
			return e;
	return NULL;
}

static struct entry *
entry_add(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct entry **at = bucket_of(c, handle);
	struct entry *e = mem_new(sizeof *e);

	memcpy(e->handle, handle, MSG_HANDLE_LEN);
	e->owner = c;
	TAILQ_INIT(&e->waiters);
	e->next = *at;
	*at = e;
	return e;
}

static void
entry_forget_result(struct entry *e)
{
	free(e->who);
	free(e->reason);
	e->who = NULL;
	e->reason = NULL;
}

/* The entry is in no LRU list. */
static void
entry_free(struct checks *c, struct entry *e)
{
	struct entry **at = bucket_of(c, e->handle);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	entry_forget_result(e);
	free(e);
}

static void
lru_add(struct checks *c, struct entry *e)
{
	struct entry *oldest;

	TAILQ_INSERT_HEAD(&c->lru, e, lru);
	if (++c->n_kept <= CHECKS_KEPT)
		return;
	oldest = TAILQ_LAST(&c->lru, entries);
	TAILQ_REMOVE(&c->lru, oldest, lru);
	c->n_kept--;
	entry_free(c, oldest);
}

static void
lru_remove(struct checks *c, struct entry *e)
{
	TAILQ_REMOVE(&c->lru, e, lru);
	c->n_kept--;
}

void
checks_free(struct checks *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry *e, *next;
		for (e = c->bucket[i]; e != NULL; e = next) {
			struct waiter *w;
			next = e->next;
			if (e->check != NULL)
				token_check_cancel(e->check);
			while ((w = TAILQ_FIRST(&e->waiters)) != NULL) {
				TAILQ_REMOVE(&e->waiters, w, link);
				free(w);
			}
			entry_forget_result(e);
			free(e);
		}
	}
	free(c);
}

static int64_t
keep_ms(const struct checks *c, const struct token_result *result)
{
	int64_t left_s = c->recheck_s;

	switch (result->code) {
	case LOGIN_OK:
		if (result->expires != 0 &&
		    result->expires - clock_unix_s() < left_s)
			left_s = result->expires - clock_unix_s();
		return left_s * 1000;
	case LOGIN_EXPIRED:
	case LOGIN_REJECTED:
	case LOGIN_NO_NAMESPACE:
	case LOGIN_FORBIDDEN:
		return CHECKS_NEGATIVE_MS;
	case LOGIN_UNAVAILABLE:
	case LOGIN_BUSY:
	case LOGIN_NOT_OFFERED:
	case LOGIN_CODE_COUNT:
		break;
	}
	return CHECKS_UNDECIDED_MS;
}

static void
entry_keep_identity(struct entry *e, const struct identity *who)
{
	uint8_t buf[IDENTITY_WIRE_MAX];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof buf);
	identity_put(&w, who);
	e->who = mem_new(w.len);
	memcpy(e->who, buf, w.len);
	e->who_len = w.len;
}

static void
check_done(const struct token_result *result, void *arg)
{
	struct entry *e = arg;
	struct checks *c = e->owner;
	struct waiters waiters = TAILQ_HEAD_INITIALIZER(waiters);
	struct waiter *w;

	e->check = NULL;
	c->n_in_flight--;
	e->code = result->code;
	e->expires = result->expires;
	if (result->code == LOGIN_OK)
		entry_keep_identity(e, &result->who);
	e->reason = mem_strdup(result->reason);
	e->until_ms = clock_mono_ms() + keep_ms(c, result);
	TAILQ_CONCAT(&waiters, &e->waiters, link);
	e->n_waiters = 0;
	lru_add(c, e);
	/* e may be gone from here on: an answer can lead to new questions. */
	while ((w = TAILQ_FIRST(&waiters)) != NULL) {
		TAILQ_REMOVE(&waiters, w, link);
		w->done(result, w->arg);
		free(w);
	}
}

static struct entry *
known_find(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct entry *e = entry_find(c, handle);

	if (e == NULL || e->check != NULL || clock_mono_ms() >= e->until_ms)
		return NULL;
	/* Wall time may have been set since. */
	if (e->code == LOGIN_OK && e->expires != 0 &&
	    e->expires <= clock_unix_s())
		return NULL;
	return e;
}

const struct token_result *
checks_known(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN])
{
	struct entry *e = known_find(c, handle);
	struct wire_reader r;

	if (e == NULL)
		return NULL;
	TAILQ_REMOVE(&c->lru, e, lru);
	TAILQ_INSERT_HEAD(&c->lru, e, lru);
	c->lent.code = e->code;
	c->lent.expires = e->expires;
	wire_reader_init(&r, e->who, e->who_len);
	c->lent.who = (struct identity){ .groups_len = 0 };
	if (e->who != NULL)
		identity_get(&r, &c->lent.who);
	/* It comes from a struct token_result and fits. */
	(void)!slice_copy(
	    slice_of(e->reason), c->lent.reason, sizeof c->lent.reason);
	return &c->lent;
}

uint32_t
checks_known_ms(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN])
{
	const struct entry *e = known_find(c, handle);
	int64_t left = e == NULL ? 0 : e->until_ms - clock_mono_ms();

	return left > 0 ? (uint32_t)left : 0;
}

static void
wait_for(struct entry *e, token_checked_fn *done, void *arg)
{
	struct waiter *w = mem_new(sizeof *w);

	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&e->waiters, w, link);
	e->n_waiters++;
}

int
checks_ask(struct checks *c, const uint8_t handle[MSG_HANDLE_LEN],
    struct slice token, enum check_for who, token_checked_fn *done, void *arg)
{
	struct entry *e = entry_find(c, handle);
	size_t cap =
	    who == CHECK_SESSION ? CHECKS_IN_FLIGHT : CHECKS_FOR_GUESTS;

	if (e != NULL && e->check != NULL) {
		if (e->n_waiters >= CHECKS_WAITING)
			return ERR_LIMIT;
		wait_for(e, done, arg);
		return 0;
	}
	if (c->n_in_flight >= cap)
		return ERR_LIMIT;
	if (e == NULL)
		e = entry_add(c, handle);
	else
		lru_remove(c, e);
	entry_forget_result(e);
	wait_for(e, done, arg);
	c->n_in_flight++;
	e->check = token_check_start(c->verifier, token, check_done, e);
	assert(e->check != NULL);
	return 0;
}

size_t
checks_in_flight(const struct checks *c)
{
	return c->n_in_flight;
}

size_t
checks_kept(const struct checks *c)
{
	return c->n_kept;
}
