/*
 * What no message achieves, one row per promise: no session without a good
 * token, nobody's session by its handle, keys for authd alone, signatures for
 * handshakes alone, no channel for a stranger. Each row first shows that the
 * lawful way works.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/b64url.h"
#include "common/slot.h"
#include "tests/peer/login.h"
#include "tests/peer/speak.h"
#include "tests/peer/stream.h"
#include "tests/peer/suites.h"
#include "tests/peer/token.h"
#include "tests/peer/upstream.h"
#include "tests/peer/world.h"
#include "tests/unit/unit.h"

static struct heard heard;

static void
log_in(struct login_answer *out)
{
	login_ask(slice_of(upstream->token), out);
	ck_assert_int_eq(out->code, LOGIN_OK);
	ck_assert_str_eq(out->user, TOKEN_USER);
}

/* --- sessions --- */

static void
expect_no_login(struct slice token)
{
	struct login_answer a;

	login_ask(token, &a);
	ck_assert_int_ne(a.code, LOGIN_OK);
	ck_assert_str_eq(a.cookie, "");
	ck_assert_str_eq(a.user, "");
	ck_assert_int_ne(lease_ask(CREDENTIAL_BEARER, token), VERDICT_ALLOW);
}

static void
no_session_without_a_good_token(void)
{
	static char longest[MSG_TOKEN_MAX];
	struct login_answer a;
	char token[TOKEN_CAP];

	log_in(&a);
	for (int kind = TOKEN_EXPIRED; kind < TOKEN_KIND_COUNT; kind++) {
		token_make(token, (enum token_kind)kind);
		expect_no_login(slice_of(token));
	}
	memset(longest, 'A', sizeof(longest));
	expect_no_login((struct slice){ longest, sizeof(longest) });
	expect_no_login(SLICE(""));
	expect_no_login(SLICE("."));
	expect_no_login(SLICE("a.b.c"));
	expect_no_login(SLICE("a\0b"));
	expect_no_login(slice_of(a.cookie));
	expect_no_login(SLICE(WORLD_CLUSTER_TOKEN));
}

static void
expect_no_session(struct slice cookie)
{
	struct session_answer a;

	session_ask(cookie, &a);
	ck_assert_int_eq(a.verdict, VERDICT_NO_SESSION);
	ck_assert_str_eq(a.user, "");
	ck_assert_int_eq(
	    lease_ask(CREDENTIAL_COOKIE, cookie), VERDICT_NO_SESSION);
}

static void
expect_session(const char *cookie, const char *user)
{
	struct session_answer a;

	session_ask(slice_of(cookie), &a);
	ck_assert_int_eq(a.verdict, VERDICT_ALLOW);
	ck_assert_str_eq(a.user, user);
}

static void
no_forged_session(void)
{
	struct login_answer a;
	char cookie[TICKET_LEN + 1];

	log_in(&a);
	expect_session(a.cookie, TOKEN_USER);
	memcpy(cookie, a.cookie, sizeof(cookie));
	for (size_t i = 0; i < TICKET_LEN; i++) {
		cookie[i] = a.cookie[i] == 'A' ? 'B' : 'A';
		expect_no_session(slice_of(cookie));
		cookie[i] = a.cookie[i];
	}
	for (unsigned i = 0; i < 16; i++) {
		cookie_forge(cookie);
		expect_no_session(slice_of(cookie));
	}
	expect_no_session(SLICE("A"));
	expect_no_session((struct slice){ a.cookie, TICKET_LEN - 1 });
}

/* A frontend may learn handles, or guess users: they open and end nothing. */
static void
no_session_by_its_handle(void)
{
	struct login_answer a;
	uint8_t handle[MSG_HANDLE_LEN];
	char hex[2 * MSG_HANDLE_LEN + 1], text[B64URL_LEN(MSG_HANDLE_LEN) + 1];

	log_in(&a);
	ticket_handle(handle, slice_of(a.cookie));
	text_hex(hex, handle, sizeof(handle));
	b64url_encode(text, handle, sizeof(handle));
	const struct slice names[] = { { (const char *)handle, sizeof(handle) },
		slice_of(hex), slice_of(text), slice_of(a.user), SLICE("*"),
		SLICE("' OR 1=1 --") };
	for (size_t i = 0; i < N_ROWS(names); i++) {
		expect_no_session(names[i]);
		ck_assert_int_eq(logout_ask(names[i]), VERDICT_NO_SESSION);
		ck_assert_int_eq(
		    logout_everywhere_ask(names[i]), VERDICT_NO_SESSION);
	}
	expect_session(a.cookie, TOKEN_USER);
	ck_assert_int_ne(logout_ask(slice_of(a.cookie)), VERDICT_NO_SESSION);
	expect_no_session(slice_of(a.cookie));
}

