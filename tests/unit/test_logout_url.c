/* Where a browser goes to end its session at the provider. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/mem.h"
#include "common/msg.h"
#include "common/wiped_mem.h"

#include "authd/oidc/logout_url.h"
#include "tests/unit/unit.h"

static struct logout_url
plain(void)
{
	return (struct logout_url){ .endpoint = "https://idp.example/end",
		.id_token = SLICE("a.b-c_d.e"),
		.client_id = "kiali",
		.return_to = "https://k.example/kiali" };
}

#define HINT "id_token_hint=a.b-c_d.e"
#define BACK "post_logout_redirect_uri=https%3A%2F%2Fk.example%2Fkiali"

static const struct {
	const char *name, *endpoint, *state;
	bool no_session;
	const char *expected; /* NULL: none */
} cases[] = {
	{ "session", "https://idp.example/end", "", false,
	    "https://idp.example/end?" HINT "&" BACK },
	{ "no session", "https://idp.example/end", "", true,
	    "https://idp.example/end?client_id=kiali&" BACK },
	{ "state", "https://idp.example/end", "s1", false,
	    "https://idp.example/end?" HINT "&" BACK "&state=s1" },
	{ "loopback", "http://127.0.0.1:99/end", "", true,
	    "http://127.0.0.1:99/end?client_id=kiali&" BACK },
	{ "own query, sorted", "https://idp.example/e?z=1&a=2&kc=x%20y&a=1", "",
	    false,
	    "https://idp.example/e?a=2&a=1&" HINT "&kc=x+y&" BACK "&z=1" },
	{ "own query, prefixes", "https://idp.example/e?ab=1&a=2&abc=3&b=", "",
	    true,
	    "https://idp.example/e?a=2&ab=1&abc=3&b=&client_id=kiali&" BACK },
	{ "ours replace", "https://idp.example/e?state=x&id_token_hint=y", "s",
	    false, "https://idp.example/e?" HINT "&" BACK "&state=s" },
	{ "no other identity",
	    "https://idp.example/e?client_id=evil&%63lient_id=evil", "", false,
	    "https://idp.example/e?" HINT "&" BACK },
	{ "empty query", "https://idp.example/e?", "", true,
	    "https://idp.example/e?client_id=kiali&" BACK },
	{ "no pairs", "https://idp.example/e?&&x=%zz&y;z=1&%00=1", "", true,
	    "https://idp.example/e?client_id=kiali&" BACK },
	{ "name alone", "https://idp.example/e?a", "", true,
	    "https://idp.example/e?a=&client_id=kiali&" BACK },
	{ "two marks", "https://idp.example/e?a=b?c=d", "", true,
	    "https://idp.example/e?a=b%3Fc%3Dd&client_id=kiali&" BACK },
	{ "a script", "javascript:alert(1)//", "", false, NULL },
	{ "another scheme", "ftp://idp.example/e", "", false, NULL },
	{ "a fragment", "https://idp.example/e#x", "", false, NULL },
	{ "nothing", "", "", false, NULL },
};

START_TEST(locations)
{
	struct logout_url q = plain();
	char *url;

	q.endpoint = cases[_i].endpoint;
	q.state = cases[_i].state;
	if (cases[_i].no_session)
		q.id_token.len = 0;
	url = logout_url_make(&q);
	if (cases[_i].expected == NULL)
		ck_assert_msg(url == NULL, "%s: %s", cases[_i].name, url);
	else
		ck_assert_msg(
		    url != NULL && strcmp(url, cases[_i].expected) == 0,
		    "%s: %s", cases[_i].name, url);
	wiped_free(url);
}
END_TEST

/* The longest that fits is whole; one byte more, and the client is named. */
START_TEST(a_long_id_token)
{
	struct logout_url q = plain();
	size_t rest = strlen("https://idp.example/end?id_token_hint=&" BACK);
	char *token = mem_new(MSG_LOGOUT_URL_MAX);
	char *url;

	memset(token, 'x', MSG_LOGOUT_URL_MAX);
	q.id_token = (struct slice){ token, MSG_LOGOUT_URL_MAX - rest };
	url = logout_url_make(&q);
	ck_assert_ptr_nonnull(url);
	ck_assert_uint_eq(strlen(url), MSG_LOGOUT_URL_MAX);
	ck_assert_ptr_nonnull(strstr(url, "?id_token_hint=xx"));
	wiped_free(url);
	q.id_token.len++;
	url = logout_url_make(&q);
	ck_assert_str_eq(url, "https://idp.example/end?client_id=kiali&" BACK);
	wiped_free(url);
	free(token);
}
END_TEST

START_TEST(a_long_endpoint)
{
	struct logout_url q = plain();
	char *endpoint = mem_new(MSG_LOGOUT_URL_MAX + 1);
	size_t head;

	memset(endpoint, 'x', MSG_LOGOUT_URL_MAX);
	memcpy(endpoint, "https://", 8);
	q.endpoint = endpoint;
	ck_assert_ptr_null(logout_url_make(&q));
	/* And more pairs than anybody has. */
	head = strlen("https://i/?");
	memcpy(endpoint, "https://i/?", head);
	for (size_t i = 0; i < 64; i++)
		memcpy(endpoint + head + 2 * i, "a&", 2);
	endpoint[head + 2 * 64] = '\0';
	ck_assert_ptr_null(logout_url_make(&q));
	free(endpoint);
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("urls");

	tcase_add_loop_test(t, locations, 0, (int)N_ROWS(cases));
	tcase_add_test(t, a_long_id_token);
	tcase_add_test(t, a_long_endpoint);
	return unit_run("logout_url", t);
}
