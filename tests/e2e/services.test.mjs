// External services behind Doorward, each with its own kind of credential, by
// stand-ins that check exactly what they are sent (lib/services.mjs).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Client } from './lib/client.mjs';
import { Doorward, isSanitized, temporaryDir, until } from './lib/doorward.mjs';
import { makeCertificate } from './lib/files.mjs';
import { Load } from './lib/load.mjs';
import { waysToReplace } from './lib/rotate.mjs';
import { basic, bearer, Service, TokenEndpoint } from './lib/services.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const EFFECT_MS = isSanitized ? 5000 : 1000;
const everybody = { users: ['*'] };
const route = (name, service = name) => ({ path: `/${name}/`, service, allow: everybody });
const secret = (slot, name = 'value.txt') => `secret:of-${slot}:${name}`;

// slots: {slot: value}. external: external_services of Kiali's configuration.
async function setUp(t, { external, routes, slots = {}, before = () => {}, config = {} }) {
  const upstream = await new Console(t).listen();
  const { doorward = {}, ...rest } = config;
  const dw = new Doorward(t, {
    console: upstream.url, config: { external_services: external, doorward: { routes, ...doorward }, ...rest },
  });
  const files = Object.fromEntries(Object.entries(slots).map(([slot, value]) => [slot, dw.secret(slot, value, { mode: 0o600 })]));
  before(dw);
  await dw.start();
  const client = new Client(dw);
  const token = dw.issuer.bound('ns', 'sa');
  assert.equal((await client.login(token)).status, 200);
  return { dw, client, files, token, upstream };
}

// What no service may ever see of the person who asks.
function assertNothingOfThePerson(seen, client, token) {
  const text = JSON.stringify(seen.raw);
  assert.deepEqual(Service.fields(seen.raw, 'Cookie').filter((c) => c.includes('doorward')), []);
  for (const cookie of client.cookies.values()) assert.ok(!text.includes(cookie));
  assert.ok(!text.includes(token.split('.')[2]), "the person's token");
}

// Values of the fields that a CGI program could not tell from this one.
const folded = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '_');
const likeNames = (raw, name) => raw.filter((_, i) => i % 2 === 1 && folded(raw[i - 1]) === folded(name));

