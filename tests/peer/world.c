/* See world.h. */
#include "tests/peer/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <openssl/bn.h>
#include <openssl/ec.h>

#include "common/clock.h"
#include "common/mem.h"
#include "tests/peer/speak.h"
#include "tests/peer/token.h"
#include "tests/peer/upstream.h"
#include "tests/peer/world.h"
#include "tests/unit/tls_pem.h"

#define UNPRIVILEGED 64999
#define START_MS 30000
#define SETTLE_MS 3000
#define PIDS_MAX 32
#define CANARIES_MAX 16

struct world world;

static pid_t pids[PIDS_MAX];
static size_t n_pids;

static struct {
	const char *name;
	unsigned char bytes[TOKEN_CAP];
	size_t len;
} canaries[CANARIES_MAX];
static size_t n_canaries;

/* --- files --- */

static void
own(const char *path)
{
	if (world.root)
		ck_assert_int_eq(lchown(path, world.uid, world.uid), 0);
}

static void
make_dir(const char *name)
{
	char *path = mem_printf("%s/%s", world.dir, name);

	ck_assert_int_eq(mkdir(path, 0755), 0);
	own(path);
	free(path);
}

static void
write_file(const char *name, mode_t mode, const char *text)
{
	char *path = mem_printf("%s/%s", world.dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	own(path);
	free(path);
}

/* Programs are copied: the build folder may be closed to the daemons' uid. */
static void
copy_program(const char *build, const char *name)
{
	char *source = mem_printf("%s/%s", build, name);
	char *target = mem_printf("%s/bin/%s", world.dir, name);
	int in = open(source, O_RDONLY | O_CLOEXEC);
	int out = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	ck_assert_msg(in >= 0, "%s is not built", source);
	ck_assert_int_ge(out, 0);
	while (sendfile(out, in, NULL, 1 << 20) > 0)
		;
	(void)close(in);
	(void)close(out);
	free(source);
	free(target);
}

static void
copy_programs(void)
{
	static const char *const programs[] = { "doorward", "doorward-secretd",
		"doorward-authd", "doorward-egress", "doorward-frontend" };
	char self[PATH_MAX] = "";
	char *build;

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	build = mem_printf("%s/../..", dirname(self));
	make_dir("bin");
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		copy_program(build, programs[i]);
	free(build);
}

static void
write_secrets(void)
{
	struct slice key = pem_of_key(world.tls_key, NULL);
	struct slice certificate = pem_of_certificate(world.tls_key);

	make_dir("secrets");
	make_dir("secrets/login-token-signing-key");
	make_dir("secrets/cluster-token");
	write_file("secrets/login-token-signing-key/value.txt", 0400,
	    WORLD_SIGNING_KEY);
	write_file(
	    "secrets/cluster-token/value.txt", 0400, WORLD_CLUSTER_TOKEN);
	write_file("tls.key", 0400, key.p);
	write_file("tls.crt", 0444, certificate.p);
	free((void *)(uintptr_t)key.p);
	free((void *)(uintptr_t)certificate.p);
}

static void
write_configuration(uint16_t console_port)
{
	char *keys = token_key_set();
	char *text = mem_printf(
	    "auth: {strategy: token}\n"
	    "identity: {cert_file: %s/tls.crt, private_key_file: %s/tls.key}\n"
	    "login_token: {signing_key: \"\"}\n"
	    "doorward:\n"
	    "  listen: [\"127.0.0.1:0\"]\n"
	    "  secrets_dirs: [%s/secrets]\n"
	    "  workers: 1\n"
	    "  console: {url: \"http://127.0.0.1:%u\", preset: kiali, "
	    "credential: user-token}\n"
	    "  kubernetes: {jwks_file: %s/jwks.json, issuer: \"%s\", "
	    "audiences: [%s]}\n"
	    "  routes:\n"
	    "  - {path: /metrics/, service: prometheus, paths: [\"/read/*\"], "
	    "allow: {users: [\"%s\"]}}\n"
	    "  - {path: /grafana/, service: grafana, allow: {users: [nobody]}}\n"
	    "external_services:\n"
	    "  prometheus: {url: \"http://127.0.0.1:%u\"}\n"
	    "  grafana: {enabled: true, internal_url: \"https://127.0.0.1:9\", "
	    "auth: {cert_file: %s/tls.crt, key_file: %s/tls.key}}\n",
	    world.dir, world.dir, world.dir, console_port, world.dir,
	    TOKEN_ISSUER, TOKEN_AUDIENCE, TOKEN_USER, console_port, world.dir,
	    world.dir);

	write_file("jwks.json", 0444, keys);
	write_file("config.yaml", 0444, text);
	free(keys);
	free(text);
}

/* --- processes --- */

static void run(void) __attribute__((noreturn));

static void
run(void)
{
	char *program = mem_printf("%s/bin/doorward", world.dir);
	char *config = mem_printf("%s/config.yaml", world.dir);
	char *dir = mem_printf("%s/d", world.dir);
	char *log = mem_printf("%s/log", world.dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	if (world.root &&
	    (setgroups(0, NULL) != 0 ||
		setresgid(world.uid, world.uid, world.uid) != 0 ||
		setresuid(world.uid, world.uid, world.uid) != 0))
		_exit(126);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)execl(
	    program, program, "run", "--config", config, "--dir", dir, NULL);
	_exit(127);
}

/* What the daemons have said; valid until the next call. */
static const char *
read_log(void)
{
	static char text[8 << 20];
	char *path = mem_printf("%s/log", world.dir);
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	free(path);
	return text;
}

bool
world_log_has(const char *what)
{
	return strstr(read_log(), what) != NULL;
}

static void
print_log(void)
{
	const char *text = read_log();
	size_t len = strlen(text);

	(void)fprintf(stderr, "--- log of the daemons, its end\n%s---\n",
	    text + (len > 20000 ? len - 20000 : 0));
}

static void
pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void
wait_until_ready(void)
{
	int64_t end = clock_mono_ms() + START_MS;

	while (!world_log_has("\nready http")) {
		if (waitpid(world.run, NULL, WNOHANG) == 0 &&
		    clock_mono_ms() < end) {
			pause_ms(20);
			continue;
		}
		print_log();
		ck_abort_msg("the daemons did not start");
	}
}

static pid_t
parent_of(pid_t pid)
{
	char path[40], text[512] = "";
	const char *rest;
	FILE *f;
	int parent = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	(void)!fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	rest = strrchr(text, ')'); /* "PID (NAME) S PARENT ..." */
	if (rest == NULL || sscanf(rest, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

/* The daemons are children of run, signer and workers children of those. */
static size_t
find_processes(pid_t found[PIDS_MAX])
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		pid_t parent = pid > 0 ? parent_of(pid) : 0;

		if (parent != world.run &&
		    (parent == 0 || parent_of(parent) != world.run))
			continue;
		ck_assert_uint_lt(n, PIDS_MAX);
		found[n++] = pid;
	}
	(void)closedir(dir);
	return n;
}

void
world_check(void)
{
	pid_t now[PIDS_MAX];
	size_t n = find_processes(now);

	ck_assert_msg(n == n_pids && memcmp(now, pids, n * sizeof(*pids)) == 0,
	    "a process has ended or another was started");
}

static size_t
descriptors_of(pid_t pid)
{
	char path[40];
	size_t n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

size_t
world_descriptors(void)
{
	size_t sum = 0;

	if (world.root)
		world_become(0);
	for (size_t i = 0; i < n_pids; i++)
		sum += descriptors_of(pids[i]);
	world_enter();
	return sum;
}

void
world_check_descriptors(size_t before)
{
	int64_t end = clock_mono_ms() + SETTLE_MS;
	size_t now;

	while ((now = world_descriptors()) > before && clock_mono_ms() < end)
		pause_ms(20);
	ck_assert_msg(now <= before,
	    "descriptors leak: %zu were open before, %zu are now", before, now);
}

/* --- life --- */

void
world_become(uid_t uid)
{
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(seteuid(uid), 0);
}

void
world_enter(void)
{
	if (world.root)
		world_become(world.uid);
}

/* All that a frontend must never be told. What is derived from the signing key
 * is asked of secretd, as authd. */
static void
add_canaries(void)
{
	unsigned char scalar[32];
	BIGNUM *n = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(world.tls_key, "priv", &n), 1);
	ck_assert_int_eq(BN_bn2binpad(n, scalar, sizeof(scalar)), 32);
	BN_clear_free(n);
	token_make(upstream->token, TOKEN_GOOD);
	token_make(world.idle_token, TOKEN_ANOTHER);
	world_canary_add(
	    "the signing key", WORLD_SIGNING_KEY, strlen(WORLD_SIGNING_KEY));
	world_canary_add("the cluster token", WORLD_CLUSTER_TOKEN,
	    strlen(WORLD_CLUSTER_TOKEN));
	world_canary_add("the TLS key", scalar, sizeof(scalar));
	world_canary_add(
	    "a user's token", upstream->token, strlen(upstream->token));
	world_canary_add(
	    "an idle user's token", world.idle_token, strlen(world.idle_token));
	world_enter();
	speak_learn_session_keys();
	if (world.root)
		world_become(0);
}

/* A leak sanitizer looks at the process from outside when it ends, which a
 * change of uid forbids. */
void
world_leave(void)
{
	if (world.root)
		world_become(0);
	(void)prctl(PR_SET_DUMPABLE, 1);
}

void
world_start(void)
{
	uint16_t console_port;

	world.root = geteuid() == 0;
	world.uid = world.root ? UNPRIVILEGED : geteuid();
	(void)snprintf(world.dir, sizeof(world.dir), "/tmp/dw-peer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	ck_assert_int_eq(chmod(world.dir, 0755), 0);
	own(world.dir);
	(void)snprintf(
	    world.run_dir, sizeof(world.run_dir), "%s/d/run", world.dir);

	world.tls_key = EVP_EC_gen("P-256");
	token_issuer_new();
	console_port = upstream_start();
	world.elsewhere_port = elsewhere_start();
	copy_programs();
	write_secrets();
	write_configuration(console_port);
	world.run = fork();
	ck_assert_int_ge(world.run, 0);
	if (world.run == 0)
		run();
	wait_until_ready();
	n_pids = find_processes(pids);
	ck_assert_uint_ge(n_pids, 6); /* 4 daemons, a signer, a worker */
	add_canaries();
}

static void
remove_dir(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", world.dir, NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

/* Complaints of a sanitizer build: misused memory, and what was allocated for a
 * message and lost. What lives as long as the process is not freed at its end,
 * and is no leak. */
static bool
sanitizers_complain(void)
{
	static const char *const complaints[] = { "ERROR: AddressSanitizer",
		"runtime error:", " in message_handle ", " in front_take " };

	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (world_log_has(complaints[i]))
			return true;
	return false;
}

void
world_stop(void)
{
	bool clean;

	(void)kill(world.run, SIGTERM);
	(void)waitpid(world.run, NULL, 0);
	upstream_stop();
	EVP_PKEY_free(world.tls_key);
	clean = !sanitizers_complain() && !world_log_has("starting it again");
	if (!clean || getenv("PEER_LOG") != NULL)
		print_log();
	remove_dir();
	if (!clean)
		_exit(1);
}

/* --- canaries --- */

void
world_canary_add(const char *name, const void *bytes, size_t len)
{
	ck_assert_uint_lt(n_canaries, CANARIES_MAX);
	ck_assert_uint_le(len, sizeof(canaries[0].bytes));
	canaries[n_canaries].name = name;
	memcpy(canaries[n_canaries].bytes, bytes, len);
	canaries[n_canaries++].len = len;
}

const char *
world_canary_find(const void *bytes, size_t len)
{
	for (size_t i = 0; i < n_canaries; i++)
		if (memmem(bytes, len, canaries[i].bytes, canaries[i].len) !=
		    NULL)
			return canaries[i].name;
	return NULL;
}
