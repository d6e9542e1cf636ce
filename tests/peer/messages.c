/*
 * Violations on the control channels. Whatever a peer says, the daemon closes
 * that channel and no other, goes on serving, and keeps none of the
 * descriptors that came along.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peer/speak.h"
#include "tests/peer/suites.h"
#include "tests/peer/world.h"
#include "tests/unit/unit.h"

#define DESCRIPTORS_MAX 5
#define UNKNOWN_SIZE 12

/* --- every type, in every state, of every size, with descriptors --- */

enum state { BEFORE_HELLO, WRONG_HELLO, READY, STATE_COUNT };

static const unsigned unknown_types[] = { MSG_NONE, MSG_COUNT, 0xff, 0xffff };
static uint8_t zeroes[MSG_PAYLOAD_MAX + 1];

static int
open_in(const struct channel *c, enum state state)
{
	int fd;

	if (state == READY)
		return speak_open(c);
	fd = speak_connect(c);
	if (state == WRONG_HELLO)
		speak_hello(fd, MSG_PROTOCOL_VERSION + 1);
	return fd;
}

/* Would the channel take this? Then its content decides. */
static bool
is_in_order(const struct channel *c, enum state state, const struct said *what)
{
	const struct msg_spec *spec = msg_spec(what->type);

	return state == READY && speak_may_ask(c, what->type) &&
	    what->id != 0 && what->n_fds == 0 && what->len >= spec->min &&
	    what->len <= spec->max;
}

static void
expect_answer_or_end(const struct channel *c, int fd, const struct said *what)
{
	static struct heard heard;
	enum hearing h = speak_hear(c, fd, &heard);

	ck_assert_msg(
	    h != HEARD_NOTHING, "%s: %s hangs", c->name, msg_name(what->type));
	if (h != HEARD)
		return;
	ck_assert_uint_eq(heard.id, what->id);
	ck_assert(msg_is_answer(what->type, heard.type));
	if (heard.fd >= 0)
		(void)close(heard.fd);
}

static void
try_message(const struct channel *c, enum state state, const struct said *what)
{
	int fd = open_in(c, state);
	char name[128];

	(void)snprintf(name, sizeof(name),
	    "%s (%u), id %u, %zu bytes, %u descriptors, state %u",
	    msg_name(what->type), what->type, (unsigned)what->id, what->len,
	    what->n_fds, (unsigned)state);
	(void)speak(fd, what);
	if (is_in_order(c, state, what))
		expect_answer_or_end(c, fd, what);
	else
		speak_expect_end(c, fd, name);
	(void)close(fd);
	speak_expect_fresh_service(c);
}

static void
try_sizes(const struct channel *c, enum state state, unsigned type, uint64_t id)
{
	const struct msg_spec *spec = msg_spec(type);
	size_t min = spec != NULL ? spec->min : UNKNOWN_SIZE;
	size_t max = spec != NULL ? spec->max : UNKNOWN_SIZE;
	const size_t sizes[] = { 0, min > 0 ? min - 1 : 0, min, max, max + 1,
		MSG_PAYLOAD_MAX };
	struct said what = { .type = type, .id = id, .payload = zeroes };

	for (size_t i = 0; i < N_ROWS(sizes); i++) {
		what.len = sizes[i];
		if (i == 0 || sizes[i] != sizes[i - 1])
			try_message(c, state, &what);
	}
	what.len = min;
	for (what.n_fds = 1; what.n_fds <= DESCRIPTORS_MAX; what.n_fds++)
		try_message(c, state, &what);
}

static void
try_type(const struct channel *c, unsigned type)
{
	try_sizes(c, BEFORE_HELLO, type, 1);
	try_sizes(c, WRONG_HELLO, type, 1);
	try_sizes(c, READY, type, 0);
	try_sizes(c, READY, type, 1);
}

START_TEST(every_message)
{
	const struct channel *c = &channels[_i];
	int bystander = speak_open(c);
	size_t before = world_descriptors();

	for (unsigned type = MSG_NONE + 1; type < MSG_COUNT; type++) {
		try_type(c, type);
		speak_expect_service(c, bystander);
	}
	for (size_t i = 0; i < N_ROWS(unknown_types); i++) {
		try_type(c, unknown_types[i]);
		speak_expect_service(c, bystander);
	}
	world_check_descriptors(before);
	world_check();
}
END_TEST

