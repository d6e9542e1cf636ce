// P6 for the signing key: it is replaced under load, by the control tool and by
// hand, and nobody notices; a revoked one takes exactly its sessions along; a
// bad one changes nothing.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { Doorward, signingKey, startDoorward, until } from './lib/doorward.mjs';
import { keys, keysGood } from './lib/rotate.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const SLOT = 'login-token-signing-key';
const freshKey = () => randomBytes(16).toString('hex');

// [{id, state, sessions}], the newest first.
async function list(dw) {
  const rows = (await keysGood(dw, 'list')).trim().split('\n').slice(1);
  return rows.map((row) => {
    const [id, state, since, until_, sessions] = row.split(/ +/);
    assert.match(since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(until_ === '-', state === 'current');
    return { id, state, sessions: Number(sessions) };
  });
}

const current = async (dw) => {
  const [first] = await list(dw);
  assert.equal(first.state, 'current');
  return first.id;
};

const keyFile = (dw) => path.join(dw.dir, 'secrets', SLOT, 'value.txt');

// As an editor or a script does it.
function byRename(dw, key) {
  const { uid, gid } = fs.statSync(keyFile(dw));
  const temporary = `${keyFile(dw)}.tmp`;
  fs.writeFileSync(temporary, key, { mode: 0o400 });
  fs.chownSync(temporary, uid, gid);
  fs.renameSync(temporary, keyFile(dw));
}

function inPlace(dw, key) {
  fs.chmodSync(keyFile(dw), 0o600);
  fs.writeFileSync(keyFile(dw), key);
}

async function rotated(dw, change) {
  const before = await current(dw);
  await change();
  return until('the new key is current', async () => {
    const now = await current(dw);
    return now !== before && now;
  });
}

async function signedIn(dw, name = 'sa') {
  const client = new Client(dw, { keepAlive: true });
  const r = await client.login(dw.issuer.bound('ns', name));
  assert.equal(r.status, 200, r.body);
  return client;
}

async function works(client) {
  const r = await client.get('/api/x');
  assert.equal(r.status, 200, r.body);
}

// A response that goes on; ended says when it was cut off.
function openStream(client) {
  return new Promise((resolve, reject) => {
    const cookie = [...client.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
    const req = client.lib.get({
      host: '127.0.0.1', servername: 'localhost', port: client.dw.port, path: '/api/stream', agent: client.agent, headers: { Cookie: cookie },
    }, (res) => {
      const stream = { ended: null, status: res.statusCode, bytes: 0 };
      res.on('data', (d) => {
        stream.bytes += d.length;
        resolve(stream);
      });
      res.on('error', () => {});
      res.on('close', () => { stream.ended = Date.now(); });
    });
    req.on('error', reject);
  });
}

async function streamingConsole(t) {
  return new Console(t, {
    stream(req, res) {
      if (req.url !== '/api/stream') return false;
      const timer = setInterval(() => res.write('tick\n'), 50);
      res.on('close', () => clearInterval(timer));
      return true;
    },
  }).listen();
}

const WORKERS = 16;
const USERS = 64;

test('ten rotations under load: no failure, no lost session', async (t) => {
  const upstream = await new Console(t, { answer: (req, res) => { res.end('ok'); return true; } }).listen();
  const dw = await startDoorward(t, { console: upstream.url, tls: false, env: { LOG_LEVEL: 'info' } });
  const tokens = Array.from({ length: USERS }, (_, i) => dw.issuer.bound('ns', `user-${i}`));
  const client = new Client(dw, { keepAlive: true });
  const sessions = [];
  const failures = [];
  const counts = { logins: 0, requests: 0 };
  let stopped = false;

  // One by one: a login, and requests with the newest session and any others.
  const ask = async (session) => {
    counts.requests += 1;
    const r = await client.request('GET', '/api/x', { headers: { Cookie: session } });
    if (r.status !== 200) failures.push(`request: ${r.status} ${r.body}`);
  };
  const worker = async (n) => {
    for (let i = n; !stopped; i += WORKERS) {
      counts.logins += 1;
      const own = new Client(dw);
      own.agent = client.agent;
      const r = await own.login(tokens[i % USERS]);
      if (r.status !== 200) { failures.push(`login: ${r.status} ${r.body}`); continue; }
      const [[name, value]] = own.cookies;
      const session = `${name}=${value}`;
      await ask(session); // on any worker, right after the login
      sessions.push(session);
      await ask(sessions[(i * 7919) % sessions.length]);
      await ask(sessions[0]);
    }
  };
  const began = Date.now();
  const load = Array.from({ length: WORKERS }, (_, i) => worker(i)
    .catch((e) => { failures.push(`${e.code ?? ''} ${e.message}`); }));
  const ways = [
    () => keysGood(dw, 'rotate'),
    () => byRename(dw, freshKey()),
    () => inPlace(dw, freshKey()),
  ];
  const seen = new Set([await current(dw)]);
  for (let i = 0; i < 10; i += 1) {
    const made = counts.logins;
    seen.add(await rotated(dw, ways[i % ways.length]));
    await until('people have signed in under it', () => counts.logins > made + 100);
    // Nobody needs secretd just now: authd has the keys.
    if (i === 4) await dw.kill('secretd');
  }
  stopped = true;
  await Promise.all(load);
  const seconds = (Date.now() - began) / 1000;
  assert.deepEqual(failures, []);
  assert.equal(seen.size, 11);
  const rows = await list(dw);
  assert.equal(rows.length, 11);
  assert.equal(rows.reduce((sum, r) => sum + r.sessions, 0), counts.logins);
  for (const r of rows.slice(1)) assert.equal(r.state, 'previous');
  for (const s of sessions) await ask(s);
  assert.deepEqual(failures, [], 'every session is still good');
  assert.equal(dw.auditLines('AUDIT: Credential rotated').filter((l) => l.result === 'ok').length, 10);
  t.diagnostic(`${counts.logins} logins and ${counts.requests} requests, ` +
    `${Math.round((counts.logins + counts.requests - sessions.length) / seconds)} of both a second while rotating`);
});

test('restarts of secretd and authd between rotations lose nothing', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const clients = [await signedIn(dw)];
  await keysGood(dw, 'rotate');
  clients.push(await signedIn(dw));
  await dw.kill('secretd');
  clients.push(await signedIn(dw));
  await dw.kill('authd');
  for (const c of clients) await until('it works', async () => (await c.get('/api/x')).status === 200);
  // Replaced while secretd is not there.
  const before = await current(dw);
  const [{ pid }] = dw.processes('secretd');
  process.kill(pid, 'SIGSTOP');
  byRename(dw, freshKey());
  await dw.kill('secretd');
  assert.notEqual(await current(dw), before);
  clients.push(await signedIn(dw));
  await dw.kill('authd');
  await until('authd is back', async () => (await clients[0].get('/api/x')).status === 200);
  for (const c of clients) await works(c);
  const rows = await list(dw);
  assert.deepEqual(rows.map((r) => r.sessions), [1, 2, 1]);
  // And an old key may come back.
  inPlace(dw, signingKey);
  await until('the first key is current again', async () => await current(dw) === rows[2].id);
  clients.push(await signedIn(dw));
  for (const c of clients) await works(c);
  assert.deepEqual((await list(dw)).map((r) => r.sessions), [2, 1, 2]);
});

test('a revoked key takes exactly its sessions along, streams included', async (t) => {
  const upstream = await streamingConsole(t);
  const dw = await startDoorward(t, { console: upstream.url });
  const [alice, bob] = [await signedIn(dw, 'alice'), await signedIn(dw, 'bob')];
  const aliceStream = await openStream(alice);
  const first = await current(dw);
  await keysGood(dw, 'rotate');
  const carol = await signedIn(dw, 'carol');
  const carolStream = await openStream(carol);
  for (const c of [alice, bob, carol]) await works(c);

  const began = Date.now();
  assert.match(await keysGood(dw, 'revoke', first), /no session is left/);
  await until('the stream is cut off', () => aliceStream.ended, 2000);
  t.diagnostic(`the stream ended after ${aliceStream.ended - began} ms`);
  assert.ok(aliceStream.ended - began < 2000);
  for (const c of [alice, bob]) assert.equal((await c.get('/api/x')).status, 401);
  await works(carol);
  const { bytes } = carolStream;
  await until('the other stream goes on', () => carolStream.bytes > bytes + 20);
  assert.equal(carolStream.ended, null);
  const [line] = dw.auditLines('AUDIT: Sessions ended');
  assert.equal(line.key, first);
  assert.equal(line.sessions, '2');
  assert.deepEqual((await list(dw)).map((r) => r.sessions), [1]);

  // Never again, also after a restart.
  const now = await current(dw);
  for (let i = 0; i < 2; i += 1) {
    byRename(dw, signingKey);
    assert.equal(await current(dw), now);
    await until('it is said', () => dw.auditLines('AUDIT: Credential rotated')
      .filter((l) => l.key === first && l.result === 'failed' && /revoked/.test(l.reason)).length > i);
    assert.match(dw.status().secretd['signing key'], new RegExp(`${first}.* was revoked`));
    await dw.kill('secretd');
  }
  await works(carol);
  carol.close();
  alice.close();
});

test('revoking the current key rotates first', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const client = await signedIn(dw);
  const first = await current(dw);
  await keysGood(dw, 'revoke', first);
  assert.equal((await client.get('/api/x')).status, 401);
  const rows = await list(dw);
  assert.deepEqual(rows.map((r) => r.state), ['current']);
  assert.notEqual(rows[0].id, first);
  await works(await signedIn(dw));
  await keysGood(dw, 'revoke', first); // twice does no harm
  await works(await signedIn(dw));
});

