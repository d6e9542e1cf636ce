#include "tests/unit/toy_signer.h"

#include <check.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "common/err.h"

static const char *
digest_of(unsigned scheme)
{
	switch (scheme) {
	case 0x0403:
	case 0x0804:
		return "SHA256";
	case 0x0503:
	case 0x0805:
		return "SHA384";
	default:
		return "SHA512";
	}
}

static size_t
sign(struct toy_signer *s, unsigned char *sig, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	size_t len = cap;

	ck_assert(EVP_DigestSignInit_ex(ctx, &pctx, digest_of(s->scheme), NULL,
		      NULL, s->key, NULL) == 1);
	if (s->scheme >= 0x0804) {
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
	}
	ck_assert(EVP_DigestSign(ctx, sig, &len, s->last, s->last_len) == 1);
	EVP_MD_CTX_free(ctx);
	return len;
}

static int
handle_sign(struct chan *ch, struct chan_in *in)
{
	struct toy_signer *s = chan_ctx(ch);
	unsigned char sig[MSG_SIGN_MAX], payload[MSG_SIGN_MAX + 2];
	struct wire_writer w;

	s->asked++;
	s->scheme = wire_get_u16(&in->body);
	struct slice what = wire_get_bytes(&in->body, MSG_SIGN_MAX);
	if (wire_end(&in->body) != 0)
		return ERR_FORMAT;
	memcpy(s->last, what.p, what.len);
	s->last_len = what.len;
	if (s->mute)
		return 0;
	wire_writer_init(&w, payload, sizeof(payload));
	if (s->late) {
		uint64_t owed = s->owed;
		s->owed = in->id;
		wire_put_bytes(&w, sig, 0);
		return owed == 0
		    ? 0
		    : chan_reply(ch, owed, MSG_SIGN_RESULT, &w, -1);
	}
	wire_put_bytes(&w, sig, s->refuse ? 0 : sign(s, sig, sizeof(sig)));
	return chan_reply(ch, in->id, MSG_SIGN_RESULT, &w, -1);
}

static void
on_closed(struct chan *ch)
{
	struct toy_signer *s = chan_ctx(ch);
	s->ch = NULL;
}

static const struct chan_handler handlers[] = {
	{ MSG_SIGN, CHAN_READY, handle_sign },
};
#define ASKED_BY(role)                                                     \
	{                                                                  \
		.self = ROLE_SIGNER, .peer = (role), .handlers = handlers, \
		.n_handlers = 1, .max_pending = 4096, .closed = on_closed, \
	}
static const struct chan_peer frontend = ASKED_BY(ROLE_FRONTEND);
static const struct chan_peer egress = ASKED_BY(ROLE_EGRESS);

void
toy_signer_attach(
    struct toy_signer *s, struct event_base *base, EVP_PKEY *key, int fd)
{
	s->key = key;
	s->ch = chan_accepted(base, fd, s->for_egress ? &egress : &frontend, s);
}

void
toy_signer_die(struct toy_signer *s)
{
	chan_free(s->ch);
	s->ch = NULL;
}
