/* Sessions; see session.h. */
#include "authd/session.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"

#include "authd/keys.h"
#include "authd/seal.h"
#include "authd/session_content.h"
#include "authd/store.h"

#define TOUCH_INTERVAL_S 60
#define PURGE_BATCH 500

_Static_assert(SESSION_CONTENT_MAX + SEAL_OVERHEAD <= STORE_SEALED_MAX, "row");
_Static_assert(STORE_HASH_LEN == MSG_HANDLE_LEN, "both are SHA-256");

struct sessions {
	const struct settings *settings;
	struct store *store;
	struct keys *keys;
	sessions_evicted_fn *evicted;
	void *evicted_arg;
};

void
session_wipe(struct session *s)
{
	if (s->block != NULL)
		secret_wipe(s->block, s->block_len);
	free(s->block);
	secret_wipe(s, sizeof *s);
}

struct sessions *
sessions_new(const struct settings *settings, struct store *store,
    struct keys *keys, sessions_evicted_fn *evicted, void *arg)
{
	struct sessions *s = mem_new(sizeof *s);

	s->settings = settings;
	s->store = store;
	s->keys = keys;
	s->evicted = evicted;
	s->evicted_arg = arg;
	return s;
}

void
sessions_free(struct sessions *s)
{
	free(s);
}

uint32_t
sessions_longest_s(const struct sessions *s)
{
	return s->settings->expiration_s;
}

size_t
sessions_count(const struct sessions *s)
{
	return store_count(s->store);
}

/* --- rows --- */

static void
owner_of(uint8_t owner[STORE_OWNER_LEN], struct slice user)
{
	uint8_t digest[MSG_HANDLE_LEN];

	ticket_handle(digest, user);
	memcpy(owner, digest, STORE_OWNER_LEN);
}

/* Of a provider's session or person: the issuer goes with it, since others may
 * use the same name. No key is in it, so that it stays what it is. False: there
 * is no name. */
static bool
hash_of(uint8_t hash[STORE_HASH_LEN], const char *issuer, struct slice name)
{
	size_t issuer_len = issuer == NULL ? 0 : strlen(issuer);
	char *text;

	if (issuer_len == 0 || name.len == 0)
		return false;
	text = mem_new(issuer_len + 1 + name.len);
	memcpy(text, issuer, issuer_len);
	memcpy(text + issuer_len + 1, name.p, name.len);
	ticket_handle(hash, (struct slice){ text, issuer_len + 1 + name.len });
	free(text);
	return true;
}

/* When the row may be purged. An idle session may be written up to a minute
 * late, so it is kept a little longer than it is good for. */
static int64_t
row_expires(const struct sessions *s, const struct session *session)
{
	int64_t idle_end =
	    session->last_use + s->settings->idle_s + TOUCH_INTERVAL_S;

	if (s->settings->idle_s == 0 || session->end < idle_end)
		return session->end;
	return idle_end;
}

typedef int store_write_fn(struct store *, const struct store_row *);

/* Seals and writes a session, as a new row or over its old one. */
static int
session_write(struct sessions *s, const struct session *session,
    const struct session_key *key, store_write_fn *write)
{
	struct store_row row = { .created = session->created,
		.expires = row_expires(s, session) };
	uint8_t sid[STORE_HASH_LEN], subject[STORE_HASH_LEN], *sealed;
	size_t len = 0;
	uint8_t *content = session_content_encode(session, &len);
	int r;

	if (content == NULL)
		return ERR_LIMIT;
	memcpy(row.handle, session->handle, MSG_HANDLE_LEN);
	memcpy(row.key_id, key->id, MSG_KEY_ID_LEN);
	owner_of(row.owner, slice_of(session->who.user));
	if (hash_of(sid, session->issuer, slice_of(session->sid)))
		row.sid = sid;
	if (hash_of(subject, session->issuer, slice_of(session->subject)))
		row.subject = subject;
	row.sealed_len = len + SEAL_OVERHEAD;
	row.sealed = sealed = mem_new(row.sealed_len);
	seal_close(sealed, key, session->handle, content, len);
	secret_wipe(content, len);
	free(content);
	r = write(s->store, &row);
	free(sealed);
	return r == 0 ? 0 : ERR_UNAVAILABLE;
}

/* out is to be wiped whatever is returned. */
static int
session_read(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct session *out)
{
	const struct session_key *key;
	struct store_row row;
	uint8_t *content;
	size_t len = 0;
	int r = store_get(s->store, handle, &row);

	if (r != 0)
		return r == ERR_NOT_FOUND ? r : ERR_UNAVAILABLE;
	key = keys_find(s->keys, row.key_id);
	if (key == NULL || row.sealed_len <= SEAL_OVERHEAD)
		return ERR_NOT_FOUND;
	content = mem_new(row.sealed_len - SEAL_OVERHEAD);
	if (seal_open(content, row.sealed_len - SEAL_OVERHEAD, &len, key,
		handle, row.sealed, row.sealed_len) != 0) {
		free(content);
		return ERR_NOT_FOUND;
	}
	r = session_content_decode(out, content, len);
	memcpy(out->handle, handle, MSG_HANDLE_LEN);
	memcpy(out->key_id, row.key_id, MSG_KEY_ID_LEN);
	return r == 0 ? 0 : ERR_NOT_FOUND;
}

