/*
 * The ring: derivation, order, and what is kept; see keyring.h. A change is
 * made to a copy, the copy is written to the disk, and only then takes the
 * place of the ring.
 */
#include "secretd/keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "secretd/state_file.h"

#define FILE_NAME "keyring"
#define MAGIC "DWkeys\0\1"
#define MAGIC_LEN 8
#define CHECK_LEN 32 /* SHA-256 of all before it: against damage, no more */
#define KEY_LEN 32

struct entry {
	uint8_t id[MSG_KEY_ID_LEN];
	uint8_t seal[KEY_LEN], screening[KEY_LEN];
	int64_t since;
	int64_t superseded; /* 0: current; only the first can be */
	uint32_t life_s;    /* of sessions, the longest while it was current */
};
#define ENTRY_FILE_LEN (MSG_KEY_ID_LEN + 2 * KEY_LEN + 8 + 8 + 4)

struct ring {
	struct entry at[KEYRING_MAX];
	size_t n;
	uint8_t revoked[KEYRING_REVOKED_MAX][MSG_KEY_ID_LEN]; /* oldest first */
	size_t n_revoked;
};
#define RING_FILE_MAX                                       \
	(MAGIC_LEN + 2 + KEYRING_MAX * ENTRY_FILE_LEN + 2 + \
	    (size_t)KEYRING_REVOKED_MAX * MSG_KEY_ID_LEN + CHECK_LEN)

_Static_assert(sizeof(struct ring) <= SECRET_MAX, "fits a secret");
_Static_assert(RING_FILE_MAX <= STATE_FILE_MAX, "fits its file");

struct keyring {
	char *dir; /* NULL: nothing is kept */
	uint32_t life_s;
	struct secret *memory; /* struct ring */
};

static const struct ring *
ring_of(const struct keyring *k)
{
	return secret_peek(k->memory);
}

static struct secret *
ring_new(void)
{
	struct secret *s = secret_new(sizeof(struct ring));

	secret_set_len(s, sizeof(struct ring));
	return s;
}

static bool
same_id(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, MSG_KEY_ID_LEN) == 0; /* ids are no secret */
}

/* The place of the key, or r->n. */
static size_t
ring_find(const struct ring *r, const uint8_t *id)
{
	size_t i = 0;

	while (i < r->n && !same_id(r->at[i].id, id))
		i++;
	return i;
}

static bool
ring_revoked(const struct ring *r, const uint8_t *id)
{
	for (size_t i = 0; i < r->n_revoked; i++)
		if (same_id(r->revoked[i], id))
			return true;
	return false;
}

static void
ring_remove(struct ring *r, size_t at)
{
	r->n--;
	memmove(&r->at[at], &r->at[at + 1], (r->n - at) * sizeof(r->at[0]));
	secret_wipe(&r->at[r->n], sizeof(r->at[0]));
}

static void
ring_put_first(struct ring *r, const struct entry *e)
{
	memmove(&r->at[1], &r->at[0], r->n * sizeof(r->at[0]));
	r->at[0] = *e;
	r->n++;
}

static void
ring_remember_revoked(struct ring *r, const uint8_t *id)
{
	if (r->n_revoked == KEYRING_REVOKED_MAX)
		memmove(r->revoked[0], r->revoked[1],
		    --r->n_revoked * sizeof(r->revoked[0]));
	memcpy(r->revoked[r->n_revoked++], id, MSG_KEY_ID_LEN);
}

/* --- the file --- */

static bool
checksum(uint8_t out[CHECK_LEN], const void *p, size_t len)
{
	size_t n = CHECK_LEN;

	return EVP_Q_digest(NULL, "SHA256", NULL, p, len, out, &n) == 1;
}

static int
ring_encode(struct wire_writer *w, const struct ring *r)
{
	uint8_t sum[CHECK_LEN];

	wire_put_raw(w, MAGIC, MAGIC_LEN);
	wire_put_u16(w, (uint16_t)r->n);
	for (size_t i = 0; i < r->n; i++) {
		const struct entry *e = &r->at[i];

		wire_put_raw(w, e->id, MSG_KEY_ID_LEN);
		wire_put_raw(w, e->seal, KEY_LEN);
		wire_put_raw(w, e->screening, KEY_LEN);
		wire_put_u64(w, (uint64_t)e->since);
		wire_put_u64(w, (uint64_t)e->superseded);
		wire_put_u32(w, e->life_s);
	}
	wire_put_u16(w, (uint16_t)r->n_revoked);
	wire_put_raw(w, r->revoked, r->n_revoked * sizeof(r->revoked[0]));
	if (!checksum(sum, w->p, w->len))
		return ERR_CRYPTO;
	wire_put_raw(w, sum, CHECK_LEN);
	return wire_done(w);
}

