// What people see, in a real browser: sign in, be sent back to where they
// wanted to go, session, sign out, errors; by keyboard, on a phone, in both
// colour schemes, and under attack.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { assertAccessible, desktop, focused, noBrowser, openBrowser, openPage, phone } from './lib/browser.mjs';
import { Client } from './lib/client.mjs';
import { Doorward, startDoorward } from './lib/doorward.mjs';
import { claimsOf, setUp as setUpOpenid, tokenOf } from './lib/openid.mjs';
import { test } from './lib/test.mjs';
import { Console } from './lib/upstream.mjs';

const skip = noBrowser;

// A console whose pages say who sees them. It says nothing about caching, as
// many do.
const page = {
  answer(req, res, seen) {
    const sub = JSON.parse(Buffer.from((seen.headers.authorization ?? '. e30.').split('.')[1], 'base64url')).sub;
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(`<!doctype html><link rel="icon" href="data:,"><title>Console</title><p id="user">${sub}<p id="url">${
      seen.url.replace(/[&<]/g, '_')}<p><a id="out" href="/_doorward/logout">Sign out</a>`);
    return true;
  },
};

async function setUp(t) {
  const upstream = await new Console(t, page).listen();
  const dw = await startDoorward(t, {
    console: upstream.url,
    config: { doorward: { console: { preset: 'generic' } } },
  });
  return { dw, upstream, browser: await openBrowser(t, dw), token: dw.issuer.bound('mesh', 'ann') };
}

async function signIn(p, token) {
  await p.fill('#token', token);
  await p.click('button');
}

const path = (p) => p.url().slice(p.origin.length);

test('sign in, use the console, sign out', { skip }, async (t) => {
  const { dw, browser, token } = await setUp(t);
  const p = await openPage(browser, dw);

  await p.goto('/some/page?a=1&b=%20x');
  assert.equal(path(p), '/_doorward/login?return=/some/page%3Fa%3D1%26b%3D%2520x');
  assert.equal(await p.title(), 'Sign in');
  const command = 'kubectl -n istio-system create token kiali-service-account';
  assert.equal(await p.textContent('code'), command);
  const lines = () => p.evaluate(() => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector('code'));
    return range.getClientRects().length;
  });
  assert.equal(await lines(), 1);
  // Where it does not fit on a line it is one all the same when copied, and one
  // click takes all of it.
  await p.setViewportSize(phone);
  assert.ok(await lines() > 1);
  await p.click('code');
  assert.equal(await p.evaluate(() => getSelection().toString()), command);
  await p.setViewportSize(desktop);
  assert.equal(await p.getAttribute('#token', 'type'), 'password');
  assert.equal(await p.locator('[role=alert]').count(), 0);
  await assertAccessible(p, 'login');

  await signIn(p, 'wrong-<b>token</b>');
  assert.equal(await p.title(), 'Error: Sign in');
  assert.match(await p.textContent('[role=alert]'), /paste the whole token/);
  assert.equal(await p.getAttribute('#token', 'aria-invalid'), 'true');
  assert.ok(!(await p.content()).includes('wrong-'), 'the page repeats what was typed');
  assert.equal(await p.inputValue('#token'), '');
  await assertAccessible(p, 'login with an error');

  await signIn(p, dw.issuer.bound('mesh', 'ann', { seconds: -300 }));
  assert.match(await p.textContent('[role=alert]'), /expired on .* GMT\. Make a new one: kubectl -n istio-system create token/);

  // The browser itself stops an empty field; without its help the server does.
  await p.click('button');
  assert.ok(await p.evaluate(() => document.querySelector('#token:invalid') !== null));
  await p.evaluate(() => document.querySelector('form').setAttribute('novalidate', ''));
  await p.click('button');
  await p.locator('[role=alert]', { hasText: 'empty' }).waitFor();

  // The way back has survived all of that.
  await signIn(p, token);
  await p.waitForSelector('#user');
  assert.equal(path(p), '/some/page?a=1&b=%20x');
  assert.equal(await p.textContent('#user'), 'system:serviceaccount:mesh:ann');
  const [cookie] = await p.context().cookies();
  assert.equal(cookie.name, '__Host-doorward');
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === 'Lax' && cookie.path === '/');

  await p.goto('/_doorward/session');
  assert.match(await p.textContent('dl'), /mesh:ann[\s\S]* GMT\s*in 59 min/);
  await assertAccessible(p, 'session');
  await p.goto('/_doorward/signed-out');
  assert.equal(await p.textContent('h1'), 'Your session');

  await p.goto('/some/page');
  await p.click('#out');
  assert.equal(await p.textContent('h1'), 'Sign out');
  await assertAccessible(p, 'sign out');
  await p.click('button');
  assert.equal(await p.textContent('h1'), 'You are signed out');
  assert.equal(path(p), '/_doorward/signed-out');
  assert.deepEqual(await p.context().cookies(), []);
  await assertAccessible(p, 'signed out');

  // Neither the back button nor the old cookie brings anything back.
  await p.goBack();
  await p.goBack();
  await p.waitForSelector('#token');
  assert.equal(path(p), '/_doorward/login?return=/some/page');
  await p.context().addCookies([cookie]);
  await p.goto('/some/page');
  await p.waitForSelector('#token');
  assert.equal(await p.locator('#user').count(), 0);

  await p.goto('/_doorward/session');
  assert.equal(await p.textContent('h1'), 'Nobody is signed in');
  await assertAccessible(p, 'no session');
  assert.deepEqual(p.problems, []);
  assert.deepEqual(p.refused, [401, 401, 400]);
  assert.ok(!dw.log.includes(token), 'the token is in the log');
});

