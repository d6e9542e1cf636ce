/*
 * What every main() has in common, so that all of them read alike:
 *   options -> log -> settings -> sockets -> open what is needed ->
 *   sandbox (enter, then verify) -> loop
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

struct event_base;

/* An event base made for the sandbox: epoll, no changelist, no signals yet. */
struct event_base *daemon_base(void);
/* Runs until SIGTERM or SIGINT, then calls stopping(ctx) (may be NULL), which
 * ends the loop by event_base_loopexit when it is done (at once when NULL).
 * A second one ends the loop at once. SIGHUP calls reload(ctx) (may be NULL).
 * SIGPIPE is ignored. Sends READY before the loop, the watchdog's messages from
 * it, and STOPPING when it is told to stop. Returns the exit status. */
int daemon_run(struct event_base *base, void (*stopping)(void *ctx),
    void (*reload)(void *ctx), void *ctx);
/* Installs the signal events; call before sandbox_enter, since libevent makes
 * its signal pipe then. daemon_run calls it itself if nobody has. */
void daemon_signals(struct event_base *base);

#endif
