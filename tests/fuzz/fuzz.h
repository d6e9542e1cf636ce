/*
 * What the fuzz targets share. A target takes any bytes; a broken property
 * ends the process, so that libFuzzer and the replay both see it.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_REQUIRE(condition)                                       \
	do {                                                          \
		if (!(condition)) {                                   \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
			    __FILE__, __LINE__, #condition);          \
			abort();                                      \
		}                                                     \
	} while (0)

/* Where to split an input of len bytes in two: every place in a short one,
 * about 32 places in a longer one. */
static inline size_t
fuzz_split_step(size_t len)
{
	return len <= 64 ? 1 : len / 32;
}

#endif
