/* Claims of service-account tokens: who, for whom, until when; names. */
#include "authd/claims.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/json_strict.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1000000
#define ISS "\"iss\":\"https://issuer.example\""
#define AUD "\"aud\":[\"api\"]"
#define EXP "\"exp\":1000600"
#define LEGACY                                               \
	"\"iss\":\"kubernetes/serviceaccount\","             \
	"\"kubernetes.io/serviceaccount/namespace\":\"ns\"," \
	"\"kubernetes.io/serviceaccount/service-account.name\":\"sa\""

/* clang-format off */
static const struct {
	const char *name, *claims;
	int expected;
} cases[] = {
	{ "bound", "{" ISS "," AUD "," EXP "}", 0 },
	{ "aud a text", "{" ISS ",\"aud\":\"api\"," EXP "}", 0 },
	{ "ours among several", "{" ISS ",\"aud\":[\"x\",\"api\"]," EXP "}", 0 },
	{ "no aud", "{" ISS "," EXP "}", ERR_FORMAT },
	{ "another aud", "{" ISS ",\"aud\":[\"x\"]," EXP "}", ERR_DENIED },
	{ "aud a prefix", "{" ISS ",\"aud\":\"ap\"," EXP "}", ERR_DENIED },
	{ "aud empty", "{" ISS ",\"aud\":[]," EXP "}", ERR_DENIED },
	{ "aud a number", "{" ISS ",\"aud\":1," EXP "}", ERR_FORMAT },
	{ "aud of mixed types", "{" ISS ",\"aud\":[\"api\",1]," EXP "}", ERR_FORMAT },
	{ "no iss", "{" AUD "," EXP "}", ERR_DENIED },
	{ "another iss", "{\"iss\":\"https://evil.example\"," AUD "," EXP "}", ERR_DENIED },
	{ "iss with a slash more", "{\"iss\":\"https://issuer.example/\"," AUD "," EXP "}", ERR_DENIED },
	{ "iss an array", "{\"iss\":[\"https://issuer.example\"]," AUD "," EXP "}", ERR_DENIED },
	{ "no exp", "{" ISS "," AUD "}", ERR_FORMAT },
	{ "exp a text", "{" ISS "," AUD ",\"exp\":\"1000600\"}", ERR_FORMAT },
	{ "exp negative", "{" ISS "," AUD ",\"exp\":-5}", ERR_FORMAT },
	{ "exp a fraction", "{" ISS "," AUD ",\"exp\":1000600.5}", 0 },
	{ "exp 59 s ago", "{" ISS "," AUD ",\"exp\":999941}", 0 },
	{ "exp 60 s ago", "{" ISS "," AUD ",\"exp\":999940}", ERR_EXPIRED },
	{ "nbf in 60 s", "{" ISS "," AUD "," EXP ",\"nbf\":1000060}", 0 },
	{ "nbf in 61 s", "{" ISS "," AUD "," EXP ",\"nbf\":1000061}", ERR_DENIED },
	{ "nbf a text", "{" ISS "," AUD "," EXP ",\"nbf\":\"1\"}", ERR_FORMAT },
	{ "iat in 61 s", "{" ISS "," AUD "," EXP ",\"iat\":1000061}", ERR_DENIED },
	{ "iat a text", "{" ISS "," AUD "," EXP ",\"iat\":\"x\"}", ERR_FORMAT },
	{ "bound, names", "{" ISS "," AUD "," EXP ",\"kubernetes.io\":{\"namespace\":\"n\",\"serviceaccount\":{\"name\":\"a\"}}}", 0 },
	{ "bound, bad names", "{" ISS "," AUD "," EXP ",\"kubernetes.io\":{\"namespace\":\"n:x\",\"serviceaccount\":{\"name\":\"a\"}}}", ERR_FORMAT },
	{ "legacy", "{" LEGACY "}", 0 },
	{ "legacy with our aud", "{" LEGACY "," AUD "}", 0 },
	{ "legacy with another aud", "{" LEGACY ",\"aud\":\"x\"}", ERR_DENIED },
	{ "legacy, expired", "{" LEGACY ",\"exp\":5}", ERR_EXPIRED },
	{ "legacy, exp a text", "{" LEGACY ",\"exp\":\"never\"}", ERR_FORMAT },
	{ "legacy, nbf ahead", "{" LEGACY ",\"nbf\":2000000}", ERR_DENIED },
	{ "legacy without names", "{\"iss\":\"kubernetes/serviceaccount\"}", ERR_FORMAT },
	{ "legacy form, our issuer, no exp", "{" ISS ",\"kubernetes.io/serviceaccount/namespace\":\"ns\"}", ERR_FORMAT },
	{ "nothing", "{}", ERR_DENIED },
};
static const struct {
	const char *name, *claims, *account;
	int expected;
} accounts[] = {
	{ "bound", "{\"kubernetes.io\":{\"namespace\":\"istio-system\",\"serviceaccount\":{\"name\":\"kiali\",\"uid\":\"1\"}},"
	  "\"sub\":\"system:serviceaccount:other:one\"}", "istio-system:kiali", 0 },
	{ "legacy", "{" LEGACY ",\"sub\":\"system:serviceaccount:other:one\"}", "ns:sa", 0 },
	{ "bound goes first", "{" LEGACY ",\"kubernetes.io\":{\"namespace\":\"a\",\"serviceaccount\":{\"name\":\"b\"}}}", "a:b", 0 },
	{ "only sub", "{\"sub\":\"system:serviceaccount:a:b\"}", "", ERR_NOT_FOUND },
	{ "no account", "{\"kubernetes.io\":{\"namespace\":\"a\"}}", "", ERR_FORMAT },
	{ "no name", "{\"kubernetes.io\":{\"namespace\":\"a\",\"serviceaccount\":{}}}", "", ERR_FORMAT },
	{ "no namespace", "{\"kubernetes.io\":{\"serviceaccount\":{\"name\":\"b\"}}}", "", ERR_FORMAT },
	{ "a text", "{\"kubernetes.io\":\"a:b\"}", "", ERR_FORMAT },
	{ "upper case", "{\"kubernetes.io\":{\"namespace\":\"A\",\"serviceaccount\":{\"name\":\"b\"}}}", "", ERR_FORMAT },
	{ "control character", "{\"kubernetes.io\":{\"namespace\":\"a\",\"serviceaccount\":{\"name\":\"b\\n\"}}}", "", ERR_FORMAT },
	{ "empty name", "{\"kubernetes.io\":{\"namespace\":\"a\",\"serviceaccount\":{\"name\":\"\"}}}", "", ERR_FORMAT },
	{ "legacy without name", "{\"kubernetes.io/serviceaccount/namespace\":\"a\"}", "", ERR_FORMAT },
	{ "legacy, a number", "{\"kubernetes.io/serviceaccount/namespace\":1}", "", ERR_FORMAT },
};
static const struct {
	const char *name, *user, *shown;
	int expected;
} names[] = {
	{ "account", "system:serviceaccount:istio-system:kiali", "istio-system:kiali", 0 },
	{ "person", "alice@example.org", "alice@example.org", 0 },
	{ "UTF-8", "J\xC3\xBCrgen", "J\xC3\xBCrgen", 0 },
	{ "another system user", "system:admin", "system:admin", 0 },
	{ "prefix alone", "system:serviceaccount:", "", ERR_FORMAT },
	{ "empty", "", "", ERR_FORMAT },
	{ "line end", "a\nb", "", ERR_FORMAT },
	{ "DEL", "a\x7F", "", ERR_FORMAT },
};
/* clang-format on */