static void
entry_decode(struct wire_reader *in, struct entry *e)
{
	wire_get_raw(in, e->id, MSG_KEY_ID_LEN);
	wire_get_raw(in, e->seal, KEY_LEN);
	wire_get_raw(in, e->screening, KEY_LEN);
	e->since = (int64_t)wire_get_u64(in);
	e->superseded = (int64_t)wire_get_u64(in);
	e->life_s = wire_get_u32(in);
}

/* False: nothing that this program wrote. */
static bool
ring_decode(struct ring *r, const uint8_t *p, size_t len)
{
	uint8_t magic[MAGIC_LEN], sum[CHECK_LEN];
	struct wire_reader in;
	size_t n;

	if (len < CHECK_LEN || !checksum(sum, p, len - CHECK_LEN) ||
	    memcmp(sum, p + len - CHECK_LEN, CHECK_LEN) != 0)
		return false;
	wire_reader_init(&in, p, len - CHECK_LEN);
	wire_get_raw(&in, magic, MAGIC_LEN);
	n = wire_get_u16(&in);
	if (memcmp(magic, MAGIC, MAGIC_LEN) != 0 || n > KEYRING_MAX)
		return false;
	for (r->n = 0; r->n < n; r->n++)
		entry_decode(&in, &r->at[r->n]);
	n = wire_get_u16(&in);
	if (n > KEYRING_REVOKED_MAX)
		return false;
	wire_get_raw(&in, r->revoked, n * sizeof(r->revoked[0]));
	r->n_revoked = n;
	return wire_end(&in) == 0;
}

static int
ring_save(const struct keyring *k, const struct ring *r)
{
	struct secret *buffer;
	struct wire_writer w;
	int ret;

	if (k->dir == NULL)
		return 0;
	buffer = secret_new(RING_FILE_MAX);
	wire_writer_init(&w, secret_bytes(buffer), RING_FILE_MAX);
	ret = ring_encode(&w, r);
	if (ret == 0)
		ret = state_file_write(k->dir, FILE_NAME, w.p, w.len);
	if (ret < 0)
		log_error("session keys: %s/" FILE_NAME
			  " cannot be written: %s",
		    k->dir, ret == ERR_IO ? strerror(errno) : err_text(ret));
	secret_free(buffer);
	return ret < 0 ? ERR_IO : 0;
}

static void
report_damage(const char *dir)
{
	log_error("session keys: %s/" FILE_NAME " is damaged: sessions made "
		  "under previous keys are over%s",
	    dir,
	    state_file_move_aside(dir, FILE_NAME) == 0
		? "; it is moved to " FILE_NAME ".damaged"
		: "");
}

static void
ring_load(struct keyring *k)
{
	struct secret *file = NULL;
	int r = state_file_read(k->dir, FILE_NAME, &file);

	if (r == ERR_IO)
		log_error("session keys: %s/" FILE_NAME " cannot be read: %s",
		    k->dir, strerror(errno));
	else if (r == ERR_LIMIT)
		report_damage(k->dir);
	if (r < 0)
		return;
	if (!ring_decode(
		secret_bytes(k->memory), secret_peek(file), secret_len(file))) {
		secret_free(k->memory);
		k->memory = ring_new();
		report_damage(k->dir);
	}
	secret_free(file);
}

/* --- changes --- */

/* A copy to be changed; ring_commit or secret_free follows. */
static struct secret *
ring_copy(const struct keyring *k)
{
	return secret_from(ring_of(k), sizeof(struct ring));
}

static int
ring_commit(struct keyring *k, struct secret *next)
{
	int r = ring_save(k, secret_peek(next));

	if (r < 0) {
		secret_free(next);
		return r;
	}
	secret_free(k->memory);
	k->memory = next;
	return 0;
}

struct keyring *
keyring_open(const char *dir, uint32_t life_s)
{
	struct keyring *k = mem_new(sizeof(*k));

	k->life_s = life_s;
	k->memory = ring_new();
	if (dir != NULL) {
		k->dir = mem_strdup(dir);
		ring_load(k);
	}
	return k;
}

void
keyring_free(struct keyring *k)
{
	if (k == NULL)
		return;
	secret_free(k->memory);
	free(k->dir);
	free(k);
}

static int
derive(const struct secret *key, const char *info, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	struct secret *copy = secret_from(secret_peek(key), secret_len(key));
	char digest[] = "SHA256";
	char *text = mem_strdup(info); /* parameters are not const */
	OSSL_PARAM params[4];
	int r = ERR_CRYPTO;

	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_KEY, secret_bytes(copy), secret_len(copy));
	params[2] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_INFO, text, strlen(text));
	params[3] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1)
		r = 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	secret_free(copy);
	free(text);
	return r;
}

static int
entry_derive(struct entry *e, const struct secret *signing_key)
{
	if (derive(signing_key, "doorward key id v1", e->id, MSG_KEY_ID_LEN) <
		0 ||
	    derive(signing_key, "doorward session seal v1", e->seal, KEY_LEN) <
		0 ||
	    derive(signing_key, "doorward session screen v1", e->screening,
		KEY_LEN) < 0)
		return ERR_CRYPTO;
	return 0;
}

