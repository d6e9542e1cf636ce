/*
 * The values of slots over time: which of them the configuration needs, who is
 * told, and that nothing bad takes a good value's place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/secret.h"
#include "common/settings.h"
#include "common/slot.h"
#include "secretd/registry.h"
#include "tests/unit/unit.h"

static char root[32];
static char *dir_paths[1] = { root };
static struct conf_list dirs = { dir_paths, 1 };
static const struct slot_dirs where = { &dirs, NULL };
static struct settings settings;
static struct registry *registry;
static unsigned n_changed, changed_slot, changed_roles;

#define PASSWORD slot_of_service(SERVICE_PROMETHEUS, SLOT_PASSWORD)

static void
changed(unsigned roles, unsigned slot, void *arg)
{
	(void)arg;
	n_changed++;
	changed_roles = roles;
	changed_slot = slot;
}

static void
put(const char *slot, const char *text, mode_t mode)
{
	char *folder = mem_printf("%s/%s", root, slot);
	char *path = mem_printf("%s/value.txt", folder);
	FILE *f;

	(void)mkdir(folder, 0700);
	(void)unlink(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	free(folder);
	free(path);
}

static void
drop(const char *slot)
{
	char *path = mem_printf("%s/%s/value.txt", root, slot);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static void
expect(enum role role, unsigned slot, enum secret_state state, const char *text)
{
	const struct secret *value = NULL;
	bool refused;

	ck_assert_int_eq(
	    registry_ask(registry, role, slot, &value, &refused), state);
	ck_assert(!refused);
	ck_assert((value != NULL) == (state == SECRET_OK));
	if (value != NULL)
		ck_assert(secret_equal(
		    secret_peek(value), secret_len(value), text, strlen(text)));
}

static bool
is_refused(enum role role, unsigned slot)
{
	const struct secret *value = NULL;
	bool refused;

	ck_assert_int_eq(
	    registry_ask(registry, role, slot, &value, &refused) == SECRET_BAD,
	    true);
	ck_assert_ptr_null(value);
	return refused;
}

static bool
status_has(const char *words)
{
	char text[4096];

	(void)registry_status(registry, text, sizeof(text));
	return strstr(text, words) != NULL;
}

static void
set_up(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/dw-registry.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	settings = (struct settings){ .strategy = STRATEGY_TOKEN };
	settings.services[SERVICE_PROMETHEUS].in_use = true;
	settings.services[SERVICE_PROMETHEUS].auth.type = AUTH_BASIC;
	n_changed = 0;
	registry = registry_new(&settings, &where, changed, NULL);
}

static void
tear_down(void)
{
	char *command = mem_printf("rm -rf %s", root);

	registry_free(registry);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

START_TEST(all_that_is_needed)
{
	ck_assert_uint_eq(registry_load(registry), 2); /* name and password */
	put("prometheus-username", "kiali", 0600);
	put("prometheus-password", "old", 0604);
	put("grafana-password", "two\nlines", 0600); /* not needed: a warning */
	ck_assert_uint_eq(registry_load(registry), 1);
	ck_assert(status_has("can be read by everybody"));
	ck_assert(status_has("control characters"));
}
END_TEST

START_TEST(rotation)
{
	put("prometheus-username", "kiali", 0600);
	put("prometheus-password", "old\n", 0600);
	ck_assert_uint_eq(registry_load(registry), 0);
	expect(ROLE_EGRESS, PASSWORD, SECRET_OK, "old");
	registry_reload(registry);
	ck_assert_uint_eq(n_changed, 0);
	put("prometheus-password", "new\n", 0600);
	registry_reload(registry);
	expect(ROLE_EGRESS, PASSWORD, SECRET_OK, "new");
	ck_assert_uint_eq(n_changed, 1);
	ck_assert_uint_eq(changed_slot, PASSWORD);
	ck_assert_uint_eq(changed_roles, 1u << ROLE_EGRESS);
}
END_TEST

