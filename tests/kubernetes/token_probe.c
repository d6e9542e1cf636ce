/*
 * Asks authd's token check about tokens, without the rest of Doorward: reads
 * one token per line from standard input and writes one line of JSON per
 * answer, in the order of the answers: number of the line, code, user, expires,
 * milliseconds, reason.
 *
 *   token_probe CONFIG [FILE with Doorward's own cluster token]
 *
 * A tool for tests and for whoever wants to know what a cluster says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/resolve.h"
#include "common/settings.h"

#include "authd/token.h"

#define LINE_MAX_LEN (2 * MSG_TOKEN_MAX)

struct probe {
	struct event_base *base;
	struct token_verifier *verifier;
	struct event *input;
	unsigned running, lines;
	bool at_end;
	char line[LINE_MAX_LEN];
	size_t len;
};
struct question {
	struct probe *probe;
	unsigned line;
	int64_t started_ms;
};

/* clang-format off */
static const char *const codes[LOGIN_CODE_COUNT] = {
	[LOGIN_OK] = "ok",
	[LOGIN_EXPIRED] = "expired",
	[LOGIN_REJECTED] = "rejected",
	[LOGIN_NO_NAMESPACE] = "no-namespace",
	[LOGIN_FORBIDDEN] = "forbidden",
	[LOGIN_UNAVAILABLE] = "unavailable",
	[LOGIN_NOT_OFFERED] = "not-offered",
	[LOGIN_BUSY] = "busy",
};
/* clang-format on */

static void
answered(const struct token_result *r, void *arg)
{
	struct question *q = arg;
	struct probe *p = q->probe;
	char user[4 * MSG_USER_MAX], reason[4 * MSG_REASON_MAX];

	log_json_escape(user, sizeof(user), r->user, strlen(r->user));
	log_json_escape(reason, sizeof(reason), r->reason, strlen(r->reason));
	printf("{\"line\":%u,\"code\":\"%s\",\"user\":\"%s\",\"expires\":%lld,"
	       "\"ms\":%lld,\"reason\":\"%s\"}\n",
	    q->line, codes[r->code], user, (long long)r->expires,
	    (long long)(clock_mono_ms() - q->started_ms), reason);
	fflush(stdout);
	free(q);
	if (--p->running == 0 && p->at_end)
		event_base_loopbreak(p->base);
}

static void
ask(struct probe *p, const char *token, size_t len)
{
	struct question *q = mem_new(sizeof(*q));

	*q = (struct question){ p, p->lines++, clock_mono_ms() };
	p->running++;
	token_check_start(
	    p->verifier, (struct slice){ token, len }, answered, q);
}

static void
take_lines(struct probe *p)
{
	char *end, *start = p->line;

	while ((end = memchr(start, '\n', p->len)) != NULL) {
		size_t len = (size_t)(end - start);

		ask(p, start, len);
		start = end + 1;
		p->len -= len + 1;
	}
	memmove(p->line, start, p->len);
	if (p->len == sizeof(p->line))
		log_fatal("a line is too long");
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	ssize_t n = read(fd, p->line + p->len, sizeof(p->line) - p->len);

	(void)what;
	if (n > 0) {
		p->len += (size_t)n;
		take_lines(p);
		return;
	}
	/* What is under way is still answered. */
	p->at_end = true;
	event_del(p->input);
	if (p->running == 0)
		event_base_loopbreak(p->base);
}

static void
set_own_token(struct probe *p, const char *path)
{
	char text[MSG_TOKEN_MAX + 1];
	FILE *file = fopen(path, "re");
	size_t n;

	if (file == NULL)
		log_fatal("cannot read %s", path);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	token_verifier_set_cluster_token(
	    p->verifier, token_trim((struct slice){ text, n }));
}

int
main(int argc, char **argv)
{
	struct probe *p = mem_new(sizeof(*p));
	struct settings *settings;
	struct event_config *config = event_config_new();

	log_open("token_probe");
	if (argc < 2 || argc > 3)
		log_fatal("usage: token_probe CONFIG [CLUSTER-TOKEN-FILE]");
	settings = settings_load(argv[1]);
	/* epoll refuses plain files, and standard input may be one. */
	event_config_avoid_method(config, "epoll");
	p->base = event_base_new_with_config(config);
	p->verifier =
	    token_verifier_new(p->base, settings, resolve_new(p->base));
	if (argc == 3)
		set_own_token(p, argv[2]);
	p->input = event_new(p->base, 0, EV_READ | EV_PERSIST, readable, p);
	event_add(p->input, NULL);
	event_base_dispatch(p->base);
	return 0;
}
