// TLS on the wire: versions, certificates, resumption, the signer's absence,
// handshakes that end early, and where plain HTTP is still served.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import tls from 'node:tls';
import { Client } from './lib/client.mjs';
import { Doorward, isRoot, isSanitized, startDoorward, until } from './lib/doorward.mjs';
import { makeCertificate } from './lib/files.mjs';
import { test } from './lib/test.mjs';
import { clientHello, cutOffHandshakes, handshake } from './lib/tls.mjs';
import { Console } from './lib/upstream.mjs';

const v12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
const allow12 = { deployment: { tls_config: { min_version: 'TLSv1.2' } } };
// Nobody has to answer there: what is asked for is Doorward's own.
const nowhere = 'http://127.0.0.1:9';

test('TLS 1.3 only, unless the configuration says otherwise', async (t) => {
  const dw = await startDoorward(t, { console: nowhere });
  const h = await handshake(dw);
  assert.equal(h.protocol, 'TLSv1.3');
  assert.match(h.answer, /^HTTP\/1\.1 200 /);
  await assert.rejects(handshake(dw, v12), /alert protocol version|alert number 70/);
});

for (const kind of ['ec', 'ec384', 'rsa']) {
  test(`TLS 1.3 and 1.2 with a certificate of kind ${kind}`, async (t) => {
    const dw = await startDoorward(t, { console: nowhere, tls: kind, config: allow12 });
    const newest = await handshake(dw);
    assert.equal(newest.protocol, 'TLSv1.3');
    assert.match(newest.answer, /^HTTP\/1\.1 200 /);
    const older = await handshake(dw, v12);
    assert.equal(older.protocol, 'TLSv1.2');
    assert.match(older.cipher, kind === 'rsa' ? /^ECDHE-RSA-.*(GCM|CHACHA20)/ : /^ECDHE-ECDSA-.*(GCM|CHACHA20)/);
    assert.match(older.answer, /^HTTP\/1\.1 200 /);
    for (const version of ['TLSv1', 'TLSv1.1']) {
      await assert.rejects(
        handshake(dw, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
        /alert protocol version|alert number 70/, version);
    }
    // Ciphers without forward secrecy or authentication of data: no.
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA']) {
      await assert.rejects(handshake(dw, { ...v12, ciphers }), /alert handshake failure|alert number 40/, ciphers);
    }
  });
}

