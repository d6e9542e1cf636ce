/* The session keys in guarded memory; see keys.h. */
#include "authd/keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"

struct keys {
	struct secret *memory; /* KEYS_MAX x struct session_key */
	size_t n;
};

struct keys *
keys_new(void)
{
	struct keys *k = mem_new(sizeof *k);

	k->memory = secret_new(KEYS_MAX * sizeof(struct session_key));
	return k;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	secret_free(k->memory);
	free(k);
}

bool
keys_ready(const struct keys *k)
{
	return k->n > 0;
}

size_t
keys_count(const struct keys *k)
{
	return k->n;
}

const struct session_key *
keys_at(const struct keys *k, size_t i)
{
	const struct session_key *all = secret_peek(k->memory);

	return i < k->n ? &all[i] : NULL;
}

const struct session_key *
keys_find(const struct keys *k, const uint8_t id[MSG_KEY_ID_LEN])
{
	const struct session_key *key;

	for (size_t i = 0; (key = keys_at(k, i)) != NULL; i++)
		if (memcmp(key->id, id, MSG_KEY_ID_LEN) == 0)
			return key;
	return NULL;
}

static bool
any_missing(const struct keys *old, const struct keys *new)
{
	const struct session_key *key;

	for (size_t i = 0; (key = keys_at(old, i)) != NULL; i++)
		if (keys_find(new, key->id) == NULL)
			return true;
	return false;
}

int
keys_load(struct keys *k, struct wire_reader *r, bool *dropped)
{
	struct keys got = { .n = 0 };
	struct session_key *at;
	size_t n = wire_get_u8(r);
	int ret = ERR_PROTOCOL;

	if (n > KEYS_MAX)
		return ret;
	got.memory = secret_new(KEYS_MAX * sizeof *at);
	at = secret_bytes(got.memory);
	for (; got.n < n; got.n++) {
		wire_get_raw(r, at[got.n].id, MSG_KEY_ID_LEN);
		wire_get_raw(r, at[got.n].seal, KEYS_LEN);
		wire_get_raw(r, at[got.n].screening, KEYS_LEN);
	}
	if (wire_end(r) != 0)
		goto out;
	ret = ERR_NOT_FOUND;
	if (n == 0)
		goto out;
	*dropped = k->n == 0 || any_missing(k, &got);
	secret_free(k->memory);
	*k = got;
	return 0;
out:
	secret_free(got.memory);
	return ret;
}
