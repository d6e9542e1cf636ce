// Who gets in by what a provider says of people: domains, groups, e-mail
// addresses, names; in the id_token and in userinfo. The provider is ours
// (lib/hostile-provider.mjs): it says whatever a case wants.
import assert from 'node:assert/strict';
import { Doorward } from './lib/doorward.mjs';
import { CLIENT, HostileProvider } from './lib/hostile-provider.mjs';
import { api, assertFailed, caBundle, info, newBrowser, openidConfig, sessionCookie, startUrl } from './lib/openid.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

async function setUp(t, { openid = {}, own = {} }) {
  const op = await HostileProvider.start(t);
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, {
    console: upstream.url,
    config: openidConfig(op, caBundle(t, op.ca), { openid: { client_id: CLIENT.client_id, username_claim: 'preferred_username', ...openid }, own }),
  });
  dw.secret('oidc-secret', CLIENT.client_secret);
  await dw.start();
  dw.base = `${dw.scheme}://localhost:${dw.port}/kiali`;
  return { op, dw };
}

// What the provider says: in the id_token beside what every one has, and in
// userinfo beside the subject. null: the claim is missing.
function say(op, idToken, userinfo = {}) {
  const without = (claims) => Object.fromEntries(Object.entries(claims).filter(([, v]) => v !== null));
  op.set({
    claims: ({ iss, sub, aud, exp, iat, nonce }) => without({ iss, sub, aud, exp, iat, nonce, preferred_username: 'mallory', ...idToken }),
    userinfo: ({ sub }) => without({ sub, ...userinfo }),
  });
}

async function attempt(t, dw, op) {
  const browser = newBrowser(t, dw, op);
  const r = await browser.open(startUrl(dw));
  browser.close();
  return { browser, r };
}

// expected: {name} (default mallory), or {status, sentence} of a refusal.
async function assertOutcome(t, { dw, op }, [what, idToken, expected, userinfo]) {
  say(op, idToken, userinfo);
  const { browser, r } = await attempt(t, dw, op);
  if (!expected.status) {
    assert.ok(sessionCookie(browser), `${what}: ${r.body.slice(-900)}`);
    assert.equal((await info(browser, dw)).sessionInfo.username, expected.name ?? 'mallory', what);
    assert.equal(typeof await api(browser, dw), 'object', what);
    return;
  }
  assert.equal(sessionCookie(browser), undefined, `${what}: somebody got in`);
  assert.equal(r.status, expected.status, what);
  const { sentence, reference } = await assertFailed(dw, r, what);
  assert.match(sentence, expected.sentence, what);
  assert.equal(dw.auditLines('AUDIT: Login failed').filter((l) => l.reference === reference).length, 1, what);
  assert.equal(await api(browser, dw), 401, what);
}

const IN = {};
const called = (name) => ({ name });
const NO_DOMAIN = { status: 403, sentence: /^Your account has no verified e-mail address, and only some domains/ };
const OTHER_DOMAIN = { status: 403, sentence: /^Accounts of your domain may not sign in here/ };
const NOT_ALLOWED = { status: 403, sentence: /^This account may not sign in here\. Ask your administrator/ };
const rejected = (sentence) => ({ status: 401, sentence });
const SOMEBODY_ELSE = rejected(/^The identity provider gave information about another person/);
const UNVERIFIED = rejected(/^Your e-mail address is not verified/);

const mail = (email, verified = true) => ({ email, email_verified: verified });

