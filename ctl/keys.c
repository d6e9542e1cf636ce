/*
 * doorward keys: the session keys, by their ids. secretd says which there are,
 * authd how many sessions each has. Keys themselves never come here, but for a
 * fresh one on its way into the slot's file.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/settings.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/key_file.h"

#define IN_USE_MS 5000 /* from a new file to a new current key */
#define SESSIONS_MS                                           \
	45000 /* from a dropped key to no session: authd asks \
		 each half minute, if nobody tells it sooner */
#define POLL_MS 100

struct key {
	uint8_t id[MSG_KEY_ID_LEN];
	char hex[2 * MSG_KEY_ID_LEN + 1];
	unsigned state; /* enum key_state */
	int64_t since, until;
};

struct keys {
	const char *run_dir, *config;
	struct key at[MSG_KEYS_MAX];
	size_t n;
};

static int
fail(const char *sentence)
{
	(void)fprintf(stderr, "doorward keys: %s\n", sentence);
	return 1;
}

static void
pause_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* --- asking --- */

/* One question on a channel of its own. 0, or 1 after a sentence. */
static int
ask(const struct keys *k, enum role server, enum msg_type type,
    const struct wire_writer *body, struct wire_reader *answer)
{
	struct client c;
	int err = client_open(&c, k->run_dir, server);

	if (err == 0) {
		err = client_ask(&c, type, body, answer);
		client_close(&c);
	}
	if (err == 0)
		return 0;
	(void)fprintf(stderr, "doorward keys: doorward-%s at %s: %s\n",
	    role_name(server), k->run_dir,
	    err == ERR_IO ? strerror(errno) : err_text(err));
	return 1;
}

static int
ask_keys(struct keys *k)
{
	struct wire_reader r;

	if (ask(k, ROLE_SECRETD, MSG_KEYS, NULL, &r) != 0)
		return 1;
	k->n = wire_get_u8(&r);
	if (k->n > MSG_KEYS_MAX)
		return fail("doorward-secretd sent what cannot be read");
	for (size_t i = 0; i < k->n; i++) {
		struct key *key = &k->at[i];

		wire_get_raw(&r, key->id, MSG_KEY_ID_LEN);
		text_hex(key->hex, key->id, MSG_KEY_ID_LEN);
		key->state = wire_get_u8(&r);
		key->since = (int64_t)wire_get_u64(&r);
		key->until = (int64_t)wire_get_u64(&r);
	}
	return wire_end(&r) == 0
	    ? 0
	    : fail("doorward-secretd sent what cannot be read");
}

static int
ask_sessions(
    const struct keys *k, const uint8_t id[MSG_KEY_ID_LEN], uint32_t *n)
{
	uint8_t payload[MSG_KEY_ID_LEN];
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_raw(&w, id, MSG_KEY_ID_LEN);
	if (ask(k, ROLE_AUTHD, MSG_KEY_SESSIONS, &w, &r) != 0)
		return 1;
	*n = wire_get_u32(&r);
	return wire_end(&r) == 0
	    ? 0
	    : fail("doorward-authd sent what cannot be read");
}

static int
ask_drop(const struct keys *k, const struct key *key, enum key_drop how)
{
	uint8_t payload[1 + MSG_KEY_ID_LEN];
	struct wire_writer w;
	struct wire_reader r;
	struct slice reason;
	bool gone;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)how);
	wire_put_raw(&w, key->id, MSG_KEY_ID_LEN);
	if (ask(k, ROLE_SECRETD, MSG_KEY_DROP, &w, &r) != 0)
		return 1;
	gone = wire_get_u8(&r) == 1;
	reason = wire_get_text(&r, MSG_REASON_MAX);
	if (wire_end(&r) != 0)
		return fail("doorward-secretd sent what cannot be read");
	if (!gone)
		(void)fprintf(stderr, "doorward keys: %s: %.*s\n", key->hex,
		    SLICE_ARG(reason));
	return gone ? 0 : 1;
}

static const struct key *
current(const struct keys *k)
{
	return k->n > 0 && k->at[0].state == KEY_CURRENT ? &k->at[0] : NULL;
}

/* --- list --- */

static int
command_list(struct keys *k, struct key *unused)
{
	int bad = 0;

	(void)unused;
	if (ask_keys(k) != 0)
		return 1;
	(void)printf("%-8s  %-8s  %-20s  %-20s  %s\n", "ID", "STATE", "SINCE",
	    "UNTIL", "SESSIONS");
	for (size_t i = 0; i < k->n; i++) {
		const struct key *key = &k->at[i];
		char since[CLOCK_RFC3339_LEN + 1];
		char until[CLOCK_RFC3339_LEN + 1] = "-", count[16] = "?";
		uint32_t n;

		clock_rfc3339(since, key->since);
		if (key->until != 0)
			clock_rfc3339(until, key->until);
		if (bad == 0)
			bad = ask_sessions(k, key->id, &n);
		if (bad == 0)
			(void)snprintf(count, sizeof(count), "%u", n);
		(void)printf("%-8s  %-8s  %-20s  %-20s  %s\n", key->hex,
		    key->state == KEY_CURRENT ? "current" : "previous", since,
		    until, count);
	}
	return bad;
}

/* --- rotate --- */

/* The keys, when another than before is the current one. */
static int
wait_for_another(struct keys *k, const struct key *before)
{
	int64_t end = clock_mono_ms() + IN_USE_MS;

	for (;;) {
		const struct key *now;

		if (ask_keys(k) != 0)
			return 1;
		now = current(k);
		if (now != NULL &&
		    memcmp(now->id, before->id, MSG_KEY_ID_LEN) != 0)
			return 0;
		if (clock_mono_ms() > end)
			return fail("the fresh key is in its file, but "
				    "doorward-secretd does not use it; why, "
				    "say its log and: doorward status");
		pause_ms(POLL_MS);
	}
}

