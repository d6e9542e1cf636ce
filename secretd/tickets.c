/* Making and turning over of the session-ticket keys; see tickets.h. */
#include "secretd/tickets.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/secret.h"

#define TICKET_LEN (16 + 32 + 32) /* name, AES key, HMAC key */

struct tickets {
	struct secret *keys[TICKETS_MAX]; /* newest first */
	size_t n;
	int64_t next_ms;
};

static void
turn_over(struct tickets *t)
{
	struct secret *key = secret_new(TICKET_LEN);

	secret_random(secret_bytes(key), TICKET_LEN);
	secret_set_len(key, TICKET_LEN);
	if (t->n == TICKETS_MAX)
		secret_free(t->keys[--t->n]);
	for (size_t i = t->n; i > 0; i--)
		t->keys[i] = t->keys[i - 1];
	t->keys[0] = key;
	t->n++;
	t->next_ms += TICKETS_PERIOD_MS;
}

struct tickets *
tickets_new(int64_t now_ms)
{
	struct tickets *t = mem_new(sizeof(*t));

	t->next_ms = now_ms;
	turn_over(t);
	return t;
}

void
tickets_free(struct tickets *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		secret_free(t->keys[i]);
	free(t);
}

void
tickets_put(struct tickets *t, int64_t now_ms, struct wire_writer *w)
{
	/* At most one round after a long sleep: all keys are old then. */
	for (size_t i = 0; i < TICKETS_MAX && now_ms >= t->next_ms; i++)
		turn_over(t);
	if (now_ms >= t->next_ms)
		t->next_ms = now_ms + TICKETS_PERIOD_MS;
	wire_put_u32(w, (uint32_t)((t->next_ms - now_ms + 999) / 1000));
	wire_put_u8(w, (uint8_t)t->n);
	for (size_t i = 0; i < t->n; i++)
		wire_put_raw(w, secret_peek(t->keys[i]), TICKET_LEN);
}
