// What a hostile or broken provider does (lib/hostile-provider.mjs), one defect
// a case, and what a client has to make of it.
//
//   name; defect; accept: true where it must let the person in all the same;
//   alg: of the id_token, where it is not RS256;
//   control: what npm's openid-client does, where that is not what we do:
//     'accepts', 'refuses' or 'hangs'; why: the reason for our way;
//   through: the answer is no callback at all, and goes to the console;
//   slow: takes as long as a time-out.
import { constants, createHmac, createPrivateKey, publicEncrypt, randomBytes, createPublicKey } from 'node:crypto';
import { atHash, makeJwk, part, publicJwk, publicPem, signature, signJws } from './jws.mjs';
import { CLIENT } from './hostile-provider.mjs';

const now = () => Math.floor(Date.now() / 1000);
const set = (changes) => (o) => ({ ...o, ...(typeof changes === 'function' ? changes(o) : changes) });
const without = (name) => (o) => Object.fromEntries(Object.entries(o).filter(([k]) => k !== name));
// JSON in which a member comes again, before or after its first value.
const again = (name, value, { first = false } = {}) => (o) => {
  const more = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  const text = JSON.stringify(o);
  return first ? `{${more},${text.slice(1)}` : `${text.slice(0, -1)},${more}}`;
};

// --- what an endpoint may do ---

const respond = (endpoint, answer) => ({ respond: { [endpoint]: answer } });
const body = (text, type = 'application/json', status = 200) => (req, res) => { res.writeHead(status, { 'Content-Type': type }).end(text); };
const html = body('<!DOCTYPE html><title>Load balancer</title><h1>Maintenance</h1>', 'text/html');
const redirect = (status, to) => (req, res, op) => { res.writeHead(status, { Location: to(op) }).end(); };
const silent = () => {};
function truncated(req, res) {
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 4000 });
  res.write('{"issuer":"https://', () => req.socket.destroy());
}
// Writes text every so many milliseconds until the client has had enough.
function repeat(res, text, ms) {
  const timer = setInterval(() => (res.destroyed ? clearInterval(timer) : res.write(text)), ms);
  timer.unref();
}
// 20 MB/s for ever: enough to hurt, little enough for a client that keeps all.
function endless(req, res) {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.write('{"a":"');
  repeat(res, 'x'.repeat(1 << 20), 50);
}
// A byte now and then: never silent for long, never done.
function drip(req, res) {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  repeat(res, ' ', 500);
}
function notHttp(req) { req.socket.end('SSH-2.0-OpenSSH_9.2\r\n'); }

const BOUNDED = 'openid-client reads as long as bytes come; we bound size and the whole time';

// The same for every endpoint that is asked by a server.
const everywhere = ['discovery', 'jwks', 'token', 'userinfo'].flatMap((endpoint) => {
  const userinfoWanted = endpoint === 'userinfo';
  const one = (what, answer, more) => ({ name: `${endpoint}: ${what}`, defect: { userinfoWanted, ...respond(endpoint, answer) }, ...more });
  const elsewhere = (op) => `${op.issuer}/elsewhere/${endpoint}`;
  return [
    one('redirected', redirect(302, elsewhere), {}),
    one('redirected, method kept', redirect(307, elsewhere)),
    one('a page', html),
    one('nothing', body('')),
    one('no JSON', body('{"issuer": ')),
    one('JSON and more', body('{} {}')),
    one('a list', body('[]')),
    one('null', body('null')),
    one('not UTF-8', body(Buffer.from('{"issuer":"\xff\xfe"}', 'latin1'))),
    one('404', body('{"error":"not_found"}', 'application/json', 404)),
    one('500', body('Internal Server Error', 'text/plain', 500)),
    one('204', (req, res) => res.writeHead(204).end()),
    one('cut off', truncated),
    one('no HTTP', notHttp),
    one('endless', endless, { control: 'hangs', why: BOUNDED }),
    one('silent', silent, { slow: true }),
    one('a byte now and then', drip, { slow: true, control: 'hangs', why: BOUNDED }),
    one('10,000 levels deep', body(`${'['.repeat(10000)}${']'.repeat(10000)}`)),
  ];
});

// --- the discovery document ---

