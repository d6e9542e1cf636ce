/*
 * Text for the error codes of err.h, fit for a log line or a person.
 */
#include "common/err.h"

const char *
err_text(int err)
{
	static const char *const texts[] = {
		[0] = "no error",
		[-ERR_DENIED] = "denied",
		[-ERR_FORMAT] = "malformed",
		[-ERR_LIMIT] = "over a limit",
		[-ERR_NOT_FOUND] = "not found",
		[-ERR_EXPIRED] = "expired",
		[-ERR_UNAVAILABLE] = "unavailable",
		[-ERR_TIMEOUT] = "no answer in time",
		[-ERR_IO] = "input/output error",
		[-ERR_CRYPTO] = "cryptographic check failed",
		[-ERR_PROTOCOL] = "protocol violation",
		[-ERR_CONFIG] = "not allowed by the configuration",
		[-ERR_MORE] = "more input is needed",
		[-ERR_EXISTS] = "exists already",
	};

	if (err > 0 || err < ERR_EXISTS)
		return "unknown error";
	return texts[-err];
}
