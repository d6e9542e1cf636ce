/* See assertion.h. */
#include "authd/oidc/assertion.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/secret.h"

#include "authd/authd.h"

#define ASK_MS 5000
#define SIGN_MS 5000

struct assertion {
	TAILQ_ENTRY(assertion) link; /* of waiting or asked */
	struct assertions *all;
	uint64_t request; /* 0: waits for a channel */
	bool again;	  /* the second signer is asked */
	assertion_done_fn *done;
	void *arg;
};
TAILQ_HEAD(assertion_list, assertion);

struct assertions {
	struct authd *authd;
	struct chan *signer; /* NULL: none */
	uint64_t asking;     /* the request to secretd, 0: none */
	bool asked_once;
	char name[MSG_NAMES_MAX + 1];
	struct assertion_list waiting; /* for a channel */
	struct assertion_list asked;   /* the signer */
};

static void signer_closed(struct chan *ch);

static const struct chan_peer signer_peer = {
	.self = ROLE_AUTHD,
	.peer = ROLE_SIGNER,
	.closed = signer_closed,
};

struct assertions *
assertions_new(struct authd *authd)
{
	struct assertions *all = mem_new(sizeof(*all));

	all->authd = authd;
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->asked);
	return all;
}

void
assertions_free(struct assertions *all)
{
	struct assertion *a;

	if (all == NULL)
		return;
	while ((a = TAILQ_FIRST(&all->asked)) != NULL ||
	    (a = TAILQ_FIRST(&all->waiting)) != NULL)
		assertion_cancel(a);
	if (all->asking != 0)
		chan_cancel(all->authd->secretd, all->asking);
	chan_free(all->signer);
	free(all);
}

/* --- the channel --- */

/* It frees itself after this. */
static void
signer_closed(struct chan *ch)
{
	struct assertions *all = chan_ctx(ch);

	all->signer = NULL;
}

static void
finish(struct assertion *a, int err, const char *jwt)
{
	TAILQ_REMOVE(
	    a->request != 0 ? &a->all->asked : &a->all->waiting, a, link);
	a->done(err, jwt, a->arg);
	free(a);
}

/* A signer that went, since the key was replaced perhaps, is followed by
 * another: for that one try more. */
static void
wait_for_the_next(struct assertion *a)
{
	struct assertions *all = a->all;

	TAILQ_REMOVE(&all->asked, a, link);
	TAILQ_INSERT_TAIL(&all->waiting, a, link);
	a->request = 0;
	a->again = true;
	if (all->asking == 0)
		assertions_ask(all);
}

static void
made(int err, struct chan_in *reply, void *arg)
{
	char jwt[MSG_ASSERTION_MAX + 1] = "";
	struct assertion *a = arg;

	if (err == ERR_UNAVAILABLE && !a->again) {
		wait_for_the_next(a);
		return;
	}
	if (err == 0)
		err = slice_copy(wire_get_text(&reply->body, MSG_ASSERTION_MAX),
		    jwt, sizeof(jwt));
	if (err == 0 && wire_end(&reply->body) == 0 && jwt[0] != '\0')
		finish(a, 0, jwt);
	else
		finish(a, ERR_UNAVAILABLE, NULL);
	secret_wipe(jwt, sizeof(jwt));
}

static void
ask_signer(struct assertion *a)
{
	struct assertions *all = a->all;

	TAILQ_REMOVE(&all->waiting, a, link);
	TAILQ_INSERT_TAIL(&all->asked, a, link);
	a->request = chan_request(
	    all->signer, MSG_SIGN_ASSERTION, NULL, -1, SIGN_MS, made, a);
}

/* Those that have waited until now: what their ends bring anew has to wait for
 * the next answer. */
static void
serve_waiting(struct assertions *all)
{
	struct assertion_list now = TAILQ_HEAD_INITIALIZER(now);
	struct assertion *a;

	if (all->signer != NULL) {
		while ((a = TAILQ_FIRST(&all->waiting)) != NULL)
			ask_signer(a);
		return;
	}
	TAILQ_CONCAT(&now, &all->waiting, link);
	while ((a = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, a, link);
		TAILQ_INSERT_HEAD(&all->waiting, a, link);
		finish(a, ERR_UNAVAILABLE, NULL);
	}
}

static void
take_channel(struct assertions *all, struct chan_in *reply)
{
	struct slice name = wire_get_text(&reply->body, MSG_NAMES_MAX);
	char before[sizeof(all->name)];

	(void)memcpy(before, all->name, sizeof(before));
	if (wire_end(&reply->body) != 0 ||
	    slice_copy(name, all->name, sizeof(all->name)) != 0)
		return;
	all->signer =
	    chan_accepted(all->authd->base, reply->fd, &signer_peer, all);
	reply->fd = -1;
	if (strcmp(before, all->name) != 0)
		log_info(
		    "OpenID: the key of client assertions is %s", all->name);
}

static void
channel_came(int err, struct chan_in *reply, void *arg)
{
	static struct log_rate rate;
	struct assertions *all = arg;

	/* Until the end of this nobody asks again: the old channel's questions
	 * wait for the new one. */
	if (err == 0 && reply->type == MSG_ASSERTION_KEY_RESULT) {
		chan_free(all->signer);
		all->signer = NULL;
		take_channel(all, reply);
	}
	all->asking = 0;
	if (all->signer == NULL)
		log_limited(&rate, 10000, LOG_LEVEL_WARN,
		    "OpenID: no signer for client assertions: %s",
		    err != 0 ? err_text(err)
			     : "its key is away, doorward-secretd says why");
	serve_waiting(all);
}

void
assertions_ask(struct assertions *all)
{
	if (all->asking != 0)
		chan_cancel(all->authd->secretd, all->asking);
	all->asked_once = true;
	all->asking = chan_request(all->authd->secretd, MSG_ASSERTION_KEY, NULL,
	    -1, ASK_MS, channel_came, all);
}

/* --- assertions --- */

struct assertion *
assertion_make(struct assertions *all, assertion_done_fn *done, void *arg)
{
	struct assertion *a = mem_new(sizeof(*a));

	a->all = all;
	a->done = done;
	a->arg = arg;
	TAILQ_INSERT_TAIL(&all->waiting, a, link);
	if (all->signer != NULL)
		ask_signer(a);
	else if (all->asking == 0)
		assertions_ask(all);
	return a;
}

void
assertion_cancel(struct assertion *a)
{
	struct assertions *all = a->all;

	if (a->request != 0 && all->signer != NULL)
		chan_cancel(all->signer, a->request);
	TAILQ_REMOVE(a->request != 0 ? &all->asked : &all->waiting, a, link);
	free(a);
}

size_t
assertions_status(const struct assertions *all, char text[ASSERTION_STATUS_MAX])
{
	const char *without = all->asked_once ? "away" : "not used yet";
	int n = snprintf(text, ASSERTION_STATUS_MAX, "openid client key: %s\n",
	    all->signer != NULL ? all->name : without);

	return n > 0 && n < ASSERTION_STATUS_MAX ? (size_t)n : 0;
}
