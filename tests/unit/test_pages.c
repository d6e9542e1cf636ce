/* Pages: the style's hash, escaping, and what each of them must have. */
#include <openssl/evp.h>

#include "frontend/pages.h"
#include "tests/unit/frontend_fixture.h"

static char text[PAGES_MAX + 1];
static struct http_out out;

static void
begin(void)
{
	memset(text, 0, sizeof(text));
	http_out_init(&out, text, PAGES_MAX);
}

static void
has(const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "lacks %s in %s", what, text);
}

START_TEST(style_hash)
{
	unsigned char digest[EVP_MAX_MD_SIZE], base64[64];
	unsigned len;

	ck_assert_int_eq(EVP_Digest(pages_style, strlen(pages_style), digest,
			     &len, EVP_sha256(), NULL),
	    1);
	EVP_EncodeBlock(base64, digest, (int)len);
	ck_assert_str_eq((char *)base64, PAGES_STYLE_HASH);
}
END_TEST

START_TEST(login)
{
	struct settings *s = fixture_token("/kiali", "kiali", "");
	struct page_login p = { "no \"<good>\" & so on",
		SLICE("/kiali/x?a=\"><script>") };

	begin();
	page_login(&out, s, &p);
	ck_assert(!out.overflow);
	has("<html lang=\"en\">");
	has("<label for=\"token\">");
	has("role=\"alert\"");
	has("no &quot;&lt;good&gt;&quot; &amp; so on");
	has("value=\"/kiali/x?a=&quot;&gt;&lt;script&gt;\"");
	has("action=\"/kiali/_doorward/login\"");
	has("kubectl -n istio-system create token kiali-service-account");
	ck_assert_ptr_null(strstr(text, "<script"));
	begin();
	p.error = NULL;
	page_login(&out, s, &p);
	ck_assert_ptr_null(strstr(text, "role=\"alert\""));
	settings_free(s);
}
END_TEST

START_TEST(longest_login)
{
	struct settings *s = fixture_token("/kiali", "kiali", "");
	char path[2048];
	struct page_login p = { "x", { path, sizeof(path) } };

	memset(path, '&', sizeof(path));
	begin();
	page_login(&out, s, &p);
	ck_assert(!out.overflow);
	settings_free(s);
}
END_TEST

START_TEST(session)
{
	struct settings *s = fixture_token("/", "kiali", "");
	struct page_session nobody = { { NULL, 0 }, 0, 0 };
	struct page_session live = { SLICE("<b>ann"), 1767323045,
		1767323045 - 86400 - 2 * 3600 - 3 * 60 - 59 };

	begin();
	page_session(&out, s, &live);
	has("&lt;b&gt;ann");
	has("Fri, 02 Jan 2026 03:04:05 GMT");
	has("in 1 day 2 h 3 min");
	has("action=\"/_doorward/logout\"");
	begin();
	page_session(&out, s, &nobody);
	has("Nobody is signed in");
	settings_free(s);
}
END_TEST

START_TEST(sign_out)
{
	struct settings *s = fixture_token("/", "generic", "");

	begin();
	page_logout(&out, s, NULL);
	has("<title>Sign out</title>");
	ck_assert_ptr_null(strstr(text, "role=\"alert\""));
	begin();
	page_logout(&out, s, "You are still <in>");
	has("<title>Error: Sign out</title>");
	has("role=\"alert\" id=\"error\">You are still &lt;in&gt;</p>");
	begin();
	page_signed_out(&out, s);
	has("href=\"/_doorward/login\"");
	settings_free(s);
}
END_TEST

static void
lacks(const char *what)
{
	ck_assert_msg(strstr(text, what) == NULL, "has %s: %s", what, text);
}

/* Each of them says what is true where it is shown. */
START_TEST(words_of_the_header)
{
	struct settings *s = fixture_header("/", "127.0.0.1");
	struct page_session nobody = { { NULL, 0 }, 0, 0 };

	begin();
	page_logout(&out, s, NULL);
	has("The proxy in front of this server signs you in again");
	has(">Sign out</button>");
	lacks("token");
	begin();
	page_signed_out(&out, s);
	has("The proxy in front of this server signs you in again");
	has("href=\"/\">Go to the start page</a>");
	lacks("token");
	begin();
	page_session(&out, s, &nobody);
	has("No session here");
	has("The proxy in front");
	lacks("/_doorward/login");
	begin();
	page_error(&out, s, 401);
	has("The proxy in front");
	lacks("/_doorward/login");
	settings_free(s);
}
END_TEST

