/*
 * The OpenID provider as authd knows it: its metadata and its keys, fetched and
 * kept, and the tokens that they verify.
 *
 * SECURITY: what was good stays in use while something new cannot be had or
 * does not serve. A token by an unknown key makes the keys be fetched anew, but
 * at most once in PROVIDER_KEYS_EVERY_MS for all tokens together, and for
 * logout tokens, which anybody can send, once in PROVIDER_KEYS_LOGOUT_EVERY_MS:
 * nobody can make this a load for the provider, or a wait for those who sign in
 * but for one minute in ten after the provider has changed its keys.
 */
#ifndef AUTHD_OIDC_PROVIDER_H
#define AUTHD_OIDC_PROVIDER_H

#include <stddef.h>

#include "common/text.h"

#include "authd/oidc/id_token.h"

struct event_base;
struct fetch_client;
struct metadata;
struct provider;
struct settings;

#define PROVIDER_KEYS_EVERY_MS 60000
#define PROVIDER_KEYS_LOGOUT_EVERY_MS 600000
#define PROVIDER_METADATA_S 3600 /* between two fetches */
#define PROVIDER_KEYS_S 3600	 /* unless Cache-Control says: */
#define PROVIDER_KEYS_MIN_S 300
#define PROVIDER_KEYS_MAX_S 86400

/* Settings and client are borrowed. Before the sandbox. Fatal when issuer_uri
 * or the endpoints of discovery_override are of no use. Fetches by itself a
 * second later, when CAs have come from secretd, or when it is needed. */
struct provider *provider_new(struct event_base *base,
    const struct settings *settings, struct fetch_client *client);
/* Before the client is freed. Who waits is not told. NULL allowed. */
void provider_free(struct provider *p);
/* Other CAs have come: what has just failed is tried at once. */
void provider_retry(struct provider *p);

/* 0: the metadata is there, and the keys are, or are being fetched;
 * ERR_UNAVAILABLE. */
typedef void provider_ready_fn(int err, void *arg);
/* done is called once, from the loop, later than this call and within 10 s.
 * Joins a fetch that runs; after a failure there is no new one for 1 s .. 30 s,
 * and the answer comes at once. */
void provider_need(struct provider *p, provider_ready_fn *done, void *arg);
/* NULL: none yet. Borrowed until the loop goes on. */
const struct metadata *provider_metadata(const struct provider *p);

/* t is borrowed for the call, and NULL with a fault. */
typedef void provider_id_token_fn(
    enum id_token_fault fault, struct id_token *t, void *arg);
/* Verifies and judges. Of rules the issuer, client_id, algs and now are filled
 * in here; everything is copied, and wiped when done. A token whose key is not
 * known, or whose signature does not hold, is judged once more when the keys
 * could be fetched anew. done is called once, from the loop, later than this
 * call and within 10 s. */
void provider_read_id_token(struct provider *p, struct slice token,
    const struct id_token_rules *rules, provider_id_token_fn *done, void *arg);
typedef void provider_logout_token_fn(
    enum id_token_fault fault, const struct logout_token *t, void *arg);
/* The same of a logout token, not older than ID_TOKEN_AGE_MAX_S. */
void provider_read_logout_token(struct provider *p, struct slice token,
    provider_logout_token_fn *done, void *arg);

#define PROVIDER_WHY_MAX 420
/* Why there is no metadata, for the log: "its metadata cannot be fetched: ...";
 * "" when nothing is known to be wrong. */
void provider_why(const struct provider *p, char why[PROVIDER_WHY_MAX]);

#define PROVIDER_STATUS_MAX 1600
/* Lines for `doorward status`: "openid provider: ready, metadata fetched
 * 2026-01-02T03:04:05Z\n", "openid keys: 2, fetched ...\n" or what is wrong,
 * and since when; and the same as numbers. */
void provider_status(const struct provider *p, char dst[PROVIDER_STATUS_MAX]);

#endif