/* e gets in front; what is known of it from before is kept. */
static int
ring_use(struct ring *r, struct entry *e, uint32_t life_s, int64_t now)
{
	size_t at = ring_find(r, e->id);

	e->since = now;
	e->life_s = life_s;
	if (at < r->n) {
		e->since = r->at[at].since;
		if (r->at[at].life_s > life_s)
			e->life_s = r->at[at].life_s;
		ring_remove(r, at);
	}
	if (r->n == KEYRING_MAX)
		return ERR_LIMIT;
	if (r->n > 0 && r->at[0].superseded == 0)
		r->at[0].superseded = now;
	ring_put_first(r, e);
	return 0;
}

/* Is this already so, that nothing has to be written? */
static bool
is_current(const struct ring *r, const struct entry *e, uint32_t life_s)
{
	return r->n > 0 && r->at[0].superseded == 0 &&
	    same_id(r->at[0].id, e->id) && r->at[0].life_s >= life_s;
}

static int
use_entry(struct keyring *k, struct entry *e, int64_t now)
{
	struct secret *next = ring_copy(k);
	int r = ring_use(secret_bytes(next), e, k->life_s, now);

	if (r < 0) {
		secret_free(next);
		return r;
	}
	return ring_commit(k, next);
}

int
keyring_use(struct keyring *k, const struct secret *signing_key, int64_t now,
    uint8_t id[MSG_KEY_ID_LEN], bool *changed)
{
	struct secret *memory = secret_new(sizeof(struct entry));
	struct entry *e = secret_bytes(memory);
	int r = entry_derive(e, signing_key);

	*changed = false;
	memcpy(id, e->id, MSG_KEY_ID_LEN);
	if (r == 0 && ring_revoked(ring_of(k), id))
		r = ERR_DENIED;
	if (r == 0 && !is_current(ring_of(k), e, k->life_s)) {
		*changed = !is_current(ring_of(k), e, 0);
		r = use_entry(k, e, now);
	}
	if (r < 0)
		*changed = false;
	secret_free(memory);
	return r;
}

int
keyring_drop(struct keyring *k, const uint8_t id[MSG_KEY_ID_LEN], bool revoked)
{
	size_t at = ring_find(ring_of(k), id);
	bool known = at < ring_of(k)->n;
	struct secret *next;

	if (!known)
		return revoked && ring_revoked(ring_of(k), id) ? 0
							       : ERR_NOT_FOUND;
	if (ring_of(k)->at[at].superseded == 0)
		return ERR_DENIED;
	next = ring_copy(k);
	ring_remove(secret_bytes(next), at);
	if (revoked)
		ring_remember_revoked(secret_bytes(next), id);
	return ring_commit(k, next);
}

static int64_t
entry_until(const struct entry *e)
{
	return e->superseded == 0
	    ? 0
	    : e->superseded + e->life_s + KEYRING_MARGIN_S;
}

static bool
entry_is_over(const struct entry *e, int64_t now)
{
	return e->superseded != 0 && entry_until(e) <= now;
}

/* Removes what is over. Returns how many. */
static size_t
ring_expire(struct ring *r, int64_t now)
{
	size_t n = 0;

	for (size_t i = r->n; i-- > 0;)
		if (entry_is_over(&r->at[i], now)) {
			ring_remove(r, i);
			n++;
		}
	return n;
}

size_t
keyring_expire(struct keyring *k, int64_t now)
{
	struct secret *next = ring_copy(k);
	size_t n = ring_expire(secret_bytes(next), now);

	if (n == 0) {
		secret_free(next);
		return 0;
	}
	return ring_commit(k, next) == 0 ? n : 0;
}

/* --- looking --- */

size_t
keyring_count(const struct keyring *k)
{
	return ring_of(k)->n;
}

bool
keyring_at(const struct keyring *k, size_t i, struct keyring_key *out)
{
	const struct ring *r = ring_of(k);
	const struct entry *e = &r->at[i];

	if (i >= r->n)
		return false;
	memcpy(out->id, e->id, MSG_KEY_ID_LEN);
	out->state = e->superseded == 0 ? KEY_CURRENT : KEY_PREVIOUS;
	out->since = e->since;
	out->until = entry_until(e);
	return true;
}

void
keyring_put(const struct keyring *k, struct wire_writer *w)
{
	const struct ring *r = ring_of(k);

	wire_put_u8(w, (uint8_t)r->n);
	for (size_t i = 0; i < r->n; i++) {
		wire_put_raw(w, r->at[i].id, MSG_KEY_ID_LEN);
		wire_put_raw(w, r->at[i].seal, KEY_LEN);
		wire_put_raw(w, r->at[i].screening, KEY_LEN);
	}
}