const discovery = [
  ['another issuer', { metadata: set({ issuer: 'https://other.example' }) }],
  ['issuer with a slash more', { metadata: set((d) => ({ issuer: `${d.issuer}/` })) },
    { why: 'the id_token comes from the configured issuer, so openid-client refuses it then' }],
  ['another issuer, and tokens that fit it', {
    metadata: set({ issuer: 'https://other.example' }), claims: set({ iss: 'https://other.example' }),
    callback: (p) => p.map(([k, v]) => [k, k === 'iss' ? 'https://other.example' : v]),
  }, { control: 'accepts', why: 'Discovery 4.3: the issuer must be the one that was asked; openid-client leaves that to its user' }],
  ['no issuer', { metadata: without('issuer') }],
  ['issuer is a number', { metadata: set({ issuer: 1 }) }],
  ['issuer twice', { metadata: (d) => again('issuer', 'https://other.example', { first: true })(d) },
    { control: 'accepts', why: 'two readers could believe two different issuers' }],
  ['token_endpoint twice', { metadata: (d) => again('token_endpoint', 'https://other.example/token', { first: true })(d) },
    { control: 'accepts', why: 'two readers could send the code to two places' }],
  ['no authorization_endpoint', { metadata: without('authorization_endpoint') }],
  ['no token_endpoint', { metadata: without('token_endpoint') }],
  ['no jwks_uri', { metadata: without('jwks_uri') }],
  ['token_endpoint without TLS', { metadata: set({ token_endpoint: 'http://192.0.2.1/token' }) }],
  ['userinfo_endpoint without TLS', { metadata: set({ userinfo_endpoint: 'http://192.0.2.1/userinfo' }) },
    { control: 'accepts', why: 'an access token would travel in clear; a document counts as a whole or not at all' }],
  ['jwks_uri of another scheme', { metadata: set({ jwks_uri: 'file:///etc/passwd' }) }],
  ['token_endpoint with a password', { metadata: set((d) => ({ token_endpoint: d.token_endpoint.replace('https://', 'https://user:password@') })) },
    { control: 'accepts', why: 'credentials in a URL end in logs' }],
  ['authorization_endpoint with a fragment', { metadata: set((d) => ({ authorization_endpoint: `${d.authorization_endpoint}#here` })) },
    { control: 'accepts', why: 'RFC 6749 3.1: it must not have one' }],
  ['authorization_endpoint with a line break', { metadata: set((d) => ({ authorization_endpoint: `${d.authorization_endpoint}?a=\r\nSet-Cookie:%20a=b` })) },
    { control: 'accepts', why: 'it would split our redirect; openid-client drops the line break' }],
  ['authorization_endpoint is a script', { metadata: set({ authorization_endpoint: 'javascript:alert(1)' }) }],
  ['no code flow', { metadata: set({ response_types_supported: ['id_token'] }) },
    { control: 'accepts', why: 'there is no way to sign in there; said before people are sent away' }],
  ['only algorithms that do not serve', { metadata: set({ id_token_signing_alg_values_supported: ['none', 'HS256'] }) },
    { control: 'accepts', why: 'the provider says that it would sign otherwise than it does' }],
  ['algorithms are no list', { metadata: set({ id_token_signing_alg_values_supported: 'RS256' }) },
    { control: 'accepts', why: 'a document that is wrong in what it says is not read halfway' }],
  ['100 kB', { metadata: set({ padding: 'x'.repeat(100000) }) }, { control: 'accepts', why: BOUNDED }],
  ['members that nobody knows', { metadata: set({ 'https://example.com/own': { a: [1, null] } }) }, { accept: true }],
  ['PKCE is not spoken of', { metadata: without('code_challenge_methods_supported') }, { accept: true }],
];

// --- the key set ---