test('by keyboard alone, on a phone, with a token that a terminal broke', { skip }, async (t) => {
  const { dw, browser, token } = await setUp(t);
  const p = await openPage(browser, dw, { viewport: phone, isMobile: true, hasTouch: true });
  await p.context().grantPermissions(['clipboard-read', 'clipboard-write']);

  await p.goto('/deep/link');
  assert.equal(await focused(p), 'token');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign in');
  await p.keyboard.press('Shift+Tab');
  await p.evaluate((text) => navigator.clipboard.writeText(text), `\n ${token.replace(/.{80}/g, '$&\n')} \n`);
  await p.keyboard.press('Control+V');
  assert.equal((await p.inputValue('#token')).replace(/ /g, ''), token);
  await p.keyboard.press('Enter');
  await p.waitForSelector('#user');
  assert.equal(path(p), '/deep/link');
  await p.goto('/_doorward/logout');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign out');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign out everywhere');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Stay signed in');
  await p.keyboard.press('Shift+Tab');
  await p.keyboard.press('Shift+Tab');
  await p.keyboard.press('Enter');
  await p.waitForURL('**/_doorward/signed-out');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign in again');
  await p.keyboard.press('Enter');
  await p.waitForSelector('#token');
  assert.deepEqual(p.problems, []);
});

test('no return path leads elsewhere', { skip }, async (t) => {
  const { dw, browser, token } = await setUp(t);
  const evil = ['//evil.example', '/\\evil.example', '\\\\evil.example', '/%2f%2fevil.example', '/%2fevil.example',
    '/%5cevil.example', 'https:evil.example', 'https://evil.example/', 'javascript:alert(1)', 'data:text/html,x',
    '/\t/evil.example', '/\n/evil.example', '/x\r\nSet-Cookie: a=b', '\t//evil.example', ' //evil.example',
    '/\u0000', '/./', '/../x', '/%2e%2e/x', '/é', '/x y', '/_doorward/login', '/_doorward/login?return=/x',
    '/_doorward/logout', '/api/logout', '/api/authenticate', 'some/page', '?x', '', '/'.repeat(9), `/${'a'.repeat(9000)}`];
  const client = new Client(dw);
  const nav = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'same-origin' };
  for (const to of evil) {
    // Neither in the page's address, which is checked when it is shown …
    let r = await client.get(`/_doorward/login?return=${encodeURIComponent(to)}`, { headers: nav });
    if (r.status === 200) assert.match(r.body, /name="return" value="\/"/, JSON.stringify(to));
    else assert.ok(r.status >= 400, JSON.stringify(to));
    // … nor in the form, which is checked again.
    r = await client.request('POST', '/_doorward/login', {
      headers: { ...nav, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `token=${encodeURIComponent(token)}&return=${encodeURIComponent(to)}`,
    });
    if (r.status === 303) assert.equal(r.headers.location, '/', JSON.stringify(to));
    else assert.ok(r.status >= 400, `${JSON.stringify(to)}: ${r.status}`);
    client.cookies.clear();
  }
  // As a browser understands them.
  for (const to of ['//evil.example', '/\\evil.example', '/%2f%2fevil.example', 'https:evil.example', '/\t/evil.example']) {
    const p = await openPage(browser, dw);
    await p.goto(`/_doorward/login?return=${encodeURIComponent(to)}`);
    await p.evaluate((value) => { document.querySelector('[name=return]').value = value; }, to);
    await signIn(p, token);
    await p.waitForSelector('#user');
    assert.equal(p.url(), `${p.origin}/`, to);
    assert.deepEqual(p.problems, []);
    await p.context().close();
  }
});

