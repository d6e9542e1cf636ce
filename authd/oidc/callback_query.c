/* See callback_query.h. */
#include "authd/oidc/callback_query.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "authd/oidc/state.h"

enum { PART_STATE, PART_CODE, PART_ERROR, PART_DESCRIPTION, PART_ISS, PARTS };

struct parts {
	bool seen[PARTS];
	struct slice at[PARTS];
};

#define FROM_PROVIDER "The answer of the identity provider "
/* clang-format off */
static const struct {
	const char *person, *log;
} sentences[CALLBACK_FAULTS] = {
	[CALLBACK_OK] = { "You are signed in.", "is one" },
	[CALLBACK_MALFORMED] = {
		FROM_PROVIDER "is broken. Please sign in again.",
		"is not well-formed" },
	[CALLBACK_TWICE] = {
		FROM_PROVIDER "says something twice. Please sign in again.",
		"has a parameter twice" },
	[CALLBACK_NO_STATE] = {
		FROM_PROVIDER "belongs to no login of this site. Please "
		"sign in again.",
		"has no parameter state, or one that is too long" },
	[CALLBACK_CODE] = {
		FROM_PROVIDER "has a code that cannot be one. Please sign in "
		"again; if it happens again, tell your administrator.",
		"has a code that is too long or has characters that no code "
		"has" },
	[CALLBACK_ERROR] = {
		FROM_PROVIDER "has an error that cannot be one. Please sign "
		"in again; if it happens again, tell your administrator.",
		"has an error code that is too long or has characters that no "
		"error code has" },
	[CALLBACK_ISSUER] = {
		FROM_PROVIDER "is from somebody else. Please sign in again.",
		"has an issuer (iss) that is too long or no URL" },
	[CALLBACK_NOTHING] = {
		FROM_PROVIDER "says nothing. Please sign in again.",
		"has neither code nor error" },
	[CALLBACK_BOTH] = {
		FROM_PROVIDER "contradicts itself. Please sign in again.",
		"has both code and error" },
};
/* clang-format on */

const char *
callback_person(enum callback_fault fault)
{
	return sentences[fault].person;
}

const char *
callback_log(enum callback_fault fault)
{
	return sentences[fault].log;
}

/* RFC 6749 Appendix A: of code and error, of URLs all the more. */
static bool
is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

static int
part_named(struct slice name)
{
	static const char *const names[PARTS] = {
		[PART_STATE] = "state",
		[PART_CODE] = "code",
		[PART_ERROR] = "error",
		[PART_DESCRIPTION] = "error_description",
		[PART_ISS] = "iss",
	};

	for (int i = 0; i < PARTS; i++)
		if (slice_is(name, names[i]))
			return i;
	return -1;
}

/* text: "name=value", decoded in place. */
static enum callback_fault
take_part(struct parts *parts, char *text, size_t len)
{
	char *equals = len > 0 ? memchr(text, '=', len) : NULL;
	size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	long n = text_url_decode(text, name_len, true);
	int part;

	if (n < 0)
		return CALLBACK_MALFORMED;
	part = part_named((struct slice){ text, (size_t)n });
	if (part < 0)
		return CALLBACK_OK;
	if (parts->seen[part])
		return CALLBACK_TWICE;
	parts->seen[part] = true;
	if (equals == NULL)
		return CALLBACK_OK;
	n = text_url_decode(equals + 1, len - name_len - 1, true);
	if (n < 0)
		return CALLBACK_MALFORMED;
	parts->at[part] = (struct slice){ equals + 1, (size_t)n };
	return CALLBACK_OK;
}

static enum callback_fault
take_parts(struct parts *parts, char *text, size_t len)
{
	enum callback_fault fault = CALLBACK_OK;

	while (fault == CALLBACK_OK && len > 0) {
		char *end = memchr(text, '&', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;
		fault = take_part(parts, text, n);
		if (end == NULL)
			break;
		text += n + 1;
		len -= n + 1;
	}
	return fault;
}

static enum callback_fault
judge(const struct parts *parts)
{
	const struct slice *at = parts->at;

	if (at[PART_STATE].len == 0 || at[PART_STATE].len > STATE_MAX)
		return CALLBACK_NO_STATE;
	if (at[PART_CODE].len > CALLBACK_CODE_MAX || !is_visible(at[PART_CODE]))
		return CALLBACK_CODE;
	if (at[PART_ERROR].len > CALLBACK_ERROR_MAX ||
	    !is_visible(at[PART_ERROR]))
		return CALLBACK_ERROR;
	if (at[PART_ISS].len > CALLBACK_ISSUER_MAX || !is_visible(at[PART_ISS]))
		return CALLBACK_ISSUER;
	if (at[PART_CODE].len == 0 && at[PART_ERROR].len == 0)
		return CALLBACK_NOTHING;
	if (at[PART_CODE].len > 0 && at[PART_ERROR].len > 0)
		return CALLBACK_BOTH;
	return CALLBACK_OK;
}

enum callback_fault
callback_query_parse(char *text, size_t len, struct callback_query *out)
{
	struct parts parts = { .seen = { false } };
	enum callback_fault fault = take_parts(&parts, text, len);

	*out = (struct callback_query){ .state = { NULL, 0 } };
	if (fault == CALLBACK_OK)
		fault = judge(&parts);
	if (fault != CALLBACK_OK)
		return fault;
	*out = (struct callback_query){
		.state = parts.at[PART_STATE],
		.code = parts.at[PART_CODE],
		.error = parts.at[PART_ERROR],
		.description = parts.at[PART_DESCRIPTION],
		.iss = parts.at[PART_ISS],
	};
	return CALLBACK_OK;
}
