/*
 * Encodes and decodes the frames between frontend and egress. The decoder
 * trusts nothing: a taken-over frontend must not be able to put into a frame
 * what the HTTP gate would have refused (P5), nor a broken upstream reach a
 * client through egress.
 */
#include "common/frame.h"

#include <string.h>

#include "common/err.h"
#include "common/http/chars.h"
#include "common/msg.h"
#include "common/wire.h"

#define LENGTH_MAX UINT64_C(999999999999999999) /* 18 digits, as the gate */
#define FIELD_OVERHEAD 4			/* ": " and CRLF */

/* clang-format off */
static const struct {
	uint32_t min, max;
} limits[FRAME_TYPE_END] = {
	[FRAME_REQUEST]  = { 1, FRAME_HEAD_MAX },
	[FRAME_CONTINUE] = { 0, 0 },
	[FRAME_RESPONSE] = { 1, FRAME_HEAD_MAX },
	[FRAME_DATA]     = { 1, FRAME_DATA_MAX },
	[FRAME_END]      = { 0, 0 },
	[FRAME_DENY]     = { 1, 1 },
};
/* clang-format on */

int
frame_head(
    const uint8_t *p, size_t len, enum frame_type *type, uint32_t *payload_len)
{
	struct wire_reader r;
	uint8_t number;
	uint32_t n;

	if (len < FRAME_HEADER_LEN)
		return ERR_MORE;
	wire_reader_init(&r, p, FRAME_HEADER_LEN);
	number = wire_get_u8(&r);
	n = wire_get_u32(&r);
	if (wire_end(&r) != 0 || number < FRAME_REQUEST ||
	    number >= FRAME_TYPE_END || n < limits[number].min ||
	    n > limits[number].max)
		return ERR_PROTOCOL;
	*type = (enum frame_type)number;
	*payload_len = n;
	return 0;
}

void
frame_put_head(
    uint8_t dst[FRAME_HEADER_LEN], enum frame_type type, uint32_t payload_len)
{
	dst[0] = (uint8_t)type;
	for (unsigned i = 0; i < 4; i++)
		dst[1 + i] = (uint8_t)(payload_len >> (24 - 8 * i));
}

/* --- encoding --- */

/* A writer for the payload behind a header at dst. */
static void
begin_payload(struct wire_writer *w, uint8_t *dst, size_t cap)
{
	size_t room = cap < FRAME_HEADER_LEN ? 0 : cap - FRAME_HEADER_LEN;

	if (room > FRAME_HEAD_MAX)
		room = FRAME_HEAD_MAX;
	wire_writer_init(w, dst + (room > 0 ? FRAME_HEADER_LEN : 0), room);
}

static long
end_payload(const struct wire_writer *w, uint8_t *dst, enum frame_type type)
{
	if (wire_done(w) != 0)
		return ERR_LIMIT;
	frame_put_head(dst, type, (uint32_t)w->len);
	return (long)(FRAME_HEADER_LEN + w->len);
}

static void
put_fields(struct wire_writer *w, const struct http_fields *f)
{
	wire_put_u8(w, (uint8_t)f->n);
	for (size_t i = 0; i < f->n; i++) {
		wire_put_slice(w, f->at[i].name);
		wire_put_slice(w, f->at[i].value);
	}
}

long
frame_put_request(uint8_t *dst, size_t cap, const struct frame_request *q)
{
	struct wire_writer w;

	begin_payload(&w, dst, cap);
	wire_put_u8(&w, (uint8_t)q->method);
	wire_put_u8(&w, q->tls);
	wire_put_u8(&w, q->has_query);
	wire_put_u8(&w, (uint8_t)q->body);
	wire_put_u64(&w, q->content_length);
	wire_put_slice(&w, q->path);
	wire_put_slice(&w, q->query);
	wire_put_slice(&w, q->host);
	wire_put_slice(&w, q->session);
	wire_put_slice(&w, q->bearer);
	wire_put_slice(&w, q->client);
	wire_put_u16(&w, q->client_port);
	wire_put_u16(&w, q->server_port);
	wire_put_slice(&w, q->request_id);
	put_fields(&w, &q->fields);
	return end_payload(&w, dst, FRAME_REQUEST);
}

long
frame_put_response(uint8_t *dst, size_t cap, const struct frame_response *a)
{
	struct wire_writer w;

	begin_payload(&w, dst, cap);
	wire_put_u16(&w, a->status);
	wire_put_u8(&w, (uint8_t)a->body);
	wire_put_u64(&w, a->content_length);
	put_fields(&w, &a->fields);
	return end_payload(&w, dst, FRAME_RESPONSE);
}

long
frame_put_deny(uint8_t *dst, size_t cap, enum deny why)
{
	struct wire_writer w;

	begin_payload(&w, dst, cap);
	wire_put_u8(&w, (uint8_t)why);
	return end_payload(&w, dst, FRAME_DENY);
}

/* --- decoding --- */

