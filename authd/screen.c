/* The cookie screening keys for the frontends; see screen.h. */
#include "authd/screen.h"

#include "authd/keys.h"

uint32_t
screen_keys(struct ticket_keys *out, const struct keys *keys,
    uint32_t longest_s, int64_t now)
{
	uint32_t length = ticket_epoch_length(longest_s);
	int64_t first = now - (int64_t)longest_s;
	const struct session_key *key;

	out->n = 0;
	for (size_t i = 0; (key = keys_at(keys, i)) != NULL; i++) {
		/* Only the newest makes cookies in the next epoch. */
		int64_t t = i == 0 ? now + length : now;
		/* One epoch more than the life: the first is cut by now. */
		for (; t > first - (int64_t)length; t -= length) {
			if (out->n == TICKET_KEYS_MAX)
				return length / 2;
			ticket_key_derive(&out->at[out->n++], key->id,
			    key->screening, ticket_epoch(t, length));
		}
	}
	return length / 2;
}
