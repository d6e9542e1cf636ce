// External services under the same login: what is listed is reached, by whom it
// is listed for, and what a service answers leaves neither its cookies nor
// addresses of the inside with a client.
import assert from 'node:assert/strict';
import { Client, exchangeRaw } from './lib/client.mjs';
import { Doorward, startDoorward } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const token = (dw, name = 'robot', namespace = 'team') => dw.issuer.bound(namespace, name);
const bearer = (dw, ...who) => ({ headers: { Authorization: `Bearer ${token(dw, ...who)}` } });

// A console, a Prometheus below a path of its own and a Grafana, with routes to
// both. answers: of the services, by the path that they are asked for.
async function setUp(t, { routes, answers = {}, config = {}, prometheusPath = '/prom', ...options } = {}) {
  const answer = (req, res, seen) => {
    const a = answers[seen.url];
    if (!a) return false;
    res.sendDate = false;
    res.writeHead(a.status, a.headers);
    res.end(a.body ?? '');
    return true;
  };
  const [upstream, prometheus, grafana] = await Promise.all(
    [new Console(t), new Console(t, { answer }), new Console(t, { answer })].map((c) => c.listen()));
  const dw = await startDoorward(t, {
    console: upstream.url,
    tls: false,
    ...options,
    config: {
      external_services: {
        prometheus: { url: `${prometheus.url}${prometheusPath}` },
        grafana: { enabled: true, internal_url: grafana.url },
      },
      ...config,
      doorward: { ...config.doorward, routes },
    },
  });
  return { dw, console: upstream, prometheus, grafana };
}

const everybody = { users: ['*'] };
const prometheusRoute = { path: '/prometheus/', service: 'prometheus', allow: everybody };
const grafanaRoute = { path: '/grafana/', service: 'grafana', strip_prefix: false, allow: everybody };

