// P1 and P8 with a canary in every slot: external services of every kind are
// used, every secret is replaced, much goes wrong, and then each value is in
// the processes that the table allows, and in no log.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Client, connectRaw } from './lib/client.mjs';
import { Doorward, isRoot, isSanitized, temporaryDir, until } from './lib/doorward.mjs';
import { makeCertificate } from './lib/files.mjs';
import { KubeStandin } from './lib/kube-standin.mjs';
import { canariesIn, canariesOf, canary, scanMemory } from './lib/memory.mjs';
import { waysToReplace } from './lib/rotate.mjs';
import { basic, bearer, Service, TokenEndpoint } from './lib/services.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const everybody = { users: ['*'] };
const reference = 'secret:mounted:value.txt';

// Who may hold the value of a slot, beside secretd. A slot that this
// configuration does not use is nobody's business.
const holders = {
  'login-token-signing-key': [],
  'cluster-token': ['authd', 'egress'], // egress: use_kiali_token
  'oidc-secret': ['authd'],
  'oidc-key': [],
  'egress-token': ['egress'],
  'prometheus-username': ['egress'],
  'prometheus-password': ['egress'],
  'prometheus-header-x-api-key': ['egress'],
  'grafana-token': ['egress'],
  'tracing-oauth2-client-secret': ['egress'],
};
// These replace the two with a meaning in the tests.
const pem = ['perses-cert', 'perses-key'];
const slots = [...new Set([...Object.keys(holders),
  ...['prometheus', 'grafana', 'tracing', 'perses', 'customdashboards-prometheus'].flatMap((service) =>
    ['username', 'password', 'token', 'cert', 'key', 'oauth2-client-secret'].map((field) => `${service}-${field}`)),
])].filter((slot) => !pem.includes(slot));

// Each slot has a number for its first value and one for its second.
const FIRST = 100;
const SECOND = 200;
const lengthOf = (slot) => (slot === 'login-token-signing-key' ? 32 : 40);
const value = (slot, base) => canary(base + slots.indexOf(slot), lengthOf(slot));
const slotOf = (number) => slots[number % 100];
const both = (slot) => [value(slot, FIRST), value(slot, SECOND)];

async function startServices(t, dir) {
  const client = makeCertificate(dir, 'client', 'ec', 'kiali-client');
  const tls = makeCertificate(dir, 'services');
  const endpoint = await TokenEndpoint.start(t, { clients: { kiali: both('tracing-oauth2-client-secret') }, tls });
  const tracing = await Service.start(t, 'tempo', { accepts: [], tls });
  tracing.good = (req) => endpoint.tokens.some((token) => req.headers.authorization === bearer(token));
  return {
    tls, client, endpoint, tracing,
    prometheus: await Service.start(t, 'prometheus', {
      tls, accepts: both('prometheus-username').flatMap((u) => both('prometheus-password').map((p) => basic(u, p))),
    }),
    grafana: await Service.start(t, 'grafana', { tls, accepts: both('grafana-token').map(bearer) }),
    perses: await Service.start(t, 'perses', { tls, clientCa: fs.readFileSync(client.cert) }),
    custom: await Service.start(t, 'prometheus', { tls, accepts: both('cluster-token').map(bearer) }),
  };
}

function configuration(s, dir, kube) {
  const auth = (more) => ({ ca_file: s.tls.cert, ...more });
  fs.mkdirSync(path.join(dir, 'bundle'), { recursive: true });
  fs.copyFileSync(s.tls.cert, path.join(dir, 'bundle', 'additional-ca-bundle.pem'));
  return {
    external_services: {
      prometheus: {
        url: s.prometheus.url, custom_headers: { 'X-Api-Key': reference },
        auth: auth({ type: 'basic', username: reference, password: reference }),
      },
      grafana: { enabled: true, internal_url: s.grafana.url, auth: auth({ type: 'bearer', token: reference }) },
      tracing: {
        enabled: true, provider: 'tempo', internal_url: s.tracing.url, use_grpc: false,
        auth: auth({ type: 'oauth2', oauth2: { token_url: `${s.endpoint.url}/token`, client_id: 'kiali', client_secret: reference } }),
      },
      perses: { enabled: true, internal_url: s.perses.url, auth: auth({ cert_file: 'secret:mounted:tls.crt', key_file: 'secret:mounted:tls.key' }) },
      custom_dashboards: { enabled: true, prometheus: { url: s.custom.url, auth: auth({ type: 'bearer', use_kiali_token: true }) } },
    },
    doorward: {
      egress: { listen: '127.0.0.1:0' },
      ca_bundle_dir: path.join(dir, 'bundle'),
      kubernetes: { api_server: kube.url, ca_file: kube.caFile, audiences: ['https://kubernetes.default.svc'] },
      routes: Object.entries({
        prometheus: 'prometheus', grafana: 'grafana', tempo: 'tracing', perses: 'perses', custom: 'customdashboards-prometheus',
      }).map(([name, service]) => ({ path: `/${name}/`, service, allow: everybody })),
    },
  };
}

