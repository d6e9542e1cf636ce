/* Back-off for failed logins; see throttle.h. */
#include "authd/throttle.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "common/secret.h"

#define BUCKETS 1024
#define WAYS 4
#define KEY_LEN 17 /* family, address */

struct entry {
	uint8_t key[KEY_LEN]; /* family 0: free */
	uint32_t failures;
	int64_t last_ms, until_ms;
};
struct throttle {
	struct entry table[BUCKETS][WAYS];
	uint64_t seed;	   /* or an attacker could aim at one bucket */
	int64_t global_ms; /* when global was last refilled */
	double global;	   /* what is left of the budget */
};

struct throttle *
throttle_new(void)
{
	struct throttle *t = mem_new(sizeof *t);

	secret_random(&t->seed, sizeof t->seed);
	t->global = THROTTLE_GLOBAL;
	return t;
}

void
throttle_free(struct throttle *t)
{
	free(t);
}

/* "[::1]:80", "192.0.2.1:80" and the same without a port. */
static struct slice
without_port(struct slice client)
{
	const char *colon =
	    client.len == 0 ? NULL : memchr(client.p, ':', client.len);

	if (client.len > 0 && client.p[0] == '[') {
		struct slice rest = { client.p + 1, client.len - 1 };
		return slice_cut(&rest, ']');
	}
	if (colon != NULL &&
	    memchr(colon + 1, ':',
		client.len - (size_t)(colon + 1 - client.p)) == NULL)
		return (struct slice){ client.p, (size_t)(colon - client.p) };
	return client;
}

static void
key_of(uint8_t key[KEY_LEN], struct slice client)
{
	char text[INET6_ADDRSTRLEN + 1];

	memset(key, 0, KEY_LEN);
	key[0] = 255; /* no address at all */
	if (slice_copy(without_port(client), text, sizeof text) != 0)
		return;
	if (inet_pton(AF_INET, text, key + 1) == 1) {
		key[0] = AF_INET;
	} else if (inet_pton(AF_INET6, text, key + 1) == 1) {
		key[0] = AF_INET6;
		memset(key + 1 + 8, 0, 8); /* whoever has one has its /64 */
	} else {
		memset(key + 1, 0, KEY_LEN - 1);
	}
}

static struct entry *
bucket_of(struct throttle *t, const uint8_t key[KEY_LEN])
{
	uint64_t h = t->seed;

	for (size_t i = 0; i < KEY_LEN; i++)
		h = (h ^ key[i]) * 0x100000001b3u;
	h ^= h >> 29;
	return t->table[h % BUCKETS];
}

static struct entry *
entry_find(struct throttle *t, const uint8_t key[KEY_LEN])
{
	struct entry *e = bucket_of(t, key);

	for (size_t i = 0; i < WAYS; i++)
		if (memcmp(e[i].key, key, KEY_LEN) == 0)
			return &e[i];
	return NULL;
}

/* The address' entry, else the one of its bucket that was quiet longest. */
static struct entry *
entry_make(struct throttle *t, const uint8_t key[KEY_LEN])
{
	struct entry *e = entry_find(t, key), *bucket = bucket_of(t, key);

	if (e != NULL)
		return e;
	e = bucket;
	for (size_t i = 1; i < WAYS; i++)
		if (bucket[i].last_ms < e->last_ms)
			e = &bucket[i];
	memset(e, 0, sizeof *e);
	memcpy(e->key, key, KEY_LEN);
	return e;
}

static void
global_refill(struct throttle *t, int64_t now_ms)
{
	double back =
	    (double)(now_ms - t->global_ms) / 1000 * THROTTLE_GLOBAL_PER_S;

	t->global_ms = now_ms;
	t->global = t->global + back < THROTTLE_GLOBAL ? t->global + back
						       : THROTTLE_GLOBAL;
}

bool
throttle_allows(struct throttle *t, struct slice client, int64_t now_ms)
{
	uint8_t key[KEY_LEN];
	const struct entry *e;

	global_refill(t, now_ms);
	if (t->global < 1)
		return false;
	key_of(key, client);
	e = entry_find(t, key);
	return e == NULL || now_ms >= e->until_ms;
}

void
throttle_failed(struct throttle *t, struct slice client, int64_t now_ms)
{
	global_refill(t, now_ms);
	if (t->global >= 1)
		t->global -= 1;
	throttle_failed_here(t, client, now_ms);
}

void
throttle_failed_here(struct throttle *t, struct slice client, int64_t now_ms)
{
	uint8_t key[KEY_LEN];
	struct entry *e;
	int64_t wait_ms;

	key_of(key, client);
	e = entry_make(t, key);
	if (now_ms - e->last_ms > THROTTLE_FORGET_MS)
		e->failures = 0;
	e->last_ms = now_ms;
	e->failures++;
	if (e->failures < THROTTLE_FREE)
		return;
	wait_ms = e->failures - THROTTLE_FREE < 5
	    ? 1000 << (e->failures - THROTTLE_FREE)
	    : THROTTLE_MAX_MS;
	e->until_ms = now_ms + wait_ms;
}

void
throttle_succeeded(struct throttle *t, struct slice client)
{
	uint8_t key[KEY_LEN];
	struct entry *e;

	key_of(key, client);
	e = entry_find(t, key);
	if (e != NULL)
		memset(e, 0, sizeof *e);
}
