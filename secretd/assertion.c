/* See assertion.h. */
#include "secretd/assertion.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/wire.h"
#include "secretd/jws_key.h"
#include "secretd/private_key.h"

#define JTI_BYTES 16
#define SIGNATURE_MAX B64URL_LEN(MSG_SIGN_MAX)
#define HEADER_MAX 128
/* What is left of a JWT for its claims, and how many bytes that encodes. */
#define CLAIMS_MAX                                                          \
	((MSG_ASSERTION_MAX - SIGNATURE_MAX - B64URL_LEN(HEADER_MAX) - 2) / \
	    4 * 3)
#define TIMES_MAX 128 /* jti, iat and exp */

struct assertion_key {
	struct private_key *key;
	struct jws_facts facts;
	char name[MSG_NAMES_MAX + 1];
	char header[HEADER_MAX];
	char claims[CLAIMS_MAX - TIMES_MAX]; /* {"iss":...,"aud":"..." */
};

/* --- the text --- */

/* A JSON string (RFC 8259 7); what is UTF-8 already stays so. */
static void
put_string(struct wire_writer *w, struct slice s)
{
	char escaped[7];

	wire_put_raw(w, "\"", 1);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\') {
			wire_put_raw(w, &s.p[i], 1);
			continue;
		}
		(void)snprintf(escaped, sizeof(escaped), "\\u%04x", c);
		wire_put_raw(w, escaped, 6);
	}
	wire_put_raw(w, "\"", 1);
}

static void
put_member(struct wire_writer *w, const char *name, struct slice value)
{
	wire_put_raw(w, name, strlen(name));
	put_string(w, value);
}

/* Everything that is the same in each of them. */
static int
write_fixed(struct assertion_key *k, struct slice client, struct slice issuer)
{
	struct wire_writer w;

	(void)snprintf(k->header, sizeof(k->header),
	    "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", k->facts.alg,
	    k->facts.kid);
	wire_writer_init(&w, k->claims, sizeof(k->claims));
	put_member(&w, "{\"iss\":", client);
	put_member(&w, ",\"sub\":", client);
	put_member(&w, ",\"aud\":", issuer);
	wire_put_u8(&w, 0);
	return wire_done(&w);
}

/* --- the key --- */

static enum signer_state
load_about(struct assertion_key *k, struct slice about, const char **why)
{
	struct wire_reader r;
	struct slice client, issuer;

	wire_reader_init(&r, about.p, about.len);
	client = wire_get_text(&r, MSG_CHAIN_MAX);
	issuer = wire_get_text(&r, MSG_CHAIN_MAX);
	*why = "the key's type is known, but it cannot be described";
	if (jws_describe(k->key, &k->facts) < 0)
		return SIGNER_BAD_KEY;
	*why = "client_id and issuer_uri are too long for a client assertion";
	if (wire_end(&r) < 0 || write_fixed(k, client, issuer) < 0)
		return SIGNER_BAD_KEY;
	(void)snprintf(
	    k->name, sizeof(k->name), "%s %s", k->facts.alg, k->facts.kid);
	*why = "";
	return SIGNER_READY;
}

enum signer_state
assertion_key_load(struct slice key, struct slice about,
    struct assertion_key **out, const char **why)
{
	struct assertion_key *k = mem_new(sizeof(*k));
	enum signer_state state = private_key_load_bare(key, &k->key, why);

	if (state == SIGNER_READY)
		state = load_about(k, about, why);
	if (state == SIGNER_READY)
		*out = k;
	else
		assertion_key_free(k);
	return state;
}

void
assertion_key_free(struct assertion_key *k)
{
	if (k == NULL)
		return;
	private_key_free(k->key);
	free(k);
}

const char *
assertion_key_name(const struct assertion_key *k)
{
	return k->name;
}

const char *
assertion_key_jwk(const struct assertion_key *k)
{
	return k->facts.jwk;
}

/* --- one assertion --- */

static size_t
put_part(char *dst, const void *bytes, size_t len)
{
	b64url_encode(dst, bytes, len);
	return B64URL_LEN(len);
}

int
assertion_key_make(const struct assertion_key *k, int64_t now_s,
    char jwt[MSG_ASSERTION_MAX + 1])
{
	char claims[CLAIMS_MAX], jti[B64URL_LEN(JTI_BYTES) + 1];
	uint8_t random[JTI_BYTES], sig[MSG_SIGN_MAX];
	int64_t from = now_s - ASSERTION_EARLY_S;
	size_t len, sig_len = sizeof(sig);
	int n, r;

	secret_random(random, sizeof(random));
	b64url_encode(jti, random, sizeof(random));
	n = snprintf(claims, sizeof(claims),
	    "%s,\"jti\":\"%s\",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}",
	    k->claims, jti, from, from + ASSERTION_LIFE_S);
	if (n < 0 || (size_t)n >= sizeof(claims))
		return ERR_LIMIT;
	len = put_part(jwt, k->header, strlen(k->header));
	jwt[len++] = '.';
	len += put_part(jwt + len, claims, (size_t)n);
	r = jws_sign(k->key, (struct slice){ jwt, len }, sig, &sig_len);
	if (r < 0)
		return r;
	jwt[len++] = '.';
	(void)put_part(jwt + len, sig, sig_len);
	return 0;
}
