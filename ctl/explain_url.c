/*
 * doorward explain-url: the base URL that a request leads to, and which rule
 * gave each part. It is the URL that a provider must know (redirect_uri), and
 * the one that decides whether cookies get Secure. With strategy openid also
 * what else is registered at a provider.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base_url.h"
#include "common/settings.h"
#include "ctl/commands.h"

#define NAME "doorward explain-url: "

struct question {
	const char *file, *peer;
	struct http_fields fields;
	struct base_url_request request;
	const struct settings *settings;
};

static bool
add_header(struct http_fields *f, const char *text)
{
	struct slice value = slice_of(text), name = slice_cut(&value, ':');

	if (value.p != NULL)
		value = slice_trim(value);
	if (value.p == NULL || !http_field_check(name, value) ||
	    !http_fields_add(f, name, value)) {
		(void)fprintf(
		    stderr, NAME "--header %s: must be 'NAME: VALUE'\n", text);
		return false;
	}
	return true;
}

static bool
read_arguments(struct question *q, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "header", required_argument, NULL, 'H' },
		{ "host", required_argument, NULL, 'h' },
		{ "peer", required_argument, NULL, 'p' },
		{ "tls", no_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:H:", options, NULL)) != -1)
		if (option == 'c')
			q->file = optarg;
		else if (option == 'h')
			q->request.host = slice_of(optarg);
		else if (option == 'p')
			q->peer = optarg;
		else if (option == 't')
			q->request.tls = true;
		else if (option != 'H' || !add_header(&q->fields, optarg))
			return false;
	if (optind < argc)
		(void)fprintf(stderr, NAME "%s?\n", argv[optind]);
	return optind == argc;
}

/* Is the proxy believed? One that is not named is taken for a trusted one,
 * where there are any: that is what the question is mostly about. */
static bool
peer_is_trusted(struct question *q, bool *trusted)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (q->peer == NULL)
		*trusted = q->settings->n_trusted_proxies > 0;
	else if (inet_pton(AF_INET, q->peer, &v4.sin_addr) == 1)
		*trusted = settings_trusts(q->settings, (struct sockaddr *)&v4);
	else if (inet_pton(AF_INET6, q->peer, &v6.sin6_addr) == 1)
		*trusted = settings_trusts(q->settings, (struct sockaddr *)&v6);
	else
		return false;
	return true;
}

static void
print_unused(const struct question *q)
{
	for (size_t i = 0; i < q->fields.n; i++) {
		const struct http_field *f = &q->fields.at[i];
		char name[64];
		size_t n;

		if (!slice_starts_nocase(f->name, "x-forwarded-") ||
		    slice_copy(f->name, name, sizeof(name)) != 0)
			continue;
		(void)http_fields_get(&q->fields, name, &n);
		if (!q->request.trusted)
			(void)printf("ignored: %s: the peer is not in "
				     "doorward.trusted_proxies\n",
			    name);
		else if (n > 1)
			(void)printf(
			    "ignored: %s: it is there %zu times\n", name, n);
	}
}

/* What the provider has to know of us. */
static void
print_registration(const struct settings *s, const char *base)
{
	const char *after = s->openid.post_logout_redirect_uri;

	(void)printf(
	    "redirect URI at the provider: %s\n"
	    "post-logout redirect URI: %s\n"
	    "back-channel logout URI: %s/_doorward/backchannel-logout\n"
	    "front-channel logout URI: "
	    "%s/_doorward/frontchannel-logout\n",
	    base, after[0] != '\0' ? after : base, base, base);
}

static int
explain(struct question *q)
{
	struct base_url url;

	q->request.fields = &q->fields;
	q->request.tls = q->request.tls || settings_tls(q->settings);
	if (!peer_is_trusted(q, &q->request.trusted)) {
		(void)fprintf(stderr,
		    NAME "--peer %s: is no IPv4 or IPv6 address\n", q->peer);
		return 2;
	}
	if (q->request.host.len == 0 && q->settings->web_fqdn[0] == '\0') {
		(void)fprintf(stderr,
		    NAME "--host is needed, since server.web_fqdn is empty\n");
		return 2;
	}
	if (base_url_make(&url, q->settings, &q->request) != 0) {
		(void)fprintf(stderr, NAME "the URL is too long\n");
		return 1;
	}
	(void)printf("%s\n"
		     "scheme: %s\nhost: %s\nport: %s\nweb root: %s\n"
		     "cookies: %s\n",
	    url.text, url.scheme_rule, url.host_rule, url.port_rule,
	    "server.web_root", url.secure ? "Secure" : "not Secure");
	if (q->settings->strategy == STRATEGY_OPENID)
		print_registration(q->settings, url.text);
	print_unused(q);
	return 0;
}

int
command_explain_url(int argc, char **argv)
{
	struct question q = { .file = CTL_CONFIG };
	struct conf_errors e = { 0 };
	struct settings *s;
	int status = 1;

	if (!read_arguments(&q, argc, argv))
		return 2;
	s = settings_read(q.file, &e);
	if (s == NULL)
		(void)fprintf(stderr,
		    NAME "%s is not usable; try: doorward check-config\n",
		    q.file);
	else {
		q.settings = s;
		status = explain(&q);
	}
	conf_errors_done(&e);
	settings_free(s);
	return status;
}
