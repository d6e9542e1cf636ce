// The OpenID section of make bench: what a login costs and how long many take,
// what a session needs, and what is done among very many.
import { randomBytes } from 'node:crypto';
import { signJws } from '../e2e/lib/jws.mjs';
import { newBrowser, setUp, signInWell } from '../e2e/lib/openid.mjs';
import { Visitor, cpuOf, holding, repeat, setUpMany, storeSize } from '../e2e/lib/openid-many.mjs';

const LOGINS = 200;
const AT_A_TIME = 100;
const SESSIONS = Number(process.env.BENCH_SESSIONS ?? 10000);
const USERS = 1000;
const OF_EACH = 20;
const TOKEN_BYTES = 10240;
const QUIET = { LOG_LEVEL: 'info' };

const print = (name, figures) => console.log(`${name.padEnd(38)} ${figures}`);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const ms = (n) => `${n.toFixed(n < 100 ? 1 : 0)} ms`;
const pause = (time) => new Promise((r) => { setTimeout(r, time); });

// How long each takes, and what CPU time all processes use for one.
async function timed(dw, n, doIt) {
  const times = [];
  const before = cpuOf(dw);
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    await doIt(i);
    times.push(performance.now() - began);
  }
  await pause(100); // what is done behind the answer
  return { times, cpu: (cpuOf(dw) - before) / n };
}
const figures = ({ times, cpu }) => `${cpu.toFixed(0).padStart(8)} us CPU each, median ${ms(median(times))}, longest ${ms(Math.max(...times))}`;

// A new browser each time: one TLS connection to Doorward, on it the start, the
// way back with the code, and the page.
async function logins(t) {
  const { dw, op } = await setUp(t, { env: QUIET });
  const signIn = async (i) => {
    const browser = newBrowser(t, dw, op);
    await signInWell(browser, dw, i % 2 ? 'alice' : 'bob');
    browser.close();
  };
  for (let i = 0; i < 10; i++) await signIn(i);
  print(`login, oidc-provider, ${LOGINS} in turn`, figures(await timed(dw, LOGINS, signIn)));
  const connections = { n: 0 };
  op.server.on('connection', () => { connections.n++; });
  const [times, failed] = [[], []];
  const before = cpuOf(dw);
  const began = performance.now();
  await Promise.all(Array.from({ length: AT_A_TIME }, async (x, i) => {
    await signIn(i).catch((e) => failed.push(`at ${e.message.split('\n')[0]}`));
    times.push(performance.now() - began);
  }));
  const whole = performance.now() - began;
  print(`login, oidc-provider, ${AT_A_TIME} at a time`, figures({ times, cpu: (cpuOf(dw) - before) / AT_A_TIME }));
  print('', `all after ${ms(whole)}, ${failed.length} failed${failed.length ? ` (${failed[0]})` : ''}; ${connections.n} new connections to the provider, Doorward's and the browsers'`);
  await dw.stop();
}

// The provider's word about a session or a person, to Doorward.
function logoutToken(op, claims) {
  const now = Math.floor(Date.now() / 1000);
  return signJws(op.keys.ES256, {
    iss: op.issuer, aud: 'doorward', iat: now, exp: now + 60, jti: randomBytes(12).toString('hex'),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...claims,
  }, { typ: 'logout+jwt' });
}

async function tell(visitor, op, claims) {
  const r = await visitor.request('POST', '/kiali/_doorward/backchannel-logout', {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: `logout_token=${logoutToken(op, claims)}`,
  });
  if (r.status !== 200) throw new Error(`back-channel logout: ${r.status} ${r.body}`);
}

// first: the number of a session from which on nobody has ended any.
async function among(t, dw, op, first, what) {
  const visitor = new Visitor(t, dw);
  const done = async (name, n, doIt) => print(`${name}, ${what}`, figures(await timed(dw, n, doIt)));
  const jars = [];
  await visitor.start();
  await done('start + callback', LOGINS, async () => {
    await visitor.signInWell(op);
    jars.push(new Map(visitor.cookies));
  });
  await done('sign out', OF_EACH, (i) => {
    visitor.cookies = jars[i];
    return visitor.signOut();
  });
  await done('provider ends a sid', OF_EACH, (i) => tell(visitor, op, { sid: `sid-${first + i}` }));
  await done('provider ends a person', OF_EACH, (i) => tell(visitor, op, { sub: `user-${first + OF_EACH + i}` }));
  visitor.close();
}

const store = (dw) => sum(Object.values(storeSize(dw)));
const grown = (before, now, what) => now.map((p, i) => `${p.name} ${((p[what] - before[i][what]) / SESSIONS).toFixed(1)}`).join(', ');

// Sessions with three tokens each, of some people.
async function sessions(t) {
  const { dw, op, upstream } = await setUpMany(t, { env: QUIET, users: USERS });
  const make = async (visitor) => {
    await visitor.signInWell(op);
    op.requests.length = upstream.requests.length = 0;
  };
  await repeat(t, dw, 200, make);
  await pause(500);
  await among(t, dw, op, 0, '400 sessions');
  const [before, file] = [holding(dw), store(dw)];
  const began = performance.now();
  await repeat(t, dw, SESSIONS, make);
  const rate = SESSIONS / (performance.now() - began) * 1000;
  await pause(1000);
  const now = holding(dw);
  print(`memory of ${SESSIONS} sessions`, `${(sum(now.map((p, i) => p.rss - before[i].rss)) / SESSIONS).toFixed(1)} bytes/session of RSS (${grown(before, now, 'rss')})`);
  print('', `${(sum(now.map((p, i) => p.pss - before[i].pss)) / SESSIONS).toFixed(1)} bytes/session of PSS (${grown(before, now, 'pss')})`);
  print(`store of ${SESSIONS} sessions`, `${((store(dw) - file) / SESSIONS).toFixed(0)} bytes/session (id, access and refresh token); they came at ${rate.toFixed(0)} a second`);
  await among(t, dw, op, 2 * OF_EACH, `${SESSIONS} sessions`);
  await dw.stop();
}

async function cookies(t) {
  const padding = 'x'.repeat(TOKEN_BYTES * 3 / 4 - 450);
  const { dw, op, upstream } = await setUpMany(t, { env: QUIET, claims: () => ({ padding }) });
  const visitor = new Visitor(t, dw);
  const show = (name, line) => print(name, `${line.split(';')[0].split('=').slice(1).join('=').length} bytes, Set-Cookie ${line.length} bytes`);
  await visitor.signIn(op); // and once more: the first may have waited for the provider
  visitor.cookies.clear();
  const start = await visitor.get('/kiali/api/auth/openid_redirect');
  const asked = Object.fromEntries(new URL(start.headers.location).searchParams);
  op.codes.set('code', asked);
  const back = await visitor.comeBack({ code: 'code', state: asked.state, iss: op.issuer });
  await visitor.get('/kiali/api/x');
  const token = upstream.requests.at(-1).headers.authorization.replace('Bearer ', '');
  print('id_token', `${token.length} bytes`);
  show('login cookie', start.setCookie.find((c) => /doorward-login=/.test(c)));
  show('session cookie', back.setCookie.find((c) => /doorward=/.test(c)));
  visitor.close();
  await dw.stop();
}

export async function openid(t) {
  await logins(t);
  await cookies(t);
  await sessions(t);
}
