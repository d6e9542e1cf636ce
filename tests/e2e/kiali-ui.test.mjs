// Kiali's own web UI in a real browser: a stand-in for it, served by the console
// below /kiali, that makes the same calls in the same order with the same
// headers (axios in Kiali's src/services/Api.ts), and nothing else.
import assert from 'node:assert/strict';
import { noBrowser, openBrowser, openPage } from './lib/browser.mjs';
import { Client } from './lib/client.mjs';
import { startDoorward } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const shell = `<!doctype html><html lang="en"><head><base href="/kiali/"><link rel="icon" href="data:,">
<title>Kiali</title></head><body><p id="state">loading</p><p id="text"></p>
<form id="login" hidden><input id="token" aria-label="Token"><button>Log in</button></form>
<button id="refresh" hidden>Refresh</button><button id="logout" hidden>Logout</button>
<script src="app.js"></script></body></html>`;

// Relative URLs below <base>, JSON or text back, no redirects that matter.
function app() {
  const get = (id) => document.getElementById(id);
  const call = (method, url, headers = {}, body = undefined) => new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open(method, url, true);
    x.timeout = 120000;
    x.setRequestHeader('Accept', 'application/json, text/plain, */*');
    for (const [k, v] of Object.entries(headers)) x.setRequestHeader(k, v);
    x.onloadend = () => {
      let data = x.responseText;
      try { data = JSON.parse(data); } catch { /* axios keeps the text */ }
      const answer = { status: x.status, data };
      if (x.status >= 200 && x.status < 300) resolve(answer); else reject(answer);
    };
    x.send(body);
  });
  const show = (state, text = '') => {
    get('login').hidden = state === 'in';
    get('refresh').hidden = get('logout').hidden = state !== 'in';
    get('text').textContent = text;
    get('state').textContent = state;
  };
  const load = async (user) => {
    const [namespaces] = await Promise.all(['api/namespaces', 'api/config', 'api/tracing'].map((u) => call('GET', u)));
    call('GET', 'api/status');
    show('in', `${user} sees ${namespaces.data.map((n) => n.name)}`);
  };
  const failed = (e) => {
    if (e.status === 401 && get('state').textContent === 'in') show('expired', 'Your session has expired');
    else show('out', `Login unsuccessful: ${e.data?.error ?? 'Unauthorized'}`);
  };
  get('login').onsubmit = (event) => {
    event.preventDefault();
    call('POST', 'api/authenticate', {
      'Content-Type': 'application/x-www-form-urlencoded', 'Kiali-UI': 'true', 'X-Auth-Type-Kiali-UI': '1',
    }, new URLSearchParams({ token: get('token').value }).toString())
      .then((r) => load(r.data.username)).catch(failed);
  };
  get('refresh').onclick = () => call('GET', 'api/namespaces').then(() => show('in', 'refreshed')).catch(failed);
  get('logout').onclick = () => call('GET', 'api/logout')
    .then((r) => show(r.status === 204 ? 'out' : 'strange')).catch(failed);
  call('GET', 'api/auth/info').then(({ data }) => {
    const s = data.sessionInfo;
    if (data.strategy !== 'token') throw data;
    return s.expiresOn && s.username ? load(s.username) : show('out');
  }).catch(failed);
}

const kiali = {
  answer(req, res) {
    const send = (type, body) => { res.setHeader('Content-Type', type); res.end(body); };
    if (/^\/kiali\/(console\b.*)?$/.test(req.url)) send('text/html', shell);
    else if (req.url === '/kiali/app.js') send('text/javascript', `(${app})()`);
    else if (req.url === '/kiali/api/namespaces') send('application/json', '[{"name":"bookinfo"}]');
    else return false;
    return true;
  },
};

async function setUp(t) {
  const upstream = await new Console(t, kiali).listen();
  const dw = await startDoorward(t, { console: upstream.url, config: { server: { web_root: '/kiali' } } });
  const p = await openPage(await openBrowser(t, dw), dw);
  return { dw, upstream, p, token: dw.issuer.bound('istio-system', 'kiali-service-account') };
}

