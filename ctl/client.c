/* See client.h. */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"

#define TIMEOUT_S 10

static uint8_t packet[MSG_HEADER_LEN + MSG_PAYLOAD_MAX];

static int
connect_to(const char *run_dir, enum role server)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s.ctl.sock",
	    run_dir, role_name(server));
	int fd;

	if (n < 0 || (size_t)n >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int
send_message(const struct client *c, enum msg_type type, uint64_t id,
    const struct wire_writer *body)
{
	struct wire_writer w;

	wire_writer_init(&w, packet, sizeof(packet));
	wire_put_u16(&w, MSG_MAGIC);
	wire_put_u16(&w, (uint16_t)type);
	wire_put_u64(&w, id);
	if (body != NULL)
		wire_put_raw(&w, body->p, body->len);
	if (wire_done(&w) != 0)
		return ERR_LIMIT;
	return send(c->fd, packet, w.len, MSG_NOSIGNAL) == (ssize_t)w.len
	    ? 0
	    : ERR_IO;
}

/* The next message, which must be of that type and answer that request. */
static int
receive(const struct client *c, enum msg_type type, uint64_t id,
    struct wire_reader *r)
{
	ssize_t n = recv(c->fd, packet, sizeof(packet), 0);

	if (n < 0)
		return errno == EAGAIN ? ERR_TIMEOUT : ERR_IO;
	if (n < MSG_HEADER_LEN)
		return n == 0 ? ERR_DENIED : ERR_PROTOCOL;
	wire_reader_init(r, packet, (size_t)n);
	if (wire_get_u16(r) != MSG_MAGIC || wire_get_u16(r) != type ||
	    wire_get_u64(r) != id)
		return ERR_PROTOCOL;
	return msg_check(type, r->left, false, c->server, ROLE_CTL);
}

static int
greet(const struct client *c)
{
	uint8_t payload[64];
	struct wire_writer w;
	struct wire_reader r;
	int err;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u32(&w, MSG_PROTOCOL_VERSION);
	wire_put_text(&w, PACKAGE_VERSION);
	err = send_message(c, MSG_HELLO, 0, &w);
	if (err == 0)
		err = receive(c, MSG_HELLO, 0, &r);
	if (err == 0 && wire_get_u32(&r) != MSG_PROTOCOL_VERSION)
		err = ERR_PROTOCOL;
	return err;
}

int
client_open(struct client *c, const char *run_dir, enum role server)
{
	int err;

	*c = (struct client){ .server = server };
	c->fd = connect_to(run_dir, server);
	if (c->fd < 0)
		return ERR_IO;
	err = greet(c);
	if (err != 0)
		client_close(c);
	return err;
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

int
client_ask(struct client *c, enum msg_type type, const struct wire_writer *body,
    struct wire_reader *answer)
{
	uint64_t id = ++c->last_id;
	int err = send_message(c, type, id, body);

	return err != 0 ? err : receive(c, msg_spec(type)->reply, id, answer);
}