test('each service gets its own credential, and nothing else', async (t) => {
  const services = {
    grafana: await Service.start(t, 'grafana', { accepts: [bearer('grafana-token-1')] }),
    jaeger: await Service.start(t, 'jaeger', { accepts: [basic('jaeger-user', 'jaeger:päss')], header: ['X-Scope-OrgID', 'mesh'] }),
    perses: await Service.start(t, 'perses', { accepts: [basic('perses-user', 'perses-password')] }),
    custom: await Service.start(t, 'prometheus', { accepts: [bearer('custom-token')] }),
    prometheus: await Service.start(t, 'prometheus', { header: ['X-Api-Key', 'key-of-prometheus'] }),
  };
  const { dw, client, token } = await setUp(t, {
    external: {
      grafana: { enabled: true, internal_url: services.grafana.url, auth: { type: 'bearer', token: secret('grafana-token'), ca_file: services.grafana.caFile } },
      tracing: {
        enabled: true, provider: 'jaeger', internal_url: services.jaeger.url, use_grpc: false,
        custom_headers: { 'X-Scope-OrgID': 'mesh' },
        auth: { type: 'basic', username: secret('tracing-username'), password: secret('tracing-password'), ca_file: services.jaeger.caFile },
      },
      perses: { enabled: true, internal_url: services.perses.url, auth: { type: 'basic', username: 'perses-user', password: secret('perses-password'), ca_file: services.perses.caFile } },
      custom_dashboards: { enabled: true, prometheus: { url: services.custom.url, auth: { type: 'bearer', token: secret('customdashboards-prometheus-token'), ca_file: services.custom.caFile } } },
      prometheus: { url: services.prometheus.url, custom_headers: { 'X-Api-Key': secret('prometheus-header-x-api-key') }, auth: { type: 'none', ca_file: services.prometheus.caFile } },
    },
    routes: [route('grafana'), route('jaeger', 'tracing'), route('perses'), route('custom', 'customdashboards-prometheus'), route('prometheus')],
    slots: {
      'grafana-token': ' grafana-token-1\r\n', 'tracing-username': 'jaeger-user', 'tracing-password': 'jaeger:päss\n',
      'perses-password': 'perses-password', 'customdashboards-prometheus-token': 'custom-token',
      'prometheus-header-x-api-key': 'key-of-prometheus',
    },
  });
  const paths = {
    grafana: '/api/search?query=mesh%20x', jaeger: '/api/services', perses: '/api/v1/projects',
    custom: '/api/v1/query?query=up', prometheus: '/api/v1/query?query=up',
  };
  const forged = { Authorization: bearer(token), 'Proxy-Authorization': 'Basic eDp5', 'X-Api-Key': 'mine', 'x-scope-orgid': 'other', 'X_Api_Key': 'mine' };
  for (const [name, service] of Object.entries(services)) {
    for (const headers of [{}, forged]) {
      const r = await client.get(`/${name}${paths[name]}`, { headers });
      assert.equal(r.status, 200, `${name}: ${r.body}\n${JSON.stringify(service.requests.at(-1))}`);
      assert.equal(r.headers['www-authenticate'], undefined);
    }
    assert.equal(service.requests.length, 2);
    for (const seen of service.requests) {
      assert.equal(seen.url, paths[name], 'the prefix is stripped, the rest is as it was');
      assertNothingOfThePerson(seen, client, token);
      if (service.header) assert.deepEqual(likeNames(seen.raw, service.header[0]), [service.header[1]], JSON.stringify(seen.raw));
    }
  }
  for (const name of Object.keys(paths)) assert.equal((await new Client(dw).get(`/${name}${paths[name]}`)).status, 401);
  assert.equal(Object.values(services).reduce((n, s) => n + s.requests.length, 0), 10, 'nothing without a session');
});

test("Tempo with a bearer, and a service with Kiali's own token", async (t) => {
  const tempo = await Service.start(t, 'tempo', { accepts: [bearer('tempo-token')] });
  const prometheus = await Service.start(t, 'prometheus', { accepts: [bearer('cluster-token-1'), bearer('cluster-token-2')] });
  const { dw, client, files } = await setUp(t, {
    external: {
      tracing: { enabled: true, provider: 'tempo', internal_url: tempo.url, use_grpc: false, auth: { type: 'bearer', token: secret('tracing-token'), ca_file: tempo.caFile } },
      prometheus: { url: prometheus.url, auth: { type: 'bearer', use_kiali_token: true, ca_file: prometheus.caFile } },
    },
    routes: [route('tempo', 'tracing'), route('prometheus')],
    slots: { 'tracing-token': 'tempo-token', 'cluster-token': 'cluster-token-1' },
  });
  assert.equal((await client.get('/tempo/api/search/tag/service.name/values')).status, 200);
  const ask = () => client.get('/prometheus/api/v1/query?query=up');
  assert.equal((await ask()).status, 200);
  waysToReplace['renamed over'](dw, files['cluster-token'], 'cluster-token-2');
  const began = performance.now();
  await until('the new token is in use', async () => (await ask()).status === 200 && prometheus.requests.at(-1).credentials[0] === bearer('cluster-token-2'));
  assert.ok(performance.now() - began <= EFFECT_MS);
});