/* A number below end; anything else spoils the reader. */
static unsigned
get_below(struct wire_reader *r, unsigned end)
{
	unsigned v = wire_get_u8(r);

	if (v >= end)
		r->err = ERR_PROTOCOL;
	return v < end ? v : 0;
}

static struct slice
get_class(struct wire_reader *r, size_t max, enum char_class class)
{
	struct slice s = wire_get_bytes(r, max);

	if (!char_all(s, class))
		r->err = ERR_PROTOCOL;
	return s;
}

/* Digits, letters, '.' and ':' are all that addresses are made of. */
static struct slice
get_client(struct wire_reader *r)
{
	struct slice s = wire_get_bytes(r, MSG_CLIENT_MAX);

	for (size_t i = 0; i < s.len; i++) {
		if (text_hex_digit(s.p[i]) < 0 && s.p[i] != ':' &&
		    s.p[i] != '.')
			r->err = ERR_PROTOCOL;
	}
	return s;
}

static struct slice
get_host(struct wire_reader *r)
{
	struct slice s = wire_get_bytes(r, HTTP_HEAD_MAX), name;
	uint16_t port;

	if (s.len > 0 && !http_host_split(s, &name, &port))
		r->err = ERR_PROTOCOL;
	return s;
}

/* Fields that the frame or the next hop says in another place: coming as a
 * field as well they could contradict it. */
static bool
is_field_allowed(struct slice name, struct slice value)
{
	return http_field_check(name, value) &&
	    !slice_is_nocase(name, "host") && !http_field_is_hop(NULL, name);
}

static void
get_fields(struct wire_reader *r, struct http_fields *f)
{
	unsigned n = get_below(r, HTTP_FIELDS_MAX + 1);
	size_t total = 0;

	f->n = 0;
	while (f->n < n && r->err == 0) {
		struct slice name = wire_get_bytes(r, HTTP_HEAD_MAX);
		struct slice value = wire_get_bytes(r, HTTP_HEAD_MAX);

		total += name.len + value.len + FIELD_OVERHEAD;
		if (!is_field_allowed(name, value) || total > HTTP_HEAD_MAX)
			r->err = ERR_PROTOCOL;
		f->at[f->n++] = (struct http_field){ name, value };
	}
}

static enum http_body
get_body(struct wire_reader *r, uint64_t *content_length, unsigned end)
{
	enum http_body body = (enum http_body)get_below(r, end);

	*content_length = wire_get_u64(r);
	if (*content_length > LENGTH_MAX ||
	    (*content_length > 0 && body != HTTP_BODY_LENGTH))
		r->err = ERR_PROTOCOL;
	return body;
}

static int
finish(const struct wire_reader *r)
{
	return wire_end(r) == 0 ? 0 : ERR_PROTOCOL;
}

int
frame_get_request(struct frame_request *q, const uint8_t *p, size_t len)
{
	struct wire_reader r;

	wire_reader_init(&r, p, len);
	q->method = (enum http_method)get_below(&r, HTTP_METHOD_COUNT);
	q->tls = get_below(&r, 2) == 1;
	q->has_query = get_below(&r, 2) == 1;
	q->body = get_body(&r, &q->content_length, HTTP_BODY_CLOSE);
	q->path = wire_get_bytes(&r, HTTP_TARGET_MAX);
	q->query = wire_get_bytes(&r, HTTP_TARGET_MAX);
	q->host = get_host(&r);
	q->session = get_class(&r, MSG_COOKIE_MAX, CHAR_WORD);
	q->bearer = get_class(&r, MSG_TOKEN_MAX, CHAR_BEARER);
	q->client = get_client(&r);
	q->client_port = wire_get_u16(&r);
	q->server_port = wire_get_u16(&r);
	q->request_id = get_class(&r, FRAME_REQUEST_ID_MAX, CHAR_ID);
	get_fields(&r, &q->fields);
	if (finish(&r) != 0)
		return ERR_PROTOCOL;
	if (http_target_check(q->path, q->has_query, q->query) != 0)
		return ERR_PROTOCOL;
	return 0;
}

int
frame_get_response(struct frame_response *a, const uint8_t *p, size_t len)
{
	struct wire_reader r;

	wire_reader_init(&r, p, len);
	a->status = wire_get_u16(&r);
	a->body = get_body(&r, &a->content_length, HTTP_BODY_COUNT);
	get_fields(&r, &a->fields);
	if (finish(&r) != 0 || a->status < 200 || a->status > 599)
		return ERR_PROTOCOL;
	if (a->status == 204 && a->body != HTTP_BODY_NONE)
		return ERR_PROTOCOL;
	return 0;
}

int
frame_get_deny(enum deny *why, const uint8_t *p, size_t len)
{
	struct wire_reader r;
	unsigned v;

	wire_reader_init(&r, p, len);
	v = get_below(&r, DENY_COUNT);
	if (finish(&r) != 0)
		return ERR_PROTOCOL;
	*why = (enum deny)v;
	return 0;
}
