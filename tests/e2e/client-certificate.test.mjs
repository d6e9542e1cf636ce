// A service that lets nobody in without a client certificate.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import { Client } from './lib/client.mjs';
import { Doorward, until } from './lib/doorward.mjs';
import { makeCertificate } from './lib/files.mjs';
import { test } from './lib/test.mjs';

test('a service with a client certificate, and with the next one', async (t) => {
  const dw = new Doorward(t, { console: 'http://127.0.0.1:9' });
  const server = makeCertificate(dw.dir, 'server');
  const first = makeCertificate(dw.dir, 'client', 'ec', 'doorward-1');
  const next = makeCertificate(dw.dir, 'next', 'rsa', 'doorward-2');
  fs.chmodSync(first.key, 0o600);
  fs.chmodSync(first.cert, 0o640);
  const second = fs.readFileSync(next.cert);
  const service = https.createServer({
    key: fs.readFileSync(server.key), cert: fs.readFileSync(server.cert), minVersion: 'TLSv1.3',
    ca: [fs.readFileSync(first.cert), second], requestCert: true, rejectUnauthorized: true,
  }, (req, res) => res.end(req.socket.getPeerCertificate().subject.CN));
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  t.after(() => { service.closeAllConnections(); service.close(); });
  dw.config.external_services = {
    prometheus: {
      url: `https://localhost:${service.address().port}`,
      auth: { type: 'none', cert_file: first.cert, key_file: first.key, ca_file: server.cert },
    },
  };
  dw.config.doorward.routes = [{ path: '/prometheus/', service: 'prometheus' }];
  await dw.start();
  const client = new Client(dw);
  const login = await client.login(dw.issuer.bound('ns', 'sa'));
  assert.equal(login.status ?? 200, 200);
  const who = async () => {
    const r = await client.get('/prometheus/x');
    assert.equal(r.status, 200, r.body);
    return String(r.body);
  };
  assert.equal(await who(), 'doorward-1');
  assert.match(dw.status().secretd['client certificate prometheus'], /^localhost, good until /);
  fs.writeFileSync(first.key, fs.readFileSync(next.key));
  fs.writeFileSync(first.cert, second);
  await until('the next certificate', async () => await who() === 'doorward-2', 3000);
  assert.equal(dw.auditLines('AUDIT: Credential rotated').at(-1).slot, 'prometheus-key');
  assert.ok(new X509Certificate(second).subject.includes('doorward-2'));
});
