/* See oauth2_message.h. */
#include "egress/oauth2_message.h"

#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/http/urlencode.h"
#include "common/json_strict.h"
#include "common/secret.h"

#define ANSWER_MAX 65536
#define LIFE_UNSAID_S 300

/* --- the request --- */

static void
put_scopes(struct http_out *o, const struct conf_list *scopes)
{
	if (scopes->n == 0)
		return;
	http_put_z(o, "&scope=");
	for (size_t i = 0; i < scopes->n; i++) {
		if (i > 0)
			urlencode_put(o, SLICE(" "));
		urlencode_put(o, slice_of(scopes->at[i]));
	}
}

static void
put_form(struct http_out *o, const struct oauth2_settings *set,
    struct slice client_secret)
{
	urlencode_pair(o, SLICE("grant_type"), SLICE("client_credentials"));
	put_scopes(o, &set->scopes);
	if (set->audience[0] != '\0')
		urlencode_pair(o, SLICE("audience"), slice_of(set->audience));
	if (set->auth_style == AUTH_STYLE_PARAMS) {
		urlencode_pair(o, SLICE("client_id"), slice_of(set->client_id));
		urlencode_pair(o, SLICE("client_secret"), client_secret);
	}
}

/* RFC 6749 2.3.1: both are form-encoded before they are joined. */
static void
put_basic(struct http_out *o, const struct oauth2_settings *set,
    struct slice client_secret)
{
	static char pair[4 * OAUTH2_SECRET_MAX];
	static char encoded[B64_LEN(sizeof(pair)) + 1];
	struct http_out p;

	http_out_init(&p, pair, sizeof(pair));
	urlencode_put(&p, slice_of(set->client_id));
	http_put_z(&p, ":");
	urlencode_put(&p, client_secret);
	o->overflow = o->overflow || p.overflow;
	if (!p.overflow) {
		b64_encode(encoded, pair, p.len);
		http_put_z(o, "Authorization: Basic ");
		http_put_z(o, encoded);
		http_put_z(o, "\r\n");
	}
	secret_wipe(pair, sizeof(pair));
	secret_wipe(encoded, sizeof(encoded));
}

static void
put_host(struct http_out *o, const struct url *at)
{
	bool six = strchr(at->host, ':') != NULL;

	http_put_z(o, six ? "Host: [" : "Host: ");
	http_put_z(o, at->host);
	http_put_z(o, six ? "]:" : ":");
	http_put_u64(o, at->port);
	http_put_z(o, "\r\n");
}

void
oauth2_put_request(struct http_out *o, const struct oauth2_settings *set,
    struct slice client_secret)
{
	static char form[4 * OAUTH2_SECRET_MAX];
	const struct url *at = &set->token_url;
	struct http_out f;

	http_out_init(&f, form, sizeof(form));
	put_form(&f, set, client_secret);
	http_put_z(o, "POST ");
	http_put_z(o, at->path[0] != '\0' ? at->path : "/");
	http_put_z(o, " HTTP/1.1\r\n");
	put_host(o, at);
	http_put_z(o,
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Accept: application/json\r\n"
	    "Connection: close\r\n");
	if (set->auth_style == AUTH_STYLE_HEADER)
		put_basic(o, set, client_secret);
	http_put_framing(o, HTTP_BODY_LENGTH, f.len);
	http_put_end(o);
	http_put(o, (struct slice){ form, f.len });
	o->overflow = o->overflow || f.overflow;
	secret_wipe(form, sizeof(form));
}

/* --- the answer --- */

static bool
is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.len > 0;
}

/* A number, or (seen in the wild) a text of digits. */
static int
get_life(const json_t *o, uint32_t *out)
{
	struct slice text;
	uint64_t digits;
	int64_t life = LIFE_UNSAID_S;
	int r = json_strict_date(o, "expires_in", &life);

	if (r == ERR_FORMAT) {
		r = json_strict_text(o, "expires_in", &text);
		if (r == 0)
			r = text_u64(text, INT32_MAX, &digits);
		if (r == 0)
			life = (int64_t)digits;
	}
	if (r != 0 && r != ERR_NOT_FOUND)
		return r;
	if (life < 1)
		return ERR_FORMAT;
	*out = life < OAUTH2_LIFE_MAX_S ? (uint32_t)life : OAUTH2_LIFE_MAX_S;
	return 0;
}

static int
get_token(struct oauth2_answer *a, const json_t *o)
{
	struct slice token, type;
	int r;

	if ((r = json_strict_text(o, "access_token", &token)) != 0 ||
	    (r = json_strict_text(o, "token_type", &type)) != 0)
		return ERR_FORMAT;
	if (!slice_is_nocase(type, "Bearer") || !is_visible(token) ||
	    token.len > OAUTH2_TOKEN_MAX)
		return ERR_FORMAT;
	r = get_life(o, &a->life_s);
	if (r != 0)
		return r;
	memcpy(a->token, token.p, token.len);
	a->token_len = token.len;
	return 0;
}

/* An error's code is for the log: anything but plain words is left out. */
static void
get_error(struct oauth2_answer *a, const json_t *o)
{
	struct slice code;

	if (json_strict_text(o, "error", &code) != 0 || !is_visible(code) ||
	    slice_copy(code, a->error, sizeof(a->error)) != 0)
		a->error[0] = '\0';
}

int
oauth2_get_answer(struct oauth2_answer *a, unsigned status, struct slice body)
{
	json_t *o = NULL;
	int r = json_strict_parse(body, ANSWER_MAX, &o);

	a->error[0] = '\0';
	if (status != 200) {
		if (r == 0)
			get_error(a, o);
		r = ERR_DENIED;
	} else if (r == 0) {
		r = get_token(a, o);
	}
	json_decref(o);
	return r;
}
