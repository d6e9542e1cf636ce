/*
 * Replays the seeds of a fuzz target under any compiler: each file as it is,
 * all its beginnings, and with single bytes changed in a fixed way. The seeds
 * of fuzz_x are in seeds/x beside this file; other directories may be named as
 * arguments.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

#define SEED_MAX 65536
#define PLACES_MAX 512 /* of truncations and of changes, per seed */

static const uint8_t replacements[] = { '\0', '\n', '\r', ' ', '%', ';', 0xff };

/* A copy of its own size, so that a sanitizer sees each byte read beyond. */
static void
run(const uint8_t *data, size_t len)
{
	uint8_t *copy = mem_new(len > 0 ? len : 1);

	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
run_changed(uint8_t *data, size_t len, size_t at, uint8_t value)
{
	uint8_t was = data[at];

	data[at] = value;
	run(data, len);
	data[at] = was;
}

static void
replay(uint8_t *data, size_t len)
{
	size_t step = len / PLACES_MAX + 1;

	run(data, len);
	for (size_t at = 0; at < len; at += step) {
		run(data, at);
		run_changed(data, len, at, (uint8_t)(data[at] ^ 1u << at % 8));
		run_changed(
		    data, len, at, replacements[at % sizeof(replacements)]);
	}
}

static void
replay_file(const char *dir, const char *name)
{
	static uint8_t data[SEED_MAX];
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	replay(data, fread(data, 1, sizeof(data), f));
	fclose(f);
	free(path);
}

/* A target without seeds would test nothing: that is a failure. */
static void
replay_directory(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned n = 0;

	if (dir == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay_file(path, entry->d_name);
		n++;
	}
	closedir(dir);
	printf("%s: %u seeds\n", path, n);
	if (n == 0)
		exit(EXIT_FAILURE);
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strstr(argv[0], "fuzz_");

	for (int i = 1; i < argc; i++)
		replay_directory(argv[i]);
	if (argc == 1 && name != NULL) {
		char *path = mem_printf("%s/tests/fuzz/seeds/%s",
		    srcdir != NULL ? srcdir : ".", name + strlen("fuzz_"));

		replay_directory(path);
		free(path);
	}
	return argc > 1 || name != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
