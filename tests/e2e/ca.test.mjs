// CAs are replaced while Doorward runs: of the console, of the API server, and
// the common bundle; a bundle that is of no use changes nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { Doorward, temporaryDir, until } from './lib/doorward.mjs';
import { makeCertificate, writeFile } from './lib/files.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const read = (...files) => files.map((f) => fs.readFileSync(f, 'utf8')).join('');

// Whole or not at all, as Kubernetes replaces files.
function replace(file, text) {
  fs.writeFileSync(`${file}.new`, text, { mode: 0o644 });
  fs.renameSync(`${file}.new`, file);
}

// An https server whose certificate can be another one for new connections.
async function serve(t, certificate) {
  const pair = (c) => ({ key: fs.readFileSync(c.key), cert: fs.readFileSync(c.cert) });
  const server = https.createServer(pair(certificate), (req, res) => {
    if (!req.url.endsWith('/stream')) {
      res.end('hello');
      return;
    }
    res.writeHead(200);
    res.write('first ');
    server.stream = res;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  server.url = `https://localhost:${server.address().port}`;
  server.become = (c) => server.setSecureContext(pair(c));
  return server;
}

test("the console's ca_file", async (t) => {
  const dw = new Doorward(t, { console: 'https://localhost:1' });
  const [one, two] = ['one', 'two'].map((n) => makeCertificate(dw.dir, n, 'ec', n));
  const ca = writeFile(path.join(dw.dir, 'ca', 'console.pem'), read(one.cert));
  const server = await serve(t, one);
  Object.assign(dw.config.doorward.console, { url: server.url, ca_file: ca });
  await dw.start();
  const client = new Client(dw);
  await client.login(dw.issuer.bound('ns', 'sa'));
  const status = async () => (await client.get('/api/x')).status;
  assert.equal(await status(), 200);
  const stream = client.get('/api/stream');
  await until('the stream', () => server.stream);

  replace(ca, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  await until('the refusal', () => /console: its ca_file has a broken certificate; nothing changes/.test(dw.log));
  assert.equal(await status(), 200);
  const leaf = makeCertificate(dw.dir, 'leaf', 'rsa1024', 'weak-one');
  replace(ca, read(leaf.cert));
  await until('the refusal', () => /console: its ca_file has no CA certificate that can serve; nothing changes/.test(dw.log));
  assert.match(dw.log, /weak-one is skipped: its RSA key is shorter than 2048 bits/);
  assert.equal(await status(), 200);

  replace(ca, read(leaf.cert, two.cert));
  await until('the other CA', async () => await status() !== 200, 3000);
  server.become(two);
  await until('a console with the other certificate', async () => await status() === 200, 3000);
  server.stream.end('last');
  assert.equal(String((await stream).body), 'first last', 'what was going on, goes on');
});

test('additional-ca-bundle.pem', async (t) => {
  const dw = new Doorward(t, { console: 'https://localhost:1' });
  const [one, two] = ['one', 'two'].map((n) => makeCertificate(dw.dir, n, 'ec', n));
  const bundle = writeFile(path.join(dw.dir, 'bundle', 'additional-ca-bundle.pem'), read(one.cert));
  const server = await serve(t, one);
  const kubeDir = temporaryDir();
  t.after(() => fs.rmSync(kubeDir, { recursive: true, force: true }));
  const kube = await KubeStandin.start({ dir: kubeDir });
  t.after(() => kube.stop());
  kube.addAccount('ns', 'sa', { listNamespaces: true });
  Object.assign(dw.config.doorward, {
    ca_bundle_dir: path.dirname(bundle),
    kubernetes: { api_server: kube.url, audiences: ['https://kubernetes.default.svc'] },
  });
  dw.config.doorward.console.url = server.url;
  await dw.start();
  const client = new Client(dw);
  const token = kube.mint('ns', 'sa');
  assert.equal((await client.login(token)).status, 503, 'the API server is not trusted yet');
  replace(bundle, read(one.cert, two.cert, kube.caFile));
  await until('a trusted API server', async () => (await client.login(token)).status === 200, 3000);
  assert.equal((await client.get('/api/x')).status, 200);
  server.closeIdleConnections();
  server.become(two);
  await until('the other console', async () => (await client.get('/api/x')).status === 200, 3000);
});

test("the API server's ca_file", async (t) => {
  const console = await new Console(t).listen();
  const dw = new Doorward(t, { console: console.url });
  const kube = await KubeStandin.start({ dir: dw.dir });
  t.after(() => kube.stop());
  kube.addAccount('ns', 'sa', { listNamespaces: true });
  const ca = writeFile(path.join(dw.dir, 'ca', 'api-server.pem'), read(kube.caFile));
  dw.config.doorward.kubernetes = { api_server: kube.url, ca_file: ca, audiences: ['https://kubernetes.default.svc'] };
  await dw.start();
  const login = async () => (await new Client(dw).login(kube.mint('ns', 'sa'))).status;
  assert.equal(await login(), 200);
  replace(ca, read(makeCertificate(dw.dir, 'weak', 'rsa1024').cert));
  await until('the refusal', () => /doorward\.kubernetes\.ca_file has no CA certificate that can serve; nothing changes/.test(dw.log));
  assert.equal(await login(), 200);

  replace(ca, read(makeCertificate(dw.dir, 'other').cert));
  await until('another CA', async () => await login() === 503, 3000);
  replace(ca, read(kube.caFile));
  await until('the CA again', async () => await login() === 200, 3000);

  // A new certificate of the cluster, and its CA afterwards.
  await kube.stop();
  fs.rmSync(kube.caFile);
  await kube.listen();
  assert.equal(await login(), 503);
  replace(ca, read(kube.caFile));
  await until('the cluster with its new CA', async () => await login() === 200, 3000);
});
