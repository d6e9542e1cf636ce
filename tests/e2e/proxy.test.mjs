// Behind a real reverse proxy that ends TLS, as Kiali's FAQ has it for Istio
// gateways (X-Forwarded-Port: "443"): the redirect URI, the cookies, a login.
import assert from 'node:assert/strict';
import { Nginx, noNginx } from './lib/nginx.mjs';
import { login } from './lib/openid-provider.mjs';
import { info, newBrowser, register, sessionCookie, setUp } from './lib/openid.mjs';
import { test } from './lib/test.mjs';

const FAQ = { Host: '$host', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '"443"', 'X-Forwarded-For': '$remote_addr' };
const base = 'https://localhost/kiali';

async function behind(t, { headers = FAQ, from, config = {}, ...options } = {}) {
  const all = await setUp(t, {
    tls: false, provider: { pushed: false },
    config: { ...config, doorward: { trusted_proxies: ['127.0.0.1/32'], ...config.doorward } }, ...options,
  });
  const nginx = await Nginx.start(t, `http://127.0.0.1:${all.dw.port}`, { headers, from });
  register(all.op, base);
  const browser = newBrowser(t, { ca: nginx.ca }, all.op, { ports: { 'https://localhost': nginx.port } });
  return { ...all, nginx, browser };
}
const redirectUri = (r) => new URL(r.headers.location).searchParams.get('redirect_uri');
const setCookieOf = (r, name) => r.setCookie.find((c) => c.startsWith(`${name}=`));

test('nginx in front, as in the FAQ: people sign in', { skip: noNginx }, async (t) => {
  const { dw, browser } = await behind(t);
  const who = JSON.parse((await browser.fetch(`${base}/api/auth/info`)).body);
  assert.equal(who.authorizationEndpoint, `${base}/api/auth/openid_redirect`);
  const start = await browser.fetch(who.authorizationEndpoint);
  assert.equal(redirectUri(start), base);
  assert.match(setCookieOf(start, '__Secure-doorward-login'), /; Path=\/kiali; .*; Secure; SameSite=Lax$/);
  const page = await login(browser, `${who.authorizationEndpoint}?return=/kiali/console/overview`);
  assert.equal(page.status, 200, page.body);
  assert.equal(page.url, `${base}/console/overview`);
  assert.match(setCookieOf(page.hops.at(-2), '__Secure-doorward'), /; Secure; /);
  assert.ok(sessionCookie(browser));
  assert.equal((await info(browser, { base })).sessionInfo.username, 'alice');
  assert.match(dw.log, /redirect URI https:\/\/localhost\/kiali \(scheme: .*X-Forwarded-Proto.*port: .*X-Forwarded-Port/);
  const logout = await browser.fetch(`${base}/api/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } });
  assert.equal(new URL(JSON.parse(logout.body).redirect_url).searchParams.get('post_logout_redirect_uri'), base);
});

test('nginx without X-Forwarded-Port: the port of server.port, as in Kiali', { skip: noNginx }, async (t) => {
  const { 'X-Forwarded-Port': gone, ...headers } = FAQ;
  const { browser } = await behind(t, { headers });
  assert.ok(gone);
  assert.equal(redirectUri(await browser.fetch(`${base}/api/auth/openid_redirect`)), 'https://localhost:20001/kiali');
});

test('nginx tells a host of its own', { skip: noNginx }, async (t) => {
  const headers = { ...FAQ, Host: 'inner.example', 'X-Forwarded-Host': '$host' };
  const { browser } = await behind(t, { headers });
  assert.equal(redirectUri(await browser.fetch(`${base}/api/auth/openid_redirect`)), base);
});

test('a proxy that is not trusted tells nothing', { skip: noNginx }, async (t) => {
  const { browser } = await behind(t, { from: '127.0.0.2' });
  const start = await browser.fetch(`${base}/api/auth/openid_redirect`);
  assert.equal(redirectUri(start), 'http://localhost:20001/kiali');
  assert.match(setCookieOf(start, 'doorward-login'), /SameSite=Lax$/);
  assert.ok(!/; Secure/.test(start.setCookie.join()));
});

test('what a client says of itself through a trusted proxy is the proxy\'s business; past it, nothing', { skip: noNginx }, async (t) => {
  const { browser, dw, op } = await behind(t);
  const lies = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Port': '666' };
  // nginx replaces those that it sets; X-Forwarded-Host it passes on.
  const through = await browser.fetch(`${base}/api/auth/openid_redirect`, { headers: lies });
  assert.equal(new URL(redirectUri(through)).protocol, 'https:');
  // A client beside it, from an address that is not trusted.
  const other = newBrowser(t, dw, op);
  const r = await other.fetch(`http://127.0.0.1:${dw.port}/kiali/api/auth/openid_redirect`, { headers: lies, localAddress: '127.0.0.3' });
  assert.equal(redirectUri(r), `http://127.0.0.1:${dw.port}/kiali`);
});

test('web_fqdn, web_schema and web_port go before all that a proxy says', { skip: noNginx }, async (t) => {
  const { browser } = await behind(t, {
    headers: { Host: '$host' }, config: { server: { web_root: '/kiali', web_fqdn: 'localhost', web_schema: 'https', web_port: '443' } },
  });
  const page = await login(browser, `${base}/api/auth/openid_redirect`);
  assert.equal(page.status, 200, page.body);
  assert.ok(sessionCookie(browser));
});
