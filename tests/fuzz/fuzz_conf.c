/* The configuration file: any text is either settings or errors that say
 * something. */
#include <string.h>

#include "common/conf.h"
#include "common/err.h"
#include "common/settings.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_errors errors = { 0 };
	struct settings settings;
	int r;

	memset(&settings, 0, sizeof(settings));
	r = conf_read(
	    &settings_table, (const char *)data, len, &settings, NULL, &errors);
	FUZZ_REQUIRE(r == 0 || r == ERR_CONFIG);
	FUZZ_REQUIRE((r == 0) == (errors.n_fatal == 0));
	for (size_t i = 0; i < errors.n; i++)
		FUZZ_REQUIRE(errors.at[i].text[0] != '\0');
	conf_free(&settings_table, &settings);
	conf_errors_done(&errors);
	return 0;
}
