/* The cookie screening keys for the frontends; see screen.h. */
#include "authd/screen.h"

#include "authd/keys.h"

uint32_t
screen_keys(struct ticket_keys *out, const struct keys *keys,
    uint32_t longest_s, int64_t now)
{
	int64_t first = now - (int64_t)longest_s;
	const struct session_key *key;

	out->n = 0;
	for (size_t i = 0; (key = keys_at(keys, i)) != NULL; i++) {
		/* Only the newest makes cookies in the next epoch. */
		int64_t t = i == 0 ? now + TICKET_EPOCH_S : now;
		/* One epoch more than the life: the first is cut by now. */
		for (; t > first - TICKET_EPOCH_S; t -= TICKET_EPOCH_S) {
			if (out->n == TICKET_KEYS_MAX)
				return TICKET_EPOCH_S / 2;
			ticket_key_derive(&out->at[out->n++], key->id,
			    key->screening, ticket_epoch(t));
		}
	}
	return TICKET_EPOCH_S / 2;
}