START_TEST(bad_changes_nothing)
{
	put("prometheus-username", "kiali", 0600);
	put("prometheus-password", "old", 0600);
	ck_assert_uint_eq(registry_load(registry), 0);
	put("prometheus-password", " \n", 0600);
	registry_reload(registry);
	registry_reload(registry); /* told once */
	expect(ROLE_EGRESS, PASSWORD, SECRET_OK, "old");
	ck_assert(status_has("is empty"));
	ck_assert(status_has("slot rotations failed: 1\n"));
	drop("prometheus-password");
	registry_reload(registry);
	expect(ROLE_EGRESS, PASSWORD, SECRET_OK, "old");
	ck_assert_uint_eq(n_changed, 0);
	put("prometheus-password", "new", 0600);
	registry_reload(registry);
	expect(ROLE_EGRESS, PASSWORD, SECRET_OK, "new");
	ck_assert(!status_has("problem"));
}
END_TEST

START_TEST(appears_later)
{
	unsigned slot = slot_of_service(SERVICE_TRACING, SLOT_TOKEN);

	ck_assert_uint_eq(registry_load(registry), 2);
	expect(ROLE_EGRESS, slot, SECRET_NONE, "");
	put("tracing-token", "", 0600);
	registry_reload(registry);
	expect(ROLE_EGRESS, slot, SECRET_BAD, "");
	put("tracing-token", "t", 0600);
	registry_reload(registry);
	expect(ROLE_EGRESS, slot, SECRET_OK, "t");
	ck_assert_uint_eq(changed_slot, slot);
}
END_TEST

/* By hand, not from the table. */
START_TEST(each_role_its_own)
{
	ck_assert_uint_eq(registry_load(registry), 2);
	for (unsigned slot = 0; slot <= SLOT_COUNT; slot++) {
		bool authd = slot == SLOT_OIDC_SECRET_NO ||
		    slot == SLOT_CLUSTER_TOKEN_NO;
		bool egress = slot < SLOT_SIGNING_KEY_NO &&
		    slot % SLOT_FIELDS != SLOT_KEY;

		if (authd)
			expect(ROLE_AUTHD, slot, SECRET_NONE, "");
		else
			ck_assert(is_refused(ROLE_AUTHD, slot));
		if (egress)
			expect(ROLE_EGRESS, slot, SECRET_NONE, "");
		else
			ck_assert(is_refused(ROLE_EGRESS, slot));
		ck_assert(is_refused(ROLE_FRONTEND, slot));
		ck_assert(is_refused(ROLE_CTL, slot));
	}
}
END_TEST

/* The token of the pod is egress' only where a service wants it. */
START_TEST(cluster_token_for_a_service)
{
	settings.services[SERVICE_PROMETHEUS].auth.type = AUTH_BEARER;
	settings.services[SERVICE_PROMETHEUS].auth.use_kiali_token = true;
	registry_free(registry);
	registry = registry_new(&settings, &where, changed, NULL);
	ck_assert_uint_eq(registry_load(registry), 1);
	put("cluster-token", "abc", 0600);
	ck_assert_uint_eq(registry_load(registry), 0);
	expect(ROLE_EGRESS, SLOT_CLUSTER_TOKEN_NO, SECRET_OK, "abc");
	expect(ROLE_AUTHD, SLOT_CLUSTER_TOKEN_NO, SECRET_OK, "abc");
}
END_TEST

START_TEST(header_slots)
{
	struct conf_pair pairs[] = { { (char *)(uintptr_t) "X-Scope-OrgID",
					 (char *)(uintptr_t) "1" },
		{ (char *)(uintptr_t) "X-Api-Key",
		    (char *)(uintptr_t) "secret:a:b" } };
	unsigned slot = slot_of_header(SERVICE_PROMETHEUS, 1);

	settings.services[SERVICE_PROMETHEUS].auth.type = AUTH_NONE;
	settings.services[SERVICE_PROMETHEUS].custom_headers =
	    (struct conf_map){ pairs, 2 };
	registry_free(registry);
	registry = registry_new(&settings, &where, changed, NULL);
	ck_assert_str_eq(
	    slot_name(&settings, slot), "prometheus-header-x-api-key");
	ck_assert_uint_eq(registry_load(registry), 1);
	put("prometheus-header-x-api-key", "k", 0600);
	ck_assert_uint_eq(registry_load(registry), 0);
	expect(ROLE_EGRESS, slot, SECRET_OK, "k");
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("registry");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, all_that_is_needed);
	tcase_add_test(t, rotation);
	tcase_add_test(t, bad_changes_nothing);
	tcase_add_test(t, appears_later);
	tcase_add_test(t, each_role_its_own);
	tcase_add_test(t, cluster_token_for_a_service);
	tcase_add_test(t, header_slots);
	return unit_run("registry", t);
}