/* --- making --- */

static int
evict_oldest(struct sessions *s, const uint8_t *owner)
{
	uint8_t handle[MSG_HANDLE_LEN];
	int r = store_oldest(s->store, owner, handle);

	if (r == 0)
		r = store_delete(s->store, handle);
	if (r == 0)
		s->evicted(handle, s->evicted_arg);
	return r;
}

static int
make_room(struct sessions *s, struct slice user)
{
	uint8_t owner[STORE_OWNER_LEN];
	size_t n = 0;

	owner_of(owner, user);
	if (store_count_owner(s->store, owner, &n) != 0)
		return ERR_IO;
	if (n >= SESSIONS_PER_USER && evict_oldest(s, owner) != 0)
		return ERR_IO;
	if (store_count(s->store) >= SESSIONS_MAX && evict_oldest(s, NULL) != 0)
		return ERR_IO;
	return 0;
}

static void
cookie_make(
    const struct session_key *key, int64_t now, char cookie[TICKET_LEN + 1])
{
	struct ticket_key ticket_key;

	ticket_key_derive(
	    &ticket_key, key->id, key->screening, ticket_epoch(now));
	ticket_make(cookie, &ticket_key);
	secret_wipe(&ticket_key, sizeof ticket_key);
}

/* The tokens, borrowed, and until when the session is good with them: what can
 * be refreshed need not end when a token does. */
static void
session_set_tokens(const struct sessions *s, struct session *session,
    const struct session_facts *facts)
{
	if (!slice_equal(session->token, facts->token))
		session->token_since = clock_unix_s();
	session->token = facts->token;
	session->id_token = facts->id_token;
	session->access_token = facts->access_token;
	session->refresh_token = facts->refresh_token;
	session->token_end = facts->token_end;
	session->end = session->created + s->settings->expiration_s;
	if (facts->refresh_token.len == 0 && facts->token_end != 0 &&
	    facts->token_end < session->end)
		session->end = facts->token_end;
}

int
sessions_create(struct sessions *s, const struct session_facts *facts,
    char cookie[TICKET_LEN + 1], int64_t *end)
{
	const struct session_key *key = keys_at(s->keys, 0);
	int64_t now = clock_unix_s();
	struct session session = { .strategy = s->settings->strategy,
		.who = *facts->who,
		.issuer = facts->issuer,
		.subject = facts->subject,
		.sid = facts->sid,
		.created = now,
		.last_use = now };
	int r;

	session_set_tokens(s, &session, facts);
	if (session.end <= now ||
	    (facts->token_end != 0 && facts->token_end <= now))
		return ERR_EXPIRED;
	if (key == NULL || make_room(s, slice_of(session.who.user)) != 0)
		return ERR_UNAVAILABLE;
	cookie_make(key, now, cookie);
	ticket_handle(session.handle, (struct slice){ cookie, TICKET_LEN });
	r = session_write(s, &session, key, store_put);
	if (r == 0)
		*end = session.end;
	else
		secret_wipe(cookie, TICKET_LEN + 1);
	return r;
}

/* --- finding and ending --- */

static int
session_judge(const struct sessions *s, const struct session *session)
{
	int64_t now = clock_unix_s();

	if (session->strategy != s->settings->strategy)
		return ERR_NOT_FOUND;
	/* Another provider must not get the tokens of the one before. */
	if (session->strategy == STRATEGY_OPENID &&
	    !slice_is(slice_of(session->issuer), s->settings->openid.issuer))
		return ERR_NOT_FOUND;
	if (session->end <= now)
		return ERR_EXPIRED;
	if (s->settings->idle_s != 0 &&
	    session->last_use + s->settings->idle_s <= now)
		return ERR_EXPIRED;
	return 0;
}

int
sessions_find(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct session *out)
{
	struct session found = { .block = NULL };
	int r = ERR_UNAVAILABLE;

	if (keys_ready(s->keys))
		r = session_read(s, handle, &found);
	if (r == 0)
		r = session_judge(s, &found);
	if (r == 0)
		*out = found;
	else
		session_wipe(&found);
	return r;
}

static bool
same_person(const struct session *session, const struct session_facts *facts)
{
	return slice_is(slice_of(facts->issuer), session->issuer) &&
	    slice_is(slice_of(facts->subject), session->subject);
}

int
sessions_renew(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    const struct session_facts *facts)
{
	struct session session;
	int r = sessions_find(s, handle, &session);

	if (r != 0)
		return r;
	if (!same_person(&session, facts)) {
		r = ERR_DENIED;
	} else {
		session_set_tokens(s, &session, facts);
		if (facts->who != NULL)
			session.who = *facts->who;
		/* It has opened, so the key is there. */
		r = session_write(s, &session,
		    keys_find(s->keys, session.key_id), store_renew);
	}
	session_wipe(&session);
	return r;
}

/* A session stays under the key that it was made under: if that is revoked, it
 * ends, however often it was written since. */
