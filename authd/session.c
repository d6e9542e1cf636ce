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
#include "common/wire.h"

#include "authd/keys.h"
#include "authd/seal.h"
#include "authd/store.h"

#define CONTENT_VERSION 2
#define CONTENT_VERSION_USER 1 /* the user as shown, and no more of them */
#define CONTENT_MAX (1 + 1 + IDENTITY_WIRE_MAX + 2 + MSG_TOKEN_MAX + 3 * 8)
#define TOUCH_INTERVAL_S 60
#define PURGE_BATCH 500

_Static_assert(CONTENT_MAX + SEAL_OVERHEAD <= STORE_SEALED_MAX, "row size");

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
	secret_wipe(s, sizeof *s);
}

struct slice
session_token(const struct session *s)
{
	return (struct slice){ s->token, s->token_len };
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

/* --- content --- */

static size_t
content_encode(uint8_t dst[CONTENT_MAX], const struct session *session)
{
	struct wire_writer w;

	wire_writer_init(&w, dst, CONTENT_MAX);
	wire_put_u8(&w, CONTENT_VERSION);
	wire_put_u8(&w, (uint8_t)session->strategy);
	identity_put(&w, &session->who);
	wire_put_slice(&w, session_token(session));
	wire_put_u64(&w, (uint64_t)session->created);
	wire_put_u64(&w, (uint64_t)session->last_use);
	wire_put_u64(&w, (uint64_t)session->end);
	return wire_done(&w) == 0 ? w.len : 0;
}

/* Sessions of older versions: who that is by name. */
static void
user_decode(struct wire_reader *r, struct identity *who)
{
	struct slice user = wire_get_text(r, MSG_USER_MAX);

	if (slice_copy(user, who->user, sizeof who->user) != 0 ||
	    slice_copy(user, who->name, sizeof who->name) != 0)
		r->err = ERR_FORMAT;
}

static int
content_decode(struct session *out, const uint8_t *p, size_t len)
{
	struct wire_reader r;
	struct slice token;
	uint8_t version;

	wire_reader_init(&r, p, len);
	version = wire_get_u8(&r);
	out->strategy = wire_get_u8(&r);
	if (version == CONTENT_VERSION_USER)
		user_decode(&r, &out->who);
	else
		identity_get(&r, &out->who);
	token = wire_get_bytes(&r, MSG_TOKEN_MAX);
	out->created = (int64_t)wire_get_u64(&r);
	out->last_use = (int64_t)wire_get_u64(&r);
	out->end = (int64_t)wire_get_u64(&r);
	if (wire_end(&r) != 0 ||
	    (version != CONTENT_VERSION && version != CONTENT_VERSION_USER))
		return ERR_FORMAT;
	if (token.len > 0)
		memcpy(out->token, token.p, token.len);
	out->token_len = token.len;
	return 0;
}

/* --- rows --- */

static void
owner_of(uint8_t owner[STORE_OWNER_LEN], struct slice user)
{
	uint8_t digest[MSG_HANDLE_LEN];

	ticket_handle(digest, user);
	memcpy(owner, digest, STORE_OWNER_LEN);
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

/* Seals and writes a session, as a new row or over its old one. */
static int
session_write(struct sessions *s, const struct session *session,
    const struct session_key *key, bool fresh)
{
	uint8_t content[CONTENT_MAX], sealed[CONTENT_MAX + SEAL_OVERHEAD];
	struct store_row row = { .created = session->created,
		.expires = row_expires(s, session),
		.sealed = sealed };
	size_t len = content_encode(content, session);
	int r;

	if (len == 0)
		return ERR_LIMIT;
	memcpy(row.handle, session->handle, MSG_HANDLE_LEN);
	memcpy(row.key_id, key->id, MSG_KEY_ID_LEN);
	owner_of(row.owner, slice_of(session->who.user));
	seal_close(sealed, key, session->handle, content, len);
	secret_wipe(content, sizeof content);
	row.sealed_len = len + SEAL_OVERHEAD;
	r = fresh ? store_put(s->store, &row) : store_touch(s->store, &row);
	return r == 0 ? 0 : ERR_UNAVAILABLE;
}

static int
session_read(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN],
    struct session *out)
{
	uint8_t content[CONTENT_MAX];
	const struct session_key *key;
	struct store_row row;
	size_t len = 0;
	int r = store_get(s->store, handle, &row);

	if (r != 0)
		return r == ERR_NOT_FOUND ? r : ERR_UNAVAILABLE;
	key = keys_find(s->keys, row.key_id);
	if (key == NULL ||
	    seal_open(content, sizeof content, &len, key, handle, row.sealed,
		row.sealed_len) != 0)
		return ERR_NOT_FOUND;
	r = content_decode(out, content, len);
	secret_wipe(content, sizeof content);
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

int
sessions_create(struct sessions *s, const struct identity *who,
    struct slice token, int64_t token_end, char cookie[TICKET_LEN + 1],
    int64_t *end)
{
	const struct session_key *key = keys_at(s->keys, 0);
	struct session session = { .strategy = s->settings->strategy };
	int64_t now = clock_unix_s();
	int r;

	if (token.len > sizeof session.token)
		return ERR_LIMIT;
	session.who = *who;
	session.created = session.last_use = now;
	session.end = now + s->settings->expiration_s;
	if (token_end != 0 && token_end < session.end)
		session.end = token_end;
	if (session.end <= now)
		return ERR_EXPIRED;
	if (key == NULL || make_room(s, slice_of(who->user)) != 0)
		return ERR_UNAVAILABLE;
	if (token.len > 0)
		memcpy(session.token, token.p, token.len);
	session.token_len = token.len;
	cookie_make(key, now, cookie);
	ticket_handle(session.handle, (struct slice){ cookie, TICKET_LEN });
	r = session_write(s, &session, key, true);
	if (r == 0)
		*end = session.end;
	else
		secret_wipe(cookie, TICKET_LEN + 1);
	session_wipe(&session);
	return r;
}

/* --- finding and ending --- */

static int
session_judge(const struct sessions *s, const struct session *session)
{
	int64_t now = clock_unix_s();

	if (session->strategy != s->settings->strategy)
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
	struct session found = { .token_len = 0 };
	int r = ERR_UNAVAILABLE;

	if (keys_ready(s->keys))
		r = session_read(s, handle, &found);
	if (r == 0)
		r = session_judge(s, &found);
	if (r == 0)
		*out = found;
	session_wipe(&found);
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
	(void)!session_write(s, session, key, false);
}

int
sessions_delete(struct sessions *s, const uint8_t handle[MSG_HANDLE_LEN])
{
	return store_delete(s->store, handle);
}

void
sessions_purge(struct sessions *s)
{
	size_t n = 0;

	(void)!store_expire(s->store, clock_unix_s(), PURGE_BATCH, &n);
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
