/* See body.h. Chains of the input move to the output as they are. */
#include "egress/body.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "common/err.h"
#include "common/frame.h"
#include "common/mem.h"
#include "common/secret.h"

void
body_out_init(struct body_out *b, enum http_body framing, uint64_t length)
{
	b->framing = framing;
	b->left = framing == HTTP_BODY_LENGTH ? length : 0;
}

int
body_out_data(
    struct body_out *b, struct evbuffer *in, size_t len, struct evbuffer *out)
{
	if (len == 0)
		return 0;
	switch (b->framing) {
	case HTTP_BODY_LENGTH:
		if (len > b->left)
			return ERR_PROTOCOL;
		b->left -= len;
		body_put_plain(in, len, out);
		return 0;
	case HTTP_BODY_CHUNKED:
		body_put_chunk(in, len, out);
		return 0;
	case HTTP_BODY_NONE:
	case HTTP_BODY_CLOSE:
	case HTTP_BODY_COUNT:
		break;
	}
	return ERR_PROTOCOL;
}

int
body_out_end(struct body_out *b, struct evbuffer *out)
{
	if (b->framing == HTTP_BODY_CHUNKED)
		evbuffer_add(out, "0\r\n\r\n", 5);
	return b->left == 0 ? 0 : ERR_PROTOCOL;
}

void
body_in_init(struct body_in *b, enum http_body framing, uint64_t length)
{
	b->framing = framing;
	b->left = framing == HTTP_BODY_LENGTH ? length : 0;
	http_chunks_init(&b->chunks);
}

void
body_put_frame(struct evbuffer *in, size_t len, struct evbuffer *out)
{
	uint8_t head[FRAME_HEADER_LEN];

	frame_put_head(head, FRAME_DATA, (uint32_t)len);
	evbuffer_add(out, head, sizeof(head));
	evbuffer_remove_buffer(in, out, len);
}

void
body_put_chunk(struct evbuffer *in, size_t len, struct evbuffer *out)
{
	char head[20];

	evbuffer_add(out, head, http_chunk_head(head, len));
	evbuffer_remove_buffer(in, out, len);
	evbuffer_add(out, "\r\n", 2);
}

void
body_put_plain(struct evbuffer *in, size_t len, struct evbuffer *out)
{
	evbuffer_remove_buffer(in, out, len);
}

/* One piece of a body of known or open length. */
static int
move_plain(struct body_in *b, struct evbuffer *in, bool ended,
    struct evbuffer *out, body_put *put)
{
	size_t n = evbuffer_get_length(in);

	if (n > FRAME_DATA_MAX)
		n = FRAME_DATA_MAX;
	if (b->framing == HTTP_BODY_LENGTH && n > b->left)
		n = (size_t)b->left;
	if (n > 0)
		put(in, n, out);
	if (b->framing == HTTP_BODY_CLOSE)
		return n == 0 && ended ? 0 : ERR_MORE;
	b->left -= n;
	if (b->left == 0)
		return 0;
	return n == 0 && ended ? ERR_FORMAT : ERR_MORE;
}

/* The payload within the first contiguous piece of a chunked body. */
static int
move_chunked(struct body_in *b, struct evbuffer *in, bool ended,
    struct evbuffer *out, body_put *put)
{
	struct evbuffer_iovec at;
	struct slice data;
	size_t used, before, len;
	int err;

	if (evbuffer_peek(in, -1, NULL, &at, 1) < 1 || at.iov_len == 0)
		return ended ? ERR_FORMAT : ERR_MORE;
	len = at.iov_len < FRAME_DATA_MAX ? at.iov_len : FRAME_DATA_MAX;
	err = http_chunks_feed(&b->chunks, at.iov_base, len, &used, &data);
	if (err != 0 && err != ERR_MORE)
		return err;
	before = data.len > 0 ? (size_t)(data.p - (char *)at.iov_base) : used;
	evbuffer_drain(in, before);
	if (data.len > 0)
		put(in, data.len, out);
	evbuffer_drain(in, used - before - data.len);
	return err;
}

int
body_in_move(struct body_in *b, struct evbuffer *in, bool ended,
    struct evbuffer *out, size_t high, body_put *put)
{
	size_t before;
	int err;

	if (b->framing == HTTP_BODY_NONE)
		return 0;
	do {
		if (evbuffer_get_length(out) >= high)
			return ERR_MORE;
		before = evbuffer_get_length(in);
		err = b->framing == HTTP_BODY_CHUNKED
		    ? move_chunked(b, in, ended, out, put)
		    : move_plain(b, in, ended, out, put);
	} while (err == ERR_MORE && evbuffer_get_length(in) < before);
	return err;
}

static void
head_sent(const void *p, size_t len, void *copy)
{
	(void)p;
	secret_wipe(copy, len);
	free(copy);
}

int
body_out_head(struct evbuffer *out, const void *head, size_t len)
{
	void *copy = mem_new(len);

	memcpy(copy, head, len);
	if (evbuffer_add_reference(out, copy, len, head_sent, copy) == 0)
		return 0;
	head_sent(copy, len, copy);
	return ERR_LIMIT;
}