const withKeys = (change) => (jwks, op) => ({ keys: change(jwks.keys, op) });
const rsa = (keys) => keys.find((k) => k.alg === 'RS256');
const alsoIn = (key) => withKeys((keys) => [...keys, key]);
const oct = (pem) => ({ kty: 'oct', k: part(pem), kid: 'shared', alg: 'HS256', use: 'sig' });
const WHOLE_SET = 'a set with a key that is broken or weak is not believed in part';
const keysets = [
  ['no keys', { jwks: withKeys(() => []) }],
  ['no list of keys', { jwks: () => ({}) }],
  ['keys is an object', { jwks: () => ({ keys: {} }) }],
  ['keys twice', { jwks: again('keys', [], { first: true }) }, { control: 'accepts', why: 'two readers could believe two different sets' }],
  ['another RSA key under the same kid', { jwks: withKeys((keys, op) => [{ ...publicJwk(op.stranger), kid: rsa(keys).kid }]) }],
  ['the key is for encryption', { jwks: withKeys((keys) => [{ ...rsa(keys), use: 'enc' }]) }],
  ['the key is for encryption by key_ops', { jwks: withKeys((keys) => [{ ...rsa(keys), use: undefined, key_ops: ['encrypt'] }]) },
    { control: 'accepts', why: 'RFC 7517 4.3: key_ops says what a key is for, as use does' }],
  ['the key is for another algorithm', { jwks: withKeys((keys) => [{ ...rsa(keys), alg: 'PS256' }]) }],
  ['the key is of another type', { jwks: withKeys((keys) => keys.filter((k) => k.alg === 'ES256').map((k) => ({ ...k, kid: rsa(keys).kid }))) }],
  ['an RSA key of 1024 bits', { key: weakKey, jwks: withKeys((keys, op) => [publicJwk(weakKey(op))]) }],
  ['an RSA key with exponent 1', { jwks: withKeys((keys) => [{ ...rsa(keys), e: 'AQ' }]) }],
  ['an RSA key with an even modulus', { jwks: withKeys((keys) => [{ ...rsa(keys), n: `${rsa(keys).n.slice(0, -2)}AA` }]) }],
  ['an EC key that is not on its curve', { alg: 'ES256', key: (op) => op.keys.ES256, jwks: withKeys((keys) => keys.filter((k) => k.alg === 'ES256').map((k) => ({ ...k, y: k.x }))) }, { alg: 'ES256' }],
  ['the private key is published', { jwks: (jwks, op) => ({ keys: [op.keys.RS256] }) },
    { why: 'everybody can sign with it' }],
  ['too many keys', { jwks: withKeys((keys) => [...keys, ...Array.from({ length: 64 }, (x, i) => ({ ...rsa(keys), kid: `k${i}` }))]) },
    { control: 'accepts', why: BOUNDED }],
  ['1 MB', { jwks: (jwks) => ({ ...jwks, padding: 'x'.repeat(1 << 20) }) }, { control: 'accepts', why: BOUNDED }],
  ['keys of types that nobody knows', { jwks: withKeys((keys) => [{ kty: 'LATTICE', kid: 'pq' }, ...keys]) },
    { accept: true, control: 'refuses', why: 'RFC 7517 5: such keys are left out; openid-client 5 stumbles' }],
  ['one key without kid, and no kid in the token', { header: set({ kid: undefined }), jwks: withKeys((keys) => [without('kid')(rsa(keys))]) }, { accept: true }],
  ['the right key is the second of two with that kid', { jwks: withKeys((keys, op) => [{ ...publicJwk(op.stranger), kid: rsa(keys).kid }, rsa(keys)]) }, { accept: true }],
  ['the client secret as a key, and HS256', { jwks: alsoIn(oct(CLIENT.client_secret)), token: (op, claims) => hmac(CLIENT.client_secret, claims, { kid: 'shared' }) }],
  ['a public key as an HMAC key, and HS256', { jwks: (jwks, op) => ({ keys: [...jwks.keys, oct(publicPem(op.keys.RS256))] }), token: (op, claims) => hmac(publicPem(op.keys.RS256), claims, { kid: 'shared' }) }],
];

let weak;
function weakKey() {
  weak ??= makeJwk('RS256', 1024);
  return weak;
}

// --- TLS ---

const tls = [
  ['by another authority', { tls: 'other authority' }],
  ['for another name', { tls: 'wrong name' }],
  ['signed by itself', { tls: 'signed by itself' }],
  ['expired', { tls: 'expired' }],
  ['no TLS at all', { tls: 'none' }],
  ['the connection is cut', { tls: 'cut' }],
];

// --- the authorization response ---