START_TEST(words_for_everybody)
{
	struct settings *s = fixture_anonymous("/", "");
	struct page_session nobody = { { NULL, 0 }, 0, 0 };

	for (int page = 0; page < 3; page++) {
		begin();
		if (page == 0)
			page_logout(&out, s, NULL);
		else if (page == 1)
			page_signed_out(&out, s);
		else
			page_session(&out, s, &nobody);
		has("<h1>Nobody signs in here</h1>");
		has("href=\"/\">Go to the start page</a>");
		lacks("<form");
	}
	begin();
	page_error(&out, s, 503);
	has("try again in a moment");
	lacks("session");
	settings_free(s);
}
END_TEST

START_TEST(login_openid)
{
	struct settings *s = fixture_openid("/kiali", "kiali", "");
	struct page_login p = { NULL, SLICE("/kiali/x?a=\"&b") };

	begin();
	page_login(&out, s, &p);
	has("Sign in with your provider</a>");
	has("href=\"/kiali/api/auth/openid_redirect?return=/kiali/"
	    "x%3Fa%3D%22%26b\"");
	ck_assert_ptr_null(strstr(text, "<form"));
	settings_free(s);
}
END_TEST

/* Two failures may be retried; then no button goes round again. */
START_TEST(failed)
{
	struct settings *s = fixture_openid("/", "kiali", "");
	struct page_failed p = { LOGIN_EXPIRED, "It <failed>.", SLICE("R<1"), 1,
		SLICE("/x") };

	begin();
	page_failed(&out, s, &p);
	has("<title>Error: Signing in did not work</title>");
	has("role=\"alert\" id=\"error\">It &lt;failed&gt;.</p>");
	has("<a class=\"button\" "
	    "href=\"/api/auth/openid_redirect?return=/x\">Try again</a>");
	has("<code>R&lt;1</code>");
	ck_assert_ptr_null(strstr(text, "likely cause"));
	for (int code = LOGIN_EXPIRED; code < LOGIN_CODE_COUNT; code++) {
		p.code = (enum login_code)code;
		p.rounds = 2;
		begin();
		page_failed(&out, s, &p);
		ck_assert(!out.overflow);
		has("Try once more</a>");
		ck_assert_ptr_null(strstr(text, "class=\"button\""));
	}
	p.code = LOGIN_EXPIRED;
	begin();
	page_failed(&out, s, &p);
	has("The likely cause is a clock");
	settings_free(s);
}
END_TEST

START_TEST(provider_logout)
{
	static char big[PAGES_MAX + 12 * MSG_LOGOUT_URL_MAX];
	static char url[MSG_LOGOUT_URL_MAX];

	begin();
	page_provider_logout(&out, SLICE("https://idp/out?a=\"b&c=d"));
	has("<meta http-equiv=\"refresh\" "
	    "content=\"0;url=https://idp/out?a=&quot;b&amp;c=d\">");
	has("href=\"https://idp/out?a=&quot;b&amp;c=d\"");
	memset(url, '\'', sizeof(url));
	http_out_init(&out, big, sizeof(big));
	page_provider_logout(&out, (struct slice){ url, sizeof(url) });
	ck_assert(!out.overflow);
	begin();
	page_front_channel(&out, true);
	has("<title>You are signed out</title>");
	begin();
	page_front_channel(&out, false);
	has("<title>Nothing was signed out</title>");
}
END_TEST

START_TEST(errors)
{
	static const struct {
		unsigned status;
		const char *text;
	} table[] = {
		{ 400, "Bad request" },
		{ 401, "href=\"/_doorward/login\"" },
		{ 403, "Not allowed" },
		{ 404, "nothing at this address" },
		{ 421, "Wrong address" },
		{ 502, "does not answer" },
		{ 503, "Not available now" },
		{ 504, "too slow" },
		{ 418, "Error 418" },
	};
	struct settings *s = fixture_token("/", "generic", "");

	for (size_t i = 0; i < COUNT(table); i++) {
		begin();
		page_error(&out, s, table[i].status);
		has(table[i].text);
		has("</html>");
	}
	begin();
	page_sentence(&out, s, 502, "Title", "Some words.");
	has("<title>Title</title>");
	has("<p>Some words.</p>");
	has("Error 502");
	settings_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pages");
	TCase *tc = tcase_create("pages");

	tcase_add_test(tc, style_hash);
	tcase_add_test(tc, login);
	tcase_add_test(tc, longest_login);
	tcase_add_test(tc, session);
	tcase_add_test(tc, sign_out);
	tcase_add_test(tc, words_of_the_header);
	tcase_add_test(tc, words_for_everybody);
	tcase_add_test(tc, login_openid);
	tcase_add_test(tc, failed);
	tcase_add_test(tc, provider_logout);
	tcase_add_test(tc, errors);
	suite_add_tcase(suite, tc);
	return fixture_run(suite);
}
