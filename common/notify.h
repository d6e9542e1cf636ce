/*
 * sd_notify(3) without libsystemd: READY, STATUS, STOPPING and the watchdog.
 * The socket is connected by notify_open, before the sandbox; without
 * NOTIFY_SOCKET everything here does nothing.
 */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

struct event_base;

void notify_open(void);
void notify_ready(const char *status);
void notify_status(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void notify_stopping(void);
/* Sends WATCHDOG=1 from the loop at half of WATCHDOG_USEC. */
void notify_watchdog(struct event_base *base);

#endif
