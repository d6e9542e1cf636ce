/*
 * Strict reading of JSON; see the header. jansson refuses invalid UTF-8, NUL
 * (raw and escaped), numbers out of range and trailing text by itself,
 * duplicate members with a flag. It recurses, so the depth is checked first.
 */
#include "common/json_strict.h"

#include "common/err.h"
#include "common/secret.h"
#include "common/wiped_mem.h"

#define DATE_MAX 253402300799

void
json_strict_init(void)
{
	size_t seed;

	json_set_alloc_funcs(wiped_alloc, wiped_free);
	/* Otherwise jansson opens /dev/urandom at its first object, which the
	 * sandbox refuses. 0 would ask for that too. */
	secret_random(&seed, sizeof(seed));
	json_object_seed(seed | 1);
}

/* Counts brackets outside strings. What is not JSON is the parser's affair. */
static int
depth_check(struct slice text)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_STRICT_DEPTH_MAX)
				return ERR_LIMIT;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return 0;
}

int
json_strict_parse(struct slice text, size_t max, json_t **out)
{
	json_t *o;

	if (text.len == 0)
		return ERR_FORMAT;
	if (text.len > max || depth_check(text) != 0)
		return ERR_LIMIT;
	o = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (o == NULL)
		return ERR_FORMAT;
	if (!json_is_object(o)) {
		json_decref(o);
		return ERR_FORMAT;
	}
	*out = o;
	return 0;
}

static int
member(const json_t *o, const char *key, json_t **out)
{
	json_t *v = o != NULL ? json_object_get(o, key) : NULL;

	if (v == NULL)
		return ERR_NOT_FOUND;
	*out = v;
	return 0;
}

static struct slice
text_of(const json_t *v)
{
	return (struct slice){ json_string_value(v), json_string_length(v) };
}

int
json_strict_text(const json_t *o, const char *key, struct slice *out)
{
	json_t *v;
	int r = member(o, key, &v);

	if (r != 0)
		return r;
	if (!json_is_string(v))
		return ERR_FORMAT;
	*out = text_of(v);
	return 0;
}

int
json_strict_bool(const json_t *o, const char *key, bool *out)
{
	json_t *v;
	int r = member(o, key, &v);

	if (r != 0)
		return r;
	if (!json_is_boolean(v))
		return ERR_FORMAT;
	*out = json_is_true(v);
	return 0;
}

int
json_strict_date(const json_t *o, const char *key, int64_t *out)
{
	json_t *v;
	double seconds;
	int r = member(o, key, &v);

	if (r != 0)
		return r;
	if (json_is_integer(v)) {
		json_int_t n = json_integer_value(v);

		if (n < 0 || n > DATE_MAX)
			return ERR_FORMAT;
		*out = n;
		return 0;
	}
	if (!json_is_real(v))
		return ERR_FORMAT;
	seconds = json_real_value(v);
	if (!(seconds >= 0 && seconds <= (double)DATE_MAX))
		return ERR_FORMAT;
	*out = (int64_t)seconds;
	return 0;
}

int
json_strict_object(const json_t *o, const char *key, json_t **out)
{
	json_t *v;
	int r = member(o, key, &v);

	if (r != 0)
		return r;
	if (!json_is_object(v))
		return ERR_FORMAT;
	*out = v;
	return 0;
}

int
json_strict_array(const json_t *o, const char *key, json_t **out)
{
	json_t *v;
	int r = member(o, key, &v);

	if (r != 0)
		return r;
	if (!json_is_array(v))
		return ERR_FORMAT;
	*out = v;
	return 0;
}

bool
json_strict_is(const json_t *o, const char *key, const char *text)
{
	struct slice value;

	return json_strict_text(o, key, &value) == 0 && slice_is(value, text);
}

bool
json_strict_texts(const json_t *array, size_t max)
{
	if (json_array_size(array) > max)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!json_is_string(json_array_get(array, i)))
			return false;
	return true;
}

struct slice
json_strict_text_at(const json_t *array, size_t i)
{
	return text_of(json_array_get(array, i));
}
