/*
 * Reads the configuration file into struct settings and answers questions about
 * it. The rows are in settings_table.c, the rules in settings_check.c and its
 * companions.
 */
#include "common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/settings_internal.h"

#define SETTINGS_FILE_MAX (1024 * 1024)

void
settings_vcomplain(const struct settings *s, struct conf_errors *e,
    bool warning, const char *path, const char *format, va_list ap)
{
	struct conf_place at = conf_place_near(&s->places, path);
	char text[900];

	(void)vsnprintf(text, sizeof(text), format, ap);
	conf_error_add(e, warning, at.line, at.column, "%s: %s", path, text);
}

void
settings_complain(const struct settings *s, struct conf_errors *e, bool warning,
    const char *path, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	settings_vcomplain(s, e, warning, path, format, ap);
	va_end(ap);
}

struct conf_place
settings_place(const struct settings *s, const char *path)
{
	return conf_place_of(&s->places, path);
}

/* The whole file, NUL-terminated; NULL with an error. */
static char *
read_file(const char *file, size_t *len, struct conf_errors *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	size_t used = 0;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		conf_error_add(
		    e, false, 0, 0, "cannot be read: %s", strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > SETTINGS_FILE_MAX) {
		conf_error_add(
		    e, false, 0, 0, "is not a regular file of at most 1 MB");
	} else {
		text = mem_new((size_t)st.st_size + 1);
		while (used < (size_t)st.st_size &&
		    (n = read(fd, text + used, (size_t)st.st_size - used)) > 0)
			used += (size_t)n;
		if (used < (size_t)st.st_size && n < 0) {
			conf_error_add(e, false, 0, 0, "cannot be read: %s",
			    strerror(errno));
			free(text);
			text = NULL;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	*len = used;
	return text;
}

struct settings *
settings_read(const char *file, struct conf_errors *e)
{
	struct settings *s;
	size_t before = e->n_fatal, len;
	char *text = read_file(file, &len, e);

	if (text == NULL)
		return NULL;
	s = mem_new(sizeof(*s));
	s->file = mem_strdup(file);
	if (conf_read(&settings_table, text, len, s, &s->places, e) !=
	    ERR_FORMAT)
		settings_check(s, e);
	free(text);
	if (e->n_fatal > before) {
		settings_free(s);
		return NULL;
	}
	return s;
}

struct settings *
settings_load(const char *file, bool with_warnings)
{
	struct conf_errors e = { 0 };
	struct settings *s = settings_read(file, &e);

	if (s != NULL)
		log_default_level((enum log_level)s->log_level);
	for (size_t i = 0; i < e.n; i++) {
		enum log_level level =
		    e.at[i].warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR;
		char *where;

		if (e.at[i].warning && !with_warnings)
			continue;
		where = conf_error_where(&e.at[i], file);
		log_write(level, "%s: %s", where, e.at[i].text);
		free(where);
	}
	if (s == NULL)
		log_fatal("%s: %zu error%s in the configuration", file,
		    e.n_fatal, e.n_fatal == 1 ? "" : "s");
	conf_errors_done(&e);
	return s;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	conf_free(&settings_table, s);
	conf_list_done(&s->ignored);
	conf_list_done(&s->selected_namespaces);
	url_done(&s->console);
	url_done(&s->api_server);
	url_done(&s->openid.api_proxy);
	url_done(&s->openid.https_proxy);
	free(s->openid.api_proxy_ca);
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		url_done(&s->services[i].url);
		url_done(&s->services[i].auth.oauth2.token_url);
	}
	free(s->egress.path);
	free(s->egress.allow_uids);
	for (size_t i = 0; i < s->n_certificates; i++) {
		free(s->certificates[i].cert_file);
		free(s->certificates[i].key_file);
	}
	free(s->certificates);
	free(s->service_account);
	free(s->web_prefix);
	free(s->trusted_proxies);
	conf_places_done(&s->places);
	free(s->file);
	free(s);
}

bool
settings_tls(const struct settings *s)
{
	return s->cert_file[0] != '\0';
}

const char *
settings_cookie_name(const struct settings *s, bool secure)
{
	if (s->cookie_name[0] != '\0')
		return s->cookie_name;
	if (!secure)
		return "doorward";
	return s->web_prefix[0] == '\0' ? "__Host-doorward"
					: "__Secure-doorward";
}

bool
settings_is_own_cookie(const struct settings *s, struct slice name)
{
	static const char *const prefixes[] = { "__Host-", "__Secure-" };
	size_t len = strlen(s->cookie_name);

	if (len > 0 && slice_starts(name, s->cookie_name) &&
	    (name.len == len ||
		slice_is((struct slice){ name.p + len, name.len - len },
		    SETTINGS_COOKIE_LOGIN)))
		return true;
	if (slice_starts(name, "kiali-token"))
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (slice_starts(name, prefixes[i])) {
			name.p += strlen(prefixes[i]);
			name.len -= strlen(prefixes[i]);
			break;
		}
	}
	return slice_is(name, "doorward") || slice_starts(name, "doorward-");
}

bool
settings_trusts(const struct settings *s, const struct sockaddr *address)
{
	for (size_t i = 0; i < s->n_trusted_proxies; i++)
		if (cidr_contains(&s->trusted_proxies[i], address))
			return true;
	return false;
}