/* The idle user's session lives; nothing a frontend is told holds its token
 * (speak_hear searches all of it). */
static void
no_idle_users_token(void)
{
	struct login_answer idle;
	size_t before = speak_searched();

	login_ask(slice_of(world.idle_token), &idle);
	ck_assert_int_eq(idle.code, LOGIN_OK);
	for (size_t i = 0; i < CHANNEL_COUNT; i++)
		speak_expect_fresh_service(&channels[i]);
	ck_assert_uint_gt(speak_searched(), before + 1000);
	expect_session(idle.cookie, idle.user);
	ck_assert_int_eq(
	    lease_ask(CREDENTIAL_COOKIE, slice_of(idle.cookie)), VERDICT_ALLOW);
}

/* --- keys --- */

/* What secretd says to that request, looked at in heard. */
static void
ask_secretd(enum channel_id channel, enum msg_type request, unsigned number)
{
	uint8_t payload[2];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	if (request != MSG_SESSION_KEYS)
		wire_put_u16(&w, (uint16_t)number);
	ck_assert(speak_ask(&channels[channel], request, &w, &heard));
	ck_assert_ptr_null(memmem(heard.payload, heard.len, WORLD_SIGNING_KEY,
	    strlen(WORLD_SIGNING_KEY)));
}

static void
expect_canary(enum msg_type request, const char *canary)
{
	const char *found;

	ask_secretd(SECRETD_AUTHD, request, SLOT_CLUSTER_TOKEN_NO);
	found = world_canary_find(heard.payload, heard.len);
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found, canary);
}

static void
expect_no_secret(enum channel_id channel, unsigned slot, enum secret_state want)
{
	ask_secretd(channel, MSG_SECRET, slot);
	ck_assert_int_eq(heard.type, MSG_SECRET_RESULT);
	ck_assert_uint_eq(heard.len, 3);
	ck_assert_uint_eq(heard.payload[0], want);
}

/* Each role its own slots, and what is refused is in the audit trail; without
 * use_kiali_token not even egress has the cluster token. */
static void
no_slot_of_another(void)
{
	for (unsigned slot = 0; slot <= SLOT_COUNT; slot++) {
		if (slot != SLOT_CLUSTER_TOKEN_NO &&
		    slot != SLOT_OIDC_SECRET_NO)
			expect_no_secret(SECRETD_AUTHD, slot, SECRET_BAD);
		if (slot >= SLOT_SIGNING_KEY_NO)
			expect_no_secret(SECRETD_EGRESS, slot, SECRET_BAD);
	}
	expect_no_secret(SECRETD_AUTHD, UINT16_MAX, SECRET_BAD);
	expect_no_secret(SECRETD_EGRESS, UINT16_MAX, SECRET_BAD);
	expect_no_secret(SECRETD_EGRESS,
	    slot_of_service(SERVICE_GRAFANA, SLOT_KEY), SECRET_BAD);
	expect_no_secret(SECRETD_EGRESS,
	    slot_of_service(SERVICE_GRAFANA, SLOT_PASSWORD), SECRET_NONE);
	ck_assert(world_log_has("AUDIT: Credential refused\","
				"\"slot\":\"login-token-signing-key\","
				"\"peer\":\"egress\""));
	world_check();
}

/* Each role the CAs of the servers that it speaks to; numbers of others, and
 * of nobody, are no question. */