const param = (name, value) => (p) => p.map(([k, v]) => [k, k === name ? value : v]);
const noParam = (name) => (p) => p.filter(([k]) => k !== name);
const more = (name, value) => (p) => [...p, [name, value]];
const callback = [
  ['iss of another provider', { callback: param('iss', 'https://other.example') }],
  ['iss with a slash more', { callback: (p) => p.map(([k, v]) => [k, k === 'iss' ? `${v}/` : v]) }],
  ['iss missing, though announced', { callback: noParam('iss') }],
  ['iss empty', { callback: param('iss', '') }],
  ['iss twice', { callback: (p) => [...p, p.find(([k]) => k === 'iss')] }],
  ['another state', { callback: param('state', 'A'.repeat(43)) }],
  ['state twice', { callback: (p) => [...p, p.find(([k]) => k === 'state')] }],
  ['state missing', { callback: noParam('state') }, { through: true }],
  ['state empty', { callback: param('state', '') }],
  ['a state of 8 kB', { callback: param('state', 'A'.repeat(6000)) }],
  ['code missing', { callback: noParam('code') }, { through: true }],
  ['code twice', { callback: (p) => [...p, p.find(([k]) => k === 'code')] }, { control: 'accepts', why: 'RFC 6749 3.1: no parameter comes twice; openid-client sends both to the provider' }],
  ['code empty', { callback: param('code', '') }],
  ['a code that the provider does not know', { callback: param('code', randomBytes(16).toString('hex')) }],
  ['a code with control characters', { callback: param('code', 'a\r\nb\0') }],
  ['the person said no', { callback: (p, { state }) => [['error', 'access_denied'], ['error_description', 'no'], ['state', state], p.find(([k]) => k === 'iss')] }],
  ['an error and a code', { callback: more('error', 'access_denied') }],
  ['an error with a page in it', { callback: (p) => [...noParam('code')(p), ['error', 'server_error'], ['error_description', '<script>alert(1)</script>']] }],
  ['an error of no known name', { callback: (p) => [...noParam('code')(p), ['error', 'x'.repeat(300)]] }],
];

// --- the token endpoint's answer ---

const answers = [
  ['no id_token', { answer: without('id_token') }],
  ['id_token is null', { answer: set({ id_token: null }) }],
  ['id_token is empty', { answer: set({ id_token: '' }) }],
  ['id_token is a number', { answer: set({ id_token: 7 }) }],
  ['id_token is a list', { answer: set((a) => ({ id_token: [a.id_token] })) }],
  ['id_token twice', { answer: (a) => again('id_token', 'x.y.z', { first: true })(a) }, { control: 'accepts', why: 'two readers could believe two different tokens' }],
  ['access_token twice', { answer: (a) => again('access_token', 'another', { first: true })(a) }, { control: 'accepts', why: 'two readers could use two different tokens' }],
  ['token_type mac', { answer: set({ token_type: 'mac' }) }, { control: 'accepts', why: 'RFC 6749 7.1: a token of a type that one does not know must not be used' }],
  ['no token_type', { answer: without('token_type') }, { control: 'accepts', why: 'RFC 6749 5.1: required' }],
  ['token_type is a number', { answer: set({ token_type: 1 }) }, { control: 'accepts', why: 'RFC 6749 5.1: a text' }],
  ['token_type bearer, in lower case', { answer: set({ token_type: 'bearer' }) }, { accept: true }],
  ['an error with status 200', { answer: () => ({ error: 'invalid_grant' }) }],
  ['members that nobody knows', { answer: set({ session_state: 'x', 'not-before-policy': 0 }) }, { accept: true }],
  ['invalid_grant', respond('token', body('{"error":"invalid_grant"}', 'application/json', 400))],
  ['invalid_client', respond('token', body('{"error":"invalid_client"}', 'application/json', 401))],
  ['an error with a page in it', respond('token', body('{"error":"<script>alert(1)</script>","error_description":"\\u0000\\r\\nx"}', 'application/json', 400))],
  ['an id_token of 1 MB', { claims: set({ padding: 'x'.repeat(1 << 20) }) }, { control: 'accepts', why: BOUNDED }],
];

// --- the claims of the id_token ---

