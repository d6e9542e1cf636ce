/* The configuration file: any text is either settings or errors that say
 * something. */
#include "common/conf.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/settings.h"
#include "tests/fuzz/fuzz.h"

/* Every value can be shown, the defaults' too. */
static bool
visit(void *arg, const char *path, const struct conf_row *row,
    const void *settings)
{
	const struct settings *s = arg;
	char *value = conf_value_text(row, settings);

	FUZZ_REQUIRE(value[0] != '\0');
	free(value);
	return conf_place_of(&s->places, path).line > 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct settings *settings = mem_new(sizeof(*settings));
	struct conf_errors errors = { 0 };
	int r = conf_read(&settings_table, (const char *)data, len, settings,
	    &settings->places, &errors);

	FUZZ_REQUIRE(r == 0 || r == ERR_CONFIG || r == ERR_FORMAT);
	FUZZ_REQUIRE((r == 0) == (errors.n_fatal == 0));
	conf_each(&settings_table, settings, visit, settings);
	for (size_t i = 0; i < errors.n; i++)
		FUZZ_REQUIRE(errors.at[i].text[0] != '\0');
	settings_free(settings);
	conf_errors_done(&errors);
	return 0;
}