static json_t *
object_of(const char *text)
{
	json_t *o = NULL;

	ck_assert_int_eq(json_strict_parse(slice_of(text), 8192, &o), 0);
	return o;
}

static int
check_with(const char *claims, const char *issuer, const char *audience)
{
	char *list[] = { NULL };
	char text[32];
	struct conf_list audiences = { list, audience != NULL ? 1 : 0 };
	struct claims_rules rules = { issuer, &audiences, NOW };
	const char *why = NULL;
	json_t *o = object_of(claims);
	int r;

	snprintf(text, sizeof(text), "%s", audience != NULL ? audience : "");
	list[0] = text;
	r = claims_check(o, &rules, &why);
	ck_assert(r == 0 || why != NULL);
	json_decref(o);
	return r;
}

START_TEST(test_check)
{
	int r = check_with(cases[_i].claims, "https://issuer.example", "api");

	ck_assert_msg(r == cases[_i].expected, "%s: %d", cases[_i].name, r);
}
END_TEST

/* Without a list the issuer is the audience; without an issuer only tokens
 * from Secrets are good. */
START_TEST(test_defaults)
{
	static const char own[] =
	    "{" ISS ",\"aud\":\"https://issuer.example\"," EXP "}";
	static const char empty[] = "{\"iss\":\"\",\"aud\":\"api\"," EXP "}";

	ck_assert_int_eq(check_with(own, "https://issuer.example", NULL), 0);
	ck_assert_int_eq(check_with("{" ISS "," AUD "," EXP "}",
			     "https://issuer.example", NULL),
	    ERR_DENIED);
	ck_assert_int_eq(check_with(empty, "", "api"), ERR_DENIED);
	ck_assert_int_eq(check_with(empty, NULL, "api"), ERR_DENIED);
	ck_assert_int_eq(check_with("{" LEGACY "}", NULL, NULL), 0);
	ck_assert_int_eq(
	    check_with("{" LEGACY ",\"aud\":\"\"}", "", NULL), ERR_DENIED);
}
END_TEST

