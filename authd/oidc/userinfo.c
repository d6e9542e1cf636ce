/* See userinfo.h. */
#include "authd/oidc/userinfo.h"

#include <stdbool.h>
#include <stdio.h>

#include "common/err.h"
#include "common/json_strict.h"
#include "common/mem.h"

#include "authd/oidc/client_call.h"
#include "authd/oidc/person.h"

struct question {
	userinfo_done_fn *done;
	void *arg;
};

static enum token_fault
judge_status(unsigned status, const char **what)
{
	if (status >= 500 || status == 408 || status == 429) {
		*what = "the provider has a problem";
		return TOKEN_UNAVAILABLE;
	}
	if (status == 401 || status == 403) {
		*what = "the access token is not accepted";
		return TOKEN_REFUSED;
	}
	*what = "an unexpected status";
	return TOKEN_MALFORMED;
}

/* A signed or encrypted answer (Core 5.3.2) comes only when it was asked for at
 * registration. */
static bool
is_jwt(struct slice content_type)
{
	struct slice type = slice_trim(slice_cut(&content_type, ';'));

	return slice_is_nocase(type, "application/jwt");
}

static enum token_fault
read_answer(
    const struct client_answer *got, json_t **userinfo, const char **what)
{
	int r;

	if (got->status != 200)
		return judge_status(got->status, what);
	if (is_jwt(got->content_type)) {
		*what = "the answer is a signed or encrypted JWT, which "
			"Doorward does not read; register this client without "
			"userinfo_signed_response_alg";
		return TOKEN_REFUSED;
	}
	r = json_strict_parse(got->body, PERSON_USERINFO_MAX, userinfo);
	if (r == 0)
		return TOKEN_OK;
	*what = r == ERR_LIMIT
	    ? "the answer is too long or nested too deeply"
	    : "the answer is not a JSON object without duplicate members";
	return TOKEN_MALFORMED;
}

static void
answered(const struct client_answer *got, void *own)
{
	const struct question *q = own;
	enum token_fault fault = got->fault;
	char detail[TOKEN_DETAIL_MAX];
	json_t *userinfo = NULL;
	const char *what = NULL;

	if (fault != TOKEN_OK) {
		client_log_trouble(got->te, METADATA_USERINFO, got->detail);
	} else if ((fault = read_answer(got, &userinfo, &what)) != TOKEN_OK) {
		snprintf(detail, sizeof(detail), "%u: %s", got->status, what);
		client_log_trouble(got->te, METADATA_USERINFO, detail);
	}
	q->done(fault, userinfo, q->arg);
	json_decref(userinfo);
}

void
userinfo_get(struct token_endpoint *te, struct slice access_token,
    userinfo_done_fn *done, void *arg)
{
	struct question *q = mem_new(sizeof(*q));

	q->done = done;
	q->arg = arg;
	client_call(te,
	    &(struct client_request){ .at = METADATA_USERINFO,
		.bearer = access_token,
		.answer_max = PERSON_USERINFO_MAX },
	    answered, q);
}
