/* See identity.h. */
#include "authd/identity.h"

#include <string.h>

#include "common/err.h"

void
identity_put(struct wire_writer *w, const struct identity *who)
{
	wire_put_text(w, who->user);
	wire_put_text(w, who->name);
	wire_put_bytes(w, who->groups, who->groups_len);
	wire_put_text(w, who->email);
	wire_put_text(w, who->domain);
}

static void
get_text(struct wire_reader *r, char *dst, size_t cap)
{
	if (slice_copy(wire_get_text(r, cap - 1), dst, cap) != 0)
		r->err = ERR_PROTOCOL;
}

void
identity_get(struct wire_reader *r, struct identity *who)
{
	struct slice groups;

	get_text(r, who->user, sizeof(who->user));
	get_text(r, who->name, sizeof(who->name));
	groups = wire_get_bytes(r, sizeof(who->groups));
	get_text(r, who->email, sizeof(who->email));
	get_text(r, who->domain, sizeof(who->domain));
	/* The last name must end: they are read as C strings. */
	if (groups.len > 0 && groups.p[groups.len - 1] != '\0')
		r->err = ERR_PROTOCOL;
	who->groups_len = r->err == 0 ? groups.len : 0;
	if (who->groups_len > 0)
		memcpy(who->groups, groups.p, groups.len);
}