static void
no_ca_of_another(void)
{
	static const struct {
		enum channel_id at;
		unsigned number;
		bool is_answered;
	} asked[] = {
		{ SECRETD_EGRESS, SERVICE_PROMETHEUS, true },
		{ SECRETD_EGRESS, SERVICE_CUSTOM_DASHBOARDS, true },
		{ SECRETD_EGRESS, CA_COMMON, true },
		{ SECRETD_EGRESS, CA_CONSOLE, true },
		{ SECRETD_EGRESS, CA_API_SERVER, false },
		{ SECRETD_EGRESS, CA_OPENID, false },
		{ SECRETD_EGRESS, CA_COUNT, false },
		{ SECRETD_EGRESS, UINT16_MAX, false },
		{ SECRETD_AUTHD, SERVICE_PROMETHEUS, false },
		{ SECRETD_AUTHD, CA_COMMON, true },
		{ SECRETD_AUTHD, CA_CONSOLE, false },
		{ SECRETD_AUTHD, CA_API_SERVER, true },
		{ SECRETD_AUTHD, CA_OPENID, true },
		{ SECRETD_AUTHD, CA_COUNT, false },
	};
	uint8_t payload[2];
	struct wire_writer w;

	for (size_t i = 0; i < N_ROWS(asked); i++) {
		const struct channel *c = &channels[asked[i].at];

		wire_writer_init(&w, payload, sizeof(payload));
		wire_put_u16(&w, (uint16_t)asked[i].number);
		ck_assert_msg(
		    speak_ask(c, MSG_CA, &w, &heard) == asked[i].is_answered,
		    "%s: CA %u", c->name, asked[i].number);
		if (asked[i].is_answered)
			ck_assert_int_eq(heard.type, MSG_CA_NONE);
	}
	world_check();
}

/* Only authd is told derived keys and the cluster token, and even authd not
 * the signing key. */
static void
keys_for_authd_alone(void)
{
	static const enum msg_type asked[] = { MSG_SESSION_KEYS, MSG_SECRET,
		MSG_SIGNER_LOAD, MSG_SIGNER_ATTACH, MSG_SESSION_KEYS_RESULT,
		MSG_SECRET_RESULT, MSG_CA_RESULT, MSG_CHANGED, MSG_LEASE_RESULT,
		MSG_REVOKE };
	static uint8_t zeroes[64];

	expect_canary(MSG_SESSION_KEYS, "the seal key");
	expect_canary(MSG_SECRET, "the cluster token");
	for (size_t i = 0; i < CHANNEL_COUNT; i++)
		for (size_t m = 0; m < N_ROWS(asked); m++) {
			const struct channel *c = &channels[i];
			const struct wire_writer body = { .p = zeroes,
				.len = msg_spec(asked[m])->min };

			if (!speak_may_ask(c, asked[m]))
				ck_assert_msg(
				    !speak_ask(c, asked[m], &body, &heard),
				    "%s: %s was answered", c->name,
				    msg_name(asked[m]));
		}
	world_check();
}

static bool
drop_key(enum key_drop how, const uint8_t id[MSG_KEY_ID_LEN])
{
	uint8_t payload[1 + MSG_KEY_ID_LEN];
	struct wire_writer w;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u8(&w, (uint8_t)how);
	wire_put_raw(&w, id, MSG_KEY_ID_LEN);
	ck_assert(speak_ask(&channels[SECRETD_CTL], MSG_KEY_DROP, &w, &heard));
	ck_assert_int_eq(heard.type, MSG_KEY_DROP_RESULT);
	return heard.payload[0] == 1;
}

/* The control tool is told ids (that no key is among it, the search in
 * speak_hear sees), and even it cannot take the current key away, nor ask for
 * what is no way to drop a key. */
static void
keys_by_their_ids_alone(void)
{
	struct wire_writer nothing = { 0 };
	struct login_answer a;
	uint8_t id[MSG_KEY_ID_LEN], payload[5] = { KEY_DROP_COUNT };
	struct wire_writer w = { .p = payload, .len = 5, .cap = 5 };

	log_in(&a);
	ck_assert(
	    speak_ask(&channels[SECRETD_CTL], MSG_KEYS, &nothing, &heard));
	ck_assert_int_eq(heard.type, MSG_KEYS_RESULT);
	ck_assert_uint_eq(heard.len, 1 + 21);
	ck_assert_uint_eq(heard.payload[0], 1);
	memcpy(id, heard.payload + 1, sizeof(id));
	ck_assert_int_eq(heard.payload[5], KEY_CURRENT);
	ck_assert(!drop_key(KEY_RETIRE, id));
	ck_assert(!drop_key(KEY_REVOKE, id));
	ck_assert(!speak_ask(&channels[SECRETD_CTL], MSG_KEY_DROP, &w, &heard));
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_raw(&w, id, sizeof(id));
	ck_assert(
	    speak_ask(&channels[AUTHD_CTL], MSG_KEY_SESSIONS, &w, &heard));
	ck_assert_int_eq(heard.type, MSG_KEY_SESSIONS_RESULT);
	ck_assert_uint_ge(heard.payload[3], 1);
	expect_session(a.cookie, TOKEN_USER);
}

/* The control tool is told how a daemon is; that no secret is among it, the
 * search in speak_hear sees. */