/* --- good requests, spoilt --- */

/* Every shorter and a longer payload than the good one is refused, since what
 * is missing or left over shows only when it is read. */
static void
try_lengths(const struct channel *c, enum msg_type type)
{
	uint8_t payload[260] = { 0 };
	char name[80];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload) - 1);
	speak_put(&w, type);
	for (size_t len = 0; len <= w.len + 1; len++) {
		int fd;

		if (len == w.len)
			continue;
		fd = speak_open(c);
		(void)snprintf(name, sizeof(name), "%s cut to %zu of %zu bytes",
		    msg_name(type), len, w.len);
		(void)speak(fd,
		    &(struct said){ .type = type,
			.id = 1,
			.payload = payload,
			.len = len });
		speak_expect_end(c, fd, name);
		(void)close(fd);
	}
}

START_TEST(half_requests)
{
	const struct channel *c = &channels[_i];
	int bystander = speak_open(c);

	for (size_t i = 0; i < SPEAK_REQUESTS_MAX; i++)
		if (c->requests[i] != MSG_NONE)
			try_lengths(c, c->requests[i]);
	speak_expect_service(c, bystander);
	speak_expect_fresh_service(c);
	world_check();
}
END_TEST

/* --- the table of violations --- */

static void
say_empty(int fd)
{
	(void)speak_raw(fd, "", 0, 0);
}

static void
say_empty_with_descriptor(int fd)
{
	(void)speak_raw(fd, "", 0, 1);
}

static void
say_half_header(int fd)
{
	(void)speak_raw(fd, "\xd0\x0d\x00\x02\0\0\0\0\0\0\0", 11, 0);
}

static void
say_half_header_with_descriptors(int fd)
{
	(void)speak_raw(fd, "\xd0\x0d\x00", 3, 3);
}

static void
say_other_magic(int fd)
{
	(void)speak_raw(fd, "\x0d\xd0\x00\x02\0\0\0\0\0\0\0\1", 12, 0);
}

static void
say_http(int fd)
{
	(void)speak_raw(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0);
}

static void
say_hello_again(int fd)
{
	speak_hello(fd, MSG_PROTOCOL_VERSION);
}

static void
say_hello_with_id(int fd)
{
	(void)speak(fd,
	    &(struct said){ .type = MSG_HELLO,
		.id = 1,
		.payload = "\0\0\0\1\0",
		.len = 6 });
}

static void
say_hello_of_the_future(int fd)
{
	speak_hello(fd, UINT32_MAX);
}

static void
say_hello_with_rest(int fd)
{
	(void)speak(fd,
	    &(struct said){
		.type = MSG_HELLO, .payload = "\0\0\0\1\0\0\0", .len = 7 });
}

static void
say_hello_that_lies(int fd)
{
	(void)speak(fd,
	    &(struct said){
		.type = MSG_HELLO, .payload = "\0\0\0\1\0\xff", .len = 6 });
}

static void
say_too_much(int fd)
{
	(void)speak(fd,
	    &(struct said){ .type = MSG_STATUS,
		.id = 1,
		.payload = zeroes,
		.len = sizeof(zeroes) });
}

static void
say_answer_nobody_waits_for(int fd)
{
	(void)speak(fd,
	    &(struct said){ .type = MSG_REVOKE_ACK,
		.id = UINT64_MAX,
		.payload = zeroes,
		.len = 8 });
}

static const struct violation {
	const char *name;
	bool greeted; /* after HELLO, or before */
	void (*say)(int fd);
} violations[] = {
	{ "an empty datagram", true, say_empty },
	{ "an empty first datagram", false, say_empty },
	{ "an empty datagram with a descriptor", true,
	    say_empty_with_descriptor },
	{ "an empty first datagram with a descriptor", false,
	    say_empty_with_descriptor },
	{ "half a header", true, say_half_header },
	{ "half a header first", false, say_half_header },
	{ "part of a header with descriptors", true,
	    say_half_header_with_descriptors },
	{ "another magic number", true, say_other_magic },
	{ "HTTP", false, say_http },
	{ "HELLO again", true, say_hello_again },
	{ "HELLO with an id", false, say_hello_with_id },
	{ "HELLO of another version", false, say_hello_of_the_future },
	{ "HELLO with more behind it", false, say_hello_with_rest },
	{ "HELLO with a length that lies", false, say_hello_that_lies },
	{ "more than a message can have", true, say_too_much },
	{ "an answer nobody waits for", true, say_answer_nobody_waits_for },
};

