/* See location.h. */
#include "egress/location.h"

#include <string.h>

#include "common/err.h"
#include "egress/internal.h"

/* A reference's parts (RFC 3986 appendix B), slices of it. */
struct reference {
	bool has_scheme, has_authority, has_query, has_fragment;
	struct slice scheme, authority, path, query, fragment;
};

/* Which space a path is in: what the upstream calls its own, or what clients
 * see. What is absolute may be either. */
enum space { SPACE_UPSTREAM, SPACE_EITHER };

static const struct url *
url_of(const struct location *l)
{
	int service = l->route->service;

	return service == SERVICE_NONE ? &l->settings->console
				       : &l->settings->services[service].url;
}

/* Blanks, controls and what is not ASCII have no place in a URL; browsers take
 * some of them out silently. They read '\' as '/'. */
static bool
characters_ok(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '\\')
			return false;
	return true;
}

static size_t
scheme_len(struct slice text)
{
	size_t n = 0;

	while (n < text.len && strchr(":/?#", text.p[n]) == NULL)
		n++;
	return n < text.len && text.p[n] == ':' ? n : 0;
}

static void
cut_from(struct slice *text, char sep, bool *has, struct slice *behind)
{
	struct slice rest = *text;

	*text = slice_cut(&rest, sep);
	*has = rest.p != NULL;
	*behind = rest;
}

static void
split(struct slice text, struct reference *r)
{
	size_t n;

	*r = (struct reference){ .has_scheme = false };
	cut_from(&text, '#', &r->has_fragment, &r->fragment);
	cut_from(&text, '?', &r->has_query, &r->query);
	n = scheme_len(text);
	if (n > 0) {
		r->has_scheme = true;
		r->scheme = (struct slice){ text.p, n };
		text.p += n + 1;
		text.len -= n + 1;
	}
	if (slice_starts(text, "//")) {
		r->has_authority = true;
		text.p += 2;
		text.len -= 2;
		for (n = 0; n < text.len && text.p[n] != '/'; n++)
			;
		r->authority = (struct slice){ text.p, n };
		text.p += n;
		text.len -= n;
	}
	r->path = text;
}

static bool
is_http(const struct reference *r)
{
	return slice_is_nocase(r->scheme, "http") ||
	    slice_is_nocase(r->scheme, "https");
}

static bool
is_upstream(const struct location *l, const struct reference *r,
    struct slice name, uint16_t port)
{
	const struct url *u = url_of(l);
	bool tls = r->has_scheme ? slice_is_nocase(r->scheme, "https") : u->tls;

	if (port == 0)
		port = tls ? 443 : 80;
	return tls == u->tls && port == u->port &&
	    slice_is_nocase(name, u->host);
}

/* The name that the client used, on its port or a usual one: which of them is
 * the outer one a service behind us cannot know. */
static bool
is_ours(const struct location *l, struct slice name, uint16_t port)
{
	struct slice ours;
	uint16_t our_port;

	return http_host_split(l->host, &ours, &our_port) &&
	    slice_equal_nocase(name, ours) &&
	    (port == our_port || port == 0 || port == 80 || port == 443);
}

/* --- paths --- */

/* Takes "." and ".." out of an absolute path, in place (RFC 3986 5.2.4). */
static size_t
remove_dots(char *p, size_t len)
{
	size_t from = 0, to = 0;

	while (from < len) {
		size_t n = 1; /* this '/' and the segment behind it */
		bool dot, dots;

		while (from + n < len && p[from + n] != '/')
			n++;
		dot = n == 2 && p[from + 1] == '.';
		dots = n == 3 && memcmp(p + from, "/..", 3) == 0;
		if (dots)
			while (to > 0 && p[--to] != '/')
				;
		if (!dot && !dots) {
			memmove(p + to, p + from, n);
			to += n;
		} else if (from + n == len) {
			p[to++] = '/';
		}
		from += n;
	}
	return to;
}

/* The absolute path that r means, seen from the path that was asked for.
 * dst has HTTP_TARGET_MAX bytes. */
static int
resolve_path(const struct location *l, const struct reference *r, char *dst,
    struct slice *path)
{
	const struct route *route = l->route;
	struct http_out out;
	bool relative =
	    r->path.len > 0 ? r->path.p[0] != '/' : !r->has_authority;