static void
nothing_but_status_for_ctl(void)
{
	struct wire_writer nothing = { 0 };
	struct wire_reader r;

	for (size_t i = 0; i < CHANNEL_COUNT; i++) {
		if (channels[i].self != ROLE_CTL)
			continue;
		ck_assert(
		    speak_ask(&channels[i], MSG_STATUS, &nothing, &heard));
		ck_assert_int_eq(heard.type, MSG_STATUS_RESULT);
		wire_reader_init(&r, heard.payload, heard.len);
		ck_assert_uint_gt(wire_get_text(&r, 32768).len, 0);
		ck_assert_int_eq(wire_end(&r), 0);
	}
}

/* --- signatures --- */

#define CONTEXT "TLS 1.3, server CertificateVerify"
#define PREFIX_LEN (64 + sizeof(CONTEXT))
#define P256_SHA256 0x0403

struct structure {
	const char *name;
	bool is_signed;
	uint16_t scheme;
	const char *context; /* of a handshake with a hash of that length... */
	size_t hash_len;
	const char *bytes; /* ... or other bytes */
	size_t len;
};

#define BYTES(text) .bytes = (text), .len = sizeof(text) - 1
#define RANDOMS \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POINT_X25519 "0123456789abcdef0123456789abcdef"

/* clang-format off */
static const struct structure structures[] = {
	{ "a handshake", true, P256_SHA256, CONTEXT, 32, NULL, 0 },
	{ "a handshake with SHA-384", true, P256_SHA256, CONTEXT, 48, NULL, 0 },
	{ "a client's handshake", false, P256_SHA256,
	  "TLS 1.3, client CertificateVerify", 32, NULL, 0 },
	{ "other case", false, P256_SHA256, "TLS 1.3, Server CertificateVerify", 32, NULL, 0 },
	{ "an exporter", false, P256_SHA256, "TLS 1.3, server Exporter", 32, NULL, 0 },
	{ "no hash", false, P256_SHA256, CONTEXT, 0, NULL, 0 },
	{ "a hash of 31 bytes", false, P256_SHA256, CONTEXT, 31, NULL, 0 },
	{ "a hash of 33 bytes", false, P256_SHA256, CONTEXT, 33, NULL, 0 },
	{ "a hash of 47 bytes", false, P256_SHA256, CONTEXT, 47, NULL, 0 },
	{ "scheme of P-384", false, 0x0503, CONTEXT, 32, NULL, 0 },
	{ "scheme of P-521", false, 0x0603, CONTEXT, 32, NULL, 0 },
	{ "scheme of RSA-PSS", false, 0x0804, CONTEXT, 32, NULL, 0 },
	{ "scheme of RSA", false, 0x0401, CONTEXT, 32, NULL, 0 },
	{ "scheme of Ed25519", false, 0x0807, CONTEXT, 32, NULL, 0 },
	{ "scheme with SHA-1", false, 0x0203, CONTEXT, 32, NULL, 0 },
	{ "no scheme", false, 0, CONTEXT, 32, NULL, 0 },
	{ "nothing", false, P256_SHA256, NULL, 0, BYTES("") },
	{ "a bare hash", false, P256_SHA256, NULL, 0, BYTES("0123456789abcdef0123456789abcdef") },
	{ "a JWT", false, P256_SHA256, NULL, 0,
	  BYTES("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06YWRtaW4ifQ") },
	{ "a certificate", false, P256_SHA256, NULL, 0,
	  BYTES("\x30\x81\x83\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x0a\x06\x08\x2a\x86\x48"
		"\xce\x3d\x04\x03\x02\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09") },
	{ "TLS 1.2, which is not allowed: P-256", false, P256_SHA256, NULL, 0,
	  BYTES(RANDOMS "\x03\x00\x17\x41\x04" RANDOMS) },
	{ "TLS 1.2, which is not allowed: X25519", false, P256_SHA256, NULL, 0,
	  BYTES(RANDOMS "\x03\x00\x1d\x20" POINT_X25519) },
};
/* clang-format on */

/* The signature's length; 0 when there is none. */
static size_t
sign(uint16_t scheme, struct slice structure, struct slice *sig)
{
	uint8_t payload[4 + MSG_SIGN_MAX];
	struct wire_writer w;
	struct wire_reader r;

	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, scheme);
	wire_put_slice(&w, structure);
	ck_assert_int_eq(wire_done(&w), 0);
	if (!speak_ask(&channels[SIGNER_FRONTEND], MSG_SIGN, &w, &heard))
		return 0;
	ck_assert_int_eq(heard.type, MSG_SIGN_RESULT);
	wire_reader_init(&r, heard.payload, heard.len);
	*sig = wire_get_bytes(&r, MSG_SIGN_MAX);
	ck_assert_int_eq(wire_end(&r), 0);
	return sig->len;
}