test('a key that is revoked while authd is down takes its sessions along', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const old = await signedIn(dw);
  const first = await current(dw);
  await keysGood(dw, 'rotate');
  const young = await signedIn(dw);
  const [{ pid }] = dw.processes('authd');
  process.kill(pid, 'SIGSTOP');
  t.after(() => { try { process.kill(pid, 'SIGCONT'); } catch { /* gone */ } });
  const r = await keys(dw, 'revoke', first);
  assert.equal(r.code, 1);
  assert.match(r.err, /its sessions end when doorward-authd is back/);
  await dw.kill('authd');
  await until('the old session is over', async () => (await old.get('/api/x')).status === 401);
  await works(young);
  assert.deepEqual((await list(dw)).map((k) => k.sessions), [1]);
});

test('retire: not while a session is open', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const client = await signedIn(dw);
  const first = await current(dw);
  const refused = async (words, ...args) => {
    const r = await keys(dw, ...args);
    assert.equal(r.code, 1, r.out);
    assert.match(r.err, words);
  };
  await refused(/current key/, 'retire', first);
  await keysGood(dw, 'rotate');
  await refused(/1 session is still open under it, the last ends before 20\d\d-/, 'retire', first);
  await refused(/no such key/, 'retire', '00000000');
  await refused(/8 hexadecimal digits/, 'retire', 'xyz');
  await works(client);
  assert.equal((await client.get('/api/logout')).status, 204);
  assert.match(await keysGood(dw, 'retire', first), /retired/);
  assert.equal((await list(dw)).length, 1);
  for (const args of [[], ['retire'], ['list', 'all'], ['turn']]) {
    const r = await keys(dw, ...args);
    assert.equal(r.code, 2);
    assert.match(r.err, /^usage: /);
  }
});