const suites = [
  ['allowed_domains', { openid: { allowed_domains: ['example.com'] } }, mail('ann@example.com'), [
    ['another case', mail('ann@Example.COM'), IN],
    ['another domain', mail('ann@elsewhere.example'), OTHER_DOMAIN],
    ['a domain below', mail('ann@sub.example.com'), OTHER_DOMAIN],
    ['one that begins so', mail('ann@example.com.evil.example'), OTHER_DOMAIN],
    ['one that ends so', mail('ann@evilexample.com'), OTHER_DOMAIN],
    ['not verified', mail('ann@example.com', false), NO_DOMAIN],
    ['verification not said', mail('ann@example.com', null), NO_DOMAIN],
    ['verified: a text', mail('ann@example.com', 'true'), NO_DOMAIN],
    ['verified: a number', mail('ann@example.com', 1), NO_DOMAIN],
    ['two @', mail('ann@evil.example@example.com'), NO_DOMAIN],
    ['no @', mail('example.com'), NO_DOMAIN],
    ['a blank in it', mail('ann@evil.example @example.com'), NO_DOMAIN],
    ['an address that is no text', mail(['ann@example.com']), NO_DOMAIN],
    ['nothing', {}, NO_DOMAIN],
    ['hd alone', { hd: 'example.com' }, IN],
    ['hd beside an address that is not verified', { hd: 'example.com', ...mail('ann@gmail.example', false) }, IN],
    ['hd goes before the address', { hd: 'elsewhere.example', ...mail('ann@example.com') }, OTHER_DOMAIN],
    ['hd: a number', { hd: 7, ...mail('ann@example.com') }, NO_DOMAIN],
    ['hd: empty', { hd: '', ...mail('ann@example.com') }, NO_DOMAIN],
    ['hd: several', { hd: ['example.com'], ...mail('ann@example.com') }, NO_DOMAIN],
    ['only userinfo says it', {}, IN, mail('ann@example.com')],
    ['userinfo says another', {}, OTHER_DOMAIN, mail('ann@elsewhere.example')],
    ['userinfo verifies the same address', mail('ann@example.com', null), IN, mail('ann@example.com')],
    ['userinfo verifies another address', mail('ann@example.com', null), NO_DOMAIN, mail('me@elsewhere.example')],
    ['userinfo says otherwise', mail('ann@example.com', false), NO_DOMAIN, mail('ann@example.com')],
    ['userinfo of somebody else', {}, SOMEBODY_ELSE, { sub: 'ann', ...mail('ann@example.com') }],
    ['userinfo without a subject', {}, SOMEBODY_ELSE, { sub: null, ...mail('ann@example.com') }],
  ]],
  ['doorward.openid.allow', { own: { allow: { groups: ['sre'], emails: ['ann@example.com'], domains: ['corp.example'], users: ['carl'] } } }, { groups: ['sre'] }, [
    ['nothing of it', {}, NOT_ALLOWED],
    ['a group among others', { groups: ['dev', 'sre'] }, IN],
    ['one group, as a text', { groups: 'sre' }, IN],
    ['a group in another case', { groups: ['SRE'] }, NOT_ALLOWED],
    ['a group within a group', { groups: [['sre']] }, NOT_ALLOWED],
    ['groups as an object', { groups: { sre: true } }, NOT_ALLOWED],
    ['groups with a comma', { groups: 'dev,sre' }, NOT_ALLOWED],
    ['only userinfo says the group', {}, IN, { groups: ['sre'] }],
    ['the id_token\'s groups count', { groups: ['dev'] }, NOT_ALLOWED, { groups: ['sre'] }],
    ['no group in the id_token is no group', { groups: [] }, NOT_ALLOWED, { groups: ['sre'] }],
    ['the group, of somebody else', {}, SOMEBODY_ELSE, { sub: 'ann', groups: ['sre'] }],
    ['an address', mail('ann@example.com'), IN],
    ['its domain in another case', mail('ann@EXAMPLE.com'), IN],
    ['its mailbox in another case', mail('Ann@example.com'), NOT_ALLOWED],
    ['not verified', mail('ann@example.com', false), NOT_ALLOWED],
    ['another mailbox there', mail('ben@example.com'), NOT_ALLOWED],
    ['a domain', mail('anybody@corp.example'), IN],
    ['a domain, not verified', mail('anybody@corp.example', false), NOT_ALLOWED],
    ['a domain by hd', { hd: 'corp.example' }, IN],
    ['a domain below', mail('anybody@dev.corp.example'), NOT_ALLOWED],
    ['a user', { preferred_username: 'carl' }, called('carl')],
    ['a user in another case', { preferred_username: 'Carl' }, NOT_ALLOWED],
    ['a user of that name in another claim', { name: 'carl', nickname: 'carl' }, NOT_ALLOWED],
    ['a user who has no name', { preferred_username: null }, NOT_ALLOWED],
    ['a subject like a group', { sub: 'sre' }, NOT_ALLOWED],
  ]],
  ['groups_claim', { own: { groups_claim: 'roles', allow: { groups: ['sre'] } } }, { roles: ['sre'] }, [
    ['the usual claim', { groups: ['sre'] }, NOT_ALLOWED],
    ['both', { groups: ['sre'], roles: ['dev'] }, NOT_ALLOWED],
  ]],
  ['names', {}, {}, [
    ['one of Kubernetes\' own', { preferred_username: 'system:admin' }, rejected(/reserved for the cluster/)],
    ['with a line end', { preferred_username: 'a\nb' }, rejected(/^The name of your account cannot be used here/)],
    ['of another script', { preferred_username: 'Ålice Ω' }, called('Ålice Ω')],
    ['with markup', { preferred_username: '<b>"x"</b>' }, called('<b>"x"</b>')],
    ['none: Kiali\'s word for it', { preferred_username: null }, called('OpenId User')],
    ['userinfo has it', { preferred_username: null }, called('ann'), { preferred_username: 'ann' }],
    ['userinfo has it, of somebody else', { preferred_username: null }, SOMEBODY_ELSE, { sub: 'ann', preferred_username: 'ann' }],
  ]],
];

for (const [what, settings, good, cases] of suites) {
  test(`${what}: who gets in`, { timeout: 180000 }, async (t) => {
    const all = await setUp(t, settings);
    for (const one of cases) {
      await assertOutcome(t, all, one);
      await assertOutcome(t, all, [`after ${one[0]}`, good, IN]); // which ends the wait after failures, too
    }
  });
}

test('username_claim: email takes an address that is verified, and no other', async (t) => {
  const all = await setUp(t, { openid: { username_claim: 'email' } });
  for (const [what, claims, expected] of [
    ['verified', mail('ann@example.com'), called('ann@example.com')],
    ['not verified', mail('ann@example.com', false), UNVERIFIED],
    ['not said', mail('ann@example.com', null), UNVERIFIED],
    ['no address', mail('ann'), UNVERIFIED],
  ]) await assertOutcome(t, all, [what, claims, expected]);
});

test('a provider that hands out addresses itself can be believed without its saying so', async (t) => {
  const all = await setUp(t, { openid: { allowed_domains: ['example.com'] }, own: { trust_unsaid_email: true } });
  for (const [what, claims, expected] of [
    ['not said', mail('ann@example.com', null), IN],
    ['said no', mail('ann@example.com', false), NO_DOMAIN],
    ['another domain', mail('ann@elsewhere.example', null), OTHER_DOMAIN],
  ]) await assertOutcome(t, all, [what, claims, expected]);
});