static bool
is_signature(struct slice sig, struct slice structure)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r =
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, world.tls_key);

	if (r == 1)
		r = EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.len,
		    (const unsigned char *)structure.p, structure.len);
	EVP_MD_CTX_free(ctx);
	return r == 1;
}

static void
expect_signature(
    const char *name, bool is_signed, uint16_t scheme, struct slice structure)
{
	struct slice sig = { NULL, 0 };
	size_t len = sign(scheme, structure, &sig);

	ck_assert_msg(is_signed == (len > 0), "the signer: %s was %ssigned",
	    name, len > 0 ? "" : "not ");
	ck_assert(!is_signed || is_signature(sig, structure));
}

static void
no_signature_but_for_handshakes(void)
{
	uint8_t made[HANDSHAKE_MAX];

	for (size_t i = 0; i < N_ROWS(structures); i++) {
		const struct structure *s = &structures[i];
		struct slice what = { s->bytes, s->len };

		if (s->context != NULL)
			what = (struct slice){ (const char *)made,
				speak_handshake(
				    made, s->context, s->hash_len) };
		expect_signature(s->name, s->is_signed, s->scheme, what);
	}
}

/* Each byte before the hash is fixed. */
static void
no_signature_for_a_spoilt_handshake(void)
{
	static const uint8_t changes[] = { 0x01, 0x20, 0x80 };
	uint8_t made[HANDSHAKE_MAX];
	size_t len = speak_handshake(made, CONTEXT, 32);
	const struct slice what = { (const char *)made, len };

	for (size_t i = 0; i < PREFIX_LEN; i++)
		for (size_t c = 0; c < N_ROWS(changes); c++) {
			made[i] ^= changes[c];
			expect_signature(
			    "a spoilt handshake", false, P256_SHA256, what);
			made[i] ^= changes[c];
		}
	expect_signature("a handshake", true, P256_SHA256, what);
	world_check();
}

/* --- identities --- */

/* The channel to the signer, or -1 where there is no such identity. */
static int
identity_ask(enum channel_id channel, unsigned number)
{
	heard.fd = -1;
	ask_secretd(channel, MSG_TLS_IDENTITY, number);
	if (heard.type == MSG_TLS_IDENTITY_RESULT) {
		ck_assert_int_ge(heard.fd, 0);
		return heard.fd;
	}
	ck_assert_int_eq(heard.type, MSG_TLS_IDENTITY_NONE);
	ck_assert_int_eq(heard.fd, -1);
	ck_assert_uint_eq(heard.len, 1);
	ck_assert_uint_eq(heard.payload[0], 0); /* none is configured */
	return -1;
}

/* In this world there are one server certificate and one client certificate,
 * and nobody gets the other's, whatever the number. */
static void
no_identity_of_another(void)
{
	static const unsigned far[] = { 255, 256, 4096, UINT16_MAX };
	int fd;

	for (unsigned n = 0; n < 64 + N_ROWS(far); n++) {
		unsigned number = n < 64 ? n : far[n - 64];

		fd = identity_ask(SECRETD_FRONTEND, number);
		ck_assert_int_eq(fd >= 0, number == 0);
		if (fd >= 0)
			(void)close(fd);
		fd = identity_ask(SECRETD_EGRESS, number);
		ck_assert_int_eq(fd >= 0, number == SERVICE_GRAFANA);
		if (fd >= 0)
			(void)close(fd);
	}
	world_check();
}

static const struct channel signer_of_client = { "egress to signer",
	ROLE_SIGNER, ROLE_EGRESS, { MSG_SIGN } };

