// Many logins in a short time: real ones as far as Doorward goes, with a
// provider that needs no pages (hostile-provider.mjs without a defect) and a
// browser that goes only to Doorward. And what the processes hold then.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './client.mjs';
import { Doorward } from './doorward.mjs';
import { CLIENT, HostileProvider } from './hostile-provider.mjs';
import { caBundle, openidConfig } from './openid.mjs';
import { Console } from './upstream.mjs';

// What it says of user n: n is the session's number, too.
const person = (n, users) => ({
  sub: `user-${n % users}`, sid: `sid-${n}`, preferred_username: `user-${n % users}`, groups: ['everybody'],
  email: `user-${n % users}@example.com`, email_verified: true,
});

// own, openid, config, users, claims(n): over the usual. Resolves with {dw, op}.
export async function setUpMany(t, { own, openid, config, users = 1000, claims = () => ({}), env, handler } = {}) {
  const op = await HostileProvider.start(t, {
    key: (p) => p.keys.ES256,
    claims: (good, p) => ({ ...good, ...person(p.made, users), ...claims(p.made++) }),
    answer: (answer) => ({ ...answer, refresh_token: randomBytes(32).toString('base64url') }),
  });
  op.made = 0;
  const upstream = await new Console(t, handler).listen();
  const usual = openidConfig(op, caBundle(t, op.ca), { openid: { client_id: CLIENT.client_id, username_claim: 'preferred_username', ...openid }, own, config });
  const dw = new Doorward(t, { console: upstream.url, config: usual, env });
  dw.secret('oidc-secret', CLIENT.client_secret);
  await dw.start();
  dw.base = `${dw.scheme}://localhost:${dw.port}/kiali`;
  return { dw, op, upstream };
}

export const START = '/kiali/api/auth/openid_redirect';

// One of several browsers on kept connections, who all come through it.
export class Visitor extends Client {
  constructor(t, dw, options = {}) {
    super(dw, { keepAlive: true, ...options });
    t.after(() => this.close());
  }

  async start() {
    this.cookies.clear();
    const r = await this.get(START);
    assert.equal(r.status, 302, r.body);
    return new URL(r.headers.location);
  }

  // The whole login; its answer. The session's cookie is in this.cookies.
  async signIn(op) {
    const asked = Object.fromEntries((await this.start()).searchParams);
    const code = randomBytes(16).toString('hex');
    op.codes.set(code, asked);
    return this.comeBack({ code, state: asked.state, iss: op.issuer });
  }

  async signOut() {
    const r = await this.get('/kiali/api/logout', { headers: { Accept: 'application/json', 'Sec-Fetch-Site': 'same-origin' } });
    assert.ok([200, 204].includes(r.status), r.body);
  }

  comeBack(query) { return this.get(`/kiali?${new URLSearchParams(query)}`); }

  async signInWell(op) {
    const r = await this.signIn(op);
    assert.equal(r.status, 303, r.body);
    return r;
  }
}

// n times doIt(visitor, number), over so many visitors at a time. options: of
// their connections.
export async function repeat(t, dw, n, doIt, { width = 8, ...options } = {}) {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    const visitor = new Visitor(t, dw, options);
    while (next < n) await doIt(visitor, next++);
    visitor.close();
  }));
}

// --- what they hold ---

const status = (pid, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
const pss = (pid) => Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;

function storeFiles(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const at = path.join(dir, e.name);
    if (e.isDirectory()) return storeFiles(at);
    return e.name.startsWith('sessions.db') ? [at] : [];
  });
}
// Bytes of the session store: {'sessions.db', 'sessions.db-wal'}.
export const storeSize = (dw) => Object.fromEntries(storeFiles(dw.dir).map((f) => [path.basename(f), fs.statSync(f).size]));

// Of every process: {name, pid, rss, pss, fds}; bytes.
export const holding = (dw) => dw.everyProcess().map(({ name, pid }) => ({
  name, pid, rss: status(pid, 'VmRSS'), pss: pss(pid), fds: fs.readdirSync(`/proc/${pid}/fd`).length,
}));

// CPU time of all of them, in microseconds: each has one thread.
export const cpuOf = (dw) => dw.everyProcess().reduce((sum, { pid }) =>
  sum + Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000, 0);
