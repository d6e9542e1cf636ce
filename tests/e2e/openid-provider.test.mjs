// The provider of the other tests (lib/openid-provider.mjs), with npm's
// openid-client in Doorward's place: what fails here is not Doorward's fault.
import assert from 'node:assert/strict';
import { Issuer, custom, generators } from 'openid-client';
import { makeJwk, publicJwk } from './lib/jws.mjs';
import { OpenidProvider, login } from './lib/openid-provider.mjs';
import { test } from './lib/test.mjs';
import { Browser } from './lib/web.mjs';

const REDIRECT = 'https://client.example/kiali';

async function setUp(t, { client = {}, jwks, ...options } = {}) {
  const op = await OpenidProvider.start(t, options);
  const metadata = {
    client_id: 'doorward', client_secret: 'secret/+ %', redirect_uris: [REDIRECT], post_logout_redirect_uris: [REDIRECT],
    response_types: ['code'], id_token_signed_response_alg: op.keys[0].alg, ...client,
  };
  op.addClient(jwks ? { ...metadata, jwks: { keys: jwks.keys.map(publicJwk) } } : metadata);
  custom.setHttpOptionsDefaults({ ca: op.ca, agent: false });
  const issuer = await Issuer.discover(op.issuer);
  const rp = new issuer.Client(metadata, jwks);
  return { op, rp, issuer, browser: new Browser(t, { ca: [op.ca] }) };
}

async function signIn({ rp, browser }, user, { pushed = false } = {}) {
  const [state, nonce, verifier] = [generators.state(), generators.nonce(), generators.codeVerifier()];
  const asked = {
    scope: 'openid profile email', state, nonce, code_challenge: generators.codeChallenge(verifier), code_challenge_method: 'S256',
  };
  const params = pushed ? { request_uri: (await rp.pushedAuthorizationRequest(asked)).request_uri } : asked;
  const stop = (url) => url.startsWith(REDIRECT);
  const back = await login(browser, rp.authorizationUrl(params), user, { stop });
  assert.ok(back.headers.location?.startsWith(REDIRECT), back.body);
  return rp.callback(REDIRECT, rp.callbackParams(back.headers.location), { state, nonce, code_verifier: verifier, response_type: 'code' });
}

test('alice signs in; a second time without a password', async (t) => {
  const all = await setUp(t);
  const tokens = await signIn(all, 'alice');
  const { sub, email, groups } = tokens.claims();
  assert.deepEqual({ sub, email, groups }, { sub: 'alice', email: 'alice@example.com', groups: ['mesh-admins', 'everybody'] });
  assert.equal((await all.rp.userinfo(tokens)).sub, 'alice');
  const asked = all.op.requests.length;
  await signIn(all, 'bob'); // the provider remembers who it is
  assert.ok(!all.op.requests.slice(asked).some((r) => r.path.startsWith('/interaction/')));
});

for (const method of ['client_secret_basic', 'client_secret_post', 'none', 'private_key_jwt']) {
  for (const pushed of [false, 'required']) {
    test(`${method}${pushed ? ', pushed' : ''}`, async (t) => {
      const key = { ...makeJwk('ES256'), alg: 'ES256' };
      const all = await setUp(t, {
        pushed, jwks: method === 'private_key_jwt' ? { keys: [key] } : undefined,
        client: {
          token_endpoint_auth_method: method,
          ...(method.startsWith('client_secret') ? {} : { client_secret: undefined }),
          ...(method === 'private_key_jwt' ? { token_endpoint_auth_signing_alg: 'ES256' } : {}),
        },
      });
      assert.equal((await signIn(all, 'bob', { pushed })).claims().sub, 'bob');
    });
  }
}

test('every algorithm; claims that are in userinfo only', async (t) => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']) {
    const all = await setUp(t, { keys: [alg], claimsIn: 'userinfo' });
    const tokens = await signIn(all, 'alice');
    assert.equal(tokens.claims().email, undefined);
    assert.equal((await all.rp.userinfo(tokens)).email, 'alice@example.com', alg);
  }
});

test('refresh tokens are good once, and a second use ends all', async (t) => {
  const all = await setUp(t, { ttl: { AccessToken: 5, IdToken: 5 } });
  const first = await signIn(all, 'alice');
  const second = await all.rp.refresh(first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  await assert.rejects(all.rp.refresh(first.refresh_token), /invalid_grant/);
  await assert.rejects(all.rp.refresh(second.refresh_token), /invalid_grant/);
  assert.deepEqual(all.op.grants.map((g) => g.error), [undefined, undefined, 'invalid_grant', 'invalid_grant']);
});

test('new keys, and a restart on the same port', async (t) => {
  const all = await setUp(t);
  await signIn(all, 'alice');
  all.op.rotate();
  await assert.rejects(signIn(all, 'alice'), /no valid key found/); // it fetches them once a minute
  await all.issuer.reloadJwksUri();
  await signIn(all, 'alice');
  const { port } = all.op;
  await all.op.stop();
  await assert.rejects(all.browser.open(all.op.issuer));
  await all.op.start();
  assert.equal(all.op.port, port);
  await signIn(all, 'alice');
});

test('logout at the provider', async (t) => {
  const all = await setUp(t);
  const tokens = await signIn(all, 'alice');
  const asked = await all.browser.open(all.rp.endSessionUrl({ id_token_hint: tokens, state: 'xyz' }));
  const done = await all.browser.submit(asked, { logout: 'yes' }, { stop: (url) => url.startsWith(REDIRECT) });
  assert.equal(done.headers.location, `${REDIRECT}?state=xyz`);
  await assert.rejects(all.rp.refresh(tokens), /invalid_grant/);
});