test('bad keys change nothing', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const client = await signedIn(dw);
  const first = await current(dw);
  const bad = [
    [() => byRename(dw, ''), /is empty/],
    [() => byRename(dw, 'short'), /has 5 bytes/],
    [() => inPlace(dw, 'x'.repeat(33)), /has 33 bytes/],
    [() => byRename(dw, 'kiali'), /old default/],
    [() => byRename(dw, 'secret:a:b'), /reference/],
    [() => { byRename(dw, freshKey()); fs.chmodSync(keyFile(dw), 0o444); }, /read by everybody/],
    [() => fs.rmSync(keyFile(dw)), /there is no key/],
  ];
  for (const [change, words] of bad) {
    change();
    await until(`it is said: ${words}`, async () => {
      assert.equal(await current(dw), first);
      return words.test(dw.status().secretd['signing key']);
    });
    await works(client);
    await works(await signedIn(dw));
  }
  assert.equal(dw.auditLines('AUDIT: Credential rotated').filter((l) => l.result === 'ok').length, 0);
  assert.ok(dw.auditLines('AUDIT: Credential rotated').filter((l) => l.result === 'failed' && l.reason).length >= 5);
  // Started in that state, it goes on with the key that it has.
  await dw.kill('secretd');
  await works(await signedIn(dw));
  assert.equal(await current(dw), first);
  const r = await keys(dw, 'rotate');
  assert.equal(r.code, 1);
  assert.match(r.err, /no file for slot login-token-signing-key/);
});

test('a Kubernetes Secret is rotated where it comes from', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = new Doorward(t, { console: upstream.url });
  const slot = path.join(dw.dir, 'secrets', SLOT);
  const mount = (name, key) => {
    fs.mkdirSync(path.join(slot, name), { mode: 0o755 });
    fs.writeFileSync(path.join(slot, name, 'value.txt'), key, { mode: 0o400 });
    const { uid, gid } = fs.statSync(slot);
    fs.chownSync(path.join(slot, name, 'value.txt'), uid, gid);
    fs.symlinkSync(name, path.join(slot, '..data_tmp'));
    fs.renameSync(path.join(slot, '..data_tmp'), path.join(slot, '..data'));
  };
  fs.rmSync(keyFile(dw));
  mount('..2026_01_01', signingKey);
  fs.symlinkSync('..data/value.txt', keyFile(dw));
  await dw.start();
  const client = await signedIn(dw);
  const r = await keys(dw, 'rotate');
  assert.equal(r.code, 1);
  assert.match(r.err, /Kubernetes Secret/);
  await rotated(dw, () => mount('..2026_01_02', freshKey()));
  await works(client);
  await works(await signedIn(dw));
});