test('a token is replaced under load: old ones before, new ones after, none without', async (t) => {
  const good = [0, 1, 2, 3].map((i) => bearer(`grafana-token-${i}`));
  const grafana = await Service.start(t, 'grafana', { accepts: good });
  const { dw, client, files } = await setUp(t, {
    external: { grafana: { enabled: true, internal_url: grafana.url, auth: { type: 'bearer', token: secret('grafana-token'), ca_file: grafana.caFile } } },
    routes: [route('grafana')],
    slots: { 'grafana-token': 'grafana-token-0' },
  });
  const load = new Load(t, client, '/grafana/api/search');
  await until('there is load', () => load.answered > 10);
  for (let i = 1; i < good.length; i++) {
    const began = performance.now();
    waysToReplace['swapped by Kubernetes'](dw, files['grafana-token'], `grafana-token-${i}\n`);
    await until('the new token is in use', () => grafana.requests.at(-1).credentials[0] === good[i]);
    assert.ok(performance.now() - began <= EFFECT_MS);
  }
  await load.stop();
  assert.deepEqual(load.bad, []);
  // Each was in use, one after the other.
  const inOrder = grafana.requests.map((r) => good.indexOf(r.credentials[0]));
  const firsts = inOrder.filter((n, i) => i === 0 || !inOrder.slice(0, i).includes(n));
  assert.deepEqual(firsts, [0, 1, 2, 3]);
});

// A service that takes the tokens of an endpoint.
async function setUpOauth2(t, { style = 'header', seconds = 3600, ...more } = {}) {
  const tls = makeCertificate(more.dir, 'oauth2');
  const endpoint = await TokenEndpoint.start(t, { clients: { 'kiali client': ['s3cr:t 1&+'] }, style, seconds, tls });
  const service = await Service.start(t, 'prometheus', { accepts: [], tls });
  service.good = (req) => endpoint.tokens.some((token) => req.headers.authorization === bearer(token) && !service.refuses?.includes(token));
  const { dw, client, files } = await setUp(t, {
    external: {
      prometheus: {
        url: service.url,
        auth: {
          type: 'oauth2', ca_file: tls.cert,
          oauth2: {
            token_url: `${endpoint.url}/oauth/token`, client_id: 'kiali client', client_secret: secret('prometheus-oauth2-client-secret'),
            scopes: ['read', 'metrics'], audience: 'https://prometheus.example', auth_style: style,
          },
        },
      },
    },
    routes: [route('prometheus')],
    slots: { 'prometheus-oauth2-client-secret': 's3cr:t 1&+\n' },
    // The token endpoint is checked with the CAs that all are checked with.
    before: (d) => {
      const dir = path.join(d.dir, 'cabundle');
      fs.mkdirSync(dir);
      fs.copyFileSync(tls.cert, path.join(dir, 'additional-ca-bundle.pem'));
      d.config.doorward.ca_bundle_dir = dir;
    },
  });
  return { dw, client, files, endpoint, service, ask: () => client.get('/prometheus/api/v1/query?query=up') };
}

