// The cases of a hostile provider against npm's openid-client, a certified
// client of another make: so that we know of each case that it is what it is
// meant to be, and where we are stricter than others, and why.
import assert from 'node:assert/strict';
import https from 'node:https';
import { Issuer, custom, generators } from 'openid-client';
import { hostileCases } from './lib/hostile-cases.mjs';
import { CLIENT, HostileProvider } from './lib/hostile-provider.mjs';
import { test } from './lib/test.mjs';

const REDIRECT = 'https://client.example/kiali';
const SILENCE_MS = 1500; // how long it waits for a silent server
// When we say that it hangs; the machine may be slow, where it should not.
const patience = (one) => (one.control === 'hangs' ? 3000 : 15000);

function redirectOf(url, ca) {
  return new Promise((resolve, reject) => {
    https.get(url, { ca, agent: false }, (res) => { res.resume(); resolve(res.headers.location); }).on('error', reject);
  });
}

// A login as a careful user of the library writes it.
async function login(op, { alg = 'RS256', defect }) {
  const issuer = await Issuer.discover(op.issuer);
  const client = new issuer.Client({ ...CLIENT, redirect_uris: [REDIRECT], response_types: ['code'], id_token_signed_response_alg: alg });
  client[custom.clock_tolerance] = 0;
  const [state, nonce, verifier] = [generators.state(), generators.nonce(), generators.codeVerifier()];
  const to = client.authorizationUrl({
    scope: 'openid', state, nonce, code_challenge: generators.codeChallenge(verifier), code_challenge_method: 'S256',
  });
  const params = client.callbackParams(await redirectOf(to, op.ca));
  const tokens = await client.callback(REDIRECT, params, { state, nonce, code_verifier: verifier, response_type: 'code' });
  tokens.claims();
  if (defect.userinfoWanted) await client.userinfo(tokens);
  return 'accepts';
}

async function outcome(op, one) {
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, patience(one), 'hangs'); });
  const tried = login(op, one).catch((e) => { op.why = e.message; return 'refuses'; });
  try {
    return await Promise.race([tried, late]);
  } finally {
    clearTimeout(timer);
  }
}

const groups = new Map();
for (const one of hostileCases) {
  const group = one.name.split(':')[0];
  groups.set(group, [...groups.get(group) ?? [], one]);
}
for (const [group, cases] of groups) {
  test(`openid-client: ${group}`, async (t) => {
    const wrong = [];
    await Promise.all(cases.map(async (one) => {
      const op = await HostileProvider.start(t, one.defect);
      custom.setHttpOptionsDefaults({ ca: op.ca, agent: false, timeout: SILENCE_MS });
      const is = await outcome(op, one);
      await op.stop();
      const should = one.control ?? (one.accept ? 'accepts' : 'refuses');
      if (is !== should) wrong.push(`${one.name}: ${is}, should be: ${should}${op.why ? ` (${op.why})` : ''}`);
      else if (is === 'accepts' && !one.accept) t.diagnostic(`${one.name}: openid-client accepts; ${one.why}`);
    }));
    assert.deepEqual(wrong, []);
  });
}

test('every case where we differ says why, and no name is there twice', () => {
  for (const one of hostileCases) assert.ok(!one.control || one.why, one.name);
  assert.equal(new Set(hostileCases.map((c) => c.name)).size, hostileCases.length);
});
