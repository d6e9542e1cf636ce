/*
 * sd_notify(3): one datagram per state, to the socket of NOTIFY_SOCKET.
 */
#include "common/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/log.h"
#include "common/text.h"

#define STATE_MAX 256

static struct {
	bool is_open;
	int fd;
	uint64_t watchdog_us; /* 0: none */
	struct event watchdog;
} notify_state;

static uint64_t
watchdog_interval(void)
{
	uint64_t us, pid;
	const char *for_pid = getenv("WATCHDOG_PID");

	if (text_u64(slice_of(getenv("WATCHDOG_USEC")), UINT32_MAX, &us) != 0)
		return 0;
	if (for_pid != NULL &&
	    (text_u64(slice_of(for_pid), INT32_MAX, &pid) != 0 ||
		pid != (uint64_t)getpid()))
		return 0;
	return us;
}

void
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;

	if (len == 0)
		return;
	if (len >= sizeof(a.sun_path))
		log_fatal("NOTIFY_SOCKET is too long");
	memcpy(a.sun_path, path, len);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0'; /* the abstract namespace */
	socklen_t a_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, a_len) != 0)
		log_fatal("NOTIFY_SOCKET: %s", strerror(errno));
	notify_state.is_open = true;
	notify_state.fd = fd;
	notify_state.watchdog_us = watchdog_interval();
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

static void
notify_send(const char *state, int flags)
{
	ssize_t r;

	if (!notify_state.is_open)
		return;
	do
		r = send(notify_state.fd, state, strlen(state),
		    flags | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		log_debug("notification not sent: %s", strerror(errno));
}

void
notify_ready(const char *status)
{
	char state[STATE_MAX];

	(void)snprintf(state, sizeof(state), "READY=1\nSTATUS=%.200s", status);
	notify_send(state, 0);
}

void
notify_status(const char *format, ...)
{
	char status[STATE_MAX - 16], state[STATE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(status, sizeof(status), format, args);
	va_end(args);
	/* a line break would begin another assignment */
	for (char *p = status; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	(void)snprintf(state, sizeof(state), "STATUS=%s", status);
	notify_send(state, MSG_DONTWAIT);
}

void
notify_stopping(void)
{
	notify_send("STOPPING=1", 0);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	notify_send("WATCHDOG=1", MSG_DONTWAIT);
}

void
notify_watchdog(struct event_base *base)
{
	uint64_t half = notify_state.watchdog_us / 2;
	struct timeval every = { .tv_sec = (time_t)(half / 1000000),
		.tv_usec = (suseconds_t)(half % 1000000) };

	if (half == 0)
		return;
	(void)event_assign(
	    &notify_state.watchdog, base, -1, EV_PERSIST, on_watchdog, NULL);
	(void)event_add(&notify_state.watchdog, &every);
	notify_send("WATCHDOG=1", MSG_DONTWAIT);
}