test('every error page', { skip }, async (t) => {
  const { dw, browser, upstream, token } = await setUp(t);
  const p = await openPage(browser, dw);
  const shows = async (title, status, name) => {
    assert.equal(await p.textContent('h1'), title, name);
    assert.match(await p.textContent('main'), new RegExp(`Error ${status}`), name);
    await assertAccessible(p, name);
  };

  await p.goto('/_doorward/<nothing>');
  await shows('Not found', 404, 'not found');
  assert.ok(!(await p.content()).includes('nothing>'), 'the page repeats the address');

  // A form on another site.
  await p.route('http://evil.example/', (route) => route.fulfill({
    contentType: 'text/html',
    body: `<link rel="icon" href="data:,"><form method="post" action="${p.origin}/_doorward/logout"><button>x</button></form>`,
  }));
  await p.goto('http://evil.example/');
  p.problems.length = 0;
  await p.click('button');
  await p.locator('h1', { hasText: 'Not allowed' }).waitFor();
  await shows('Not allowed', 403, 'cross-site');

  await p.goto('/_doorward/login');
  await p.evaluate(() => { document.forms[0].action = '/_doorward/session'; document.forms[0].noValidate = true; });
  await p.click('button');
  await p.locator('h1', { hasText: 'Not possible' }).waitFor();
  await shows('Not possible', 405, 'method');

  await p.goto('/');
  await signIn(p, token);
  await p.waitForSelector('#user');
  await upstream.close();
  await p.goto('/x');
  await shows('This page does not answer', 502, 'console down');
  assert.deepEqual(p.problems, []);
  assert.deepEqual(p.refused, [404, 403, 405, 502]);
});

test('without authd nobody is told to be out who is in', { skip }, async (t) => {
  const { dw, browser, token } = await setUp(t);
  const p = await openPage(browser, dw);
  await p.goto('/');
  await signIn(p, token);
  await p.waitForSelector('#user');
  await p.goto('/_doorward/logout');
  for (const { pid } of dw.processes('authd')) {
    process.kill(pid, 'SIGSTOP');
    t.after(() => { try { process.kill(pid, 'SIGCONT'); } catch { /* it was started again */ } });
  }
  await p.click('button');
  await p.waitForSelector('[role=alert]', { timeout: 30000 });
  assert.match(await p.textContent('[role=alert]'), /You are still signed in/);
  assert.equal((await p.context().cookies()).length, 1);
  await assertAccessible(p, 'failed sign-out');
  assert.deepEqual(p.problems, []);
  for (const { pid } of dw.processes('authd')) process.kill(pid, 'SIGCONT');
});

