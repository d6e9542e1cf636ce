/* The configuration file: any text is either settings or errors that say
 * something. */
#include "common/conf.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/settings.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct settings *settings = mem_new(sizeof(*settings));
	struct conf_errors errors = { 0 };
	int r = conf_read(
	    &settings_table, (const char *)data, len, settings, NULL, &errors);

	FUZZ_REQUIRE(r == 0 || r == ERR_CONFIG || r == ERR_FORMAT);
	FUZZ_REQUIRE((r == 0) == (errors.n_fatal == 0));
	for (size_t i = 0; i < errors.n; i++)
		FUZZ_REQUIRE(errors.at[i].text[0] != '\0');
	settings_free(settings);
	conf_errors_done(&errors);
	return 0;
}
