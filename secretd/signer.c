/*
 * The signer's process: channels, states, rate limit. What may be signed is
 * sign_check.c's to say, how is private_key.c's.
 *
 * SECURITY: frontends are distrusted. A structure that is not a handshake's
 * closes that frontend's channel. Nothing here logs or sends the key; it is
 * loaded once, and no message can change or export it.
 */
#include "secretd/signer.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/sandbox.h"
#include "secretd/private_key.h"

/* The channel to secretd: the key can be loaded once, frontends come later. */
#define ST_LOADED 2u

/* One worker cannot do half as many handshakes; it only stops grinding. */
#define SIGNS_PER_SECOND 5000
#define SIGNS_BURST 10000
#define FRONTENDS_MAX 64

static struct signer {
	struct event_base *base;
	struct private_key *key;
	bool tls12_allowed;
} signer;

struct frontend {
	int64_t tokens_ms; /* when the last token was counted */
	int64_t tokens;
	uint64_t n_signed, n_refused;
};

/* A bucket of SIGNS_BURST that fills at SIGNS_PER_SECOND. */
static bool
rate_allows(struct frontend *f)
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
	struct frontend *f = chan_user(ch);

	f->n_refused++;
	log_limited(&rate, 1000, LOG_LEVEL_WARN, "not signed: %s", why);
	return reply_signature(ch, id, NULL, 0);
}

static int
handle_sign(struct chan *ch, struct chan_in *in)
{
	static struct log_rate rate;
	struct frontend *f = chan_user(ch);
	uint16_t id = wire_get_u16(&in->body);
	struct slice structure = wire_get_bytes(&in->body, MSG_SIGN_MAX);
	const struct sign_scheme *scheme;
	uint8_t sig[MSG_SIGN_MAX];
	size_t len = sizeof(sig);
	const char *why = "";
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	scheme = sign_check(private_key_kind(signer.key), signer.tls12_allowed,
	    id, structure, &why);
	if (scheme == NULL) {
		log_limited(&rate, 1000, LOG_LEVEL_ERROR,
		    "a frontend asked for a signature that is not a "
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

static void
frontend_closed(struct chan *ch)
{
	struct frontend *f = chan_user(ch);

	log_debug("frontend gone: %llu signed, %llu refused",
	    (unsigned long long)f->n_signed, (unsigned long long)f->n_refused);
	free(f);
}

static const struct chan_handler from_frontend[] = {
	{ MSG_SIGN, CHAN_READY, handle_sign },
};

static const struct chan_peer frontend_peer = {
	.self = ROLE_SIGNER,
	.peer = ROLE_FRONTEND,
	.handlers = from_frontend,
	.n_handlers = sizeof(from_frontend) / sizeof(from_frontend[0]),
	.max_pending = 1024,
	.closed = frontend_closed,
};

static int
handle_signer_load(struct chan *ch, struct chan_in *in)
{
	struct slice key = wire_get_bytes(&in->body, MSG_PAYLOAD_MAX);
	struct slice chain = wire_get_bytes(&in->body, MSG_CHAIN_MAX);
	uint8_t payload[3 + MSG_REASON_MAX];
	struct wire_writer w;
	enum signer_state state;
	const char *why = "";
	int r = wire_end(&in->body);

	if (r < 0)
		return r;
	state = private_key_load(key, chain, &signer.key, &why);
	if (state == SIGNER_READY)
		chan_set_state(ch, ST_LOADED);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)state);
	wire_put_text(&w, why);
	if (wire_done(&w) < 0)
		return ERR_LIMIT;
	return chan_reply(ch, in->id, MSG_SIGNER_LOADED, &w, -1);
}

static int
handle_signer_attach(struct chan *ch, struct chan_in *in)
{
	static struct log_rate rate;
	struct frontend *f;
	int fd = in->fd;

	(void)ch;
	if (chan_count(ROLE_FRONTEND) >= FRONTENDS_MAX) {
		log_limited(&rate, 1000, LOG_LEVEL_WARN,
		    "too many frontend channels: a new one is closed");
		return 0;
	}
	in->fd = -1;
	f = mem_new(sizeof(*f));
	f->tokens = SIGNS_BURST;
	f->tokens_ms = clock_mono_ms();
	chan_set_user(
	    chan_accepted(signer.base, fd, &frontend_peer, &signer), f);
	return 0;
}

static void
secretd_closed(struct chan *ch)
{
	(void)ch;
	(void)event_base_loopbreak(signer.base);
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
	    .role = SANDBOX_SIGNER, .max_fds = FRONTENDS_MAX + 64 });
	signer.base = daemon_base();
	signer.tls12_allowed = tls12_allowed;
	(void)chan_accepted(signer.base, fd, &secretd_peer, &signer);
	(void)event_base_dispatch(signer.base);
	/* No exit handlers: they would touch what is the parent's. */
	_exit(0);
}