START_TEST(test_account)
{
	char user[MSG_USER_MAX + 1] = "";
	json_t *o = object_of(accounts[_i].claims);
	int r = claims_account(o, user);

	ck_assert_msg(
	    r == accounts[_i].expected, "%s: %d", accounts[_i].name, r);
	ck_assert_str_eq(user, accounts[_i].account);
	json_decref(o);
}
END_TEST

START_TEST(test_name)
{
	char user[MSG_USER_MAX + 1] = "";
	int r = claims_display_name(slice_of(names[_i].user), user);

	ck_assert_msg(r == names[_i].expected, "%s: %d", names[_i].name, r);
	ck_assert_str_eq(user, names[_i].shown);
}
END_TEST

START_TEST(test_name_too_long)
{
	char text[MSG_USER_MAX + 2], user[MSG_USER_MAX + 1];

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(
	    claims_display_name((struct slice){ text, MSG_USER_MAX }, user), 0);
	ck_assert_int_eq(
	    claims_display_name((struct slice){ text, MSG_USER_MAX + 1 }, user),
	    ERR_LIMIT);
}
END_TEST

START_TEST(test_expiry)
{
	json_t *o = object_of("{\"exp\":77}");
	json_t *bad = object_of("{\"exp\":\"77\"}");

	ck_assert_int_eq(claims_expiry(o), 77);
	ck_assert_int_eq(claims_expiry(bad), 0);
	json_decref(o);
	json_decref(bad);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("claims");
	TCase *t = tcase_create("all");

	json_strict_init();
	tcase_add_loop_test(t, test_check, 0, (int)COUNT(cases));
	tcase_add_test(t, test_defaults);
	tcase_add_loop_test(t, test_account, 0, (int)COUNT(accounts));
	tcase_add_loop_test(t, test_name, 0, (int)COUNT(names));
	tcase_add_test(t, test_name_too_long);
	tcase_add_test(t, test_expiry);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad == 0 ? 0 : 1;
}
