/*
 * The sandbox, per role: what it needs works, what it must not do is refused
 * or ends the process, and a start in which a layer cannot be applied fails.
 * Every case is a child that really is confined (confined.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/log.h"
#include "common/sandbox_parts.h"
#include "common/secret.h"
#include "tests/sandbox/confined.h"
#include "tests/sandbox/forbidden.h"
#include "tests/sandbox/starts.h"

#define BIT(role) (1u << SANDBOX_##role)
#define EVERY_ROLE ((1u << SANDBOX_ROLE_COUNT) - 1)
#define CONNECTING \
	(BIT(FRONTEND_PARENT) | BIT(FRONTEND) | BIT(AUTHD) | BIT(EGRESS))
#define NETWORKED (BIT(AUTHD) | BIT(EGRESS))
#define PARENTS (BIT(FRONTEND_PARENT) | BIT(SECRETD))
#define FILES (BIT(AUTHD) | BIT(SECRETD))

static struct {
	char dir[64], readable[80], secret[96], state[80], outside[80];
	char socket[80];
	int unix_listener, tcp_listener, other_listener;
	uint16_t port, other_port;
	EVP_PKEY *key;
	int abi;
} world;

static int
listener_on_loopback(uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
write_file(const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs("content", f);
	fclose(f);
	chmod(path, 0666);
}

static struct sockaddr_un
unix_address(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	memcpy(un.sun_path, world.socket, strlen(world.socket) + 1);
	return un;
}

static void
world_make(void)
{
	struct sockaddr_un un;

	snprintf(world.dir, sizeof(world.dir), "/tmp/dw-sandbox.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	chmod(world.dir, 0777);
	snprintf(world.readable, sizeof(world.readable), "%s/r", world.dir);
	snprintf(world.state, sizeof(world.state), "%s/w", world.dir);
	snprintf(
	    world.secret, sizeof(world.secret), "%s/secret", world.readable);
	snprintf(world.outside, sizeof(world.outside), "%s/outside", world.dir);
	snprintf(world.socket, sizeof(world.socket), "%s/s", world.dir);
	mkdir(world.readable, 0755);
	mkdir(world.state, 0755);
	chmod(world.state, 0777);
	write_file(world.secret);
	write_file(world.outside);
	un = unix_address();
	world.unix_listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ck_assert_int_eq(
	    bind(world.unix_listener, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(world.unix_listener, 16), 0);
	chmod(world.socket, 0777);
	world.tcp_listener = listener_on_loopback(&world.port);
	world.other_listener = listener_on_loopback(&world.other_port);
	world.key = EVP_EC_gen("P-256");
	world.abi = sandbox_landlock_abi();
}

static void
world_remove(void)
{
	char path[128];

	unlink(world.secret);
	unlink(world.outside);
	unlink(world.socket);
	snprintf(path, sizeof(path), "%s/db", world.state);
	unlink(path);
	rmdir(world.readable);
	rmdir(world.state);
	rmdir(world.dir);
	EVP_PKEY_free(world.key);
}

/* Every role gets the same openings, so that a refusal shows the role's own
 * filter and not a missing opening. */
static struct sandbox
spec_for(enum sandbox_role role)
{
	static struct sandbox_path paths[3];

	paths[0] = (struct sandbox_path){ world.readable, SANDBOX_READ };
	paths[1] =
	    (struct sandbox_path){ world.state, SANDBOX_READ | SANDBOX_WRITE };
	paths[2] = (struct sandbox_path){ "/does/not/exist", SANDBOX_READ };
	return (struct sandbox){ .role = role,
		.paths = paths,
		.n_paths = 3,
		.tcp_connect_ports = &world.port,
		.n_tcp_connect_ports = 1 };
}

/* What works: 0, or the step that failed. */

static int
use_memory(const void *arg)
{
	struct secret *s = secret_new(1000);
	char *big = malloc(4 << 20);

	(void)arg;
	if (big == NULL)
		return 1;
	memset(big, 1, 4 << 20);
	big = realloc(big, 16 << 20);
	if (big == NULL || big[4000] != 1)
		return 2;
	free(big);
	secret_random(secret_bytes(s), 1000);
	secret_free(s);
	return 0;
}

static int
use_crypto(const void *arg)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char random[32], sig[128];
	size_t len = sizeof(sig);
	int r = 0;

	(void)arg;
	if (RAND_bytes(random, sizeof(random)) != 1)
		r = 1;
	else if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, world.key) !=
	    1)
		r = 2;
	else if (EVP_DigestSign(ctx, sig, &len, random, sizeof(random)) != 1)
		r = 3;
	EVP_MD_CTX_free(ctx);
	return r;
}

