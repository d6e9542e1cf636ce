/* See told.h. */
#include "secretd/told.h"

#include <stdlib.h>

#include "common/mem.h"
#include "secretd/secretd.h"

struct told {
	TAILQ_ENTRY(told) entry;
	struct chan *ch;
	enum role peer;
};

void
told_add(struct secretd *d, struct chan *ch, enum role peer)
{
	struct told *t = mem_new(sizeof(*t));

	*t = (struct told){ .ch = ch, .peer = peer };
	TAILQ_INSERT_TAIL(&d->told, t, entry);
	chan_set_user(ch, t);
}

void
told_closed(struct chan *ch)
{
	struct secretd *d = chan_ctx(ch);
	struct told *t = chan_user(ch);

	TAILQ_REMOVE(&d->told, t, entry);
	free(t);
}

void
told_push(
    const struct secretd *d, unsigned roles, enum changed what, unsigned number)
{
	const struct told *t;
	uint8_t payload[3];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)what);
	wire_put_u16(&w, (uint16_t)number);
	/* One that is not ready yet, or just going, asks when it is. */
	TAILQ_FOREACH(t, &d->told, entry)
		if (roles & (1u << t->peer))
			(void)chan_push(t->ch, MSG_CHANGED, &w, -1);
}