const claim = (name, value) => ({ claims: set({ [name]: value }) });
const WRONG_TYPE = 'openid-client checks presence only';
const claims = [
  ['iss: another', claim('iss', 'https://other.example')],
  ['iss: with a slash more', { claims: set((c) => ({ iss: `${c.iss}/` })) }],
  ['iss: missing', { claims: without('iss') }],
  ['iss: a list', { claims: set((c) => ({ iss: [c.iss] })) }],
  ['aud: another', claim('aud', 'somebody-else')],
  ['aud: missing', { claims: without('aud') }],
  ['aud: empty', claim('aud', [])],
  ['aud: null', claim('aud', null)],
  ['aud: an object', claim('aud', { [CLIENT.client_id]: true })],
  ['aud: begins like ours', claim('aud', `${CLIENT.client_id}2`)],
  ['aud: ours in other case', claim('aud', CLIENT.client_id.toUpperCase())],
  ['aud: others only', claim('aud', ['a', 'b'])],
  ['aud: ours and a number', { claims: set({ aud: [CLIENT.client_id, 7], azp: CLIENT.client_id }) }, { control: 'accepts', why: 'RFC 7519 4.1.3: every one is a text' }],
  ['aud: ours alone, in a list', claim('aud', [CLIENT.client_id]), { accept: true }],
  ['aud: two, and no azp', claim('aud', [CLIENT.client_id, 'other'])],
  ['aud: two, and azp is ours', { claims: set({ aud: [CLIENT.client_id, 'other'], azp: CLIENT.client_id }) }, { accept: true }],
  ['aud: two, and azp is the other', { claims: set({ aud: [CLIENT.client_id, 'other'], azp: 'other' }) }],
  ['azp: another', claim('azp', 'somebody-else')],
  ['azp: a list', claim('azp', [CLIENT.client_id])],
  ['azp: ours', claim('azp', CLIENT.client_id), { accept: true }],
  ['nonce: another', claim('nonce', 'A'.repeat(43))],
  ['nonce: missing', { claims: without('nonce') }],
  ['nonce: empty', claim('nonce', '')],
  ['nonce: a list', { claims: set((c) => ({ nonce: [c.nonce] })) }],
  ['nonce: begins right', { claims: set((c) => ({ nonce: c.nonce.slice(0, -1) })) }],
  ['exp: an hour ago', { claims: set(() => ({ exp: now() - 3600, iat: now() - 7200 })) }],
  ['exp: two minutes ago', { claims: set(() => ({ exp: now() - 120 })) }],
  ['exp: 30 s ago', { claims: set(() => ({ exp: now() - 30 })) }, { why: 'a token without time left makes no session, whatever the leeway' }],
  ['exp: missing', { claims: without('exp') }],
  ['exp: a text', { claims: set(() => ({ exp: String(now() + 3600) })) }],
  ['exp: null', claim('exp', null)],
  ['exp: negative', claim('exp', -1)],
  ['exp: beyond every number', { claims: (c) => JSON.stringify(c).replace(/"exp":\d+/, '"exp":1e999') }, { control: 'accepts', why: 'no date: RFC 7519 2; it would never end' }],
  ['iat: missing', { claims: without('iat') }],
  ['iat: a text', { claims: set(() => ({ iat: String(now()) })) }],
  ['iat: in five minutes', { claims: set(() => ({ iat: now() + 300 })) }, { control: 'accepts', why: 'made by a wrong clock, or for later use' }],
  ['iat: in 30 s', { claims: set(() => ({ iat: now() + 30 })) }, { accept: true }],
  ['iat: an hour ago', { claims: set(() => ({ iat: now() - 3600 })) }, { control: 'accepts', why: 'it was asked for just now: an old one is somebody\'s' }],
  ['nbf: in five minutes', { claims: set(() => ({ nbf: now() + 300 })) }],
  ['nbf: a text', claim('nbf', 'soon')],
  ['nbf: in 30 s', { claims: set(() => ({ nbf: now() + 30 })) }, { accept: true, control: 'refuses', why: 'clocks differ: 60 s are allowed; openid-client allows none unless told' }],
  ['sub: missing', { claims: without('sub') }],
  ['sub: empty', claim('sub', ''), { control: 'accepts', why: WRONG_TYPE }],
  ['sub: a number', claim('sub', 0), { control: 'accepts', why: WRONG_TYPE }],
  ['sub: null', claim('sub', null), { control: 'accepts', why: WRONG_TYPE }],
  ['sub: a list', claim('sub', ['root']), { control: 'accepts', why: WRONG_TYPE }],
  ['sub: 256 characters', claim('sub', 'x'.repeat(256)), { control: 'accepts', why: 'Core 2: at most 255' }],
  ['sub: control characters', claim('sub', 'root\u0000\r\nx'), { control: 'accepts', why: 'it goes into logs and headers' }],
  ['sub: 255 characters', claim('sub', 'x'.repeat(255)), { accept: true }],
  ['at_hash: of another token', { claims: set((c, op) => ({ at_hash: atHash('RS256', 'another') })) }],
  ['at_hash: a number', claim('at_hash', 1)],
  ['at_hash: empty', claim('at_hash', '')],
  ['at_hash: missing', { claims: without('at_hash') }, { accept: true }],
  ['events: a logout token', { claims: set({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }) },
    { control: 'accepts', why: 'made for another purpose' }],
  ['sid: a number', claim('sid', 5), { control: 'accepts', why: 'the provider could never end that session' }],
  ['username: a number, and userinfo has a name', claim('preferred_username', 7), { accept: true }],
  ['username: control characters', claim('preferred_username', 'root\r\nx'), { control: 'accepts', why: 'openid-client reads no user names' }],
  ['username: Kubernetes\' own', claim('preferred_username', 'system:admin'), { control: 'accepts', why: 'openid-client knows no Kubernetes' }],
  ['sub twice', { claims: again('sub', 'root') }, { control: 'accepts', why: 'two readers could see two different people' }],
  ['username twice', { claims: again('preferred_username', 'root', { first: true }) }, { control: 'accepts', why: 'two readers could see two different people' }],
  ['aud twice', { claims: again('aud', 'somebody-else', { first: true }) }, { control: 'accepts', why: 'two readers could see two different audiences' }],
  ['1,000 levels deep', { claims: (c) => `${JSON.stringify(c).slice(0, -1)},"a":${'['.repeat(1000)}${']'.repeat(1000)}}` }, { control: 'accepts', why: BOUNDED }],
  ['not UTF-8', { claims: (c) => Buffer.from(JSON.stringify(c).replace('"mallory"', '"mall\xffory"'), 'latin1') }, { control: 'accepts', why: 'RFC 7519 7.2: UTF-8; another text comes out of every repair' }],
  ['NUL behind it', { claims: (c) => `${JSON.stringify(c)}\0` }],
  ['a list', { claims: (c) => JSON.stringify([c]) }],
  ['a text', { claims: () => '"mallory"' }],
  ['null', { claims: () => 'null' }],
  ['claims that nobody knows', claim('https://example.com/roles', [{ a: 1 }, null, true]), { accept: true }],
];