/* Where the key is, without a word when the configuration cannot be read: that
 * says so itself. */
static char *
find_file(const struct keys *k)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_read(k->config, &e);
	char *path = s != NULL ? key_file_find(s) : NULL;

	if (s == NULL)
		(void)fprintf(stderr,
		    "doorward keys: %s cannot be used; doorward check-config "
		    "says why\n",
		    k->config);
	else if (path == NULL)
		(void)fail("the secrets folders have no file for slot "
			   "login-token-signing-key (one that systemd hands "
			   "over with LoadCredential= is replaced where it "
			   "comes from, with a restart of doorward-secretd)");
	conf_errors_done(&e);
	settings_free(s);
	return path;
}

static int
command_rotate(struct keys *k, struct key *unused)
{
	struct key before = { .state = KEY_PREVIOUS };
	uint32_t n;
	char *path;
	int r;

	(void)unused;
	if (ask_keys(k) != 0)
		return 1;
	if (k->n == 0)
		return fail("there is no signing key: the strategy needs none");
	if (current(k) != NULL)
		before = *current(k);
	path = find_file(k);
	if (path == NULL)
		return 1;
	r = key_file_replace(path) != 0 || wait_for_another(k, &before) != 0;
	free(path);
	/* Before it answers, authd asks secretd: then it uses the key too. If
	 * it is away, it asks when it is back. */
	if (r == 0)
		(void)ask_sessions(k, current(k)->id, &n);
	if (r == 0)
		(void)printf("new sessions are made under the key %s; those "
			     "under %s go on\n",
		    current(k)->hex, before.hex);
	return r;
}

/* --- retire, revoke --- */

static const struct key *
find_key(const struct keys *k, const struct key *named)
{
	for (size_t i = 0; i < k->n; i++)
		if (memcmp(k->at[i].id, named->id, MSG_KEY_ID_LEN) == 0)
			return &k->at[i];
	return NULL;
}

static int
command_retire(struct keys *k, struct key *named)
{
	const struct key *key;
	char until[CLOCK_RFC3339_LEN + 1];
	uint32_t n;

	if (ask_keys(k) != 0)
		return 1;
	key = find_key(k, named);
	if (key == NULL)
		return fail("there is no such key; doorward keys list");
	if (key->state == KEY_CURRENT)
		return fail("it is the current key: rotate first");
	if (ask_sessions(k, key->id, &n) != 0)
		return 1;
	clock_rfc3339(until, key->until);
	if (n > 0) {
		(void)fprintf(stderr,
		    "doorward keys: %s: %u session%s still open under it, the "
		    "last ends before %s; revoke it to end them now\n",
		    key->hex, n, n == 1 ? " is" : "s are", until);
		return 1;
	}
	if (ask_drop(k, key, KEY_RETIRE) != 0)
		return 1;
	(void)printf("%s is retired\n", key->hex);
	return 0;
}

static int
wait_for_no_session(const struct keys *k, const struct key *key)
{
	int64_t end = clock_mono_ms() + SESSIONS_MS;
	uint32_t n;

	for (;;) {
		if (ask_sessions(k, key->id, &n) != 0)
			return fail("the key is revoked; its sessions end when "
				    "doorward-authd is back");
		if (n == 0)
			return 0;
		if (clock_mono_ms() > end)
			return fail("the key is revoked, but doorward-authd "
				    "still has sessions under it: restart it");
		pause_ms(POLL_MS);
	}
}

static int
command_revoke(struct keys *k, struct key *named)
{
	const struct key *key;

	if (ask_keys(k) != 0)
		return 1;
	key = find_key(k, named);
	if (key != NULL && key->state == KEY_CURRENT &&
	    command_rotate(k, NULL) != 0)
		return 1;
	/* One that is not there may have been revoked before. */
	if (ask_drop(k, named, KEY_REVOKE) != 0 ||
	    wait_for_no_session(k, named) != 0)
		return 1;
	(void)printf("%s is revoked: no session is left under it, and it is "
		     "never accepted again\n",
	    named->hex);
	return 0;
}

/* --- the command --- */

static const struct {
	const char *name;
	bool wants_id;
	int (*run)(struct keys *k, struct key *named);
} verbs[] = {
	{ "list", false, command_list },
	{ "rotate", false, command_rotate },
	{ "retire", true, command_retire },
	{ "revoke", true, command_revoke },
};

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: doorward keys [--config FILE] [--run-dir DIR] "
	    "list | rotate | retire ID | revoke ID\n");
	return 2;
}

static int
run_verb(struct keys *k, int n, char **words)
{
	struct key named = { .state = KEY_PREVIOUS };

	for (size_t i = 0; n > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(words[0], verbs[i].name) != 0)
			continue;
		if (n != (verbs[i].wants_id ? 2 : 1))
			return usage();
		if (verbs[i].wants_id &&
		    text_unhex(slice_of(words[1]), named.id, MSG_KEY_ID_LEN) !=
			0)
			return fail("an id is 8 hexadecimal digits, as "
				    "doorward keys list has them");
		text_hex(named.hex, named.id, MSG_KEY_ID_LEN);
		return verbs[i].run(k, &named);
	}
	return usage();
}

int
command_keys(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	static struct keys k = { .run_dir = CTL_RUN_DIR, .config = CTL_CONFIG };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			k.config = optarg;
		else if (option == 'r')
			k.run_dir = optarg;
		else
			return usage();
	}
	return run_verb(&k, argc - optind, argv + optind);
}
