/*
 * What the provider has to do with the end of a session: where a browser goes
 * to end its session there, tokens that are good no more, and sessions that the
 * provider ends (OpenID Connect Back-Channel and Front-Channel Logout 1.0).
 *
 * SECURITY: nobody's own logout waits for the provider, and none asks it for
 * anything: what is not known of it when somebody signs out is left out. A
 * logout token counts once, also across restarts. A login that is under way
 * while its provider ends the session is not seen here: the code that it still
 * has to redeem is the provider's to refuse.
 */
#ifndef AUTHD_OIDC_END_H
#define AUTHD_OIDC_END_H

#include "common/chan.h"

#define OIDC_TOKEN_ENDS_MAX 50 /* sessions whose tokens are being revoked */
#define OIDC_NOTICES_MAX 64    /* logout tokens that are being read */

struct oidc;
struct session;

/* The URL (oidc/logout_url.h) for a browser with this session, whose id_token
 * it holds; for one without a session, which is all zeroes, or an empty one, it
 * names the client. NULL: there is nowhere to go, or o is NULL. For wiped_free;
 * never to be logged. */
char *oidc_end_location(
    struct oidc *o, const struct session *session, const char *base_url);
/* Revokes the refresh token and the access token of a session, later; what does
 * not succeed is logged. o NULL: there is nobody to ask. */
void oidc_end_tokens(struct oidc *o, const struct session *session);
/* Gives up what is on its way: for oidc_free, when the provider and the token
 * endpoint are gone. */
void oidc_end_free(struct oidc *o);

/* MSG_OIDC_BACKCHANNEL: a logout token names a session of the provider's (sid)
 * or all of a person's (sub); with both, the session must be that person's.
 * That no session is found is fine. */
int handle_oidc_backchannel(struct chan *ch, struct chan_in *in);
/* MSG_OIDC_FRONTCHANNEL: any site can make a browser ask this, so iss and sid
 * must be there; and when the browser has a session here, sid must be its own.
 */
int handle_oidc_frontchannel(struct chan *ch, struct chan_in *in);

#endif