/* Asks the signer of the client certificate, on a channel of its own. */
static bool
client_signs(const char *context)
{
	uint8_t made[HANDSHAKE_MAX], payload[4 + MSG_SIGN_MAX];
	size_t len = speak_handshake(made, context, 32);
	int fd = identity_ask(SECRETD_EGRESS, SERVICE_GRAFANA);
	struct wire_writer w;
	struct wire_reader r;
	struct slice sig = { NULL, 0 };

	speak_hello(fd, MSG_PROTOCOL_VERSION);
	ck_assert_int_eq(speak_hear(&signer_of_client, fd, &heard), HEARD);
	ck_assert_int_eq(heard.type, MSG_HELLO);
	wire_writer_init(&w, payload, sizeof(payload));
	wire_put_u16(&w, P256_SHA256);
	wire_put_bytes(&w, made, len);
	ck_assert_int_eq(wire_done(&w), 0);
	ck_assert(speak(fd,
	    &(struct said){
		.type = MSG_SIGN, .id = 7, .payload = payload, .len = w.len }));
	if (speak_hear(&signer_of_client, fd, &heard) == HEARD) {
		ck_assert_int_eq(heard.type, MSG_SIGN_RESULT);
		wire_reader_init(&r, heard.payload, heard.len);
		sig = wire_get_bytes(&r, MSG_SIGN_MAX);
		ck_assert_int_eq(wire_end(&r), 0);
		ck_assert(is_signature(
		    sig, (struct slice){ (const char *)made, len }));
	}
	(void)close(fd);
	return sig.len > 0;
}

/* Egress is a client and nothing else; a frontend (above) a server. */
static void
no_servers_signature_for_egress(void)
{
	ck_assert(client_signs("TLS 1.3, client CertificateVerify"));
	ck_assert(!client_signs(CONTEXT));
	ck_assert(!client_signs("TLS 1.3, server Exporter"));
	ck_assert(client_signs("TLS 1.3, client CertificateVerify"));
	world_check();
}

/* --- strangers --- */

static void
open_doors(bool open)
{
	static const char *const sockets[] = { "secretd.frontend",
		"secretd.authd", "secretd.egress", "secretd.ctl",
		"authd.frontend", "authd.egress", "authd.ctl",
		"egress.frontend", "egress.ctl", "frontend.ctl" };
	char path[160];

	world_become(0);
	(void)snprintf(path, sizeof(path), "%s/d", world.dir);
	ck_assert_int_eq(chmod(path, open ? 0711 : 0700), 0);
	ck_assert_int_eq(chmod(world.run_dir, open ? 0711 : 0700), 0);
	for (size_t i = 0; i < N_ROWS(sockets); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s.sock", world.run_dir,
		    sockets[i]);
		ck_assert_int_eq(chmod(path, open ? 0666 : 0660), 0);
	}
}

static void
expect_closed_at_once(int fd, const char *name)
{
	char byte;

	ck_assert_msg(
	    recv(fd, &byte, 1, 0) <= 0, "%s: a stranger was greeted", name);
	(void)close(fd);
}

/* Even where the modes of folders and sockets would let them in, other uids
 * are shown the door by the kernel's word on who they are. */
static void
no_channel_for_a_stranger(void)
{
	static const uid_t strangers[] = { 0, 65533 };
	size_t before = world_descriptors();

	for (size_t s = 0; world.root && s < N_ROWS(strangers); s++) {
		open_doors(true);
		world_become(strangers[s]);
		for (size_t i = 0; i < SIGNER_FRONTEND; i++)
			expect_closed_at_once(
			    speak_connect(&channels[i]), channels[i].name);
		expect_closed_at_once(stream_open(), "frontend to egress");
		open_doors(false);
		world_enter();
	}
	for (size_t i = 0; i < CHANNEL_COUNT; i++)
		speak_expect_fresh_service(&channels[i]);
	world_check_descriptors(before);
	world_check();
}

/* --- the table --- */

static const struct {
	const char *promise;
	void (*show)(void);
} meanings[] = {
	{ "no session without a good token", no_session_without_a_good_token },
	{ "no forged session", no_forged_session },
	{ "no session by its handle", no_session_by_its_handle },
	{ "no idle user's token", no_idle_users_token },
	{ "keys for authd alone", keys_for_authd_alone },
	{ "no slot of another", no_slot_of_another },
	{ "no CA of another", no_ca_of_another },
	{ "keys by their ids alone", keys_by_their_ids_alone },
	{ "nothing but status for the control tool",
	    nothing_but_status_for_ctl },
	{ "no signature but for handshakes", no_signature_but_for_handshakes },
	{ "no signature for a spoilt handshake",
	    no_signature_for_a_spoilt_handshake },
	{ "no identity of another", no_identity_of_another },
	{ "no server's signature for egress", no_servers_signature_for_egress },
	{ "no channel for a stranger", no_channel_for_a_stranger },
};

START_TEST(every_meaning)
{
	mark_point();
	meanings[_i].show();
}
END_TEST

void
meanings_add(TCase *t)
{
	tcase_add_loop_test(t, every_meaning, 0, (int)N_ROWS(meanings));
}