static int
use_clock_and_log(const void *arg)
{
	struct timespec ts;

	(void)arg;
	log_info("a line");
	return clock_gettime(CLOCK_MONOTONIC, &ts) == 0 && time(NULL) > 0 ? 0
									  : 1;
}

static int inherited_epoll, inherited_pair[2];

static void
make_inherited(void)
{
	inherited_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, inherited_pair) < 0)
		_exit(98);
}

static int
use_channel(const void *arg)
{
	struct epoll_event ev = { .events = EPOLLIN };
	char data[4] = "abc", control[64] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	sigset_t none;

	(void)arg;
	sigemptyset(&none);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &inherited_epoll, sizeof(int));
	if (epoll_ctl(inherited_epoll, EPOLL_CTL_ADD, inherited_pair[0], &ev))
		return 1;
	if (sendmsg(inherited_pair[1], &msg, MSG_NOSIGNAL) != 4)
		return 2;
	if (epoll_wait(inherited_epoll, &ev, 1, 1000) != 1)
		return 3;
	if (recvmsg(inherited_pair[0], &msg, MSG_CMSG_CLOEXEC) != 4)
		return 4;
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		return 5;
	return shutdown(inherited_pair[0], SHUT_RDWR) == 0 ? 0 : 6;
}

static int
use_unix_client(const void *arg)
{
	struct sockaddr_un un = unix_address();
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)arg;
	if (fd < 0)
		return 1;
	return connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? 0 : 2;
}

static int
use_accept(const void *arg)
{
	(void)arg;
	fcntl(world.unix_listener, F_SETFL, O_NONBLOCK);
	/* Somebody may have connected in an earlier case. */
	return accept4(world.unix_listener, NULL, NULL, SOCK_CLOEXEC) >= 0 ||
		errno == EAGAIN
	    ? 0
	    : 1;
}

static int
tcp_connect(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int one = 1;

	if (fd < 0)
		return errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) != 0)
		return errno;
	return 0;
}

static int
use_tcp(const void *arg)
{
	(void)arg;
	return tcp_connect(world.port);
}

static int
other_port_is_closed(const void *arg)
{
	int r = tcp_connect(world.other_port);

	(void)arg;
	return r == (world.abi >= 4 ? EACCES : 0) ? 0 : 1;
}

static int
use_udp(const void *arg)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int fd4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);

	(void)arg;
	return (fd >= 0 || errno == EAFNOSUPPORT) && fd4 >= 0 ? 0 : 1;
}

static int
use_readable_file(const void *arg)
{
	char text[8] = "";
	int fd = open(world.secret, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	(void)arg;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 1;
	return read(fd, text, 7) == 7 && strcmp(text, "content") == 0 ? 0 : 2;
}

static int
outside_is_closed(const void *arg)
{
	(void)arg;
	if (open(world.outside, O_RDONLY) >= 0 || errno != EACCES)
		return 1;
	if (open("/proc/self/mem", O_RDONLY) >= 0 || errno != EACCES)
		return 2;
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 3;
}

static int
readable_is_not_writable(const void *arg)
{
	(void)arg;
	return open(world.secret, O_RDWR) < 0 && errno == EACCES ? 0 : 1;
}

static int
use_state_folder(const void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[128];
	void *map;
	int fd;

	(void)arg;
	snprintf(path, sizeof(path), "%s/db", world.state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return 1;
	if (fcntl(fd, F_SETLK, &lock) != 0 || ftruncate(fd, 8192) != 0)
		return 2;
	if (pwrite(fd, "x", 1, 4096) != 1 || fdatasync(fd) != 0)
		return 3;
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || ((char *)map)[4096] != 'x')
		return 4;
	return unlink(path) == 0 ? 0 : 5;
}

/* The one way in which secretd writes. */
static int
replace_file(const void *arg)
{
	char path[128], new[128];
	int fd, dir;

	(void)arg;
	snprintf(path, sizeof(path), "%s/db", world.state);
	snprintf(new, sizeof(new), "%s/new", world.state);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	dir = open(world.state, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || dir < 0)
		return 1;
	if (fchmod(fd, 0600) != 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0)
		return 2;
	if (rename(new, path) != 0 || fsync(dir) != 0)
		return 3;
	return open(world.secret, O_WRONLY | O_CREAT | O_TRUNC, 0600) < 0 &&
		errno == EACCES
	    ? 0
	    : 4;
}

static int
use_socketpair(const void *arg)
{
	int pair[2];

	(void)arg;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0
	    ? 0
	    : 1;
}

/* A parent forks, its child confines itself further, the parent ends it. */
static int
use_child(const void *arg)
{
	enum sandbox_role role = *(const enum sandbox_role *)arg;
	struct sandbox spec = { .role = role == SANDBOX_SECRETD
		    ? SANDBOX_SIGNER
		    : SANDBOX_FRONTEND };
	int pair[2], status = 0;
	char c = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return 1;
	pid = fork();
	if (pid < 0)
		return 2;
	if (pid == 0) {
		sandbox_tighten(&spec);
		if (write(pair[1], "x", 1) != 1 || read(pair[1], &c, 1) < 0)
			_exit(1);
		_exit(2);
	}
	if (read(pair[0], &c, 1) != 1 || c != 'x')
		return 3;
	if (kill(pid, SIGTERM) != 0 || waitpid(pid, &status, 0) != pid)
		return 4;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM) {
		printf("the child's status is %#x\n", (unsigned)status);
		fflush(stdout);
		return 5;
	}
	return 0;
}