test('ALPN offers http/1.1, and renegotiation is refused', async (t) => {
  const dw = await startDoorward(t, { console: nowhere, config: allow12 });
  assert.equal((await handshake(dw, { ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1');
  assert.equal((await handshake(dw)).alpn, false);
  await assert.rejects(handshake(dw, { ALPNProtocols: ['h2'] }), /no application protocol|alert number 120/);

  const socket = tls.connect({ host: '127.0.0.1', port: dw.port, servername: 'localhost', ca: dw.ca, ...v12 });
  await once(socket, 'secureConnect');
  const refused = await new Promise((resolve) => {
    socket.on('error', resolve);
    socket.renegotiate({}, (e) => resolve(e ?? new Error('the server renegotiated')));
  });
  assert.match(refused.message, /no renegotiation|alert number 100/i);
  socket.destroy();
});

test('HSTS comes with TLS only', async (t) => {
  const upstream = await new Console(t).listen();
  for (const [kind, expected] of [['ec', /^max-age=\d+/], [false, undefined]]) {
    const client = new Client(await startDoorward(t, { console: upstream.url, tls: kind }));
    for (const at of ['/healthz', '/', '/api/namespaces']) {
      const seen = (await client.get(at)).headers['strict-transport-security'];
      if (expected) assert.match(seen ?? '', expected, at);
      else assert.equal(seen, undefined, at);
    }
  }
});

const workersOf = (dw) => dw.everyProcess().filter((p) => p.name === 'worker').map((p) => p.pid);

// Runs ask() once for each worker, with all others stopped.
async function onEachWorker(dw, ask) {
  const workers = workersOf(dw);
  assert.ok(workers.length >= 2);
  for (const only of workers) {
    const others = workers.filter((pid) => pid !== only);
    for (const pid of others) process.kill(pid, 'SIGSTOP');
    try {
      await ask(only);
    } finally {
      for (const pid of others) process.kill(pid, 'SIGCONT');
    }
  }
}

for (const version of ['TLSv1.3', 'TLSv1.2']) {
  test(`${version}: a ticket is good at every worker, and while the signer is dead`, async (t) => {
    const dw = await startDoorward(t, { console: nowhere, config: allow12 });
    const options = { minVersion: version, maxVersion: version };
    const { session } = await handshake(dw, options);
    assert.ok(session);
    const resume = async () => {
      const h = await handshake(dw, { ...options, session });
      assert.equal(h.resumed, true);
      assert.equal(h.protocol, version);
      assert.match(h.answer, /^HTTP\/1\.1 200 /);
    };
    await onEachWorker(dw, resume);

    // secretd stands still, so that it does not start another signer.
    const pid = (name) => dw.everyProcess().find((p) => p.name === name).pid;
    const [secretd, signer] = [pid('secretd'), pid('signer')];
    process.kill(secretd, 'SIGSTOP');
    process.kill(signer, 'SIGKILL');
    try {
      await until('the workers miss the signer', () => dw.log.split('the signer is gone').length === 3);
      await onEachWorker(dw, resume);
      await assert.rejects(handshake(dw, options));
    } finally {
      process.kill(secretd, 'SIGCONT');
    }
    await onEachWorker(dw, () => until('whole handshakes work again',
      () => handshake(dw, options).then((h) => h.resumed === false, () => false)));
    await onEachWorker(dw, resume);
    assert.equal(dw.status().secretd['TLS signer restarts'], '1');
  });
}

test('a ticket outlives the frontend and its daemon', async (t) => {
  const dw = await startDoorward(t, { console: nowhere });
  const { session } = await handshake(dw);
  await dw.kill('frontend');
  await until('resumption at the new workers', () => handshake(dw, { session }).then((h) => h.resumed, () => false));
  // Ticket keys are secretd's, in memory only: after it there is a whole
  // handshake, and no failure.
  await dw.kill('secretd');
  await until('a handshake', () => handshake(dw, { session }).then((h) => /^HTTP\/1\.1 200 /.test(h.answer), () => false));
});

test('what cannot be served is refused at start, in a sentence', async (t) => {
  const cases = [
    ['a key of another certificate', (f) => fs.copyFileSync(makeCertificate(f.dir, 'other').key, f.key),
      /private key is not that of the certificate/],
    ['an encrypted key', (f) => {
      execFileSync('openssl', ['pkey', '-in', f.key, '-aes256', '-passout', 'pass:x', '-out', `${f.key}.new`]);
      fs.renameSync(`${f.key}.new`, f.key);
    }, /private key is encrypted: store it without a passphrase/],
    ['a key that everybody can read', (f) => fs.chmodSync(f.key, 0o644), /can be read by everybody \(mode 0644, owner \d+, group \d+\): chmod o= /],
    ['a key that nobody can read', (f) => fs.chmodSync(f.key, 0), /cannot read the private key .*: Permission denied/],
    ['no key', (f) => fs.rmSync(f.key), /cannot read the private key .*: No such file/],
    ['a folder', (f) => { fs.rmSync(f.key); fs.mkdirSync(f.key); }, /is not a regular file/],
    ['garbage as key', (f) => fs.writeFileSync(f.key, 'garbage'), /holds no private key in PEM form/],
    ['garbage as certificate', (f) => fs.writeFileSync(f.cert, 'garbage'), /holds no certificate in PEM form/],
    ['the key beside the certificate', (f) => fs.appendFileSync(f.cert, fs.readFileSync(f.key)),
      /holds a private key as well/],
    ['RSA of 1024 bits', (f) => makeCertificate(f.dir, 'tls', 'rsa1024'), /RSA key must have 2048 to 4096 bits/],
  ];
  for (const [name, spoil, sentence] of cases) {
    const dw = new Doorward(t, { console: nowhere });
    const { private_key_file: key, cert_file: cert } = dw.config.identity;
    spoil({ dir: dw.dir, key, cert });
    if (fs.existsSync(key) && fs.statSync(key).mode & 0o200 && !/everybody/.test(name)) fs.chmodSync(key, 0o600);
    const log = await dw.refusal();
    assert.match(log, sentence, name);
    assert.match(log, new RegExp(`${key}|${cert}`), name);
    assert.doesNotMatch(log, /PRIVATE KEY-----/, name);
  }
});

const memory = (pid) => Number(/RssAnon:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const descriptors = (pid) => (isRoot ? fs.readdirSync(`/proc/${pid}/fd`).length : 0);

for (const [version, config] of [['TLSv1.3', {}], ['TLSv1.2', allow12]]) {
  test(`${version}: handshakes that are cut off leave nothing behind`, { timeout: 180000 }, async (t) => {
    const all = version === 'TLSv1.3' ? 20000 : 4000;
    const n = process.env.DOORWARD_QUICK ? 2000 : all;
    const dw = await startDoorward(t, {
      console: nowhere, env: { LOG_LEVEL: 'info' }, config: { ...config, doorward: { max_per_address: 4096 } },
    });
    const hello = await clientHello({ minVersion: version, maxVersion: version });
    const settled = () => until('all connections are closed', () => dw.status().frontend.open === '0');
    const measured = dw.everyProcess().filter((p) => ['frontend', 'worker', 'signer'].includes(p.name));
    const measure = async () => {
      await settled();
      return measured.map(({ pid }) => ({ memory: memory(pid), descriptors: descriptors(pid) }));
    };

    // Stacks of jobs are kept for the next ones, so memory follows the most
    // that ever waited at once: that is reached first, with a wider crowd.
    await cutOffHandshakes(dw, hello, 2000, 512);
    const before = await measure();
    const started = Date.now();
    await cutOffHandshakes(dw, hello, n);
    const seconds = (Date.now() - started) / 1000;
    // What asked for the status may still be on its way out at either look.
    await until('no more descriptors than before', () => measured.every(({ pid }, i) =>
      descriptors(pid) <= before[i].descriptors));
    const after = await measure();
    t.diagnostic(`${n} in ${seconds.toFixed(1)} s; growth in KB: ${measured
      .map((p, i) => `${p.name} ${(after[i].memory - before[i].memory) >> 10}`).join(', ')}`);
    measured.forEach(({ name }, i) => {
      assert.ok(isSanitized || after[i].memory - before[i].memory <= 4 << 20, `${name}: ${before[i].memory} → ${after[i].memory}`);
    });
    assert.ok(seconds < 60, `${seconds} s`);
    const { frontend } = dw.status();
    assert.ok(Number(frontend.accepted) >= n + 2000, 'not all of them arrived');
    assert.ok(Number(frontend.handshake_failures) > (n + 2000) / 2, 'they got nowhere');
    assert.equal(frontend['worker crashes'], '0');
    assert.deepEqual(dw.everyProcess().filter((p) => measured.some((m) => m.pid === p.pid)), measured);
    await onEachWorker(dw, async () => assert.match((await handshake(dw)).answer, /^HTTP\/1\.1 200 /));
  });
}

// A network of our own with two addresses that are not loopback.
async function ownNetwork(t) {
  const holder = spawn('unshare', ['--net', 'sh', '-c', `ip link set lo up &&
    ip addr add 192.0.2.1/32 dev lo && ip addr add 192.0.2.2/32 dev lo && echo up && exec sleep 300`],
  { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => holder.kill());
  const first = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  return String(first[0]).startsWith('up') ? ['nsenter', '--target', String(holder.pid), '--net', '--'] : null;
}

test('plain HTTP is for loopback and trusted proxies', async (t) => {
  if (!isRoot) { t.skip('only root can make a network of its own'); return; }
  const prefix = await ownNetwork(t);
  if (!prefix) { t.skip('no network namespaces here'); return; }
  const dw = await startDoorward(t, {
    console: nowhere, tls: false, prefix,
    config: { doorward: { listen: ['0.0.0.0:0'], trusted_proxies: ['192.0.2.2/32'] } },
  });
  assert.equal(dw.scheme, 'http');
  assert.match(dw.log, /WRN .*identity\.cert_file.*plain HTTP is served: to loopback and .*trusted_proxies/);
  const from = (address) => {
    const { stdout } = spawnSync(prefix[0], [...prefix.slice(1), 'curl', '--silent', '--max-time', '10',
      '--interface', address, '--write-out', '\n%{http_code}', `http://${address}:${dw.port}/healthz`], { encoding: 'utf8' });
    return { status: Number(stdout.slice(stdout.lastIndexOf('\n'))), body: stdout };
  };
  assert.equal(from('127.0.0.1').status, 200);
  assert.equal(from('192.0.2.2').status, 200);
  const refused = from('192.0.2.1');
  assert.equal(refused.status, 403);
  assert.match(refused.body, /Use https, or add the proxy to doorward\.trusted_proxies/);
  await until('the refusal is logged', () => /refused plain HTTP from client=192\.0\.2\.1/.test(dw.log));
});
