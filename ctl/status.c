/*
 * doorward status: MSG_STATUS to the ctl socket of each daemon, one after the
 * other, with a deadline; prints the answers. A client of msg.h without an
 * event loop: HELLO both ways, one request, one reply.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "common/msg.h"
#include "common/wire.h"
#include "ctl/commands.h"

#define STATUS_TIMEOUT_S 5
#define STATUS_TEXT_MAX 32768

static uint8_t packet[MSG_HEADER_LEN + MSG_PAYLOAD_MAX];

static int
status_connect(const char *run_dir, enum role server)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = STATUS_TIMEOUT_S };
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
status_send(int fd, enum msg_type type, uint64_t id)
{
	struct wire_writer w;

	wire_writer_init(&w, packet, sizeof(packet));
	wire_put_u16(&w, MSG_MAGIC);
	wire_put_u16(&w, (uint16_t)type);
	wire_put_u64(&w, id);
	if (type == MSG_HELLO) {
		wire_put_u32(&w, MSG_PROTOCOL_VERSION);
		wire_put_text(&w, PACKAGE_VERSION);
	}
	if (wire_done(&w) != 0 ||
	    send(fd, packet, w.len, MSG_NOSIGNAL) != (ssize_t)w.len)
		return ERR_IO;
	return 0;
}

/* The next message, which must be of that type and answer that request. */
static int
status_receive(int fd, enum msg_type type, uint64_t id, enum role server,
    struct wire_reader *r)
{
	ssize_t n = recv(fd, packet, sizeof(packet), 0);

	if (n < 0)
		return errno == EAGAIN ? ERR_TIMEOUT : ERR_IO;
	if (n < MSG_HEADER_LEN)
		return n == 0 ? ERR_DENIED : ERR_PROTOCOL;
	wire_reader_init(r, packet, (size_t)n);
	if (wire_get_u16(r) != MSG_MAGIC || wire_get_u16(r) != type ||
	    wire_get_u64(r) != id)
		return ERR_PROTOCOL;
	return msg_check(type, r->left, false, server, ROLE_CTL);
}

static void
print_lines(enum role server, struct slice text)
{
	while (text.p != NULL && text.len > 0) {
		struct slice line = slice_cut(&text, '\n');

		(void)printf("%s: ", role_name(server));
		for (size_t i = 0; i < line.len; i++)
			(void)putchar(
			    (unsigned char)line.p[i] < 0x20 ? '?' : line.p[i]);
		(void)putchar('\n');
	}
}

static int
status_ask(int fd, enum role server)
{
	struct wire_reader r;
	struct slice text;
	uint32_t version;
	int err = status_send(fd, MSG_HELLO, 0);

	if (err == 0)
		err = status_receive(fd, MSG_HELLO, 0, server, &r);
	if (err != 0)
		return err;
	version = wire_get_u32(&r);
	if (version != MSG_PROTOCOL_VERSION)
		return ERR_PROTOCOL;
	err = status_send(fd, MSG_STATUS, 1);
	if (err == 0)
		err = status_receive(fd, MSG_STATUS_RESULT, 1, server, &r);
	if (err != 0)
		return err;
	text = wire_get_text(&r, STATUS_TEXT_MAX);
	err = wire_end(&r);
	if (err == 0)
		print_lines(server, text);
	return err;
}

static bool
status_show(const char *run_dir, enum role server)
{
	int fd = status_connect(run_dir, server);
	int err;

	if (fd < 0) {
		(void)printf("%s: not reachable at %s/%s.ctl.sock: %s\n",
		    role_name(server), run_dir, role_name(server),
		    strerror(errno));
		return false;
	}
	err = status_ask(fd, server);
	(void)close(fd);
	if (err != 0)
		(void)printf(
		    "%s: no answer: %s\n", role_name(server), err_text(err));
	return err == 0;
}

int
command_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	static const enum role servers[] = { ROLE_SECRETD, ROLE_AUTHD,
		ROLE_EGRESS, ROLE_FRONTEND };
	const char *run_dir = CTL_RUN_DIR;
	bool all = true;
	int option;

	while ((option = getopt_long(argc, argv, "r:", options, NULL)) != -1) {
		if (option != 'r')
			return 2;
		run_dir = optarg;
	}
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		all = status_show(run_dir, servers[i]) && all;
	return all ? 0 : 1;
}
