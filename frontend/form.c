#include "frontend/form.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"

static const struct {
	const char *name;
	size_t cap;
} fields[FORM_FIELD_COUNT] = {
	[FORM_TOKEN] = { "token", MSG_TOKEN_MAX },
	[FORM_RETURN] = { "return", RETURN_PATH_MAX },
	[FORM_LOGOUT_TOKEN] = { "logout_token", MSG_TOKEN_MAX },
	[FORM_EVERYWHERE] = { "everywhere", 8 },
};

struct form *
form_new(void)
{
	return mem_new(sizeof(struct form));
}

void
form_free(struct form *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < FORM_FIELD_COUNT; i++) {
		if (f->values[i].p != NULL)
			secret_wipe(f->values[i].p, f->values[i].cap);
		free(f->values[i].p);
	}
	secret_wipe(f, sizeof(*f));
	free(f);
}

/* Not mem_grow: the old copy would stay behind on the heap. */
static void
value_reserve(struct form_value *v, size_t max)
{
	size_t cap = v->cap == 0 ? 2048 : v->cap * 2;
	char *p;

	if (v->len < v->cap)
		return;
	if (cap > max)
		cap = max;
	p = mem_new(cap);
	if (v->p != NULL) {
		memcpy(p, v->p, v->len);
		secret_wipe(v->p, v->cap);
		free(v->p);
	}
	v->p = p;
	v->cap = cap;
}

static void
byte_put(struct form *f, unsigned char c)
{
	struct form_value *v = f->into;

	if (c == '\0')
		f->broken = true;
	if (!f->in_value) {
		if (f->name_len < sizeof(f->name))
			f->name[f->name_len] = (char)c;
		if (f->name_len <= sizeof(f->name))
			f->name_len++;
		return;
	}
	if (v == NULL)
		return;
	if (v->len >= fields[v - f->values].cap) {
		v->too_long = true;
		return;
	}
	value_reserve(v, fields[v - f->values].cap);
	v->p[v->len++] = (char)c;
}

static void
name_ended(struct form *f)
{
	f->in_value = true;
	f->into = NULL;
	if (f->name_len > sizeof(f->name))
		return;
	for (size_t i = 0; i < FORM_FIELD_COUNT; i++) {
		struct slice name = { f->name, f->name_len };

		if (!slice_is(name, fields[i].name) || f->values[i].seen)
			continue;
		f->values[i].seen = true;
		f->into = &f->values[i];
	}
}

static void
pair_ended(struct form *f)
{
	f->in_value = false;
	f->into = NULL;
	f->name_len = 0;
}

static void
escape_digit(struct form *f, char c)
{
	int digit = text_hex_digit(c);

	if (digit < 0) {
		f->broken = true;
		f->escape = 0;
		return;
	}
	f->byte = (unsigned char)((unsigned)f->byte << 4 | (unsigned)digit);
	if (--f->escape == 0)
		byte_put(f, f->byte);
}

void
form_feed(struct form *f, const char *p, size_t len)
{
	for (size_t i = 0; i < len && !f->broken; i++) {
		if (f->escape > 0) {
			escape_digit(f, p[i]);
		} else if (p[i] == '%') {
			f->escape = 2;
			f->byte = 0;
		} else if (p[i] == '&') {
			pair_ended(f);
		} else if (p[i] == '=' && !f->in_value) {
			name_ended(f);
		} else {
			byte_put(f, p[i] == '+' ? ' ' : (unsigned char)p[i]);
		}
	}
}

int
form_end(struct form *f)
{
	if (f->broken || f->escape > 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < FORM_FIELD_COUNT; i++)
		if (f->values[i].too_long)
			return ERR_LIMIT;
	return 0;
}

struct slice
form_get(const struct form *f, enum form_field field)
{
	return (struct slice){ f->values[field].p, f->values[field].len };
}

void
form_strip(struct form *f, enum form_field field)
{
	struct form_value *v = &f->values[field];
	size_t n = 0;

	for (size_t i = 0; i < v->len; i++)
		if (v->p[i] != ' ' && v->p[i] != '\t' && v->p[i] != '\r' &&
		    v->p[i] != '\n')
			v->p[n++] = v->p[i];
	v->len = n;
}
