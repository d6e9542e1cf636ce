// What stops a start, and what a started Doorward is: who runs as whom, how
// each process is confined, and what `doorward status` says of it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { Doorward, isRoot, isSanitized, roleUid, startDoorward, unprivileged } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const BIN = process.env.DOORWARD_BIN;
const roles = ['secretd', 'authd', 'egress', 'frontend'];
const nowhere = 'http://127.0.0.1:9';

function run([command, ...args], env = {}) {
  const { stdout, stderr, status } = spawnSync(command, args,
    { encoding: 'utf8', timeout: 20000, env: { PATH: process.env.PATH, LOG_LEVEL: 'trace', ...env } });
  return { status, text: stdout + stderr };
}

const checkConfig = (dw) => run(dw.control('check-config', '--config', dw.configFile));
const daemonAlone = (dw, role) => {
  const [command, args] = unprivileged(path.join(BIN, `doorward-${role}`), ['--config', dw.configFile]);
  return run([command, ...args]);
};

test('a signing key that is none is refused, naming slot, file and remedy', async (t) => {
  const file = 'login-token-signing-key/value.txt';
  const write = (text) => (dw) => dw.secret('login-token-signing-key', text);
  const length = (n) => [`${n} bytes`, write('Qx7'.repeat(30).slice(0, n)), new RegExp(`value\\.txt has ${n} bytes, but must have 16, 24 or 32`)];
  const cases = [
    ['missing', (dw, at) => fs.rmSync(at), /no key in any of the secrets folders/],
    ['empty', write(''), /is empty: write the secret into it/],
    ['blanks', write(' \n\t\n'), /is empty/],
    ["Kiali's old default", write('kiali\n'), /Kiali's old default, which everybody knows/],
    ...[1, 15, 17, 23, 25, 31, 33, 64].map(length),
    ['a reference', write('secret:a:b'), /holds a reference \(secret:\.\.\.\) in place of the key/],
    ['a reference of 16 bytes', write('secret:abc:defgh'), /holds a reference/],
    ['readable by everybody', (dw, at) => fs.chmodSync(at, 0o444), /can be read by everybody \(mode 0444, .*: chmod o= /],
    ['unreadable', (dw, at) => fs.chmodSync(at, 0), /cannot be read: Permission denied/],
    ['a folder', (dw, at) => { fs.rmSync(at); fs.mkdirSync(at); }, /is not a regular file/],
    ['a FIFO', (dw, at) => { fs.rmSync(at); execFileSync('mkfifo', ['-m', '600', at]); }, /is not a regular file/],
    ['too large', write('Qx7'.repeat(30000)), /is larger than 65536 bytes/],
  ];
  for (const [name, spoil, sentence] of cases) {
    const dw = new Doorward(t, { console: nowhere, tls: false });
    spoil(dw, path.join(dw.dir, 'secrets', file));
    const log = await dw.refusal();
    const line = log.split('\n').find((l) => sentence.test(l));
    assert.ok(line, `${name}: ${log}`);
    assert.match(line, /slot login-token-signing-key: /, name);
    assert.ok(line.includes(path.join(dw.dir, 'secrets', file)), `${name}: ${line}`);
    assert.ok(!log.includes('Qx7Qx7'), `${name}: the key is in the log`);
  }
});

test('a reference that leads nowhere is refused, one that leads somewhere is used', async (t) => {
  const config = (reference) => ({ login_token: { signing_key: reference } });
  const bad = new Doorward(t, { console: nowhere, tls: false, config: config('secret:elsewhere:other.txt') });
  fs.rmSync(path.join(bad.dir, 'secrets/login-token-signing-key/value.txt'));
  assert.match(await bad.refusal(), /slot login-token-signing-key: .*login_token\.signing_key leads to no file either/);

  for (const reference of ['secret:elsewhere:other.txt', 'absolute']) {
    const dw = new Doorward(t, { console: nowhere, tls: false });
    const from = path.join(dw.dir, 'secrets/login-token-signing-key/value.txt');
    const to = path.join(path.dirname(from), 'other.txt');
    fs.writeFileSync(to, 'abcdefghijklmnop\r\n', { mode: 0o400 });
    fs.rmSync(from);
    dw.config.login_token.signing_key = reference === 'absolute' ? to : reference;
    await dw.start();
    assert.equal(dw.status().secretd['session keys'], '1');
    await dw.stop();
  }
});

test('log_level counts where LOG_LEVEL names none', async (t) => {
  const config = (level) => ({ deployment: { logger: { log_level: level } } });
  const loaded = /DBG Credentials loaded from secret file \[\S+\/login-token-signing-key\/value\.txt\]/;
  const cases = [['debug', '', true], ['info', '', false], ['debug', 'info', false], ['error', 'debug', true]];
  for (const [level, environment, debug] of cases) {
    const dw = await startDoorward(t, { console: nowhere, config: config(level), env: { LOG_LEVEL: environment } });
    assert.equal(/ DBG /.test(dw.log), debug, `${level}, LOG_LEVEL=${environment}: ${dw.log}`);
    assert.equal(loaded.test(dw.log), debug, `${level}, LOG_LEVEL=${environment}: ${dw.log}`);
    await dw.stop();
  }
});

test('a strategy that is not there is refused by every program in one sentence', async (t) => {
  const cases = [
    ['openshift', /auth\.strategy: openshift is not supported: its OAuth server is part of the cluster/],
  ];
  for (const [strategy, sentence] of cases) {
    const dw = new Doorward(t, { console: nowhere, config: { auth: { strategy } } });
    assert.match(await dw.refusal(), sentence);
    for (const program of [checkConfig, ...roles.map((role) => (d) => daemonAlone(d, role))]) {
      const { status, text } = program(dw);
      assert.equal(status, 1, text);
      assert.equal(text.split('\n').filter((l) => sentence.test(l)).length, 1, text);
    }
  }
});

test('credentials never show in what check-config and the daemons say', async (t) => {
  const canary = (n) => `cAnArY${n}`.padEnd(24, 'z');
  const literals = {
    login_token: { signing_key: canary(1) },
    auth: { openid: { client_secret: canary(2) } },
    external_services: {
      prometheus: { auth: { type: 'basic', username: 'u', password: canary(3) } },
      grafana: { auth: { type: 'bearer', token: canary(4) } },
      tracing: { custom_headers: { Authorization: canary(5), 'X-Api-Key': canary(6) } },
    },
  };
  const dw = new Doorward(t, { console: nowhere, config: literals });
  assert.doesNotMatch(await dw.refusal(), /cAnArY/);
  for (const program of [checkConfig, ...roles.map((role) => (d) => daemonAlone(d, role))]) {
    const { status, text } = program(dw);
    assert.equal(status, 1);
    assert.match(text, /login_token\.signing_key: the key must not stand here/);
    assert.match(text, /external_services\.prometheus\.auth\.password: a credential must not stand here/);
    assert.doesNotMatch(text, /cAnArY/);
  }

  // A broken file is not quoted either.
  for (const text of [`login_token:\n  signing_key: "${canary(7)}\n`, `auth:\n  strategy: token\n ${canary(8)}`,
    `external_services:\n  grafana:\n    auth:\n      password: {${canary(9)}: [${canary(9)}}\n`]) {
    fs.writeFileSync(dw.configFile, text);
    for (const program of [checkConfig, (d) => daemonAlone(d, 'frontend')]) {
      const answer = program(dw);
      assert.equal(answer.status, 1);
      assert.doesNotMatch(answer.text, /cAnArY/, text);
    }
  }

  const good = new Doorward(t, { console: nowhere });
  good.secret('login-token-signing-key', canary(10));
  good.secret('cluster-token', canary(11));
  await good.start();
  const { status, text } = checkConfig(good);
  assert.equal(status, 0, text);
  assert.match(text, /: good\n$/);
  assert.doesNotMatch(text + good.log + good.status().text, /cAnArY/);
});

const sandboxed = /^no-new-privs|\bno-new-privs\b/;

test('doorward status names every process and how it fares', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const client = new Client(dw);
  assert.equal((await client.login(dw.issuer.bound('ns', 'sa'))).status, 200);
  assert.equal((await client.get('/api/x')).status, 200);

  const s = dw.status();
  for (const role of roles) {
    if (isSanitized) continue;
    assert.match(s[role].sandbox, sandboxed, role);
    for (const layer of [/undumpable/, /rlimits/, /landlock-[1-9]/, /seccomp/]) assert.match(s[role].sandbox, layer, role);
  }
  assert.equal(s.authd.sessions, '1');
  assert.equal(s.authd['session keys'], '1');
  assert.equal(s.secretd['session keys'], '1');
  assert.match(s.secretd['certificate identity'], /good until .*, signer [0-9]+/);
  assert.equal(s.egress.authd, 'connected');
  assert.equal(s.egress.leases, '1');
  assert.equal(s.frontend.workers, '2 of 2');
  const end = execFileSync('openssl', ['x509', '-noout', '-enddate'], { input: dw.ca, encoding: 'utf8' });
  assert.equal(Date.parse(s.frontend['certificate good until']), Date.parse(end.split('=')[1]));

  const control = dw.control('status', '--run-dir', path.join(dw.runDir, 'run'));
  assert.equal(run(control).status, 0);
  await dw.stop();
  const gone = run(control);
  assert.equal(gone.status, 1);
  assert.equal(gone.text.match(/not reachable/g).length, 4);
});

const statusOf = (pid) => Object.fromEntries(fs.readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
  .map((l) => l.split(':\t')).filter((p) => p.length === 2).map(([k, v]) => [k, v.trim()]));

// What the kernel says of a process, and what others of its uid may see of it.
function checkConfined({ name, pid }, uid) {
  const s = statusOf(pid);
  assert.deepEqual(s.Uid.split('\t'), Array(4).fill(String(uid)), name);
  assert.deepEqual(s.Gid.split('\t'), Array(4).fill(String(uid)), name);
  assert.equal(s.Groups ?? '', '', name);
  assert.equal(s.NoNewPrivs, '1', name);
  assert.equal(s.Seccomp, '2', name);
  for (const set of ['CapPrm', 'CapEff', 'CapAmb', 'CapInh']) assert.match(s[set], /^0+$/, `${name} ${set}`);
  assert.match(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +0 +0 /, name);
  // The files of an undumpable process belong to root.
  assert.equal(fs.statSync(`/proc/${pid}/environ`).uid, 0, `${name} is dumpable`);
  const look = ['sh', '-c', 'for f in mem environ maps auxv fd/0; do if : 2>/dev/null <"/proc/$0/$f"; then echo "$f"; fi; done', String(pid)];
  const seen = isRoot ? run(['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', ...look].map(String)) : run(look);
  assert.equal(seen.text, '', name);
}

const expected = ['authd', 'egress', 'frontend', 'secretd', 'signer', 'worker', 'worker'];

test('started without root, every process is confined', async (t) => {
  if (isSanitized) { t.skip('a sanitizer build has no sandbox'); return; }
  const dw = await startDoorward(t, { console: nowhere });
  const all = dw.everyProcess();
  assert.deepEqual(all.map((p) => p.name).sort(), expected);
  const uid = isRoot ? statusOf(dw.child.pid).Uid.split('\t')[0] : process.getuid();
  assert.notEqual(Number(uid), 0);
  if (isRoot || process.getgid() === process.getuid()) for (const p of all) checkConfined(p, uid);
  // Only the launcher's own uid gets at the sockets.
  assert.equal(fs.statSync(dw.runDir).mode & 0o777, 0o700);
});

test('started as root, each daemon has an uid and sockets of its own', async (t) => {
  if (!isRoot) { t.skip('not root'); return; }
  if (isSanitized) { t.skip('a sanitizer build has no sandbox'); return; }
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url, asRoot: true });
  const client = new Client(dw);
  assert.equal((await client.login(dw.issuer.bound('ns', 'sa'))).status, 200);
  assert.equal((await client.get('/api/x')).status, 200);

  const all = dw.everyProcess();
  assert.deepEqual(all.map((p) => p.name).sort(), expected);
  const owner = { worker: 'frontend', signer: 'secretd' };
  for (const p of all) checkConfined(p, roleUid(owner[p.name] ?? p.name));

  const dir = path.join(dw.runDir, 'run');
  const sockets = fs.readdirSync(dir).filter((f) => !f.includes('.notify.')).sort();
  assert.deepEqual(sockets, ['authd.ctl.sock', 'authd.egress.sock', 'authd.frontend.sock', 'egress.ctl.sock',
    'egress.frontend.sock', 'frontend.ctl.sock', 'secretd.authd.sock', 'secretd.ctl.sock', 'secretd.egress.sock',
    'secretd.frontend.sock']);
  for (const f of sockets) {
    const peer = f.split('.')[1];
    const st = fs.statSync(path.join(dir, f));
    assert.equal(st.mode & 0o777, 0o660, f);
    assert.equal(st.uid, 0, f);
    assert.equal(st.gid, peer === 'ctl' ? 0 : roleUid(peer), f);
  }
  // And so the kernel sees it: EPROTOTYPE (packets, not a stream) comes only
  // after the permission.
  const knock = `const net = require('node:net');
    for (const f of process.argv.slice(1)) {
      const s = net.connect(f, () => { console.log(f, 'open'); s.destroy(); });
      s.on('error', (e) => console.log(f, e.code));
    }`;
  for (const who of ['frontend', 'authd', 'egress', 'secretd', 'stranger']) {
    const uid = String(who === 'stranger' ? 65534 : roleUid(who));
    const { text } = run(['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups',
      process.execPath, '-e', knock, ...sockets.map((f) => path.join(dir, f))]);
    for (const f of sockets) {
      const [, answer] = new RegExp(`/${f} (\\w+)`).exec(text) ?? [];
      const allowed = f.split('.')[1] === who;
      assert.match(answer ?? text, allowed ? /^(open|EPROTOTYPE)$/ : /^EACCES$/, `${who} ${f}`);
    }
  }
  for (const role of roles) {
    const st = fs.statSync(path.join(dw.runDir, 'state', role));
    assert.equal(st.uid, roleUid(role));
    assert.equal(st.mode & 0o777, 0o700);
  }
});

test('a daemon refuses to run as root, or without its sandbox', async (t) => {
  if (!isRoot) { t.skip('not root'); return; }
  const dw = new Doorward(t, { console: nowhere });
  dw.writeConfig();
  for (const role of roles) {
    const { status, text } = run([path.join(BIN, `doorward-${role}`), '--config', dw.configFile]);
    assert.notEqual(status, 0);
    assert.match(text, /refuses to run as root|no inherited socket|socket/i, role);
  }
});

test('doorward status --metrics says the numbers for Prometheus', async (t) => {
  const dw = await startDoorward(t, { console: nowhere });
  const [command, ...args] = dw.control('status', '--metrics', '--run-dir', path.join(dw.runDir, 'run'));
  const lines = execFileSync(command, args, { encoding: 'utf8' }).trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^doorward_[a-zA-Z0-9_]+\{process="(secretd|authd|egress|frontend)"\} \d+$/);
  assert.ok(lines.includes('doorward_slot_rotations_failed{process="secretd"} 0'), lines.join('\n'));
  assert.ok(lines.includes('doorward_sessions{process="authd"} 0'), lines.join('\n'));
});
