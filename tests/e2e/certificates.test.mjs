// TLS certificates: replaced as a pair while they serve, by hand and as
// Kubernetes does it; several of them by the server name.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Doorward, startDoorward, until } from './lib/doorward.mjs';
import { makeCertificate } from './lib/files.mjs';
import { test } from './lib/test.mjs';

const nowhere = 'http://127.0.0.1:9'; // what is asked for is Doorward's own
const serialOf = (file) => new X509Certificate(fs.readFileSync(file)).serialNumber;

function connect(dw, options) {
  return tls.connect({ host: '127.0.0.1', port: dw.port, servername: 'localhost', ...options });
}

// The serial of the certificate that is presented; rejects when the handshake
// fails or the certificate is not in ca.
function presented(dw, options) {
  return new Promise((resolve, reject) => {
    const socket = connect(dw, options);
    socket.setTimeout(10000, () => socket.destroy(new Error('no handshake')));
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

// One request on a connection that stays open.
async function ask(dw, socket) {
  let text = '';
  const more = (d) => { text += d; };
  socket.on('data', more);
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${dw.port}\r\n\r\n`);
  await until('an answer', () => /^HTTP\/1\.1 200 [^]*\r\n\r\n/.test(text));
  socket.off('data', more);
}

// Handshakes without an end, several at a time. stop() resolves with how many
// there were, of which serial, and the errors.
function load(dw, options) {
  const seen = { n: 0, errors: [], serials: new Map() };
  let going = true;
  const one = async () => {
    while (going) {
      try {
        const serial = await presented(dw, options);
        seen.serials.set(serial, Date.now());
      } catch (e) {
        seen.errors.push(e.message);
      }
      seen.n++;
    }
  };
  const all = Array.from({ length: 6 }, one);
  return async () => {
    going = false;
    await Promise.all(all);
    return seen;
  };
}

// As an editor or a script does: a new file in the place of the old one, or
// its content overwritten.
function replace(file, from) {
  const { uid, gid, mode } = fs.statSync(file);
  fs.copyFileSync(from, `${file}.new`);
  fs.chownSync(`${file}.new`, uid, gid);
  fs.chmodSync(`${file}.new`, mode & 0o777);
  fs.renameSync(`${file}.new`, file);
}
const overwrite = (file, from) => fs.writeFileSync(file, fs.readFileSync(from));

// What all three ways have to show. swap(next) puts the new pair there and
// resolves when its second half is in place.
async function rotates(t, dw, swap) {
  const first = serialOf(dw.config.identity.cert_file);
  let kind = 'rsa';
  const ca = [fs.readFileSync(dw.config.identity.cert_file)];
  const open = connect(dw, { ca });
  await once(open, 'secureConnect');
  await ask(dw, open);
  let slowest = 0;
  for (const round of [1, 2, 3]) {
    const next = makeCertificate(dw.dir, `next${round}`, kind);
    kind = kind === 'ec' ? 'rsa' : 'ec';
    ca.push(fs.readFileSync(next.cert));
    const stop = load(dw, { ca });
    await swap(next);
    const there = Date.now();
    await until('the new certificate', async () => await presented(dw, { ca }) === serialOf(next.cert));
    const took = Date.now() - there;
    slowest = Math.max(slowest, took);
    const seen = await stop();
    assert.deepEqual(seen.errors, [], `round ${round}`);
    assert.ok(seen.n > 10, `only ${seen.n} handshakes`);
    for (const serial of seen.serials.keys()) {
      assert.ok([first, ...[1, 2, 3].slice(0, round).map((i) => serialOf(path.join(dw.dir, `next${i}.crt`)))]
        .includes(serial), serial);
    }
    await until('it is in the audit trail', () => dw.auditLines('AUDIT: Credential rotated').length === round);
    await ask(dw, open);
  }
  t.diagnostic(`new certificate after ${slowest} ms at most`);
  assert.ok(slowest <= 1000, `${slowest} ms`);
  assert.equal(dw.auditLines('AUDIT: Credential rotated').filter((l) => l.result !== 'ok').length, 0);
  assert.equal(dw.status().secretd['TLS signer restarts'], '0');
  await ask(dw, open);
  open.destroy();
}

for (const [name, put] of [['renamed', replace], ['overwritten', overwrite]]) {
  for (const order of ['key', 'certificate']) {
    test(`a pair of files, ${name}, the ${order} first: no handshake fails`, async (t) => {
      const dw = await startDoorward(t, { console: nowhere });
      const { cert_file: cert, private_key_file: key } = dw.config.identity;
      await rotates(t, dw, async (next) => {
        const steps = [() => put(key, next.key), () => put(cert, next.cert)];
        if (order === 'certificate') steps.reverse();
        steps[0]();
        // Until it has been looked at, and found to lack its other half.
        await until('the half is seen', () => /not replaced/.test(dw.status().text));
        steps[1]();
      });
    });
  }
}

test('a pair swapped by Kubernetes: no handshake fails', async (t) => {
  const dw = new Doorward(t, { console: nowhere });
  const mount = path.join(dw.dir, 'mount');
  const data = path.join(mount, '..data');
  let version = 0;
  const put = ({ key, cert }) => {
    const dir = path.join(mount, `..2026_${++version}`);
    fs.mkdirSync(dir, { recursive: true });
    for (const [file, from] of [['tls.key', key], ['tls.crt', cert]]) {
      fs.copyFileSync(from, path.join(dir, file));
      fs.chmodSync(path.join(dir, file), 0o640);
    }
    if (version > 1) {
      const { uid, gid } = fs.statSync(mount);
      for (const p of [dir, path.join(dir, 'tls.key'), path.join(dir, 'tls.crt')]) fs.chownSync(p, uid, gid);
    }
    fs.symlinkSync(path.basename(dir), `${data}_tmp`);
    fs.renameSync(`${data}_tmp`, data);
    if (version > 1) fs.rmSync(path.join(mount, `..2026_${version - 1}`), { recursive: true });
  };
  put({ key: dw.config.identity.private_key_file, cert: dw.config.identity.cert_file });
  for (const file of ['tls.key', 'tls.crt']) fs.symlinkSync(path.join('..data', file), path.join(mount, file));
  dw.config.identity = { cert_file: path.join(mount, 'tls.crt'), private_key_file: path.join(mount, 'tls.key') };
  await dw.start();
  await rotates(t, dw, put);
});

test('what is no pair changes nothing, and says so', async (t) => {
  const dw = await startDoorward(t, { console: nowhere });
  const { cert_file: cert, private_key_file: key } = dw.config.identity;
  const first = serialOf(cert);
  const good = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  const other = makeCertificate(dw.dir, 'other');
  const cases = [
    ['another key', () => overwrite(key, other.key), /private key is not that of the certificate/],
    ['half a key', () => fs.writeFileSync(key, good.key.subarray(0, good.key.length >> 1)), /no private key in PEM/],
    ['an empty certificate', () => fs.writeFileSync(cert, ''), /no certificate in PEM/],
    ['no key', () => fs.rmSync(key), /there is no file/],
    ['a key for everybody', () => fs.chmodSync(key, 0o644), /can be read by everybody/],
    ['the key beside the certificate', () => fs.appendFileSync(cert, good.key), /holds a private key as well/],
  ];
  let n = 0;
  for (const [name, spoil, sentence] of cases) {
    const { uid, gid } = fs.statSync(key);
    spoil();
    const failed = () => dw.auditLines('AUDIT: Credential rotated').filter((l) => l.result === 'failed');
    await until(`${name}: it is in the audit trail`, () => failed().length > n);
    n = failed().length;
    const line = failed()[n - 1];
    assert.match(line.reason, sentence, name);
    assert.equal(line.file, cert);
    assert.equal(line.key_file, key);
    assert.match(dw.status().text, /certificate identity: localhost, good until \S+, signer \d+; not replaced: /, name);
    assert.equal(await presented(dw, { ca: [good.cert] }), first, name);
    if (!fs.existsSync(key)) { fs.writeFileSync(key, good.key); fs.chownSync(key, uid, gid); }
    fs.writeFileSync(key, good.key);
    fs.chmodSync(key, 0o600);
    fs.writeFileSync(cert, good.cert);
    await until(`${name}: all is well again`, () => !/not replaced/.test(dw.status().text));
  }
  // The one after all that is taken.
  overwrite(key, other.key);
  overwrite(cert, other.cert);
  const ca = [good.cert, fs.readFileSync(other.cert)];
  await until('the new certificate', async () => await presented(dw, { ca }) === serialOf(other.cert));
  assert.doesNotMatch(dw.log, /PRIVATE KEY-----/);
});

test('the certificate follows the server name', async (t) => {
  const dw = new Doorward(t, { console: nowhere });
  const second = makeCertificate(dw.dir, 'second', 'rsa', 'example.org', 'DNS:example.org,DNS:*.example.org');
  const third = makeCertificate(dw.dir, 'third', 'ec384', 'x', 'DNS:special.example.org');
  for (const { key } of [second, third]) fs.chmodSync(key, 0o600);
  dw.config.doorward.certificates = [second, third].map(({ cert, key }) => ({ cert_file: cert, private_key_file: key }));
  await dw.start();
  const first = dw.config.identity.cert_file;
  const ca = [first, second.cert, third.cert].map((f) => fs.readFileSync(f));
  for (const [name, file] of [
    ['localhost', first], ['example.org', second.cert], ['EXAMPLE.ORG', second.cert], ['a.example.org', second.cert],
    ['special.example.org', third.cert],
  ]) {
    assert.equal(await presented(dw, { ca, servername: name }), serialOf(file), name);
  }
  for (const name of ['elsewhere.test', 'a.b.example.org', '']) {
    assert.equal(await presented(dw, { ca, servername: name, rejectUnauthorized: false }), serialOf(first), name);
  }
  // One of several is replaced; a connection of another is not touched.
  const open = connect(dw, { ca });
  await once(open, 'secureConnect');
  const next = makeCertificate(dw.dir, 'next', 'ec', 'example.org', 'DNS:example.org,DNS:new.test');
  ca.push(fs.readFileSync(next.cert));
  replace(second.key, next.key);
  replace(second.cert, next.cert);
  await until('the new certificate', async () =>
    await presented(dw, { ca, servername: 'new.test', rejectUnauthorized: false }) === serialOf(next.cert));
  assert.equal(await presented(dw, { ca }), serialOf(first));
  await ask(dw, open);
  open.destroy();
  const { secretd, frontend } = dw.status();
  assert.equal(secretd['TLS signers'], '3 of 3');
  assert.match(secretd['certificate doorward.certificates[0]'], /^example\.org, new\.test, good until /);
  assert.equal(frontend['worker crashes'], '0');
});
