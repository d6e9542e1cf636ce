/* MSG_KEYS and MSG_KEY_DROP; see key_handlers.h. */
#include "secretd/key_handlers.h"

#include "common/audit.h"
#include "common/err.h"
#include "secretd/keyring.h"
#include "secretd/secretd.h"

#define KEYS_PAYLOAD (1 + MSG_KEYS_MAX * (MSG_KEY_ID_LEN + 1 + 8 + 8))

int
handle_keys(struct chan *ch, struct chan_in *in)
{
	struct secretd *d = chan_ctx(ch);
	uint8_t payload[KEYS_PAYLOAD];
	struct keyring_key key;
	struct wire_writer w;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	d->n_requests++;
	/* The answer is about the slot as it is now. */
	secretd_signing_key_changed(d);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)keyring_count(d->keyring));
	for (size_t i = 0; keyring_at(d->keyring, i, &key); i++) {
		wire_put_raw(&w, key.id, MSG_KEY_ID_LEN);
		wire_put_u8(&w, (uint8_t)key.state);
		wire_put_u64(&w, (uint64_t)key.since);
		wire_put_u64(&w, (uint64_t)key.until);
	}
	r = wire_done(&w);
	return r < 0 ? r : chan_reply(ch, in->id, MSG_KEYS_RESULT, &w, -1);
}

static const char *
reason_of(int err)
{
	switch (err) {
	case 0:
		return "";
	case ERR_NOT_FOUND:
		return "there is no such key";
	case ERR_DENIED:
		return "it is the current key: rotate first";
	case ERR_IO:
		return "the change cannot be written to the state directory: "
		       "make room there";
	default:
		return err_text(err);
	}
}

static void
audit_drop(enum key_drop how, const uint8_t id[MSG_KEY_ID_LEN], int err)
{
	char hex[2 * MSG_KEY_ID_LEN + 1];
	struct audit line;

	text_hex(hex, id, MSG_KEY_ID_LEN);
	audit_begin(&line,
	    how == KEY_REVOKE ? "AUDIT: Key revoked" : "AUDIT: Key retired");
	audit_str(&line, "slot", SLOT_SIGNING_KEY);
	audit_str(&line, "key", hex);
	audit_str(&line, "result", err == 0 ? "ok" : "failed");
	audit_str(&line, "reason", err == 0 ? NULL : reason_of(err));
	audit_end(&line);
}

int
handle_key_drop(struct chan *ch, struct chan_in *in)
{
	struct secretd *d = chan_ctx(ch);
	uint8_t how = wire_get_u8(&in->body);
	uint8_t id[MSG_KEY_ID_LEN], payload[3 + MSG_REASON_MAX];
	struct wire_writer w;
	int r;

	wire_get_raw(&in->body, id, sizeof(id));
	if (wire_end(&in->body) < 0 || how >= KEY_DROP_COUNT)
		return ERR_PROTOCOL;
	d->n_requests++;
	r = keyring_drop(d->keyring, id, how == KEY_REVOKE);
	audit_drop((enum key_drop)how, id, r);
	if (r == 0)
		secretd_tell_of_keys(d);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, r == 0);
	wire_put_text(&w, reason_of(r));
	r = wire_done(&w);
	return r < 0 ? r : chan_reply(ch, in->id, MSG_KEY_DROP_RESULT, &w, -1);
}
