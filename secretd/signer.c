/*
 * The signer's process: channels, states, rate limit. What may be signed is
 * sign_check.c's to say, how is private_key.c's; client assertions are
 * assertion.c's.
 *
 * SECURITY: those who ask (frontends, egress for a client's key, or authd for
 * client assertions) are distrusted. What the key is not for closes the
 * channel, and so does a structure that is not a handshake's. Nothing here logs
 * or sends the key; it is loaded once, and no message can change or export it.
 */
#include "secretd/signer.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/sandbox.h"
#include "secretd/assertion.h"
#include "secretd/private_key.h"
#include "secretd/sign_check.h"

/* The channel to secretd: the key can be loaded once, askers come later. */
#define ST_LOADED 2u

/* One worker cannot do half as many handshakes; it only stops grinding. */
#define SIGNS_PER_SECOND 5000
#define SIGNS_BURST 10000
#define ASKERS_MAX 64
/* One process has one, and for a moment its next; the rest is for closed ones
 * that have not been noticed yet. */
#define CHANNELS_PER_PROCESS 8
/* What asked before the key was replaced has been answered long before. */
#define RETIRED_S 30

struct asker {
	TAILQ_ENTRY(asker) entry;
	uint32_t process;  /* 0: not known */
	int64_t tokens_ms; /* when the last token was counted */
	int64_t tokens;
	uint64_t n_signed, n_refused;
};

static struct signer {
	struct event_base *base;
	struct private_key *key;	 /* by its purpose this one... */
	struct assertion_key *assertion; /* ... or that */
	struct sign_use use;
	TAILQ_HEAD(asker_list, asker) askers;
	size_t n_askers;
	bool retired; /* by secretd: nobody new comes */
} signer;

/* A bucket of SIGNS_BURST that fills at SIGNS_PER_SECOND. */
static bool
rate_allows(struct asker *f)
{
	int64_t now = clock_mono_ms();
	int64_t earned = (now - f->tokens_ms) * SIGNS_PER_SECOND / 1000;

	if (earned > 0) {
		f->tokens_ms = now;
		f->tokens += earned;
		if (f->tokens > SIGNS_BURST)
			f->tokens = SIGNS_BURST;
	}
	if (f->tokens == 0)
		return false;
	f->tokens--;
	return true;
}

static int
reply_signature(struct chan *ch, uint64_t id, const uint8_t *sig, size_t len)
{
	uint8_t payload[2 + MSG_SIGN_MAX];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_bytes(&w, sig, len);
	if (wire_done(&w) < 0)
		return ERR_LIMIT;
	return chan_reply(ch, id, MSG_SIGN_RESULT, &w, -1);
}

static int
refuse(struct chan *ch, uint64_t id, const char *why)
{
	static struct log_rate rate;
	struct asker *f = chan_user(ch);

	f->n_refused++;
	log_limited(&rate, 1000, LOG_LEVEL_WARN, "not signed: %s", why);
	return reply_signature(ch, id, NULL, 0);
}

static int
handle_sign(struct chan *ch, struct chan_in *in)
{
	static struct log_rate rate;
	struct asker *f = chan_user(ch);
	uint16_t id = wire_get_u16(&in->body);
	struct slice structure = wire_get_bytes(&in->body, MSG_SIGN_MAX);
	const struct sign_scheme *scheme;
	uint8_t sig[MSG_SIGN_MAX];
	size_t len = sizeof(sig);
	const char *why = "";
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	scheme = sign_check(
	    private_key_kind(signer.key), signer.use, id, structure, &why);
	if (scheme == NULL) {
		log_limited(&rate, 1000, LOG_LEVEL_ERROR,
		    "somebody asked for a signature that is not a "
		    "handshake's: %s",
		    why);
		return ERR_PROTOCOL;
	}
	if (!rate_allows(f))
		return refuse(ch, in->id, "too many requests per second");
	r = private_key_sign(signer.key, scheme, structure, sig, &len);
	if (r < 0)
		return refuse(ch, in->id, err_text(r));
	f->n_signed++;
	return reply_signature(ch, in->id, sig, len);
}

static int
handle_sign_assertion(struct chan *ch, struct chan_in *in)
{
	static struct log_rate rate;
	struct asker *f = chan_user(ch);
	char jwt[MSG_ASSERTION_MAX + 1] = "";
	uint8_t payload[2 + MSG_ASSERTION_MAX];
	struct wire_writer w;
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	if (!rate_allows(f))
		r = ERR_LIMIT; /* too many requests per second */
	else
		r = assertion_key_make(signer.assertion, clock_unix_s(), jwt);
	if (r < 0) {
		f->n_refused++;
		log_limited(
		    &rate, 1000, LOG_LEVEL_WARN, "not signed: %s", err_text(r));
	} else {
		f->n_signed++;
	}
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_text(&w, r < 0 ? "" : jwt);
	return chan_reply(ch, in->id, MSG_SIGN_ASSERTION_RESULT, &w, -1);
}

static void
asker_closed(struct chan *ch)
{
	struct asker *f = chan_user(ch);

	log_debug("channel closed: %llu signed, %llu refused",
	    (unsigned long long)f->n_signed, (unsigned long long)f->n_refused);
	TAILQ_REMOVE(&signer.askers, f, entry);
	signer.n_askers--;
	free(f);
	if (signer.retired && signer.n_askers == 0)
		(void)event_base_loopbreak(signer.base);
}

static const struct chan_handler from_asker[] = {
	{ MSG_SIGN, CHAN_READY, handle_sign },
};

static const struct chan_handler from_authd[] = {
	{ MSG_SIGN_ASSERTION, CHAN_READY, handle_sign_assertion },
};

