#include "frontend/limits.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/secret.h"

#define BUCKETS 1024

struct limits_slot {
	struct limits_slot *next;
	uint8_t key[9]; /* family, then 4 or 8 bytes */
	uint32_t n;
};
struct limits {
	struct limits_slot *buckets[BUCKETS];
	uint64_t seed; /* so that nobody can choose addresses that collide */
	uint32_t max;
};

struct limits *
limits_new(uint32_t max_per_address)
{
	struct limits *l = mem_new(sizeof(*l));

	secret_random(&l->seed, sizeof(l->seed));
	l->max = max_per_address;
	return l;
}

void
limits_free(struct limits *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (l->buckets[i] != NULL) {
			struct limits_slot *slot = l->buckets[i];

			l->buckets[i] = slot->next;
			free(slot);
		}
	free(l);
}

static void
key_of(const struct sockaddr *a, uint8_t key[9])
{
	memset(key, 0, 9);
	if (a->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, a, sizeof(v4));
		key[0] = 4;
		memcpy(key + 1, &v4.sin_addr, 4);
	} else if (a->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		bool mapped;

		memcpy(&v6, a, sizeof(v6));
		mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
		key[0] = mapped ? 4 : 6;
		memcpy(key + 1, v6.sin6_addr.s6_addr + (mapped ? 12 : 0),
		    mapped ? 4 : 8);
	}
}

static struct limits_slot **
bucket_of(struct limits *l, const uint8_t key[9])
{
	uint64_t h = l->seed;

	for (size_t i = 0; i < 9; i++) {
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return &l->buckets[h % BUCKETS];
}

struct limits_slot *
limits_enter(struct limits *l, const struct sockaddr *address)
{
	struct limits_slot **bucket, *slot;
	uint8_t key[9];

	key_of(address, key);
	bucket = bucket_of(l, key);
	for (slot = *bucket; slot != NULL; slot = slot->next)
		if (memcmp(slot->key, key, sizeof(key)) == 0)
			break;
	if (slot == NULL) {
		slot = mem_new(sizeof(*slot));
		memcpy(slot->key, key, sizeof(key));
		slot->next = *bucket;
		*bucket = slot;
	}
	if (slot->n >= l->max)
		return NULL;
	slot->n++;
	return slot;
}

void
limits_leave(struct limits *l, struct limits_slot *slot)
{
	struct limits_slot **at;

	if (slot == NULL || --slot->n > 0)
		return;
	at = bucket_of(l, slot->key);
	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	free(slot);
}