function certificateDir(t) {
  const dir = temporaryDir();
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

for (const style of ['header', 'params']) {
  test(`OAuth 2.0, client authenticated by ${style}: one token for many requests`, async (t) => {
    const { endpoint, service, ask } = await setUpOauth2(t, { style, dir: certificateDir(t) });
    const answers = await Promise.all(Array.from({ length: 8 }, ask));
    assert.deepEqual(answers.map((r) => r.status), Array(8).fill(200), answers[0].body);
    assert.equal(endpoint.tokens.length, 1);
    const { form, url } = endpoint.requests[0];
    assert.equal(url, '/oauth/token');
    assert.equal(form.scope, 'read metrics');
    assert.equal(form.audience, 'https://prometheus.example');
    assert.ok(service.requests.every((r) => r.credentials.length === 1));

    // The service forgets the token: one more attempt with another one.
    service.refuses = [...endpoint.tokens];
    const before = service.requests.length;
    assert.equal((await ask()).status, 200);
    assert.equal(service.requests.length, before + 2);
    assert.equal(endpoint.tokens.length, 2);
    assert.equal((await ask()).status, 200);
    assert.equal(service.requests.length, before + 3);
  });
}

test('OAuth 2.0: a service that refuses every token is asked twice', async (t) => {
  const { service, ask } = await setUpOauth2(t, { dir: certificateDir(t) });
  service.good = () => false;
  const r = await ask();
  assert.notEqual(r.status, 200);
  assert.equal(r.headers['www-authenticate'], undefined);
  assert.equal(service.requests.length, 2);
});

test('OAuth 2.0: a token is renewed before it ends', async (t) => {
  // In half of its time.
  const { endpoint, ask } = await setUpOauth2(t, { seconds: 4, dir: certificateDir(t) });
  const began = performance.now();
  await until('there is another token', async () => {
    assert.equal((await ask()).status, 200);
    return endpoint.tokens.length > 1;
  }, 12000);
  assert.ok(performance.now() - began < 3900, 'the first one was still good');
});

test('OAuth 2.0: no token, no request', async (t) => {
  const { dw, client, endpoint, service, ask } = await setUpOauth2(t, { dir: certificateDir(t) });
  endpoint.up = false;
  const r = await ask();
  assert.equal(r.status, 502, r.body);
  assert.equal(service.requests.length, 0);
  const [line] = dw.auditLines('AUDIT: Credential unavailable');
  assert.equal(line.service, 'prometheus');
  assert.ok(!r.body.includes('token-endpoint') && !r.body.includes(String(endpoint.port)));
  assert.equal((await client.get('/api/x')).status, 200, 'the rest works');
  endpoint.up = true;
  await until('tokens are had again', async () => (await ask()).status === 200);
});

test("OAuth 2.0: the client's secret is replaced", async (t) => {
  const { dw, files, endpoint, service, ask } = await setUpOauth2(t, { dir: certificateDir(t) });
  assert.equal((await ask()).status, 200);
  endpoint.clients['kiali client'] = ['second secret'];
  waysToReplace['renamed over'](dw, files['prometheus-oauth2-client-secret'], 'second secret');
  await until('the rotation is noticed', () => dw.auditLines('AUDIT: Credential rotated').some((l) => l.result === 'ok'));
  service.refuses = [...endpoint.tokens];
  await until('a token by the new secret', async () => (await ask()).status === 200);
  assert.equal(endpoint.requests.filter((r) => r.secret).at(-1).secret, 'second secret');
});

test('a service that demands a client certificate', async (t) => {
  const dir = certificateDir(t);
  const mine = makeCertificate(dir, 'client', 'ec', 'kiali-client');
  const next = makeCertificate(dir, 'next', 'ec', 'kiali-next');
  const ca = [mine, next].map((c) => fs.readFileSync(c.cert));
  const grafana = await Service.start(t, 'grafana', { clientCa: ca });
  const other = await Service.start(t, 'prometheus', { clientCa: ca });
  const { dw, client } = await setUp(t, {
    external: {
      grafana: {
        enabled: true, internal_url: grafana.url,
        auth: { type: 'none', cert_file: secret('grafana-cert', 'tls.crt'), key_file: secret('grafana-key', 'tls.key'), ca_file: grafana.caFile },
      },
      prometheus: { url: other.url, auth: { type: 'none', ca_file: other.caFile } },
    },
    routes: [route('grafana'), route('prometheus')],
    before: (d) => {
      d.secret('grafana-cert', fs.readFileSync(mine.cert), { name: 'tls.crt', mode: 0o600 });
      d.secret('grafana-key', fs.readFileSync(mine.key), { name: 'tls.key', mode: 0o600 });
    },
  });
  const r = await client.get('/grafana/api/search');
  assert.equal(r.status, 200, r.body);
  assert.equal(grafana.requests[0].peer, 'kiali-client');
  assert.equal((await client.get('/prometheus/api/v1/query?query=up')).status, 502);
  assert.equal(other.requests.length, 0);

  // Another pair: new connections show it.
  const at = (slot, name) => path.join(dw.dir, 'secrets', slot, name);
  waysToReplace['renamed over'](dw, at('grafana-cert', 'tls.crt'), fs.readFileSync(next.cert));
  waysToReplace['renamed over'](dw, at('grafana-key', 'tls.key'), fs.readFileSync(next.key));
  await until('the new certificate is shown', async () => {
    grafana.cut();
    return (await client.get('/grafana/api/search')).status === 200 && grafana.requests.at(-1).peer === 'kiali-next';
  });
});

test("a service's CA is replaced, and a service that nobody vouches for is refused", async (t) => {
  const dir = certificateDir(t);
  const [first, second] = ['first', 'second'].map((name) => makeCertificate(dir, name));
  const grafana = await Service.start(t, 'grafana', { tls: first });
  const perses = await Service.start(t, 'perses', { tls: first });
  const custom = await Service.start(t, 'prometheus', { tls: first });
  const { dw, client } = await setUp(t, {
    external: {
      grafana: { enabled: true, internal_url: grafana.url, auth: { type: 'none' } },
      perses: { enabled: true, internal_url: perses.url, auth: { type: 'none' } },
      custom_dashboards: { enabled: true, prometheus: { url: custom.url, auth: { type: 'none', insecure_skip_verify: true } } },
    },
    routes: [route('grafana'), route('perses'), route('custom', 'customdashboards-prometheus')],
    before: (d) => {
      fs.copyFileSync(first.cert, path.join(d.dir, 'grafana-ca.pem'));
      d.config.external_services.grafana.auth.ca_file = path.join(d.dir, 'grafana-ca.pem');
    },
  });
  const ask = async (what = '/grafana/api/search') => (await client.get(what)).status;
  assert.equal(await ask(), 200);
  assert.equal(await ask('/perses/api/v1/projects'), 502);
  assert.equal(perses.requests.length, 0);
  assert.equal(await ask('/custom/api/v1/query?query=up'), 200);
  assert.ok(dw.log.split('\n').some((l) => / WRN /.test(l) && /insecure_skip_verify/.test(l)), 'there is a warning');

  grafana.replaceCertificate(second);
  await until('the old CA does not do', async () => await ask() === 502);
  const began = performance.now();
  waysToReplace['renamed over'](dw, path.join(dw.dir, 'grafana-ca.pem'), fs.readFileSync(second.cert));
  await until('the new CA is in use', async () => await ask() === 200);
  assert.ok(performance.now() - began <= EFFECT_MS);
  // One that is no certificate changes nothing.
  waysToReplace['written in place'](dw, path.join(dw.dir, 'grafana-ca.pem'), 'not a certificate\n');
  await until('that is told', () => /grafana-ca\.pem/.test(dw.log));
  grafana.cut();
  assert.equal(await ask(), 200);
});

test('a credential that cannot be had: 502, an audit line, and nothing at the service', async (t) => {
  const grafana = await Service.start(t, 'grafana', { accepts: [bearer('grafana-token')] });
  const { dw, client } = await setUp(t, {
    external: { grafana: { enabled: true, internal_url: grafana.url, auth: { type: 'bearer', token: secret('grafana-token'), ca_file: grafana.caFile } } },
    routes: [route('grafana')],
    slots: { 'grafana-token': 'grafana-token' },
  });
  const ask = () => client.get('/grafana/api/search');
  assert.equal((await ask()).status, 200);
  // secretd answers nobody, and egress begins anew.
  const secretd = dw.processes('secretd').map((p) => p.pid);
  t.after(() => { for (const pid of secretd) try { process.kill(pid, 'SIGCONT'); } catch { /* gone */ } });
  process.kill(secretd[0], 'SIGSTOP');
  assert.equal((await ask()).status, 200, 'egress has what it needs');
  const before = grafana.requests.length;
  await dw.kill('egress');
  const r = await until('egress knows the session again', async () => {
    const answer = await ask();
    return answer.status === 503 ? null : answer;
  });
  assert.equal(r.status, 502, r.body);
  assert.equal(grafana.requests.length, before);
  const [line] = dw.auditLines('AUDIT: Credential unavailable');
  assert.equal(line.service, 'grafana');
  assert.equal(line.slot, 'grafana-token');
  process.kill(secretd[0], 'SIGCONT');
  await until('it is back', async () => (await ask()).status === 200);
});