/* Who may ask follows from what the key is for. */
#define ASKER(who, table)                                                \
	{                                                                \
		.self = ROLE_SIGNER, .peer = (who), .handlers = (table), \
		.n_handlers = sizeof(table) / sizeof((table)[0]),        \
		.max_pending = 1024, .closed = asker_closed,             \
	}

static const struct chan_peer askers[SIGNER_PURPOSE_COUNT] = {
	[SIGNER_TLS_SERVER] = ASKER(ROLE_FRONTEND, from_asker),
	[SIGNER_TLS_CLIENT] = ASKER(ROLE_EGRESS, from_asker),
	[SIGNER_CLIENT_ASSERTION] = ASKER(ROLE_AUTHD, from_authd),
};

/* What is loaded, for people; nothing when it could not be. */
static void
put_facts(struct wire_writer *w)
{
	const struct leaf_facts none = { .names = "" };
	const struct leaf_facts *f =
	    signer.key != NULL ? private_key_leaf(signer.key) : &none;
	const struct assertion_key *a = signer.assertion;

	wire_put_text(w, a != NULL ? assertion_key_name(a) : f->names);
	wire_put_u64(w, (uint64_t)f->until_s);
	wire_put_text(w, a != NULL ? assertion_key_jwk(a) : "");
}

static int
handle_signer_load(struct chan *ch, struct chan_in *in)
{
	unsigned purpose = wire_get_u8(&in->body);
	struct slice key = wire_get_bytes(&in->body, MSG_PAYLOAD_MAX);
	struct slice chain = wire_get_bytes(&in->body, MSG_CHAIN_MAX);
	uint8_t payload[1 + 2 + MSG_REASON_MAX + 2 + MSG_NAMES_MAX + 8 + 2 +
	    MSG_JWK_MAX];
	struct wire_writer w;
	enum signer_state state;
	const char *why = "";
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	if (purpose >= SIGNER_PURPOSE_COUNT)
		return ERR_FORMAT;
	if (purpose == SIGNER_CLIENT_ASSERTION)
		state = assertion_key_load(key, chain, &signer.assertion, &why);
	else
		state = private_key_load(key, chain, &signer.key, &why);
	if (state == SIGNER_READY)
		chan_set_state(ch, ST_LOADED);
	signer.use.purpose = (enum signer_purpose)purpose;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)state);
	wire_put_text(&w, why);
	put_facts(&w);
	return chan_reply(ch, in->id, MSG_SIGNER_LOADED, &w, -1);
}

/* SECURITY: one process that asks again and again takes no other's place. */
static bool
has_place(uint32_t process)
{
	const struct asker *f;
	size_t n = 0;

	TAILQ_FOREACH(f, &signer.askers, entry)
		n += f->process == process;
	return signer.n_askers < ASKERS_MAX &&
	    (process == 0 || n < CHANNELS_PER_PROCESS);
}

static int
handle_signer_attach(struct chan *ch, struct chan_in *in)
{
	static struct log_rate rate;
	uint32_t process = wire_get_u32(&in->body);
	struct asker *f;
	int fd = in->fd, r = wire_end(&in->body);

	(void)ch;
	if (r < 0)
		return r;
	if (!has_place(process)) {
		log_limited(&rate, 1000, LOG_LEVEL_WARN,
		    "too many channels of process %u or of all: a new one is "
		    "closed",
		    process);
		return 0;
	}
	in->fd = -1;
	f = mem_new(sizeof(*f));
	f->process = process;
	f->tokens = SIGNS_BURST;
	f->tokens_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&signer.askers, f, entry);
	signer.n_askers++;
	chan_set_user(chan_accepted(signer.base, fd,
			  &askers[signer.use.purpose], &signer),
	    f);
	return 0;
}

/* The key has been replaced: handshakes that are under way are finished. */
static void
secretd_closed(struct chan *ch)
{
	const struct timeval end = { .tv_sec = RETIRED_S };

	(void)ch;
	signer.retired = true;
	if (signer.n_askers == 0)
		(void)event_base_loopbreak(signer.base);
	else
		(void)event_base_loopexit(signer.base, &end);
}

static const struct chan_handler from_secretd[] = {
	{ MSG_SIGNER_LOAD, CHAN_READY, handle_signer_load },
	{ MSG_SIGNER_ATTACH, ST_LOADED, handle_signer_attach },
};

static const struct chan_peer secretd_peer = {
	.self = ROLE_SIGNER,
	.peer = ROLE_SECRETD,
	.handlers = from_secretd,
	.n_handlers = sizeof(from_secretd) / sizeof(from_secretd[0]),
	.closed = secretd_closed,
};

/* The parent's handlers would write to the parent's event loop. */
static void
reset_signals(void)
{
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

static void
close_all_but(int fd)
{
	unsigned first = STDERR_FILENO + 1;

	if ((fd > (int)first && close_range(first, (unsigned)fd - 1, 0) < 0) ||
	    close_range((unsigned)fd + 1, ~0u, 0) < 0)
		log_fatal("signer: cannot close inherited descriptors");
}

void
signer_run(int fd, bool tls12_allowed)
{
	pid_t parent = getppid();

	reset_signals();
	close_all_but(fd);
	log_open("signer");
	/* It ends with its parent even when it does not read the channel. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	(void)prctl(PR_SET_NAME, "doorward-signer");
	sandbox_tighten(&(struct sandbox){
	    .role = SANDBOX_SIGNER, .max_fds = ASKERS_MAX + 64 });
	signer.base = daemon_base();
	signer.use.tls12 = tls12_allowed;
	TAILQ_INIT(&signer.askers);
	(void)chan_accepted(signer.base, fd, &secretd_peer, &signer);
	(void)event_base_dispatch(signer.base);
	/* No exit handlers: they would touch what is the parent's. */
	_exit(0);
}