test('what is listed is reached as it was asked for, and nothing else is', async (t) => {
  const { dw, console: ours, prometheus, grafana } = await setUp(t, {
    routes: [
      { ...prometheusRoute, paths: ['/api/v1/query', '/api/v1/label/*', '/graph/'] },
      { ...grafanaRoute, methods: ['GET', 'POST'] },
      { path: '/grafana/inner/', service: 'prometheus', allow: everybody },
    ],
  });
  const cases = [
    // what is asked, the status, who saw it and as what
    ['GET', '/prometheus/api/v1/query?query=up%7Ba%3D%22b%22%7D', 200, prometheus, '/prom/api/v1/query?query=up%7Ba%3D%22b%22%7D'],
    ['HEAD', '/prometheus/api/v1/query', 200, prometheus, '/prom/api/v1/query'],
    ['GET', '/prometheus/api/v1/label/a%20b/values', 200, prometheus, '/prom/api/v1/label/a%20b/values'],
    ['GET', '/prometheus/graph/', 200, prometheus, '/prom/graph/'],
    ['GET', '/grafana/d/1?x', 200, grafana, '/grafana/d/1?x'],
    ['POST', '/grafana/api/ds/query', 200, grafana, '/grafana/api/ds/query'],
    ['GET', '/grafana/inner/x', 200, prometheus, '/prom/x'],
    ['GET', '/api/namespaces', 200, ours, '/api/namespaces'],
    ['GET', '/Prometheus/graph/', 200, ours, '/Prometheus/graph/'],
    // not listed
    ['GET', '/prometheus/', 404],
    ['GET', '/prometheus/api/v1/query/', 404],
    ['GET', '/prometheus/api/v1/query_range', 404],
    ['GET', '/prometheus/-/config', 404],
    ['POST', '/prometheus/-/reload', 404],
    // listed, but not for this method
    ['POST', '/prometheus/api/v1/query', 405],
    ['OPTIONS', '/prometheus/api/v1/query', 405],
    ['DELETE', '/grafana/d/1', 405],
    // spellings that the service would read as something else than we do
    ['GET', '/%70rometheus/graph/', 404],
    ['GET', '/prometheus/api/v1/%71uery', 404],
    ['GET', '/grafana/%69nner/x', 404],
    ['GET', '/gr%61fana/inner/x', 404],
    ['GET', '/prometheus%2fgraph/', 400],
    ['GET', '/prometheus/graph/../-/config', 400],
    ['GET', '/prometheus/graph/%2e%2e/-/config', 400],
    ['GET', '/prometheus/graph/..;x/-/config', 400],
    ['GET', '/prometheus//graph/', 400],
  ];
  for (const [method, target, status, who, url] of cases) {
    for (const c of [ours, prometheus, grafana]) c.requests.length = 0;
    const { text } = await exchangeRaw(dw, `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n` +
      `Authorization: Bearer ${token(dw)}\r\nConnection: close\r\n${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), `${method} ${target}: ${text.slice(0, 200)}`);
    for (const c of [ours, prometheus, grafana]) {
      assert.deepEqual(c.requests.map((r) => r.url), c === who ? [url] : [], `${method} ${target}`);
    }
    if (who === prometheus || who === grafana) {
      assert.equal(who.requests[0].method, method);
      assert.equal(who.requests[0].headers.authorization, undefined, 'a person\'s token is not a service\'s to see');
    }
  }
  const client = new Client(dw);
  assert.equal((await client.request('POST', '/prometheus/graph/', bearer(dw))).headers.allow, 'GET, HEAD');
  assert.equal((await client.request('PUT', '/grafana/', bearer(dw))).headers.allow, 'GET, POST');
  // the address without its last slash
  const r = await client.get('/prometheus?x=1');
  assert.equal(r.status, 308);
  assert.equal(r.headers.location, '/prometheus/?x=1');
});

test('below a web root, with the prefix kept or stripped', async (t) => {
  const { dw, prometheus, grafana } = await setUp(t, {
    routes: [prometheusRoute, grafanaRoute], config: { server: { web_root: '/kiali' } }, prometheusPath: '',
  });
  const client = new Client(dw);
  assert.equal((await client.get('/kiali/prometheus/graph', bearer(dw))).status, 200);
  assert.equal((await client.get('/kiali/grafana/d/1', bearer(dw))).status, 200);
  assert.equal((await client.get('/prometheus/graph', bearer(dw))).status, 404);
  assert.equal((await client.get('/kiali/prometheus')).headers.location, '/kiali/prometheus/');
  assert.deepEqual(prometheus.requests.map((r) => r.url), ['/graph']);
  assert.deepEqual(grafana.requests.map((r) => r.url), ['/kiali/grafana/d/1']);
});

test('a service needs a session, whatever the console needs', async (t) => {
  const { dw, prometheus } = await setUp(t, { routes: [prometheusRoute] });
  const client = new Client(dw);
  const navigation = { headers: { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' } };

  assert.equal((await client.get('/prometheus/api/v1/query')).status, 401);
  assert.equal((await client.get('/prometheus/static/app.js')).status, 401);
  let r = await client.get('/prometheus/graph?a=b', navigation);
  assert.equal(r.status, 302);
  assert.equal(r.headers.location, '/_doorward/login?return=/prometheus/graph%3Fa%3Db');
  r = await client.request('POST', '/_doorward/login', {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `token=${token(dw)}&return=%2Fprometheus%2Fgraph%3Fa%3Db`,
  });
  assert.equal(r.headers.location, '/prometheus/graph?a=b');
  assert.equal(prometheus.requests.length, 0);
  client.cookies.set('other', 'the-console-s');
  assert.equal((await client.get('/prometheus/graph?a=b', navigation)).status, 200);
  assert.equal(prometheus.requests.length, 1);
  assert.equal(prometheus.requests[0].headers.cookie, undefined, 'no cookie is a service\'s to see');
  await client.get('/api/logout');
  assert.equal((await client.get('/prometheus/graph')).status, 401);
  assert.equal(prometheus.requests.length, 1);
});

test('allow rules: who is in none of the lists is told so and stays signed in', async (t) => {
  const { dw, prometheus, grafana } = await setUp(t, {
    routes: [
      { ...prometheusRoute, allow: { users: ['team:robot', 'system:serviceaccount:team:other'], groups: ['system:serviceaccounts:ops'] } },
      { ...grafanaRoute, allow: { groups: ['system:serviceaccounts'] } },
    ],
  });
  const cases = [
    ['team', 'robot', 200], ['team', 'other', 200], ['ops', 'anyone', 200],
    ['team', 'robots', 403], ['tea', 'm', 403], ['opsx', 'anyone', 403], ['Team', 'robot', 401],
  ];
  const client = new Client(dw);
  for (const [namespace, name, status] of cases) {
    const who = `${namespace}:${name}`;
    assert.equal((await client.get('/prometheus/x', bearer(dw, name, namespace))).status, status, who);
    assert.equal((await client.get('/grafana/x', bearer(dw, name, namespace))).status, status === 403 ? 200 : status, who);
  }
  assert.equal(prometheus.requests.length, 3);
  assert.equal(grafana.requests.length, 6);

  await client.login(token(dw, 'guest'));
  let r = await client.get('/prometheus/x');
  assert.equal(r.status, 403);
  assert.equal(r.body, 'Forbidden\n');
  assert.deepEqual(r.setCookie, []);
  r = await client.get('/prometheus/x', { headers: { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' } });
  assert.equal(r.status, 403);
  assert.match(r.body, /<h1>Not allowed<\/h1>/);
  assert.equal((await client.get('/api/namespaces')).status, 200);
  assert.equal((await client.get('/grafana/x')).status, 200);
  assert.equal(prometheus.requests.length, 3);
  const denied = dw.auditLines('AUDIT: Access denied').filter((l) => l.user === 'team:guest');
  assert.equal(denied.length, 2);
  assert.equal(denied[0].route, '/prometheus/');
});

test('what a service answers is not what a client gets', async (t) => {
  const cookie = 'grafana_session=canary; Path=/';
  const answers = {
    '/graph': { status: 302, headers: { Location: '/query?x=1#tab', 'Set-Cookie': [cookie, '__Host-doorward=x; Path=/'], Server: 'nginx', Via: '1.1 x' } },
    '/relative': { status: 301, headers: { Location: '../../../api/logout' } },
    '/known': { status: 302, headers: { Location: '/kiali/prometheus/graph' } },
    '/public': { status: 302, headers: { Location: 'https://prometheus.io/docs' } },
    '/inside': { status: 302, headers: { Location: 'http://10.1.2.3/secret-place' } },
    '/loopback': { status: 307, headers: { Location: 'http://127.0.0.1:1/secret-place' } },
    '/backslash': { status: 302, headers: { Location: '/\\evil.example' } },
    '/created': { status: 201, headers: { Location: 'http://10.1.2.3/secret-place', 'Content-Location': '/rule' } },
    '/refresh': { status: 200, headers: { Refresh: '0; url=/graph', 'Alt-Svc': 'h2="inside:443"', 'Clear-Site-Data': '"*"' } },
    '/wants-password': { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="secret-place"' }, body: 'secret-place' },
    '/proxy-wants-password': { status: 407, headers: { 'Proxy-Authenticate': 'Basic' } },
    '/forbidden': { status: 403, headers: { 'X-Why': 'rules' }, body: 'no' },
  };
  const { dw, prometheus } = await setUp(t, {
    routes: [prometheusRoute], answers, config: { server: { web_root: '/kiali' } }, prometheusPath: '',
  });
  answers['/self'] = { status: 302, headers: { Location: `${prometheus.url}/graph` } };
  const client = new Client(dw);
  await client.login(token(dw), { path: '/kiali/api/authenticate' });
  const cookies = new Map(client.cookies);
  const cases = [
    ['/graph', 302, { location: '/kiali/prometheus/query?x=1#tab' }],
    ['/relative', 301, { location: '/kiali/prometheus/api/logout' }],
    ['/known', 302, { location: '/kiali/prometheus/graph' }],
    ['/self', 302, { location: '/kiali/prometheus/graph' }],
    ['/public', 302, { location: 'https://prometheus.io/docs' }],
    ['/inside', 502, {}],
    ['/loopback', 502, {}],
    ['/backslash', 502, {}],
    ['/created', 201, { 'content-location': '/kiali/prometheus/rule' }],
    ['/refresh', 200, { refresh: '0; url=/kiali/prometheus/graph' }],
    ['/wants-password', 502, {}],
    ['/proxy-wants-password', 502, {}],
    ['/forbidden', 403, { 'x-why': 'rules' }],
  ];
  for (const [path, status, headers] of cases) {
    const r = await client.get(`/kiali/prometheus${path}`);
    assert.equal(r.status, status, path);
    for (const name of ['location', 'content-location', 'refresh', 'x-why']) {
      assert.equal(r.headers[name], headers[name], `${path}: ${name}`);
    }
    for (const name of ['set-cookie', 'www-authenticate', 'proxy-authenticate', 'server', 'via', 'alt-svc', 'clear-site-data']) {
      assert.equal(r.headers[name], undefined, `${path}: ${name}`);
    }
    assert.ok(!r.body.includes('secret-place'), path);
    assert.deepEqual(client.cookies, cookies, path);
  }
  assert.equal((await client.get('/kiali/api/namespaces')).status, 200);
  await client.get('/kiali/prometheus/graph');
  assert.equal(dw.log.split('prometheus sends cookies').length, 2, 'one warning per service');
  assert.ok(!dw.log.includes('canary'));
  assert.match(dw.log, /prometheus does not accept Doorward's credential/);
  // Two refusals within a moment are one line.
  const lines = dw.auditLines('AUDIT: Credential unavailable');
  assert.deepEqual(lines.map((l) => [l.service, l.reason]), [['prometheus', 'refused by the service']]);
});

test('the console\'s own address does not leave with a redirect', async (t) => {
  let ours;
  const upstream = await new Console(t, {
    answer: (req, res) => {
      res.writeHead(302, { Location: `${ours}/console/x?y`, 'Set-Cookie': 'app=1' });
      res.end();
      return true;
    },
  }).listen();
  ours = upstream.url;
  const dw = await startDoorward(t, { console: upstream.url, tls: false });
  const r = await new Client(dw).get('/somewhere');
  assert.equal(r.headers.location, '/console/x?y');
  assert.deepEqual(r.setCookie, ['app=1']);
});

test('without logins only what everybody may use is open', async (t) => {
  const config = { auth: { strategy: 'anonymous' }, doorward: { console: { credential: 'none' } } };
  const { dw, grafana } = await setUp(t, { routes: [grafanaRoute], config });
  assert.equal((await new Client(dw).get('/grafana/x')).status, 200);
  assert.equal(grafana.requests.length, 1);

  const upstream = await new Console(t).listen();
  const log = await new Doorward(t, {
    console: upstream.url,
    tls: false,
    config: {
      ...config,
      external_services: { prometheus: { url: upstream.url } },
      doorward: { ...config.doorward, routes: [{ ...prometheusRoute, allow: { users: ['alice'] } }] },
    },
  }).refusal();
  assert.match(log, /doorward\.routes\[0\]\.allow/);
});