static int
signals_stay_inside(const void *arg)
{
	(void)arg;
	if (world.abi < 6)
		return 0;
	return kill(getppid(), SIGHUP) < 0 && errno == EPERM ? 0 : 1;
}

static int
limits_hold(const void *arg)
{
	struct rlimit core, files;

	(void)arg;
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_NOFILE, &files);
	return core.rlim_max == 0 && files.rlim_max == 1024 ? 0 : 1;
}

struct need {
	const char *name;
	unsigned roles;
	confined_fn *fn;
};

static const struct need works[] = {
	{ "memory and secrets", EVERY_ROLE, use_memory },
	{ "random numbers, hashing, signing", EVERY_ROLE, use_crypto },
	{ "clock and log", EVERY_ROLE, use_clock_and_log },
	{ "channel with a descriptor", EVERY_ROLE, use_channel },
	{ "connect to a daemon", CONNECTING, use_unix_client },
	{ "accept", EVERY_ROLE & ~BIT(SIGNER), use_accept },
	{ "TCP to its port", NETWORKED, use_tcp },
	{ "TCP to another port is refused", NETWORKED, other_port_is_closed },
	{ "UDP for names", NETWORKED, use_udp },
	{ "read in a given folder", FILES, use_readable_file },
	{ "outside is closed", FILES, outside_is_closed },
	{ "no write in a readable folder", BIT(AUTHD),
	    readable_is_not_writable },
	{ "database in the state folder", BIT(AUTHD), use_state_folder },
	{ "replace a file in the state folder", FILES, replace_file },
	{ "pairs for children", PARENTS, use_socketpair },
	{ "child: fork, tighten, signal, wait", PARENTS, use_child },
	{ "signals stay inside", PARENTS, signals_stay_inside },
	{ "limits", PARENTS, limits_hold },
};

/* What ends the process, in roles that have not the right to it. */

static int
open_for_writing(const void *arg)
{
	(void)arg;
	return open(world.secret, O_RDWR) >= 0 ? 1 : 2;
}

static int
create_file(const void *arg)
{
	(void)arg;
	return open(world.state, O_TMPFILE | O_RDWR, 0600) >= 0 ? 1 : 2;
}

static int
rename_file(const void *arg)
{
	(void)arg;
	(void)rename("", "");
	return 1;
}

static int
just_fork(const void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(0);
	return pid > 0 ? 1 : 2;
}

static int
kill_parent(const void *arg)
{
	(void)arg;
	return kill(getpid(), SIGTERM) == 0 ? 1 : 2;
}

static const struct need dies[] = {
	{ "open to read", EVERY_ROLE & ~(FILES | BIT(FRONTEND_PARENT)),
	    use_readable_file },
	{ "open to write", EVERY_ROLE & ~BIT(AUTHD), open_for_writing },
	{ "make a file", EVERY_ROLE & ~BIT(AUTHD), create_file },
	{ "rename", EVERY_ROLE & ~FILES, rename_file },
	{ "IPv4", EVERY_ROLE & ~NETWORKED, use_tcp },
	{ "IPv6", EVERY_ROLE & ~NETWORKED, use_udp },
	{ "Unix socket", EVERY_ROLE & ~CONNECTING, use_unix_client },
	{ "accept", BIT(SIGNER), use_accept },
	{ "socket pair", EVERY_ROLE & ~PARENTS, use_socketpair },
	{ "fork", EVERY_ROLE & ~PARENTS, just_fork },
	{ "kill", EVERY_ROLE & ~PARENTS, kill_parent },
};

static int
make_forbidden_call(const void *arg)
{
	const struct forbidden *call = arg;

	call->call();
	return 1;
}