test('signing in and out through a provider: each of its pages', { skip }, async (t) => {
  const { dw, op, upstream } = await setUpOpenid(t, {
    handler: page, own: { allow: { groups: ['mesh-admins'] } }, config: { doorward: { console: { preset: 'generic' } } },
  });
  const browser = await openBrowser(t, dw, { also: [fs.readFileSync(op.tls.cert)] });
  const visit = (options) => openPage(browser, dw, { origins: [op.issuer], ...options });
  const p = await visit();
  const signInAs = async (user) => {
    await p.waitForURL(`${op.issuer}/interaction/*`);
    await p.fill('input[name=user]', user);
    await p.fill('input[name=password]', user);
    await p.click('button[type=submit]');
  };

  await p.goto('/kiali/_doorward/login?return=/kiali/deep/link');
  assert.equal(await p.title(), 'Sign in');
  await assertAccessible(p, 'openid login');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign in with your provider');
  await p.keyboard.press('Enter');

  // bob may not; trying again leads to where he was, too.
  await signInAs('bob');
  await p.waitForSelector('h1:has-text("Signing in did not work")');
  assert.equal(await p.title(), 'Error: Signing in did not work');
  await assertAccessible(p, 'openid failed');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Try again');
  assert.match(await p.getAttribute('a.button', 'href'), /\?return=\/kiali\/deep\/link$/);
  await p.keyboard.press('Enter');
  await p.locator('a', { hasText: 'Try once more' }).waitFor();
  await assertAccessible(p, 'openid failed twice');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Try once more');
  assert.match(await p.getAttribute('a', 'href'), /\?return=\/kiali\/deep\/link$/);

  // Elsewhere that answer is of no use, and it is said why.
  const other = await visit();
  await other.goto(p.url());
  assert.match(await other.textContent('[role=alert]'), /cookie/);
  await assertAccessible(other, 'openid without the cookie');
  await other.context().close();

  await op.forget(); // bob is signed in there
  await p.context().clearCookies();
  await p.goto('/kiali/deep/link');
  await signInAs('alice');
  await p.waitForSelector('#user');
  assert.equal(path(p), '/kiali/deep/link');
  await p.goto('/kiali/_doorward/session');
  assert.match(await p.textContent('dl'), /alice/);
  await assertAccessible(p, 'openid session');

  await p.goto('/kiali/_doorward/logout');
  await assertAccessible(p, 'openid sign out');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign out');
  // The provider takes its time.
  await p.route(`${op.issuer}/session/end*`, (route) => route.fulfill({ status: 204 }));
  await p.keyboard.press('Enter');
  await p.locator('h1', { hasText: 'You are signed out here' }).waitFor();
  await assertAccessible(p, 'openid signed out here');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Continue to sign out at the provider');
  await p.unroute(`${op.issuer}/session/end*`);
  await p.keyboard.press('Enter');
  await p.waitForURL(`${op.issuer}/session/end*`);
  await p.goto('/kiali/_doorward/signed-out');
  assert.equal(await p.textContent('h1'), 'You are signed out');
  await assertAccessible(p, 'openid signed out');
  await p.keyboard.press('Tab');
  assert.equal(await focused(p), 'Sign in again');

  // The provider still knows alice, who did not sign out there. Its frames do not ask.
  await p.goto('/kiali/');
  await p.waitForSelector('#user');
  const { sid } = claimsOf(tokenOf(upstream.requests.findLast((r) => r.headers.authorization)));
  const frame = (iss) => `/kiali/_doorward/frontchannel-logout?${new URLSearchParams({ iss, sid })}`;
  await p.goto(frame('https://evil.example'));
  assert.equal(await p.textContent('h1'), 'Nothing was signed out');
  await assertAccessible(p, 'openid front channel, refused');
  await p.goto(frame(op.issuer));
  assert.equal(await p.textContent('h1'), 'You are signed out');
  await assertAccessible(p, 'openid front channel');
  await p.goto('/kiali/_doorward/session');
  assert.equal(await p.textContent('h1'), 'Nobody is signed in');
  assert.deepEqual(p.problems, []);
});

test('the pages where nobody signs in', { skip }, async (t) => {
  for (const [strategy, title] of [['anonymous', 'Nobody signs in here'], ['header', 'No session here']]) {
    const upstream = await new Console(t, page).listen();
    const dw = new Doorward(t, { console: upstream.url, config: {
      auth: { strategy }, doorward: { console: { preset: 'generic' }, trusted_proxies: ['127.0.0.2/32'] },
    } });
    if (strategy === 'header') dw.config.doorward.kubernetes = dw.offline();
    await dw.start();
    const p = await openPage(await openBrowser(t, dw), dw);
    for (const name of ['session', 'logout', 'signed-out', 'login']) {
      await p.goto(`/_doorward/${name}`);
      if (name === 'session') assert.equal(await p.textContent('h1'), title);
      assert.ok(!/need a token|The token/.test(await p.textContent('body')), `${strategy}: ${name}`);
      if (!await p.locator('#user').count()) await assertAccessible(p, `${strategy} ${name}`);
    }
    assert.deepEqual(p.problems, []);
  }
});