// --- form, header and signature of the id_token ---

const hmac = (secret, payload, header = {}) => {
  const input = `${part({ alg: 'HS256', ...header })}.${part(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};
const unsigned = (alg) => (op, c) => `${part({ alg })}.${part(c)}.`;
const pieces = (change) => ({ token: (op, c) => change(signJws(op.key, c).split('.'), op, c) });
const header = (changes) => ({ header: set(changes) });
const good = (op, c) => signJws(op.key, c);
// Signed by a key that is nobody's, which the header brings along.
const brought = (name, value) => ({ token: (op, c) => signJws(op.stranger, c, { [name]: value(op) }) });
const INERT = 'openid-client takes no key from there, so it refuses the signature';
const form = [
  ['alg none', { token: unsigned('none') }],
  ['alg None', { token: unsigned('None') }],
  ['alg NONE, and kid', { token: (op, c) => `${part({ alg: 'NONE', kid: op.key.kid })}.${part(c)}.` }],
  ['alg none, and a signature', { token: (op, c) => good(op, c).replace(/^[^.]+/, part({ alg: 'none' })) }],
  ['no alg', header({ alg: undefined })],
  ['alg empty', header({ alg: '' })],
  ['alg null', header({ alg: null })],
  ['alg a list', header({ alg: ['RS256'] })],
  ['alg in lower case', header({ alg: 'rs256' })],
  ['alg RS512', header({ alg: 'RS512' })],
  ['alg RS1', header({ alg: 'RS1' })],
  ['alg ES256 with the RSA key\'s kid', header({ alg: 'ES256' })],
  ['alg PS256, signed as RS256', header({ alg: 'PS256' })],
  ['HS256 with the public key as PEM', { token: (op, c) => hmac(publicPem(op.key), c, { kid: op.key.kid }) }],
  ['HS256 with the public key as DER', { token: (op, c) => hmac(createPublicKey(createPrivateKey({ key: op.key, format: 'jwk' })).export({ type: 'spki', format: 'der' }), c, { kid: op.key.kid }) }],
  ['HS256 with the public key as JWK', { token: (op, c) => hmac(JSON.stringify(publicJwk(op.key)), c, { kid: op.key.kid }) }],
  ['HS256 with the client secret', { token: (op, c) => hmac(CLIENT.client_secret, c) }],
  ['HS256 with an empty secret', { token: (op, c) => hmac('', c, { kid: op.key.kid }) }],
  ['its own key: jwk', brought('jwk', (op) => publicJwk(op.stranger)), { why: INERT }],
  ['its own key: jwk, with our kid', { token: (op, c) => signJws(op.stranger, c, { kid: op.key.kid, jwk: publicJwk(op.stranger) }) }],
  ['its own key: jku', brought('jku', (op) => `${op.issuer}/elsewhere/jwks`)],
  ['its own key: x5u', brought('x5u', () => 'https://other.example/cert.pem')],
  ['its own key: x5c', brought('x5c', () => ['MIIB'])],
  ['rightly signed, and a jwk', { header: (h, op) => ({ ...h, jwk: publicJwk(op.key) }) }, { control: 'accepts', why: 'no provider sends keys in a token; what looks at them is not to be tempted' }],
  ['rightly signed, and a jku', header({ jku: 'https://other.example/jwks' }), { control: 'accepts', why: 'no provider sends keys in a token; what looks at them is not to be tempted' }],
  ['rightly signed, and an x5u', header({ x5u: 'https://other.example/cert.pem' }), { control: 'accepts', why: 'no provider sends keys in a token; what looks at them is not to be tempted' }],
  ['crit with an unknown name', header({ crit: ['urn:x'], 'urn:x': true })],
  ['crit empty', header({ crit: [] })],
  ['crit b64', header({ crit: ['b64'], b64: true }), { control: 'accepts', why: 'RFC 7797 has no place in an id_token' }],
  ['typ of an access token', header({ typ: 'at+jwt' }), { control: 'accepts', why: 'RFC 8725 3.11: made for another purpose' }],
  ['typ of a logout token', header({ typ: 'logout+jwt' }), { control: 'accepts', why: 'RFC 8725 3.11: made for another purpose' }],
  ['typ JWT', header({ typ: 'JWT' }), { accept: true }],
  ['alg twice, none first', { header: again('alg', 'none', { first: true }) }, { control: 'accepts', why: 'two readers could see two different algorithms' }],
  ['alg twice, none last', { header: again('alg', 'none') }],
  ['kid unknown', header({ kid: 'nobody' })],
  ['kid missing', header({ kid: undefined }), { accept: true }],
  ['kid a path', header({ kid: '../../../../../../dev/null' })],
  ['kid SQL', header({ kid: "' OR '1'='1" })],
  ['kid a number', header({ kid: 7 })],
  ['kid of 10 kB', header({ kid: 'k'.repeat(10000) })],
  ['kid of another key', { header: (h, op) => ({ ...h, kid: op.keys.ES256.kid }) }],
  ['signed by a stranger, with our kid', { token: (op, c) => signJws(op.stranger, c, { kid: op.key.kid }) }],
  ['one bit of the signature', pieces(([h, p, s]) => `${h}.${p}.${s[0] === 'A' ? 'B' : 'A'}${s.slice(1)}`)],
  ['other claims under the signature', pieces(([h, , s], op, c) => `${h}.${part({ ...c, sub: 'root' })}.${s}`)],
  ['no signature', pieces(([h, p]) => `${h}.${p}.`)],
  ['two parts', pieces(([h, p]) => `${h}.${p}`)],
  ['four parts', pieces((all) => [...all, 'AAAA'].join('.'))],
  ['padding', pieces(([h, p, s]) => `${h}.${p}.${s}==`), { control: 'accepts', why: 'RFC 7515 2: base64url without padding; one token has one form' }],
  ['base64 as in MIME', pieces(([h, p, s]) => `${h}.${p}.${Buffer.from(s, 'base64url').toString('base64').replace(/=+$/, '')}`), { control: 'accepts', why: 'RFC 7515 2: base64url; one token has one form' }],
  ['spare bits', pieces(([h, p, s]) => `${h}.${p}.${s.slice(0, -1)}${{ A: 'B', Q: 'R', g: 'h', w: 'x' }[s.at(-1)]}`), { control: 'accepts', why: 'one token has one form' }],
  ['a line break behind it', pieces((all) => `${all.join('.')}\n`), { control: 'accepts', why: 'one token has one form' }],
  ['JSON form', pieces(([h, p, s]) => JSON.stringify({ payload: p, protected: h, signature: s }))],
  ['JSON form with two signatures', pieces(([h, p, s], op, c) => JSON.stringify({
    payload: p, signatures: [{ protected: h, signature: s }, { protected: signJws(op.stranger, c).split('.')[0], signature: 'AAAA' }],
  }))],
  ['encrypted', { token: encrypted }],
  ['a token in the token', { token: (op, c) => signJws(op.key, JSON.stringify(good(op, c)), { cty: 'JWT' }) }],
  ['ES256: a signature of zeros', { key: (op) => op.keys.ES256, ...pieces(([h, p]) => `${h}.${p}.${part(Buffer.alloc(64))}`) }, { alg: 'ES256' }],
  ['ES256: a signature in DER', { key: (op) => op.keys.ES256, ...pieces(([h, p, s]) => `${h}.${p}.${part(Buffer.concat([Buffer.from('3044022000', 'hex'), Buffer.from(s, 'base64url')]))}`) }, { alg: 'ES256' }],
  ['RS256', {}, { accept: true }],
  ['PS256', { key: (op) => op.keys.PS256 }, { accept: true, alg: 'PS256' }],
  ['ES256', { key: (op) => op.keys.ES256 }, { accept: true, alg: 'ES256' }],
  ['ES384', { key: (op) => op.keys.ES384 }, { accept: true, alg: 'ES384' }],
  ['EdDSA', { key: (op) => op.keys.EdDSA }, { accept: true, alg: 'EdDSA' }],
];

// Nobody can read it: the key is RSA-OAEP's, the rest is chance.
function encrypted(op) {
  const key = createPublicKey(createPrivateKey({ key: op.key, format: 'jwk' }));
  const cek = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, randomBytes(32));
  return [part({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: op.key.kid }), part(cek), part(randomBytes(12)), part(randomBytes(300)), part(randomBytes(16))].join('.');
}

// --- userinfo, asked because the id_token has no user name ---

const info = (change, more = {}) => [{ userinfoWanted: true, userinfo: change }, more];
const userinfo = [
  ['good', ...info(set({}), { accept: true })],
  ['of somebody else', ...info(set({ sub: 'root' }))],
  ['sub missing', ...info(without('sub'))],
  ['sub a number', ...info(set({ sub: 7 }))],
  ['sub twice', ...info(again('sub', 'root', { first: true }), { control: 'accepts', why: 'two readers could see two different people' })],
  ['a signed answer that nobody asked for', {
    userinfoWanted: true, ...respond('userinfo', (req, res, op) => body(signJws(op.key, { sub: 'mallory', preferred_username: 'mallory' }), 'application/jwt')(req, res)),
  }],
  ['401', { userinfoWanted: true, ...respond('userinfo', body('{"error":"invalid_token"}', 'application/json', 401)) }],
];

const named = (group, list) => list.map(([name, defect, extra = {}]) => ({ name: `${group}: ${name}`, defect, ...extra }));
export const hostileCases = [
  ...named('discovery', discovery), ...named('jwks', keysets), ...named('tls', tls), ...named('callback', callback),
  ...named('token', answers), ...named('claims', claims), ...named('id_token', form), ...named('userinfo', userinfo), ...everywhere,
];
// Does the defect lie in what a client keeps for long?
export const isLasting = ({ defect: d }) => Boolean(d.metadata || d.jwks || d.tls || d.respond?.discovery || d.respond?.jwks);
