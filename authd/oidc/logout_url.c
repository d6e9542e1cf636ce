/* See logout_url.h. */
#include "authd/oidc/logout_url.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/urlencode.h"
#include "common/mem.h"
#include "common/msg.h"
#include "common/wiped_mem.h"

#define PAIRS_MAX 64

struct pair {
	struct slice name, value;
};
struct pairs { /* sorted by name */
	struct pair at[PAIRS_MAX];
	size_t n;
};

static bool
is_ours(struct slice name)
{
	static const char *const ours[] = { "id_token_hint", "client_id",
		"post_logout_redirect_uri", "state" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (slice_is(name, ours[i]))
			return true;
	return false;
}

/* Behind those of the same name: what comes first stays first. */
static bool
insert(struct pairs *p, struct pair new)
{
	size_t i = p->n;

	if (p->n == PAIRS_MAX)
		return false;
	for (; i > 0; i--) {
		struct slice before = p->at[i - 1].name;
		size_t len =
		    before.len < new.name.len ? before.len : new.name.len;
		int order = len > 0 ? memcmp(before.p, new.name.p, len) : 0;

		if (order < 0 || (order == 0 && before.len <= new.name.len))
			break;
		p->at[i] = p->at[i - 1];
	}
	p->at[i] = new;
	p->n++;
	return true;
}

/* One pair of the endpoint's query, decoded in place. As in Go what is no pair
 * in this encoding is left out. */
static bool
insert_text(struct pairs *p, char *name)
{
	char *value = name + strcspn(name, "=");
	long name_len, value_len;
	struct pair new;

	if (*name == '\0' || strchr(name, ';') != NULL)
		return true;
	if (*value != '\0')
		*value++ = '\0';
	name_len = text_url_decode(name, strlen(name), true);
	value_len = text_url_decode(value, strlen(value), true);
	if (name_len < 0 || value_len < 0)
		return true;
	new.name = (struct slice){ name, (size_t)name_len };
	new.value = (struct slice){ value, (size_t)value_len };
	return is_ours(new.name) || insert(p, new);
}

/* query is taken apart. */
static bool
insert_query(struct pairs *p, char *query)
{
	bool ok = true;

	while (ok && query != NULL) {
		char *next = strchr(query, '&');

		if (next != NULL)
			*next++ = '\0';
		ok = insert_text(p, query);
		query = next;
	}
	return ok;
}

static bool
insert_ours(struct pairs *p, const struct logout_url *q)
{
	struct pair who = { SLICE("client_id"), slice_of(q->client_id) };
	struct pair to = { SLICE("post_logout_redirect_uri"),
		slice_of(q->return_to) };
	struct pair state = { SLICE("state"), slice_of(q->state) };

	if (q->id_token.len > 0)
		who = (struct pair){ SLICE("id_token_hint"), q->id_token };
	return insert(p, who) && (to.value.len == 0 || insert(p, to)) &&
	    (state.value.len == 0 || insert(p, state));
}

/* endpoint: a copy that may be changed. */
static char *
write_url(const struct logout_url *q, char *endpoint)
{
	char *query = strchr(endpoint, '?'), *url;
	struct pairs pairs = { .n = 0 };
	struct http_out o;

	if (query != NULL)
		*query++ = '\0';
	if (!insert_query(&pairs, query) || !insert_ours(&pairs, q))
		return NULL;
	url = wiped_alloc(MSG_LOGOUT_URL_MAX + 1);
	http_out_init(&o, url, MSG_LOGOUT_URL_MAX);
	http_put_z(&o, endpoint);
	http_put_z(&o, "?");
	for (size_t i = 0; i < pairs.n; i++)
		urlencode_pair(&o, pairs.at[i].name, pairs.at[i].value);
	if (o.overflow) {
		wiped_free(url);
		return NULL;
	}
	url[o.len] = '\0';
	return url;
}

static char *
make(const struct logout_url *q)
{
	char *endpoint = mem_strdup(q->endpoint);
	char *url = write_url(q, endpoint);

	free(endpoint);
	return url;
}

char *
logout_url_make(const struct logout_url *q)
{
	struct slice endpoint = slice_of(q->endpoint);
	struct logout_url shorter = *q;
	char *url;

	if ((!slice_starts_nocase(endpoint, "https://") &&
		!slice_starts_nocase(endpoint, "http://")) ||
	    memchr(endpoint.p, '#', endpoint.len) != NULL)
		return NULL;
	url = make(q);
	shorter.id_token.len = 0;
	return url != NULL || q->id_token.len == 0 ? url : make(&shorter);
}
