#include "frontend/body.h"

#include <event2/buffer.h>

#include "common/err.h"
#include "common/secret.h"

void
body_init(struct body *b, const struct http_request *q)
{
	b->kind = q->body;
	b->left = q->body == HTTP_BODY_LENGTH ? q->content_length : 0;
	b->ended = q->body == HTTP_BODY_NONE ||
	    (q->body == HTTP_BODY_LENGTH && b->left == 0);
	http_chunks_init(&b->chunks);
}

static int
peek_length(struct body *b, size_t len, struct slice *piece, size_t *used)
{
	if (len > b->left)
		len = (size_t)b->left;
	piece->len = len;
	*used = len;
	b->left -= len;
	b->ended = b->left == 0;
	return b->ended ? 0 : ERR_MORE;
}

int
body_peek(struct body *b, struct evbuffer *in, size_t max, struct slice *piece,
    size_t *used)
{
	size_t len = evbuffer_get_contiguous_space(in);
	int r;

	*piece = (struct slice){ NULL, 0 };
	*used = 0;
	if (b->ended)
		return 0;
	if (len == 0)
		return ERR_MORE;
	if (len > max)
		len = max;
	piece->p = (const char *)evbuffer_pullup(in, (ssize_t)len);
	if (b->kind == HTTP_BODY_LENGTH)
		return peek_length(b, len, piece, used);
	r = http_chunks_feed(&b->chunks, piece->p, len, used, piece);
	b->ended = r == 0;
	return r;
}

void
body_take_secret(struct evbuffer *in, size_t len)
{
	if (len == 0)
		return;
	secret_wipe(evbuffer_pullup(in, (ssize_t)len), len);
	evbuffer_drain(in, len);
}