const queries = [
  '/prometheus/api/v1/query?query=up', '/grafana/api/search', '/tempo/api/search/tag/service.name/values',
  '/perses/api/v1/projects', '/custom/api/v1/query?query=up',
];

async function setUp(t, options) {
  const dir = temporaryDir();
  const kube = await KubeStandin.start({ dir, reviews: [] });
  t.after(async () => { await kube.stop(); fs.rmSync(dir, { recursive: true, force: true }); });
  kube.addNamespace('ns');
  kube.addAccount('ns', 'sa', { listNamespaces: true });
  for (const token of both('cluster-token')) kube.addStaticToken(token, 'front-door', [], { reviewTokens: true });
  const services = await startServices(t, dir);
  const upstream = await new Console(t, { answer: (req, res) => { res.end('fine'); return true; } }).listen();
  const dw = new Doorward(t, {
    console: upstream.url, env: { LOG_LEVEL: 'trace' }, config: configuration(services, dir, kube), ...options,
  });
  const files = Object.fromEntries(slots.map((slot) => [slot, dw.secret(slot, value(slot, FIRST), { mode: 0o600 })]));
  dw.secret('perses-cert', fs.readFileSync(services.client.cert), { name: 'tls.crt' });
  dw.secret('perses-key', fs.readFileSync(services.client.key), { name: 'tls.key' });
  await dw.start();
  return { dw, kube, services, files };
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

// People, good and bad, and the console: all services, by both ways in.
async function live({ dw, kube, services }, egressToken) {
  const client = new Client(dw);
  const token = kube.mint('ns', 'sa');
  const other = kube.mint('ns', 'sa');
  assert.equal((await client.login(token)).status, 200);
  for (const query of queries) {
    const r = await client.get(query);
    assert.equal(r.status, 200, `${query}: ${r.status} ${r.body}`);
    assert.equal((await client.get(query, { headers: { Authorization: bearer(other) } })).status, 200);
    assert.equal((await new Client(dw).get(query)).status, 401);
    assert.notEqual((await client.get(`${query.split('?')[0]}/nothing`)).status, 200);
    assert.notEqual((await client.request('DELETE', query)).status, 200);
  }
  const local = new Client({ scheme: 'http', port: dw.localPort });
  for (const service of ['prometheus', 'grafana', 'perses']) {
    const query = queries.find((q) => q.startsWith(`/${service}/`));
    assert.equal((await local.get(query, { headers: { Authorization: bearer(egressToken) } })).status, 200);
    assert.equal((await local.get(query, { headers: { Authorization: bearer('wrong') } })).status, 401);
  }
  // The slots' own values are nobody's way in.
  for (const slot of Object.keys(holders)) {
    const thief = new Client(dw);
    const stolen = canary(900 + slots.indexOf(slot));
    assert.notEqual((await thief.get(queries[0], { headers: { Authorization: bearer(stolen) } })).status, 200);
    await thief.request('POST', '/api/authenticate', { headers: form, body: `token=${stolen}` });
  }
  // Services that refuse, and one whose token endpoint is away.
  const { grafana, endpoint } = services;
  const { accepts } = grafana;
  grafana.accepts = [];
  assert.notEqual((await client.get(queries[1])).status, 200);
  grafana.accepts = accepts;
  endpoint.up = false;
  endpoint.tokens.length = 0; // the service forgets them too
  assert.notEqual((await client.get(queries[2])).status, 200);
  endpoint.up = true;
  await until('there is a token again', async () => (await client.get(queries[2])).status === 200);
  return { client, token };
}

// Every slot that is in use gets its second value, two ways by turns.
async function rotateAll({ dw, files }) {
  const ways = [waysToReplace['renamed over'], waysToReplace['written in place']];
  slots.forEach((slot, i) => ways[i % 2](dw, files[slot], value(slot, SECOND)));
  const done = () => new Set(dw.auditLines('AUDIT: Credential rotated').filter((l) => l.result === 'ok').map((l) => l.slot));
  await until('all are rotated', () => Object.keys(holders).filter((s) => !s.startsWith('oidc-')).every((s) => done().has(s)));
}

// Values that are made of secrets: base64 as it goes out, without its beginning.
const compounds = () => Object.fromEntries([FIRST, SECOND].flatMap((base) => [
  [`password ${base}`, basic(value('prometheus-username', base), value('prometheus-password', base))],
  [`client ${base}`, basic('kiali', value('tracing-oauth2-client-secret', base))],
]).map(([name, header]) => [name, Buffer.from(header.slice(24, 72))]));

test('with a canary in every slot: none is in a log, or in what Doorward says of itself', async (t) => {
  const all = await setUp(t);
  const { dw } = all;
  await live(all, value('egress-token', FIRST));
  await rotateAll(all);
  await live(all, value('egress-token', SECOND));
  for (const slot of Object.keys(holders)) waysToReplace['renamed over'](dw, all.files[slot], `${value(slot, FIRST)}\n\0${value(slot, SECOND)}`);
  await until('bad values are refused', () => dw.auditLines('AUDIT: Credential rotated').some((l) => l.result === 'failed'));
  const said = ['status', 'check-config'].map((what) => {
    const [command, ...args] = what === 'status' ? dw.control(what, '--run-dir', path.join(dw.runDir, 'run'))
      : dw.control(what, '--config', dw.configFile);
    return spawnSync(command, args, { encoding: 'utf8' });
  }).map(({ stdout, stderr }) => stdout + stderr).join('\n');
  await dw.stop();
  const text = dw.log + said;
  assert.ok(said.includes('prometheus-password') && text.includes('Credentials loaded from secret file'));
  const logged = [...canariesIn(text)];
  assert.deepEqual(logged.map((n) => slotOf(n) ?? n), []);
  for (const [name, header] of Object.entries(compounds())) assert.ok(!text.includes(header.toString()), name);
  for (const token of all.services.endpoint.tokens) assert.ok(!text.includes(token));
  // The control: a value in a log would be found.
  assert.deepEqual([...canariesIn(`x ${value('grafana-token', SECOND).slice(7)} y`)].map(slotOf), ['grafana-token']);
});

test('with a canary in every slot: each is in the processes that need it, and in no other', async (t) => {
  if (!isRoot) { t.skip('only root may read the memory of these processes'); return; }
  if (isSanitized) { t.skip('a sanitizer keeps what was freed'); return; }
  const all = await setUp(t, { asRoot: true });
  const { dw } = all;
  await live(all, value('egress-token', FIRST));
  await rotateAll(all);
  const { client, token } = await live(all, value('egress-token', SECOND));

  const needles = {
    ...compounds(), configuration: Buffer.from(dw.configFile), session: Buffer.from(token.split('.')[2]),
    ...Object.fromEntries(all.services.endpoint.tokens.map((value_, i) => [`access token ${i}`, Buffer.from(value_)])),
  };
  const allowed = { frontend: /^configuration$/, worker: /^configuration$/, signer: /^configuration$/, secretd: /^configuration$/, authd: /^(configuration|session)$/, egress: /./ };
  for (const { name, pid } of dw.everyProcess()) {
    const held = [...canariesOf(pid)].filter((n) => n < 900);
    const foreign = held.filter((n) => name !== 'secretd' && !(holders[slotOf(n)] ?? []).includes(name));
    assert.deepEqual(foreign.map(slotOf), [], `${name} holds what is not its business`);
    const found = scanMemory(pid, needles);
    for (const [what, n] of Object.entries(found)) if (n) assert.match(what, allowed[name], `${name} holds ${what}`);
    // The scan reads each of them: its configuration's name is there.
    assert.ok(found.configuration > 0, name);
  }

  // A person's token is in the worker that is reading it: the scan sees what
  // passes through a frontend.
  const secretInFlight = canary(950, 200);
  const raw = await connectRaw(dw);
  t.after(() => raw.destroy());
  raw.write(`GET ${queries[0]} HTTP/1.1\r\nHost: localhost:${dw.port}\r\nAuthorization: Bearer ${secretInFlight}\r\n`);
  const workers = dw.everyProcess().filter((p) => p.name === 'worker');
  await until('a worker has read it', () => workers.some(({ pid }) => canariesOf(pid).has(950)));
  // And a process that holds a secret in plain memory is found out.
  const holder = spawn('sleep', ['60'], { env: { HELD: value('grafana-token', SECOND) } });
  t.after(() => holder.kill());
  await until('the control is found', () => holder.exitCode !== null || [...canariesOf(holder.pid)].map(slotOf).includes('grafana-token'));
  assert.equal(holder.exitCode, null);
  assert.equal((await client.get('/api/logout')).status, 204);
});