static void
check_needs(const struct need *needs, size_t n, enum sandbox_role role,
    bool (*as_wanted)(const struct outcome *o))
{
	struct sandbox spec = spec_for(role);

	for (size_t i = 0; i < n; i++) {
		struct outcome o;

		if (!(needs[i].roles & (1u << role)))
			continue;
		o = confined_run(&spec, make_inherited, needs[i].fn, &role);
		ck_assert_msg(as_wanted(&o), "%s: %s: status %#x\n%s",
		    sandbox_role_label(role), needs[i].name, (unsigned)o.status,
		    o.log);
	}
}

START_TEST(what_a_role_needs_works)
{
	check_needs(works, sizeof(works) / sizeof(works[0]),
	    (enum sandbox_role)_i, outcome_is_good);
}
END_TEST

START_TEST(what_a_role_must_not_do_kills)
{
	check_needs(dies, sizeof(dies) / sizeof(dies[0]), (enum sandbox_role)_i,
	    outcome_is_killed);
}
END_TEST

START_TEST(forbidden_calls_kill)
{
	struct sandbox spec = spec_for((enum sandbox_role)_i);

	for (size_t i = 0; i < n_forbidden_calls; i++) {
		struct outcome o = confined_run(
		    &spec, NULL, make_forbidden_call, &forbidden_calls[i]);

		ck_assert_msg(outcome_is_killed(&o) ||
			(forbidden_calls[i].but & (1u << spec.role)),
		    "%s: %s: status %#x\n%s", sandbox_role_label(spec.role),
		    forbidden_calls[i].name, (unsigned)o.status, o.log);
	}
}
END_TEST

/* The child of a parent has lost what only the parent may do. */
static int
tightened_child_dies(const void *arg)
{
	const struct need *need = arg;
	struct sandbox spec = { .role = need->roles & BIT(SIGNER)
		    ? SANDBOX_SIGNER
		    : SANDBOX_FRONTEND };
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 1;
	if (pid == 0) {
		sandbox_tighten(&spec);
		_exit(need->fn(&spec.role));
	}
	if (waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 0 : 3;
}

START_TEST(a_tightened_child_has_lost_rights)
{
	enum sandbox_role parent =
	    _i == 0 ? SANDBOX_FRONTEND_PARENT : SANDBOX_SECRETD;
	unsigned child = _i == 0 ? BIT(FRONTEND) : BIT(SIGNER);
	struct sandbox spec = spec_for(parent);

	for (size_t i = 0; i < sizeof(dies) / sizeof(dies[0]); i++) {
		struct need need = dies[i];
		struct outcome o;

		if (!(need.roles & child))
			continue;
		need.roles = child;
		o = confined_run(&spec, NULL, tightened_child_dies, &need);
		ck_assert_msg(outcome_is_good(&o), "%s: %s: status %#x\n%s",
		    sandbox_role_label(parent), need.name, (unsigned)o.status,
		    o.log);
	}
}
END_TEST

START_TEST(a_start_without_a_layer_fails)
{
	const struct start *start = &starts[_i];
	struct sandbox spec = spec_for(SANDBOX_EGRESS);
	struct outcome o;

	if (start->as_root && getuid() != 0)
		return;
	if (start->as_root)
		o = confined_run_as_is(&spec, start->before, NULL, NULL);
	else
		o = confined_run(&spec, start->before, NULL, NULL);
	ck_assert_msg(start->words != NULL
		? outcome_is_refused(&o, start->words)
		: outcome_is_good(&o),
	    "%s: status %#x\n%s", start->name, (unsigned)o.status, o.log);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sandbox");
	TCase *tc = tcase_create("roles");

	tcase_set_timeout(tc, 120);
	tcase_add_unchecked_fixture(tc, world_make, world_remove);
	tcase_add_loop_test(tc, what_a_role_needs_works, 0, SANDBOX_ROLE_COUNT);
	tcase_add_loop_test(
	    tc, what_a_role_must_not_do_kills, 0, SANDBOX_ROLE_COUNT);
	tcase_add_loop_test(tc, forbidden_calls_kill, 0, SANDBOX_ROLE_COUNT);
	tcase_add_loop_test(tc, a_tightened_child_has_lost_rights, 0, 2);
	tcase_add_loop_test(
	    tc, a_start_without_a_layer_fails, 0, (int)n_starts);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

#ifdef DW_NO_SANDBOX
	puts("sandbox: skipped, a sanitizer build has none");
	srunner_free(sr);
	return 77;
#endif
	srunner_set_fork_status(sr, CK_FORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
