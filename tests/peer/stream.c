/* See stream.h. */
#include "tests/peer/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <check.h>

#include "tests/peer/upstream.h"
#include "tests/peer/world.h"

#define WAIT_MS 4000

static unsigned expected; /* requests that upstream has counted and we know */

int
stream_open(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_lt(snprintf(un.sun_path, sizeof(un.sun_path),
			     "%s/egress.frontend.sock", world.run_dir),
	    (int)sizeof(un.sun_path));
	ck_assert_msg(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0,
	    "%s: %s", un.sun_path, strerror(errno));
	return fd;
}

void
stream_request(struct frame_request *q, const char *path)
{
	*q = (struct frame_request){
		.method = HTTP_GET,
		.tls = true,
		.body = HTTP_BODY_NONE,
		.path = slice_of(path),
		.host = SLICE("console.test"),
		.client = SLICE("192.0.2.1"),
		.client_port = 4711,
		.server_port = 443,
		.request_id = SLICE("peer"),
	};
}

size_t
stream_encode(uint8_t dst[STREAM_MAX], const struct frame_request *q)
{
	long n = frame_put_request(dst, STREAM_MAX, q);

	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

bool
stream_send(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool
stream_ask(int fd, const struct frame_request *q)
{
	static uint8_t frame[STREAM_MAX];

	return stream_send(fd, frame, stream_encode(frame, q));
}

/* STREAM_END also for an end in the middle. */
static enum stream_hearing
receive(int fd, uint8_t *dst, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (len > 0) {
		ssize_t n;

		if (poll(&p, 1, WAIT_MS) != 1)
			return STREAM_SILENT;
		n = recv(fd, dst, len, 0);
		if (n <= 0)
			return STREAM_END;
		dst += n;
		len -= (size_t)n;
	}
	return FRAME_CAME;
}

enum stream_hearing
stream_hear(int fd, struct stream_frame *out)
{
	static uint8_t payload[FRAME_HEAD_MAX];
	static struct frame_response response;
	uint8_t head[FRAME_HEADER_LEN];
	enum stream_hearing h = receive(fd, head, sizeof(head));
	const char *canary;
	uint32_t len;

	if (h != FRAME_CAME)
		return h;
	ck_assert_int_eq(frame_head(head, sizeof(head), &out->type, &len), 0);
	h = receive(fd, payload, len);
	if (h != FRAME_CAME)
		return h;
	canary = world_canary_find(payload, len);
	ck_assert_msg(canary == NULL, "egress: told %s", canary);
	if (out->type == FRAME_DENY)
		ck_assert_int_eq(frame_get_deny(&out->why, payload, len), 0);
	if (out->type == FRAME_RESPONSE) {
		ck_assert_int_eq(
		    frame_get_response(&response, payload, len), 0);
		out->status = response.status;
	}
	return FRAME_CAME;
}

void
stream_expect_end(int fd, const char *after)
{
	struct stream_frame f;
	enum stream_hearing h;

	while ((h = stream_hear(fd, &f)) == FRAME_CAME)
		ck_assert_msg(f.type == FRAME_DENY,
		    "egress: %s was answered with frame %u", after,
		    (unsigned)f.type);
	ck_assert_msg(h == STREAM_END, "egress: still open after %s", after);
}

void
stream_expect_service(int fd)
{
	struct frame_request q;
	struct stream_frame f;

	stream_request(&q, PUBLIC_PATH);
	ck_assert(stream_ask(fd, &q));
	ck_assert_int_eq(stream_hear(fd, &f), FRAME_CAME);
	ck_assert_msg(f.type == FRAME_RESPONSE && f.status == 200,
	    "egress: a good request is not forwarded");
	while (f.type != FRAME_END)
		ck_assert_int_eq(stream_hear(fd, &f), FRAME_CAME);
	expected++;
}

void
stream_expect_fresh_service(void)
{
	int fd = stream_open();

	stream_expect_service(fd);
	(void)close(fd);
}

unsigned
stream_forwarded(void)
{
	static bool begun;
	unsigned n;

	if (!begun) /* other tests came before this process */
		expected = upstream->requests;
	begun = true;
	n = upstream->requests - expected;
	expected = upstream->requests;
	ck_assert_msg(upstream->unlawful == 0,
	    "the console got a request without, or with a wrong, token: %s",
	    upstream->head);
	return n;
}