	http_out_init(&out, dst, HTTP_TARGET_MAX);
	if (relative) {
		http_put(&out, route->base);
		http_put(&out, route->rest);
	}
	if (relative && r->path.len > 0)
		while (out.len > 0 && out.p[out.len - 1] != '/')
			out.len--;
	http_put(&out, r->path);
	if (out.len == 0)
		http_put_z(&out, "/");
	if (out.overflow)
		return ERR_DENIED;
	*path = (struct slice){ dst, remove_dots(dst, out.len) };
	return 0;
}

/* Is path dir itself, or below it? dir has no slash at its end. */
static bool
is_below(struct slice path, struct slice dir)
{
	return path.len >= dir.len && memcmp(path.p, dir.p, dir.len) == 0 &&
	    (path.len == dir.len || path.p[dir.len] == '/');
}

/* Where path begins for the client: puts the part in front of it, and takes
 * from path what only the upstream knows. */
static int
put_mount(struct http_out *room, const struct location *l, enum space space,
    struct slice *path)
{
	const struct route *route = l->route;
	struct slice root = slice_of(url_of(l)->path);

	if (route->service == SERVICE_NONE)
		return 0;
	if (space == SPACE_EITHER && is_below(*path, route->mount))
		return 0;
	if (!route->stripped)
		return is_below(*path, route->mount) ? 0 : ERR_DENIED;
	if (root.len > 0 && is_below(*path, root)) {
		path->p += root.len;
		path->len -= root.len;
	}
	http_put(room, route->mount);
	return 0;
}

/* What our own gate would refuse leads nowhere. That keeps out a path that
 * begins with "//", which would be a host, and every hidden "..". */
static bool
gate_takes(struct slice path, const struct reference *r)
{
	return http_target_check(path, r->has_query, r->query) == 0 &&
	    http_target_check(SLICE("/"), true, r->fragment) == 0;
}

static int
put_local(struct http_out *room, const struct location *l,
    const struct reference *r, struct slice *out)
{
	char buf[HTTP_TARGET_MAX];
	enum space space = r->path.len > 0 && r->path.p[0] != '/'
	    ? SPACE_UPSTREAM
	    : SPACE_EITHER;
	struct reference to = *r;
	size_t start = room->len;
	struct slice path;

	if (!r->has_authority && r->path.len == 0) {
		space = SPACE_UPSTREAM;
		if (!r->has_query) {
			to.has_query = l->has_query;
			to.query = l->query;
		}
	}
	if (resolve_path(l, r, buf, &path) != 0 ||
	    put_mount(room, l, space, &path) != 0)
		return ERR_DENIED;
	http_put(room, path);
	if (room->overflow)
		return ERR_LIMIT;
	path = (struct slice){ room->p + start, room->len - start };
	if (!gate_takes(path, &to))
		return ERR_DENIED;
	if (to.has_query) {
		http_put_z(room, "?");
		http_put(room, to.query);
	}
	if (to.has_fragment) {
		http_put_z(room, "#");
		http_put(room, to.fragment);
	}
	*out = (struct slice){ room->p + start, room->len - start };
	return room->overflow ? ERR_LIMIT : 0;
}

int
location_rewrite(struct http_out *room, const struct location *l,
    struct slice value, struct slice *out)
{
	bool service = l->route->service != SERVICE_NONE;
	struct reference r;
	struct slice name;
	uint16_t port;
	bool absolute;

	split(value, &r);
	absolute = r.has_scheme || r.has_authority;
	*out = value;
	if (!characters_ok(value))
		return service ? ERR_DENIED : 0;
	if (!absolute)
		return service ? put_local(room, l, &r, out) : 0;
	/* "https:/x" and "///x" are hosts to a browser. */
	if ((r.has_scheme && !is_http(&r)) || !r.has_authority ||
	    !http_host_split(r.authority, &name, &port))
		return service ? ERR_DENIED : 0;
	if (is_upstream(l, &r, name, port))
		return put_local(room, l, &r, out);
	if (!service)
		return 0;
	if (is_ours(l, name, port))
		return put_local(room, l, &r, out);
	return internal_host(l->settings, name) ? ERR_DENIED : 0;
}