void
sessions_use(struct sessions *s, struct session *session)
{
	const struct session_key *key = keys_find(s->keys, session->key_id);
	int64_t now = clock_unix_s();
	int64_t interval = s->settings->idle_s / 4;

	/* A short idle time needs a finer clock than a minute. */
	if (interval > TOUCH_INTERVAL_S)
		interval = TOUCH_INTERVAL_S;
	if (s->settings->idle_s == 0 || key == NULL ||
	    now < session->last_use + interval)
		return;
	session->last_use = now;
	/* If the write fails the session ends early, which is the safe side;
	 * the store has said so in the log. */
	(void)!session_write(s, session, key, store_touch);
}

int
sessions_delete(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN])
{
	return store_delete(s->store, handle);
}

static int
end_all(struct sessions *s, enum store_column column, const uint8_t *value,
    sessions_evicted_fn *each, void *arg, size_t *n)
{
	uint8_t(*handles)[MSG_HANDLE_LEN];

	if (store_delete_all(s->store, column, value, &handles, n) != 0)
		return ERR_IO;
	for (size_t i = 0; i < *n; i++)
		each(handles[i], arg);
	free(handles);
	return 0;
}

int
sessions_end_sid(struct sessions *s, const char *issuer, const char *sid,
    sessions_evicted_fn *each, void *arg, size_t *n)
{
	uint8_t hash[STORE_HASH_LEN];

	*n = 0;
	return hash_of(hash, issuer, slice_of(sid))
	    ? end_all(s, STORE_SID, hash, each, arg, n)
	    : 0;
}

int
sessions_end_subject(struct sessions *s, const char *issuer,
    const char *subject, sessions_evicted_fn *each, void *arg, size_t *n)
{
	uint8_t hash[STORE_HASH_LEN];

	*n = 0;
	return hash_of(hash, issuer, slice_of(subject))
	    ? end_all(s, STORE_SUBJECT, hash, each, arg, n)
	    : 0;
}

int
sessions_end_user(struct sessions *s, const char *user,
    sessions_evicted_fn *each, void *arg, size_t *n)
{
	uint8_t owner[STORE_OWNER_LEN];

	owner_of(owner, slice_of(user));
	return end_all(s, STORE_OWNER, owner, each, arg, n);
}

static void
visit_all(struct sessions *s, enum store_column column,
    const uint8_t value[STORE_HASH_LEN], sessions_visit_fn *visit, void *arg)
{
	uint8_t handles[SESSIONS_VISITED][MSG_HANDLE_LEN];
	struct session session;
	size_t n = 0;

	if (store_find_all(
		s->store, column, value, SESSIONS_VISITED, handles, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (sessions_find(s, handles[i], &session) != 0)
			continue;
		visit(&session, arg);
		session_wipe(&session);
	}
}

void
sessions_visit_sid(struct sessions *s, const char *issuer, const char *sid,
    sessions_visit_fn *visit, void *arg)
{
	uint8_t hash[STORE_HASH_LEN];

	if (hash_of(hash, issuer, slice_of(sid)))
		visit_all(s, STORE_SID, hash, visit, arg);
}

void
sessions_visit_subject(struct sessions *s, const char *issuer,
    const char *subject, sessions_visit_fn *visit, void *arg)
{
	uint8_t hash[STORE_HASH_LEN];

	if (hash_of(hash, issuer, slice_of(subject)))
		visit_all(s, STORE_SUBJECT, hash, visit, arg);
}

int
sessions_use_once(
    struct sessions *s, const char *kind, struct slice id, int64_t until)
{
	uint8_t hash[STORE_HASH_LEN];
	int r;

	if (!hash_of(hash, kind, id))
		return ERR_LIMIT;
	r = store_use_once(s->store, hash, until);
	if (r != ERR_LIMIT)
		return r;
	/* Full: what is over makes room. */
	if (store_forget_used(s->store, clock_unix_s()) != 0)
		return ERR_IO;
	return store_use_once(s->store, hash, until);
}

void
sessions_purge(struct sessions *s)
{
	size_t n = 0;

	(void)!store_expire(s->store, clock_unix_s(), PURGE_BATCH, &n);
	(void)!store_forget_used(s->store, clock_unix_s());
}

/* --- keys --- */

static bool
key_is_there(const uint8_t key_id[MSG_KEY_ID_LEN], void *arg)
{
	const struct sessions *s = arg;

	return keys_find(s->keys, key_id) != NULL;
}

bool
sessions_find_lost_key(struct sessions *s, uint8_t key_id[MSG_KEY_ID_LEN])
{
	return store_find_key(s->store, key_is_there, s, key_id) == 0;
}

int
sessions_end_key(
    struct sessions *s, const uint8_t key_id[MSG_KEY_ID_LEN], size_t *n_out)
{
	if (sessions_count_key(s, key_id, n_out) != 0)
		return ERR_IO;
	return store_delete_key(s->store, key_id);
}

int
sessions_count_key(
    struct sessions *s, const uint8_t key_id[MSG_KEY_ID_LEN], size_t *n_out)
{
	return store_count_key(s->store, key_id, clock_unix_s(), n_out);
}
