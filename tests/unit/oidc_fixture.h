/*
 * authd_fixture.h with strategy openid and a provider on loopback
 * (provider_standin.h): logins as the frontend and a browser do them.
 */
#ifndef TESTS_UNIT_OIDC_FIXTURE_H
#define TESTS_UNIT_OIDC_FIXTURE_H

#include "tests/unit/authd_fixture.h"
#include "tests/unit/provider_standin.h"

#define OIDC_BASE_URL "https://door.example/kiali"

struct resolve;

struct oidc_fixture {
	struct fixture f; /* first; settings may be changed at any time */
	struct standin provider;
	struct resolve *resolve;
};

/* disable_rbac is true, the frontend and egress are connected. fixture_restart
 * keeps the provider; the peers are to be connected again. */
void oidc_begin(struct oidc_fixture *o);
void oidc_end(struct oidc_fixture *o);

struct start_answer {
	enum login_code code;
	char location[MSG_LOCATION_MAX + 1];
	char cookie[MSG_LOGIN_COOKIE_MAX + 1];
	char reason[MSG_REASON_MAX + 1];
	char reference[MSG_REFERENCE_MAX + 1];
};
void send_start(struct oidc_fixture *o, const char *path, const char *cookie,
    struct answer *a);
void read_start(struct answer *a, struct start_answer *s);
/* path, cookie: "" for none. */
void ask_start(struct oidc_fixture *o, const char *path, const char *cookie,
    struct start_answer *s);

struct callback_answer {
	enum login_code code;
	char session[MSG_COOKIE_MAX + 1];
	int64_t expires;
	char user[MSG_USER_MAX + 1];
	char path[MSG_RETURN_MAX + 1];
	char cookie[MSG_LOGIN_COOKIE_MAX + 1];
	char reason[MSG_REASON_MAX + 1];
	char reference[MSG_REFERENCE_MAX + 1];
	unsigned rounds;
};
struct callback_question {
	const char *base_url; /* NULL: OIDC_BASE_URL */
	const char *query;
	const char *cookie;  /* of the login */
	const char *session; /* NULL: none */
};
void send_callback(struct oidc_fixture *o, const struct callback_question *q,
    struct answer *a);
void read_callback(struct answer *a, struct callback_answer *c);
void ask_callback(struct oidc_fixture *o, const struct callback_question *q,
    struct callback_answer *c);

/* Up to the provider and back: the query that the browser comes with. */
struct oidc_visit {
	char cookie[MSG_LOGIN_COOKIE_MAX + 1];
	char query[MSG_QUERY_MAX + 1];
};
void oidc_visit(struct oidc_fixture *o, const char *path, const char *cookie,
    struct oidc_visit *v);
void oidc_come_back(struct oidc_fixture *o, const struct oidc_visit *v,
    struct callback_answer *c);
/* A whole login; session: the browser's cookie so far, NULL: none. */
void oidc_login(
    struct oidc_fixture *o, const char *session, struct callback_answer *c);

/* Refused, in a way that a person can do something with; no session. */
void oidc_check_refused(struct oidc_fixture *o, const struct callback_answer *c,
    enum login_code code);
/* A session of alice@example.com, and no login left on its way. */
void oidc_check_good(struct oidc_fixture *o, const struct callback_answer *c);

#endif