const state = (p, text) => p.locator('#state', { hasText: new RegExp(`^${text}$`) }).waitFor();

async function signIn(p, token) {
  await p.fill('#token', token);
  await p.press('#token', 'Enter');
  await state(p, 'in');
}

test('the UI works unchanged: start, log in, load, log out', { skip: noBrowser }, async (t) => {
  const { dw, upstream, p, token } = await setUp(t);
  await p.goto('/kiali/');
  await state(p, 'out');
  await p.fill('#token', 'garbage');
  await p.press('#token', 'Enter');
  await p.locator('#text', { hasText: 'Login unsuccessful: token is not valid or is expired' }).waitFor();

  await signIn(p, token);
  assert.equal(await p.textContent('#text'), 'istio-system:kiali-service-account sees bookinfo');
  const [cookie] = await p.context().cookies();
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === 'Strict' && cookie.path === '/kiali', JSON.stringify(cookie));
  for (const seen of upstream.requests) {
    const api = seen.url.startsWith('/kiali/api/');
    assert.equal(seen.headers.authorization, api ? `Bearer ${token}` : undefined, seen.url);
    assert.equal(seen.headers.cookie, undefined, seen.url);
  }

  // A reload, a bookmark and another page of the UI find the session.
  await p.reload();
  await state(p, 'in');
  await p.goto('/kiali/console/graph?x=1');
  await state(p, 'in');

  await p.click('#logout');
  await state(p, 'out');
  assert.deepEqual(await p.context().cookies(), []);
  await p.reload();
  await state(p, 'out');
  assert.deepEqual(p.problems, []);
  assert.deepEqual(p.refused, [401]);
  assert.ok(!dw.log.includes(token), 'the token is in the log');
});

test('a session that ends behind the UI gives 401, never a redirect', { skip: noBrowser }, async (t) => {
  const { dw, p, token } = await setUp(t);
  await p.goto('/kiali/');
  await state(p, 'out');
  await signIn(p, token);
  await p.click('#refresh');
  await p.locator('#text', { hasText: 'refreshed' }).waitFor();

  const [cookie] = await p.context().cookies();
  const other = new Client(dw);
  other.cookies.set(cookie.name, cookie.value);
  assert.equal((await other.get('/kiali/api/logout')).status, 204);
  await p.click('#refresh');
  await state(p, 'expired');
  assert.deepEqual(await p.context().cookies(), [], 'the dead cookie is still there');
  await signIn(p, token);
  assert.deepEqual(p.problems, []);
});

test('another site can neither use the session nor end it', { skip: noBrowser }, async (t) => {
  const { upstream, p, token } = await setUp(t);
  await p.goto('/kiali/');
  await state(p, 'out');
  await signIn(p, token);

  await p.route('https://evil.example/', (route) => route.fulfill({
    contentType: 'text/html',
    body: `<img src="${p.origin}/kiali/api/logout"><img src="${p.origin}/kiali/api/secret">
      <a id="logout" href="${p.origin}/kiali/api/logout">x</a><a id="kiali" href="${p.origin}/kiali/">Kiali</a>`,
  }));
  await p.goto('https://evil.example/', { waitUntil: 'networkidle' });
  assert.ok(!upstream.requests.some((r) => r.url.includes('secret')), 'a request without a session came through');
  const [answer] = await Promise.all([p.waitForResponse('**/api/logout'), p.click('#logout')]);
  assert.equal(answer.status(), 403);

  // SameSite=Strict: the first page comes without the cookie, which is why it
  // is public; its own calls have it.
  await p.goto('https://evil.example/');
  await p.click('#kiali');
  await state(p, 'in');
  assert.match(await p.textContent('#text'), /kiali-service-account sees bookinfo/);
});
