// Signing in through a provider as a person sees it, in Chromium: Doorward and
// the provider are two sites, so cookies are what browsers make of them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { assertAccessible, noBrowser, openBrowser, openPage } from './lib/browser.mjs';
import { setUp } from './lib/openid.mjs';
import { test } from './lib/test.mjs';

// A console like Kiali's: its shell is public, asks who is there, and sends
// nobody's browser to the provider unless it just came back with an error.
const shell = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Console</title><base href="/kiali/"></head>
<body><h1>Console</h1><p id="who"></p><p id="data"></p><button id="out">Sign out</button><script>
(async () => {
  const who = await (await fetch('api/auth/info')).json();
  if (!who.sessionInfo.username) {
    if (!/openid_error/.test(location.search)) location.href = who.authorizationEndpoint;
    return;
  }
  const data = await fetch('api/namespaces');
  document.getElementById('data').textContent = data.status;
  document.getElementById('out').onclick = async () => {
    const r = await fetch('api/logout');
    location.href = r.status === 200 ? (await r.json()).redirect_url : './';
  };
  document.getElementById('who').textContent = who.sessionInfo.username;
})();
</script></body></html>`;
const handler = {
  answer(req, res) {
    if (req.url.startsWith('/kiali/api/')) return false;
    res.writeHead(200, { 'Content-Type': 'text/html' }).end(shell);
    return true;
  },
};

async function open(t, { context, ...options } = {}) {
  const all = await setUp(t, { handler, ...options });
  const browser = await openBrowser(t, all.dw, { also: [fs.readFileSync(all.op.tls.cert)] });
  const visit = async () => {
    const page = await openPage(browser, all.dw, { origins: [all.op.issuer], ...context });
    page.signIn = async (user) => {
      await page.fill('input[name=user]', user);
      await page.fill('input[name=password]', user);
      await page.click('button[type=submit]');
    };
    return page;
  };
  return { ...all, visit, page: await visit() };
}

test('a person signs in, works, and signs out at both places', { skip: noBrowser }, async (t) => {
  const { dw, op, page } = await open(t);
  await page.goto('/kiali/');
  await page.waitForURL(`${op.issuer}/interaction/*`);
  await page.signIn('alice');
  await page.waitForURL(`${dw.base}/`);
  await page.waitForFunction(() => document.getElementById('who').textContent === 'alice');
  assert.equal(await page.textContent('#data'), '200');
  // A link from elsewhere finds the session: the provider is another site.
  await page.goto(`${op.issuer}/.well-known/openid-configuration`);
  await page.evaluate((to) => { location.href = to; }, `${dw.base}/console/overview`);
  await page.waitForFunction(() => document.getElementById('who')?.textContent === 'alice');
  await page.click('#out');
  await page.waitForURL(`${op.issuer}/session/end?*`);
  await page.click('button[name=logout]');
  // back, and since nobody is there any more, at the provider's door again
  await page.waitForURL(`${op.issuer}/interaction/*`);
  assert.deepEqual(page.problems, []);
  const names = (await page.context().cookies()).map((c) => c.name).filter((n) => n.includes('doorward'));
  assert.ok(!names.includes('__Secure-doorward'), names.join());
});

test('somebody who may not: a page, not a loop', { skip: noBrowser }, async (t) => {
  const { dw, op, page } = await open(t, { own: { allow: { groups: ['mesh-admins'] } } });
  await page.goto('/kiali/');
  await page.waitForURL(`${op.issuer}/interaction/*`);
  await page.signIn('bob');
  await page.waitForSelector('h1:has-text("Signing in did not work")');
  await page.waitForTimeout(1500);
  assert.match(page.url(), new RegExp(`^${dw.base}/?\\?code=`));
  await assertAccessible(page, 'failed login');
  // The provider knows bob: another round fails by itself, and then it is said why.
  await page.click('a.button');
  await page.waitForSelector('h1:has-text("Signing in did not work")');
  await page.waitForFunction(() => !document.querySelector('a.button'));
  await assertAccessible(page, 'failed twice');
  assert.deepEqual(page.problems, []);
});

test('two tabs of one browser; the second goes through by itself', { skip: noBrowser }, async (t) => {
  const { dw, op, page } = await open(t);
  await page.goto('/kiali/console/one');
  await page.waitForURL(`${op.issuer}/interaction/*`);
  const other = await page.context().newPage();
  await other.goto(`${dw.base}/api/auth/openid_redirect?return=/kiali/console/two`);
  await other.waitForURL(`${op.issuer}/interaction/*`);
  await page.signIn('alice');
  await page.waitForFunction(() => document.getElementById('who')?.textContent === 'alice');
  await other.reload();
  await other.goto(`${dw.base}/api/auth/openid_redirect?return=/kiali/console/two`);
  await other.waitForURL(`${dw.base}/console/two`);
  await other.waitForFunction(() => document.getElementById('who')?.textContent === 'alice');
});

test('cookies are blocked: it is said, and there is no loop', { skip: noBrowser }, async (t) => {
  const { dw, op, page } = await open(t, { context: { ignoreHTTPSErrors: true } }); // for route.fetch
  // What a browser that blocks cookies does: none of Doorward's is kept.
  await page.route(`${dw.base}/**`, async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    await page.context().clearCookies({ domain: 'localhost' });
    const kept = response.headersArray().filter((h) => h.name.toLowerCase() !== 'set-cookie');
    await route.fulfill({ response, headers: Object.fromEntries(kept.map((h) => [h.name, h.value])) });
  });
  let seen = 0;
  page.on('request', (r) => { if (r.isNavigationRequest()) seen++; });
  await page.goto('/kiali/');
  await page.waitForURL(`${op.issuer}/interaction/*`);
  await page.signIn('alice');
  await page.waitForSelector('h1:has-text("Signing in did not work")');
  assert.match(await page.textContent('#error'), /cookie/);
  const reference = await page.textContent('code');
  assert.ok(dw.log.includes(`(reference ${reference},`), reference);
  assert.ok(seen < 15, `${seen} navigations`);
});
