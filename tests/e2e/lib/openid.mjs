// Doorward with an OpenID provider: the common case, and what tests ask of it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './client.mjs';
import { Doorward, temporaryDir, until } from './doorward.mjs';
import { OpenidProvider, login } from './openid-provider.mjs';
import { Console } from './upstream.mjs';
import { Browser } from './web.mjs';

export const SECRET = 'a +%&/: b'; // form-urlencoded in Basic, which shows who does not

// auth.openid and doorward.openid, merged over the least that is needed.
export function openidConfig(op, bundle, { openid = {}, own = {}, config = {} } = {}) {
  const { auth, doorward, ...rest } = config;
  return {
    auth: { strategy: 'openid', openid: { client_id: 'doorward', issuer_uri: op.issuer, disable_rbac: true, ...openid }, ...auth },
    doorward: { ca_bundle_dir: bundle, openid: own, ...doorward },
    server: { web_root: '/kiali' },
    ...rest,
  };
}

// A folder with the provider's authority in it.
export function caBundle(t, ca) {
  const dir = temporaryDir();
  fs.writeFileSync(path.join(dir, 'openid-server-ca.crt'), ca);
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// provider: options of OpenidProvider, or one that runs. client: its
// registration, over the usual; handler: of the console; the rest: Doorward's.
export async function setUp(t, { provider = {}, client = {}, openid, own, config, handler, secret = SECRET, prepare, ...options } = {}) {
  const op = provider instanceof OpenidProvider ? provider : await OpenidProvider.start(t, provider);
  const upstream = await new Console(t, handler).listen();
  const dw = new Doorward(t, { console: upstream.url, config: openidConfig(op, caBundle(t, op.ca), { openid, own, config }), ...options });
  if (secret) dw.secret('oidc-secret', secret);
  await prepare?.(dw, op);
  await dw.start();
  dw.base = `${dw.scheme}://localhost:${dw.port}${dw.config.server.web_root.replace(/\/$/, '')}`;
  register(op, dw.base, { client_secret: secret ?? undefined, ...client });
  op.trusted.push(dw.ca);
  return { dw, op, upstream, browser: newBrowser(t, dw, op) };
}

export function register(op, base, client = {}) {
  op.addClient({
    client_id: 'doorward', client_secret: SECRET, redirect_uris: [base], post_logout_redirect_uris: [base],
    backchannel_logout_uri: `${base}/_doorward/backchannel-logout`, backchannel_logout_session_required: true, ...client,
  });
}

export const newBrowser = (t, dw, op, options) => new Browser(t, { ca: [dw.ca, op.ca].filter(Boolean), ...options });
export const startUrl = (dw, go_to) => `${dw.base}/api/auth/openid_redirect${go_to === undefined ? '' : `?return=${encodeURIComponent(go_to)}`}`;

// The whole way, and that it ended well. Resolves with the page after it.
export async function signInWell(browser, dw, user = 'alice', go_to = undefined) {
  const r = await login(browser, startUrl(dw, go_to), user);
  assert.equal(r.status, 200, `${r.url}\n${r.body.slice(0, 2000)}`);
  assert.ok(sessionCookie(browser), `no session: ${r.url}\n${r.body}`);
  return r;
}
// The way up to the redirect that leads back to Doorward: its URL.
export async function signInUntilBack(browser, dw, user = 'alice') {
  const stop = (url) => url.startsWith(dw.base) && /[?&](code|error)=/.test(url);
  const r = await login(browser, startUrl(dw), user, { stop });
  assert.ok(r.headers.location, r.body);
  return new URL(r.headers.location, r.url).href;
}

const named = (browser, pattern) => browser.jar.cookies.find((c) => c.host === 'localhost' && pattern.test(c.name))?.value;
export const sessionCookie = (browser) => named(browser, /(^|-)doorward$/);
export const loginCookie = (browser) => named(browser, /doorward-login$/);

export const info = async (browser, dw) => JSON.parse((await browser.fetch(`${dw.base}/api/auth/info`)).body);
// What the console sees of a request, or the status without one.
export async function api(browser, dw, target = '/api/namespaces') {
  const r = await browser.fetch(`${dw.base}${target}`, { headers: { Accept: 'application/json' } });
  return r.status === 200 ? JSON.parse(r.body) : r.status;
}
// The token in a request that the console got, and what one says.
export const tokenOf = (seen) => seen.headers.authorization.replace('Bearer ', '');
export const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
// Who brings that cookie.
export function withCookie(dw, cookie) {
  const c = new Client(dw);
  c.cookies.set(dw.scheme === 'https' ? '__Secure-doorward' : 'doorward', cookie);
  return c;
}

// A page that says that signing in did not work; with a reference that the log
// knows. Resolves with {sentence, reference, line of the log}.
export async function assertFailed(dw, r, what = '') {
  assert.ok(r.status >= 400, `${what}: ${r.status} ${r.headers.location ?? ''}`);
  assert.match(r.headers['content-type'], /^text\/html/, what);
  assert.match(r.body, /<h1>Signing in did not work<\/h1>/, what);
  const sentence = /role="alert" id="error">([^<]+)</.exec(r.body)?.[1];
  assert.ok(sentence?.length > 20, `${what}: ${r.body}`);
  const reference = /<code>([^<]+)<\/code>/.exec(r.body)?.[1];
  assert.ok(reference, `${what}: no reference\n${r.body.slice(-600)}`);
  // The page may be here before the log is.
  const line = await until(`${what}: ${reference} is in the log`,
    () => dw.log.split('\n').find((l) => !l.startsWith('{') && l.includes(reference)));
  return { sentence, reference, line };
}

// CPU time that the daemons have used so far, in microseconds.
export function cpuUs(dw) {
  const TICK_US = 10000;
  return dw.everyProcess().reduce((sum, { pid }) => {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }, 0);
}
