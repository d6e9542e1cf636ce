// P4 and P9: every process is killed and restarted, quietly and under load.
import assert from 'node:assert/strict';
import { Client } from './lib/client.mjs';
import { startDoorward, until } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const roles = ['frontend', 'authd', 'egress', 'secretd'];

async function setUp(t, options) {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url, ...options });
  const client = new Client(dw);
  const r = await client.login(dw.issuer.bound('ns', 'sa'));
  assert.equal(r.status, 200, r.body);
  return { dw, client };
}

// Requests that fail because the connection or exchange was cut do not count;
// an answer must be one of the allowed.
async function hammer(client, stop, allowed) {
  const seen = {};
  while (!stop()) {
    try {
      const r = await client.get('/api/x');
      seen[r.status] = (seen[r.status] ?? 0) + 1;
      assert.ok(allowed.includes(r.status), `${r.status} ${r.body}`);
    } catch (e) {
      if (e.code === 'ERR_ASSERTION') throw e;
      seen[e.code ?? e.message] = (seen[e.code ?? e.message] ?? 0) + 1;
    }
  }
  return seen;
}

for (const role of roles) {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    test(`${role} gets ${signal}: the session lives on`, async (t) => {
      const { dw, client } = await setUp(t);
      await dw.kill(role, signal);
      await until('the session works', async () => (await client.get('/api/x')).status === 200, 10000);
      const other = new Client(dw);
      assert.equal((await other.login(dw.issuer.bound('ns', 'other'))).status, 200);
    });
  }

  test(`${role} is killed under load`, async (t) => {
    const { dw, client } = await setUp(t);
    let stopped = false;
    // Never 401 (the session is good), and never through without a verdict.
    const loads = Array.from({ length: 8 }, () => {
      const c = new Client(dw);
      c.cookies = new Map(client.cookies);
      return hammer(c, () => stopped, [200, 502, 503]);
    });
    for (let i = 0; i < 3; i++) {
      await new Promise((r) => { setTimeout(r, 150); });
      await dw.kill(role);
    }
    await until('all is well again', async () => (await client.get('/api/x').catch(() => ({}))).status === 200, 10000);
    stopped = true;
    const seen = await Promise.all(loads);
    t.diagnostic(JSON.stringify(seen.reduce((a, b) => {
      for (const [k, v] of Object.entries(b)) a[k] = (a[k] ?? 0) + v;
      return a;
    }, {})));
    assert.ok(seen.every((s) => s[200] > 0));
  });
}

test('a frontend worker or the signer that dies is replaced', async (t) => {
  const { dw, client } = await setUp(t);
  for (const role of ['frontend', 'secretd']) {
    const [parent, child] = dw.processes(role);
    assert.equal(child.ppid, parent.pid);
    process.kill(child.pid, 'SIGKILL');
    await until(`${role} has a new child`, () => {
      const now = dw.processes(role);
      return now.some((p) => p.pid === parent.pid) && now.length === (role === 'frontend' ? 3 : 2) && !now.some((p) => p.pid === child.pid);
    });
    await until('it works', async () => (await client.get('/api/x').catch(() => ({}))).status === 200, 10000);
  }
});

test('authd stopped: leases run to their end, then 503 and not 401', { timeout: 60000 }, async (t) => {
  const { dw, client } = await setUp(t, { config: { kubernetes_config: { cache_token_namespace_duration: 2 } } });
  assert.equal((await client.get('/api/x')).status, 200);
  const [{ pid }] = dw.processes('authd');
  process.kill(pid, 'SIGSTOP');
  t.after(() => { try { process.kill(pid, 'SIGCONT'); } catch { /* gone */ } });
  assert.equal((await client.get('/api/x')).status, 200);
  await new Promise((r) => { setTimeout(r, 2500); });
  const r = await client.get('/api/x');
  assert.equal(r.status, 503);
  assert.equal(r.setCookie.length, 0, 'the cookie stays');
  // People are told before they give up: a login within 10 s, the page's first
  // question sooner.
  const began = Date.now();
  const took = async (answer) => ({ status: (await answer).status, ms: Date.now() - began });
  const [login, info] = await Promise.all([
    took(new Client(dw).login(dw.issuer.bound('ns', 'late'))),
    took(client.get('/api/auth/info')),
  ]);
  assert.equal(login.status, 503);
  assert.ok(login.ms < 10000, `login: ${login.ms} ms`);
  assert.equal(info.status, 200);
  assert.ok(info.ms < 7000, `info: ${info.ms} ms`);
  process.kill(pid, 'SIGCONT');
  await until('it works again', async () => (await client.get('/api/x')).status === 200, 10000);
});

test('a logout holds although authd is killed right after it', async (t) => {
  const { dw, client } = await setUp(t);
  const stolen = new Map(client.cookies);
  assert.equal((await client.get('/api/x')).status, 200);
  assert.equal((await client.get('/api/logout')).status, 204);
  await dw.kill('authd');
  const thief = new Client(dw);
  thief.cookies = stolen;
  const r = await until('a verdict', async () => {
    const a = await thief.get('/api/x');
    return a.status === 503 ? null : a;
  });
  assert.equal(r.status, 401);
});
