/*
 * See secrets.h. What MSG_CHANGED tells is asked for at once; everything is
 * asked for when the channel comes back, and every half minute as a safety net.
 *
 * SECURITY: the channel's buffers hold values for a moment; chan.c wipes what
 * it has received. Values are kept in struct secret alone.
 */
#include "egress/secrets.h"

#include <stdlib.h>

#include <event2/event.h>

#include "common/ca_set.h"
#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/slot.h"

#define ASK_INTERVAL_S 30
#define ASK_TIMEOUT_MS 5000

struct held {
	struct secrets *owner;
	unsigned slot, version;
	enum held_state state;
	struct secret *value;
	bool stale; /* the file is gone or bad, the value is the last good */
};

struct ca {
	struct secrets *owner;
	unsigned number;
};

struct secrets {
	struct event_base *base;
	const struct settings *settings;
	const struct secrets_ops *ops;
	void *arg;
	struct chan *chan;
	struct event *tick;
	struct held **held;
	size_t n_held;
	struct ca ca[CA_COUNT];
	size_t n_ca;
};

/* --- slots --- */

enum held_state
held_state(const struct held *h)
{
	return h->state;
}

unsigned
held_slot(const struct held *h)
{
	return h->slot;
}

unsigned
held_version(const struct held *h)
{
	return h->version;
}

struct slice
held_value(const struct held *h)
{
	if (h->state != HELD_READY)
		return (struct slice){ NULL, 0 };
	return (struct slice){ secret_peek(h->value), secret_len(h->value) };
}

static void
keep(struct held *h, struct slice value)
{
	struct slice old = held_value(h);

	h->stale = false;
	if (h->state == HELD_READY &&
	    secret_equal(old.p, old.len, value.p, value.len))
		return;
	secret_free(h->value);
	h->value = secret_from(value.p, value.len);
	h->state = HELD_READY;
	h->version++;
}

/* A user name, say, may stand in the configuration as well. */
static bool
is_needed(const struct held *h)
{
	struct slot_spec spec;

	return slot_describe(h->owner->settings, h->slot, &spec) && spec.needed;
}

/* No value, or none of use. secretd has said in its log what is wrong. */
static void
miss(struct held *h, enum held_state now)
{
	if (h->state == HELD_READY) {
		if (!h->stale)
			log_warn("slot %s: %s; the last value stays in use",
			    slot_name(h->owner->settings, h->slot),
			    now == HELD_ABSENT ? "its file is gone"
					       : "its new value is of no use");
		h->stale = true;
		return;
	}
	if (h->state != now && is_needed(h))
		log_error("slot %s: %s; requests that need it are refused",
		    slot_name(h->owner->settings, h->slot),
		    now == HELD_ABSENT ? "there is no such file"
				       : "it has no value of use");
	h->state = now;
}

void
secrets_answer(struct secrets *s, struct held *h, enum secret_state state,
    struct slice value)
{
	if (state == SECRET_OK && value.len > 0)
		keep(h, value);
	else
		miss(h, state == SECRET_NONE ? HELD_ABSENT : HELD_BAD);
	s->ops->answered(h, s->arg);
}

static void
slot_came(int err, struct chan_in *reply, void *arg)
{
	struct held *h = arg;
	struct slice value;
	unsigned state;

	if (err == 0) {
		state = wire_get_u8(&reply->body);
		value = wire_get_bytes(&reply->body, MSG_SECRET_MAX);
		err = wire_end(&reply->body);
	}
	if (err == 0)
		secrets_answer(h->owner, h, (enum secret_state)state, value);
	else
		h->owner->ops->answered(h, h->owner->arg);
}

void
secrets_ask(struct secrets *s, struct held *h)
{
	uint8_t payload[2];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, (uint16_t)h->slot);
	chan_request(s->chan, MSG_SECRET, &w, -1, ASK_TIMEOUT_MS, slot_came, h);
}

struct held *
secrets_want(struct secrets *s, unsigned slot)
{
	struct held *h;

	for (size_t i = 0; i < s->n_held; i++)
		if (s->held[i]->slot == slot)
			return s->held[i];
	h = mem_new(sizeof(*h));
	*h = (struct held){ .owner = s, .slot = slot };
	s->held = mem_grow(s->held, s->n_held, s->n_held + 1, sizeof(*s->held));
	s->held[s->n_held++] = h;
	return h;
}

/* --- CA bundles --- */

