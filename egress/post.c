/*
 * See post.h. What arrives moves from the connection's input to a struct secret
 * and is wiped behind it; a chunked body is decoded in place there.
 */
#include "egress/post.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "common/clock.h"
#include "common/conn.h"
#include "common/err.h"
#include "common/http/http.h"
#include "common/mem.h"
#include "common/secret.h"
#include "egress/body.h"
#include "egress/upstream.h"

struct post {
	struct upstream_wait *wait;
	struct conn *conn;
	struct secret *request, *answer;
	int64_t until_ms;
	struct http_scan scan;
	struct http_response head;
	struct http_chunks chunks;
	size_t body; /* where it begins in answer, 0: the head is not whole */
	size_t decoded; /* end of what is known of the body */
	size_t raw;	/* a chunked body: begin of what is not yet decoded */
	post_fn *done;
	void *arg;
};

void
post_cancel(struct post *p)
{
	if (p == NULL)
		return;
	upstream_cancel(p->wait);
	conn_free(p->conn);
	secret_free(p->request);
	secret_free(p->answer);
	free(p);
}

static void
post_end(struct post *p, int err)
{
	const char *at = secret_peek(p->answer);
	struct slice body = { NULL, 0 };

	if (err == 0)
		body = (struct slice){ at + p->body, p->decoded - p->body };
	p->done(err, err == 0 ? p->head.status : 0, body, p->arg);
	post_cancel(p);
}

/* Moves the connection's input to the answer. */
static int
take(struct post *p)
{
	struct evbuffer *in = conn_input(p->conn);
	struct evbuffer_iovec at;
	size_t len;

	while (evbuffer_peek(in, -1, NULL, &at, 1) >= 1 && at.iov_len > 0) {
		len = secret_len(p->answer);
		if (at.iov_len > secret_cap(p->answer) - len)
			return ERR_LIMIT;
		secret_set_len(p->answer, len + at.iov_len);
		memcpy((char *)secret_bytes(p->answer) + len, at.iov_base,
		    at.iov_len);
		secret_wipe(at.iov_base, at.iov_len);
		evbuffer_drain(in, at.iov_len);
	}
	return 0;
}

/* 0: the head is whole. */
static int
read_head(struct post *p)
{
	const char *at = secret_peek(p->answer);
	long n = http_scan(&p->scan, at, secret_len(p->answer));

	if (n < 0)
		return (int)n;
	if (http_parse_response(&p->head, HTTP_POST, at, (size_t)n) != 0)
		return ERR_FORMAT;
	/* Nobody asked for an interim response. */
	if (p->head.status < 200)
		return ERR_FORMAT;
	p->body = p->decoded = p->raw = (size_t)n;
	http_chunks_init(&p->chunks);
	return 0;
}

static int
read_chunks(struct post *p)
{
	char *at = secret_bytes(p->answer);
	size_t end = secret_len(p->answer), used;
	struct slice data;
	int err = ERR_MORE;

	while (err == ERR_MORE && p->raw < end) {
		err = http_chunks_feed(
		    &p->chunks, at + p->raw, end - p->raw, &used, &data);
		if (data.len > 0)
			memmove(at + p->decoded, data.p, data.len);
		p->decoded += data.len;
		p->raw += used;
	}
	return err;
}

static int
read_body(struct post *p, bool ended)
{
	size_t have = secret_len(p->answer) - p->body;

	switch (p->head.body) {
	case HTTP_BODY_NONE:
		return 0;
	case HTTP_BODY_CHUNKED:
		return read_chunks(p);
	case HTTP_BODY_LENGTH:
		if (p->head.content_length > POST_ANSWER_MAX)
			return ERR_LIMIT;
		if (have < p->head.content_length)
			return ERR_MORE;
		p->decoded = p->body + (size_t)p->head.content_length;
		return 0;
	case HTTP_BODY_CLOSE:
	case HTTP_BODY_COUNT:
		break;
	}
	p->decoded = p->body + have;
	return ended ? 0 : ERR_MORE;
}

static void
post_read(struct post *p, bool ended)
{
	int err = take(p);

	if (err == 0 && p->body == 0)
		err = read_head(p);
	if (err == 0)
		err = read_body(p, ended);
	if (err == ERR_MORE && ended)
		err = ERR_FORMAT;
	if (err != ERR_MORE)
		post_end(p, err);
}

static void
readable(struct conn *c, void *arg)
{
	(void)c;
	post_read(arg, false);
}

static void
ended(struct conn *c, void *arg)
{
	(void)c;
	post_read(arg, true);
}

static void
failed(struct conn *c, enum conn_failure why, void *arg)
{
	(void)c;
	post_end(arg, why == CONN_DEADLINE ? ERR_TIMEOUT : ERR_UNAVAILABLE);
}

static const struct conn_ops ops = {
	.readable = readable,
	.ended = ended,
	.failed = failed,
};

static void
connected(int err, struct conn *c, void *arg)
{
	struct post *p = arg;
	int64_t left = p->until_ms - clock_mono_ms();

	p->wait = NULL;
	p->conn = c;
	if (err == 0 && left <= 0)
		err = ERR_TIMEOUT;
	if (err == 0) {
		conn_set_owner(c, &ops, p);
		conn_deadline(c, (uint32_t)left);
		err = body_out_head(conn_output(c), secret_peek(p->request),
		    secret_len(p->request));
	}
	if (err != 0)
		post_end(p, err);
}

struct post *
post_start(struct upstream *to, struct slice request, uint32_t timeout_ms,
    post_fn *done, void *arg)
{
	struct post *p = mem_new(sizeof(*p));

	*p = (struct post){
		.request = secret_from(request.p, request.len),
		.answer = secret_new(POST_ANSWER_MAX),
		.until_ms = clock_mono_ms() + timeout_ms,
		.done = done,
		.arg = arg,
	};
	p->wait = upstream_connect(to, connected, p);
	return p;
}
