/*
 * The content of a session's row; see the header. Version 3:
 *
 *   u8 version, u8 strategy, identity, 3 x text issuer, subject, sid (each with
 *   its NUL), 4 x token, u64 tokens since, token end,
 *   created, last use, end
 *   token = u8 which of the four it equals, bytes unless that is an earlier one
 *
 * Version 2 has one token, and neither texts nor its end; version 1 the user's
 * name in place of the identity.
 */
#include "authd/session_content.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/wire.h"

enum { VERSION_USER = 1, VERSION_IDENTITY, VERSION_TOKENS };
#define TOKENS 4

/* --- encoding --- */

static void
tokens_put(struct wire_writer *w, const struct slice token[TOKENS])
{
	for (uint8_t i = 0; i < TOKENS; i++) {
		uint8_t same = 0;

		while (same < i && !slice_equal(token[same], token[i]))
			same++;
		wire_put_u8(w, same);
		if (same == i)
			wire_put_slice(w, token[i]);
	}
}

static void
text_put(struct wire_writer *w, const char *z)
{
	if (z == NULL)
		z = "";
	wire_put_bytes(w, z, strlen(z) + 1);
}

static bool
fits(const char *z, size_t max)
{
	return z == NULL || strnlen(z, max + 1) <= max;
}

static bool
all_fits(const struct session *s)
{
	return s->token.len <= MSG_TOKEN_MAX &&
	    s->id_token.len <= MSG_TOKEN_MAX &&
	    s->access_token.len <= MSG_TOKEN_MAX &&
	    s->refresh_token.len <= MSG_TOKEN_MAX &&
	    fits(s->issuer, SESSION_ISSUER_MAX) &&
	    fits(s->subject, MSG_SUBJECT_MAX) && fits(s->sid, MSG_SUBJECT_MAX);
}

uint8_t *
session_content_encode(const struct session *s, size_t *len)
{
	const struct slice token[TOKENS] = { s->token, s->id_token,
		s->access_token, s->refresh_token };
	struct wire_writer w;
	uint8_t *block;

	if (!all_fits(s))
		return NULL;
	block = mem_new(SESSION_CONTENT_MAX);
	wire_writer_init(&w, block, SESSION_CONTENT_MAX);
	wire_put_u8(&w, VERSION_TOKENS);
	wire_put_u8(&w, (uint8_t)s->strategy);
	identity_put(&w, &s->who);
	text_put(&w, s->issuer);
	text_put(&w, s->subject);
	text_put(&w, s->sid);
	tokens_put(&w, token);
	wire_put_u64(&w, (uint64_t)s->token_since);
	wire_put_u64(&w, (uint64_t)s->token_end);
	wire_put_u64(&w, (uint64_t)s->created);
	wire_put_u64(&w, (uint64_t)s->last_use);
	wire_put_u64(&w, (uint64_t)s->end);
	assert(wire_done(&w) == 0);
	*len = w.len;
	return block;
}

/* --- decoding --- */

/* Sessions of older versions: who that is by name. */
static void
user_get(struct wire_reader *r, struct identity *who)
{
	struct slice user = wire_get_text(r, MSG_USER_MAX);

	if (slice_copy(user, who->user, sizeof who->user) != 0 ||
	    slice_copy(user, who->name, sizeof who->name) != 0)
		r->err = ERR_FORMAT;
}

/* Borrowed from the content. */
static const char *
text_get(struct wire_reader *r, size_t max)
{
	struct slice text = wire_get_bytes(r, max + 1);

	if (text.len > 0 && strnlen(text.p, text.len) == text.len - 1)
		return text.p;
	r->err = ERR_FORMAT;
	return "";
}

static void
tokens_get(struct wire_reader *r, struct session *out)
{
	struct slice token[TOKENS] = { { NULL, 0 } };

	for (uint8_t i = 0; i < TOKENS; i++) {
		uint8_t same = wire_get_u8(r);

		if (same < i)
			token[i] = token[same];
		else if (same == i)
			token[i] = wire_get_bytes(r, MSG_TOKEN_MAX);
		else
			r->err = ERR_FORMAT;
	}
	out->token = token[0];
	out->id_token = token[1];
	out->access_token = token[2];
	out->refresh_token = token[3];
}

static void
openid_get(struct wire_reader *r, struct session *out)
{
	out->issuer = text_get(r, SESSION_ISSUER_MAX);
	out->subject = text_get(r, MSG_SUBJECT_MAX);
	out->sid = text_get(r, MSG_SUBJECT_MAX);
	tokens_get(r, out);
	out->token_since = (int64_t)wire_get_u64(r);
	out->token_end = (int64_t)wire_get_u64(r);
}

int
session_content_decode(struct session *out, uint8_t *block, size_t len)
{
	struct wire_reader r;
	uint8_t version;

	out->block = block;
	out->block_len = len;
	out->issuer = out->subject = out->sid = "";
	wire_reader_init(&r, block, len);
	version = wire_get_u8(&r);
	out->strategy = wire_get_u8(&r);
	if (version == VERSION_USER)
		user_get(&r, &out->who);
	else
		identity_get(&r, &out->who);
	if (version == VERSION_TOKENS)
		openid_get(&r, out);
	else
		out->token = wire_get_bytes(&r, MSG_TOKEN_MAX);
	out->created = (int64_t)wire_get_u64(&r);
	out->last_use = (int64_t)wire_get_u64(&r);
	out->end = (int64_t)wire_get_u64(&r);
	if (wire_end(&r) != 0 || version < VERSION_USER ||
	    version > VERSION_TOKENS)
		return ERR_FORMAT;
	return 0;
}