static void
bundle_came(struct ca *c, int fd)
{
	char *pem;
	size_t n;
	int r = ca_pem_read(fd, &pem, &n);

	if (r != 0) {
		log_error("a CA bundle %s; nothing changes", ca_set_problem(r));
		return;
	}
	c->owner->ops->ca(c->number, (struct slice){ pem, n }, c->owner->arg);
	free(pem);
}

static void
ca_came(int err, struct chan_in *reply, void *arg)
{
	struct ca *c = arg;

	if (err != 0)
		return;
	if (reply->type == MSG_CA_RESULT)
		bundle_came(c, reply->fd);
	else
		c->owner->ops->ca(
		    c->number, (struct slice){ NULL, 0 }, c->owner->arg);
}

static void
ca_ask(struct ca *c)
{
	uint8_t payload[2];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, (uint16_t)c->number);
	chan_request(
	    c->owner->chan, MSG_CA, &w, -1, ASK_TIMEOUT_MS, ca_came, c);
}

void
secrets_want_ca(struct secrets *s, unsigned number)
{
	s->ca[s->n_ca++] = (struct ca){ .owner = s, .number = number };
}

/* --- the channel --- */

static void
changed_secret(struct secrets *s, unsigned number)
{
	for (size_t i = 0; i < s->n_held; i++)
		if (s->held[i]->slot == number)
			secrets_ask(s, s->held[i]);
}

static void
changed_ca(struct secrets *s, unsigned number)
{
	for (size_t i = 0; i < s->n_ca; i++)
		if (s->ca[i].number == number)
			ca_ask(&s->ca[i]);
}

static void
changed_identity(struct secrets *s, unsigned number)
{
	if (s->ops->identity != NULL)
		s->ops->identity(number, s->arg);
}

static int
handle_changed(struct chan *ch, struct chan_in *in)
{
	static void (*const of[CHANGED_COUNT])(struct secrets *, unsigned) = {
		[CHANGED_SECRET] = changed_secret,
		[CHANGED_IDENTITY] = changed_identity,
		[CHANGED_CA] = changed_ca,
	};
	unsigned what = wire_get_u8(&in->body);
	unsigned number = wire_get_u16(&in->body);

	if (wire_end(&in->body) != 0 || what >= CHANGED_COUNT)
		return ERR_FORMAT;
	if (of[what] != NULL)
		of[what](chan_ctx(ch), number);
	return 0;
}

static void
ask_all(struct secrets *s)
{
	for (size_t i = 0; i < s->n_held; i++)
		secrets_ask(s, s->held[i]);
}

static void
secretd_ready(struct chan *ch)
{
	struct secrets *s = chan_ctx(ch);

	ask_all(s);
	for (size_t i = 0; i < s->n_ca; i++)
		ca_ask(&s->ca[i]);
	changed_identity(s, SERVICE_COUNT);
}

static void
secretd_closed(struct chan *ch)
{
	(void)ch;
	log_warn("the channel to secretd is down; the last values stay in use");
}

static const struct chan_handler from_secretd[] = {
	{ MSG_CHANGED, CHAN_READY, handle_changed },
};

static const struct chan_peer secretd_peer = {
	.self = ROLE_EGRESS,
	.peer = ROLE_SECRETD,
	.handlers = from_secretd,
	.n_handlers = sizeof(from_secretd) / sizeof(from_secretd[0]),
	.ready = secretd_ready,
	.closed = secretd_closed,
};

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	struct secrets *s = arg;

	(void)fd;
	(void)what;
	if (chan_is_ready(s->chan))
		ask_all(s);
}

struct secrets *
secrets_new(struct event_base *base, const struct settings *settings,
    const struct secrets_ops *ops, void *arg)
{
	struct secrets *s = mem_new(sizeof(*s));

	*s = (struct secrets){
		.base = base, .settings = settings, .ops = ops, .arg = arg
	};
	return s;
}

void
secrets_connect(struct secrets *s, const char *path)
{
	struct timeval interval = { .tv_sec = ASK_INTERVAL_S };

	s->chan = chan_connect(s->base, path, &secretd_peer, s);
	s->tick = event_new(s->base, -1, EV_PERSIST, tick, s);
	if (s->tick == NULL || event_add(s->tick, &interval) != 0)
		log_fatal("no timer");
}

struct chan *
secrets_chan(struct secrets *s)
{
	return s->chan;
}