START_TEST(every_violation)
{
	const struct violation *v = &violations[_i];

	for (size_t i = 0; i < CHANNEL_COUNT; i++) {
		const struct channel *c = &channels[i];
		int bystander = speak_open(c);
		size_t before = world_descriptors();

		for (unsigned n = 0; n < 3; n++) {
			int fd = v->greeted ? speak_open(c) : speak_connect(c);

			v->say(fd);
			speak_expect_end(c, fd, v->name);
			(void)close(fd);
		}
		speak_expect_service(c, bystander);
		speak_expect_fresh_service(c);
		world_check_descriptors(before);
		(void)close(bystander);
	}
	world_check();
}
END_TEST

/* --- floods --- */

#define FLOOD_REQUESTS 20000

/* As many requests as the daemon takes, and no answer is read. */
static void
flood(int fd, enum msg_type type)
{
	static uint8_t message[400];
	uint8_t payload[256];
	struct wire_writer w, m;

	wire_writer_init(&w, payload, sizeof(payload));
	speak_put(&w, type);
	for (uint64_t id = 1; id <= FLOOD_REQUESTS; id++) {
		wire_writer_init(&m, message, sizeof(message));
		wire_put_u16(&m, MSG_MAGIC);
		wire_put_u16(&m, (uint16_t)type);
		wire_put_u64(&m, id);
		wire_put_raw(&m, payload, w.len);
		ck_assert_int_eq(wire_done(&m), 0);
		if (send(fd, message, m.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	}
}

/* Long enough for the daemon to do its part of the flood. */
static void
let_them_work(void)
{
	(void)usleep(200000);
}

/* The signer's channels are given out by secretd, to all frontends alike: a
 * frontend that takes them all leaves none to itself. */
static bool
is_own_loss(const struct channel *c, const struct channel *other)
{
	return other == c ||
	    (c == &channels[SECRETD_FRONTEND] &&
		other == &channels[SIGNER_FRONTEND]);
}

static void
expect_service_for_others(const struct channel *c)
{
	for (size_t i = 0; i < CHANNEL_COUNT; i++)
		if (!is_own_loss(c, &channels[i]))
			speak_expect_fresh_service(&channels[i]);
}

/* While the answers to a flood lie unread, everybody else is served, also by
 * the other daemons. */
START_TEST(every_flood)
{
	const struct channel *c = &channels[_i];
	size_t before = world_descriptors();

	for (size_t i = 0; i < SPEAK_REQUESTS_MAX; i++) {
		int fd;

		if (c->requests[i] == MSG_NONE)
			continue;
		fd = speak_open(c);
		for (unsigned round = 0; round < 3; round++) {
			flood(fd, c->requests[i]);
			let_them_work();
		}
		expect_service_for_others(c);
		if (c != &channels[SIGNER_FRONTEND])
			speak_expect_fresh_service(c);
		(void)close(fd);
		let_them_work();
		speak_expect_fresh_service(c);
		speak_expect_fresh_service(&channels[SIGNER_FRONTEND]);
	}
	world_check_descriptors(before);
	world_check();
}
END_TEST

#define CROWD 80 /* more than a role may have channels */

/* A role that opens channels without end shuts nobody out but itself. */
START_TEST(every_crowd)
{
	const struct channel *c = &channels[_i];
	int fds[CROWD];
	size_t before = world_descriptors();

	for (size_t i = 0; i < CROWD; i++)
		fds[i] = speak_connect(c);
	let_them_work();
	expect_service_for_others(c);
	for (size_t i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	let_them_work();
	speak_expect_fresh_service(c);
	world_check_descriptors(before);
	world_check();
}
END_TEST

void
messages_add(TCase *t)
{
	tcase_add_loop_test(t, every_message, 0, CHANNEL_COUNT);
	tcase_add_loop_test(t, half_requests, 0, CHANNEL_COUNT);
	tcase_add_loop_test(t, every_violation, 0, (int)N_ROWS(violations));
	tcase_add_loop_test(t, every_flood, 0, CHANNEL_COUNT);
	/* signers are reached through secretd, which is its own row */
	tcase_add_loop_test(t, every_crowd, 0, SIGNER_FRONTEND);
}
