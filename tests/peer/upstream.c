/* See upstream.h. */
#include "tests/peer/upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#define CONNECTIONS_MAX 64
#define ANSWER \
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

struct upstream *upstream;

static pid_t child;
static int elsewhere = -1;

struct connection {
	int fd;
	size_t len;
	bool headed;
	char text[UPSTREAM_HEAD_MAX];
};
static struct connection connections[CONNECTIONS_MAX];

static int
listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr *at = (struct sockaddr *)(void *)&in;
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, at, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, at, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

/* Every Authorization there is must be the good one, and below /api there must
 * be one. */
static bool
is_lawful(const char *head)
{
	const char *path = strchr(head, ' ');
	bool found = false;
	size_t len = strlen(upstream->token);

	if (path == NULL)
		return false;
	for (const char *line = strstr(head, "\r\n"); line != NULL;
	     line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, "authorization", 13) != 0)
			continue;
		if (strncmp(line + 2, "Authorization: Bearer ", 22) != 0 ||
		    strncmp(line + 24, upstream->token, len) != 0 ||
		    line[24 + len] != '\r')
			return false;
		found = true;
	}
	return found || strncasecmp(path + 1, "/api/", 5) != 0;
}

static void
head_take(struct connection *c, size_t head_len)
{
	const char *path;

	c->headed = true;
	memcpy(upstream->head, c->text, head_len);
	upstream->head[head_len] = '\0';
	if (strlen(upstream->head) != head_len || !is_lawful(upstream->head))
		upstream->unlawful++;
	upstream->requests++;
	path = strchr(upstream->head, ' ');
	if (path == NULL || strncmp(path + 1, UPSTREAM_SILENT, 7) == 0)
		return;
	(void)send(c->fd, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
	(void)shutdown(c->fd, SHUT_WR);
}

static void
connection_read(struct connection *c)
{
	size_t room = sizeof(c->text) - 1 - c->len;
	char scrap[4096], *end;
	ssize_t n = c->headed ? recv(c->fd, scrap, sizeof(scrap), 0)
			      : recv(c->fd, c->text + c->len, room, 0);

	if (n <= 0) {
		(void)close(c->fd);
		*c = (struct connection){ .fd = -1 };
		return;
	}
	upstream->bytes += (size_t)n;
	if (c->headed)
		return;
	c->len += (size_t)n;
	c->text[c->len] = '\0';
	end = memmem(c->text, c->len, "\r\n\r\n", 4);
	if (end != NULL)
		head_take(c, (size_t)(end - c->text) + 4);
}

static void
connection_take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; i < CONNECTIONS_MAX && fd >= 0; i++) {
		if (connections[i].fd >= 0)
			continue;
		connections[i].fd = fd;
		return;
	}
	if (fd >= 0)
		(void)close(fd);
}

static void serve(int listener) __attribute__((noreturn));

static void
serve(int listener)
{
	struct pollfd fds[CONNECTIONS_MAX + 1];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		connections[i].fd = -1;
	for (;;) {
		fds[CONNECTIONS_MAX] =
		    (struct pollfd){ .fd = listener, .events = POLLIN };
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			fds[i] = (struct pollfd){ .fd = connections[i].fd,
				.events = POLLIN };
		(void)poll(fds, CONNECTIONS_MAX + 1, -1);
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			if (fds[i].revents != 0)
				connection_read(&connections[i]);
		if (fds[CONNECTIONS_MAX].revents != 0)
			connection_take(listener);
	}
}

uint16_t
upstream_start(void)
{
	uint16_t port;
	int listener = listen_on_loopback(&port);

	upstream = mmap(NULL, sizeof(*upstream), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(upstream, MAP_FAILED);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		serve(listener);
	(void)close(listener);
	return port;
}

void
upstream_stop(void)
{
	if (child > 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
	}
	(void)close(elsewhere);
}

uint16_t
elsewhere_start(void)
{
	uint16_t port;

	elsewhere = listen_on_loopback(&port);
	return port;
}

unsigned
elsewhere_visits(void)
{
	unsigned n = 0;
	int fd;

	while ((fd = accept4(elsewhere, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		(void)close(fd);
		n++;
	}
	return n;
}
