// Signing in through a real OpenID provider (npm's oidc-provider), by HTTP
// client: the way there and back, who gets in, and how long it lasts.
import assert from 'node:assert/strict';
import path from 'node:path';
import { until } from './lib/doorward.mjs';
import { makeJwk, privatePem, publicJwk, thumbprint } from './lib/jws.mjs';
import { login, signIn } from './lib/openid-provider.mjs';
import {
  SECRET, api, assertFailed, claimsOf, cpuUs, info, loginCookie, newBrowser, sessionCookie, setUp, signInUntilBack, signInWell, startUrl, tokenOf, withCookie,
} from './lib/openid.mjs';
import { waysToReplace } from './lib/rotate.mjs';
import { test } from './lib/test.mjs';

const pause = (ms) => new Promise((r) => { setTimeout(r, ms); });

// --- in ---

test('alice signs in, uses the console, and nothing of it is in the log', async (t) => {
  const { dw, op, upstream, browser } = await setUp(t, { provider: { pushed: false } });
  let who = await info(browser, dw);
  assert.deepEqual(Object.keys(who), ['authorizationEndpoint', 'sessionInfo', 'strategy']);
  assert.equal(who.authorizationEndpoint, `${dw.base}/api/auth/openid_redirect`);
  assert.equal(await api(browser, dw), 401);

  const first = await browser.open(who.authorizationEndpoint);
  const [start] = first.hops;
  assert.equal(start.status, 302);
  const to = new URL(start.headers.location);
  assert.equal(`${to.origin}${to.pathname}`, `${op.issuer}/auth`);
  assert.deepEqual([...to.searchParams.keys()], [
    'client_id', 'response_type', 'redirect_uri', 'scope', 'nonce', 'state', 'code_challenge', 'code_challenge_method',
  ]);
  assert.match(start.setCookie[0], /^__Secure-doorward-login=[\w-]+; Path=\/kiali; Max-Age=300; HttpOnly; Secure; SameSite=Lax$/);

  const page = await signIn(browser, first, 'alice');
  assert.equal(page.status, 200, page.body);
  assert.equal(page.url, `${dw.base}/`);
  const back = page.hops.at(-2);
  assert.equal(back.status, 303);
  assert.match(back.headers['referrer-policy'], /no-referrer/);

  who = await info(browser, dw);
  assert.equal(who.sessionInfo.username, 'alice');
  assert.equal(who.strategy, 'openid');
  const seen = await api(browser, dw);
  const token = tokenOf(seen);
  assert.equal(claimsOf(token).sub, 'alice');
  assert.equal(seen.headers.cookie, undefined);

  const code = new URL(back.url).searchParams.get('code');
  for (const secret of [token, token.split('.')[2], code, SECRET, sessionCookie(browser)]) {
    assert.ok(!dw.log.includes(secret), `${secret} is in the log`);
  }
  for (const r of upstream.requests) assert.ok(!r.url.includes(code), r.url);
  const [line] = dw.auditLines('AUDIT: Login successful');
  assert.equal(line.user, 'alice');
  assert.match(dw.log, /Using OpenID auto-discovery from provider/);
  assert.ok(dw.log.includes(`redirect URI ${dw.base} `));
});

test('web_root /: the same', async (t) => {
  const { dw, browser } = await setUp(t, { config: { server: { web_root: '/' } } });
  const page = await signInWell(browser, dw);
  assert.equal(page.url, `${dw.base}/`);
  assert.ok(browser.cookie('__Host-doorward'));
  assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
});

test('people come back to where they were, and nowhere else', async (t) => {
  const { dw, browser } = await setUp(t);
  const back = async (go_to) => {
    const r = await login(browser, startUrl(dw, go_to), 'alice');
    assert.equal(r.status, 200, `${go_to}: ${r.body}`);
    return r.url.slice(dw.base.length);
  };
  for (const [go_to, url] of [
    ['/kiali/console/graph/namespaces?duration=60&x=%2F', '/console/graph/namespaces?duration=60&x=%2F'],
    ['/kiali/', '/'],
    ...['//evil.example', '/\\evil.example', 'https://evil.example/', '/kiali/../../evil', '/kiali/api/logout',
      '/kiali/_doorward/logout', '/kiali/api/auth/openid_redirect', 'javascript:alert(1)', '/kiali/\r\nSet-Cookie: a=b', '/kiali/\u0001',
      '/kiali//evil'].map((bad) => [bad, '/']),
  ]) {
    assert.equal(await back(go_to), url, go_to);
  }
});

test('the name is that of username_claim; groups and e-mail addresses count', async (t) => {
  for (const claimsIn of ['id_token', 'userinfo']) {
    const { dw, op, browser } = await setUp(t, {
      provider: { claimsIn }, openid: { username_claim: 'email' }, own: { allow: { groups: ['mesh-admins'] } },
    });
    await signInWell(browser, dw);
    assert.equal((await info(browser, dw)).sessionInfo.username, 'alice@example.com');
    assert.equal(op.requests.some((r) => r.path === '/me'), claimsIn === 'userinfo');
    // bob's address is not verified
    const other = newBrowser(t, dw, op);
    await assertFailed(dw, await login(other, startUrl(dw), 'bob'), claimsIn);
    assert.equal(sessionCookie(other), undefined);
  }
});

for (const [what, options] of [
  ['a group', { own: { allow: { groups: ['mesh-admins'] } } }],
  ['a user', { own: { allow: { users: ['alice'] } } }],
  ['a domain', { own: { allow: { domains: ['example.com'] } } }],
  ['allowed_domains', { openid: { allowed_domains: ['example.com'] } }],
]) {
  test(`${what} says who may sign in`, async (t) => {
    const { dw, op, browser } = await setUp(t, options);
    await signInWell(browser, dw);
    const other = newBrowser(t, dw, op);
    const r = await login(other, startUrl(dw), 'bob');
    assert.equal(r.status, 403);
    await assertFailed(dw, r);
    assert.equal(sessionCookie(other), undefined);
    assert.equal(await api(other, dw), 401);
    const [failed] = dw.auditLines('AUDIT: Login failed');
    assert.ok(r.body.includes(failed.reference));
  });
}

test('nobody wanted to: a page, and no loop', async (t) => {
  const { dw, browser } = await setUp(t);
  const back = async () => {
    const first = await browser.open(startUrl(dw));
    return browser.submit(first, { user: 'nobody' });
  };
  const one = await back();
  assert.equal(one.status, 403);
  assert.match((await assertFailed(dw, one)).sentence, /declined/);
  assert.match(one.body, /class="button" href="\/kiali\/api\/auth\/openid_redirect/);
  const two = await back();
  await assertFailed(dw, two);
  assert.ok(!/class="button"/.test(two.body), 'after two rounds it does not invite to another one');
  assert.match(two.body, /clock|cookie|provider/i);
  // and a good login makes all well
  await signInWell(browser, dw);
  assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
});

for (const [method, pushed] of [
  ['client_secret_basic', false], ['client_secret_post', false], ['none', false], ['client_secret_basic', 'required'], ['none', 'required'],
]) {
  test(`client authentication: ${method}${pushed ? ', pushed authorization request' : ''}`, async (t) => {
    const { dw, op, browser } = await setUp(t, {
      provider: { pushed }, client: { token_endpoint_auth_method: method },
      own: { token_endpoint_auth_method: method }, secret: method === 'none' ? undefined : SECRET,
    });
    await signInWell(browser, dw);
    assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
    assert.equal(op.requests.some((r) => r.path === '/request'), Boolean(pushed));
    if (pushed) {
      const first = await newBrowser(t, dw, op).fetch(startUrl(dw));
      assert.deepEqual([...new URL(first.headers.location).searchParams.keys()], ['client_id', 'request_uri']);
    }
  });
}

for (const [alg, pushed] of [['ES256', false], ['RS256', 'required'], ['EdDSA', false]]) {
  test(`client authentication: private_key_jwt, ${alg}${pushed ? ', pushed authorization request' : ''}`, async (t) => {
    const keys = [makeJwk(alg), makeJwk(alg)].map((k) => ({ ...k, kid: thumbprint(k) }));
    const { dw, op, browser } = await setUp(t, {
      provider: { pushed }, secret: null, own: { token_endpoint_auth_method: 'private_key_jwt' },
      client: { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg, jwks: { keys: keys.map(publicJwk) } },
      prepare: (doorward) => doorward.secret('oidc-key', privatePem(keys[0])),
    });
    await signInWell(browser, dw);
    assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
    const inUse = () => dw.status().authd['openid client key'];
    assert.equal(inUse(), `${alg} ${keys[0].kid}`);
    // another key, without a restart
    waysToReplace['renamed over'](dw, path.join(dw.dir, 'secrets', 'oidc-key', 'value.txt'), privatePem(keys[1]));
    await until('the new key is in use', () => inUse() === `${alg} ${keys[1].kid}`);
    await signInWell(newBrowser(t, dw, op), dw, 'bob');
    assert.ok(op.grants.every((g) => !g.error), JSON.stringify(op.grants));
    // and the signer goes with secretd, and comes back with it
    await dw.kill('secretd');
    await until('it is signed again', async () => (await login(newBrowser(t, dw, op), startUrl(dw), 'alice').catch((e) => ({ body: e.message }))).status === 200);
    assert.equal(inUse(), `${alg} ${keys[1].kid}`);
  });
}

// --- the way back, as others would have it ---

test('a callback counts once', async (t) => {
  const { dw, op, browser } = await setUp(t);
  const url = await signInUntilBack(browser, dw);
  const again = newBrowser(t, dw, op);
  again.jar.cookies = browser.jar.cookies.map((c) => ({ ...c }));
  assert.equal((await browser.open(url)).status, 200);
  const asked = op.requests.filter((r) => r.path === '/token').length;
  await assertFailed(dw, await again.fetch(url));
  const reloaded = await browser.fetch(url); // who is signed in just goes on
  assert.equal(reloaded.status, 303);
  assert.equal(new URL(reloaded.headers.location, url).pathname, '/kiali/');
  assert.equal(reloaded.setCookie.length, 0);
  assert.equal(sessionCookie(again), undefined);
  assert.equal(op.requests.filter((r) => r.path === '/token').length, asked, 'the provider is not asked again');
  assert.equal((await info(browser, dw)).sessionInfo.username, 'alice', 'the session stays');
});

test('another browser cannot finish it', async (t) => {
  const { dw, op, browser } = await setUp(t);
  const url = await signInUntilBack(browser, dw);
  const bare = newBrowser(t, dw, op);
  assert.match((await assertFailed(dw, await bare.fetch(url))).sentence, /cookie/);
  assert.equal(sessionCookie(bare), undefined);
  const busy = newBrowser(t, dw, op);
  await busy.open(startUrl(dw)); // it has a login cookie of its own
  await assertFailed(dw, await busy.fetch(url));
  assert.equal(sessionCookie(busy), undefined);
  assert.equal((await browser.open(url)).status, 200, 'the one who began it can');
});

test('many tabs: one cookie of the same size, and each of them can be finished', async (t) => {
  const { dw, browser } = await setUp(t);
  const sizes = new Set();
  const tabs = [];
  for (let i = 0; i < 5; i++) {
    tabs.push(await browser.open(startUrl(dw, `/kiali/console/tab${i}`)));
    sizes.add(loginCookie(browser).length);
  }
  assert.equal(sizes.size, 1);
  assert.equal(browser.jar.cookies.filter((c) => c.host === 'localhost').length, 1);
  const page = await signIn(browser, tabs[1]);
  assert.equal(page.url, `${dw.base}/console/tab1`);
  // The provider knows alice now: another tab goes through by itself.
  const later = await browser.open(tabs[3].hops[0].headers.location);
  assert.equal(later.url, `${dw.base}/console/tab3`, later.body);
});

test('cookies stay small however large the id_token is', async (t) => {
  const { dw, op, browser } = await setUp(t);
  await signInWell(browser, dw);
  const small = sessionCookie(browser).length;
  op.accounts.set('alice', { ...op.accounts.get('alice'), padding: 'x'.repeat(7500) });
  const other = newBrowser(t, dw, op);
  await signInWell(other, dw);
  const token = tokenOf(await api(other, dw));
  assert.ok(token.length > 10000, `${token.length}`);
  assert.equal(sessionCookie(other).length, small);
  const sent = other.jar.cookies.filter((c) => c.host === 'localhost').map((c) => `${c.name}=${c.value}`).join('; ');
  t.diagnostic(`id_token of ${token.length} bytes: session cookie ${small} bytes, Cookie field ${sent.length} bytes`);
  assert.ok(sent.length < 600, sent);
});

test('a new login replaces the old session', async (t) => {
  const { dw, browser } = await setUp(t);
  await signInWell(browser, dw);
  const old = sessionCookie(browser);
  assert.equal(typeof await api(browser, dw), 'object');
  await signInWell(browser, dw);
  assert.notEqual(sessionCookie(browser), old);
  for (let i = 0; i < 6; i++) assert.equal((await withCookie(dw, old).get('/kiali/api/x')).status, 401);
  assert.equal(typeof await api(browser, dw), 'object');
  assert.match(JSON.stringify(dw.auditLines('AUDIT: Session ended')), /replaced by a new login/);
});

// --- when not all is well ---

test('authd is restarted between the way there and the way back', async (t) => {
  const { dw, browser } = await setUp(t);
  const url = await signInUntilBack(browser, dw);
  await dw.kill('authd');
  const r = await until('an answer', async () => {
    const a = await browser.open(url);
    return a.status === 503 ? null : a;
  });
  if (r.status !== 200) {
    await assertFailed(dw, r);
    await signInWell(browser, dw);
  }
  assert.equal((await info(browser, dw)).sessionInfo.username, 'alice');
});

test('the provider has new keys: before a login, during one, and twice', async (t) => {
  const { dw, op, browser } = await setUp(t);
  await signInWell(browser, dw);
  const during = newBrowser(t, dw, op);
  const url = await signInUntilBack(during, dw);
  op.rotate({ keep: true });
  assert.equal((await during.open(url)).status, 200, 'an unknown kid: the keys are fetched');
  await signInWell(newBrowser(t, dw, op), dw);
  // Sessions that are there do not mind.
  assert.equal(typeof await api(browser, dw), 'object');
  // Not more than once a minute, whoever makes up kids.
  op.rotate();
  const asked = op.requests.filter((r) => r.path === '/jwks').length;
  for (let i = 0; i < 3; i++) {
    const r = await login(newBrowser(t, dw, op), startUrl(dw), 'bob');
    assert.equal(r.status, 503);
    await assertFailed(dw, r);
  }
  assert.ok(op.requests.filter((r) => r.path === '/jwks').length <= asked + 1);
});

test('the provider is down: people are told; sessions live on; then it works again', async (t) => {
  const { dw, op, browser } = await setUp(t, { provider: { refresh: false, ttl: { IdToken: 20, AccessToken: 20 } } });
  await signInWell(browser, dw);
  await op.stop();
  const other = newBrowser(t, dw, op);
  const back = await login(newBrowser(t, dw, op), startUrl(dw)).catch((e) => e);
  assert.ok(back instanceof Error || back.status >= 500); // the browser finds nobody there, either
  assert.equal(typeof await api(browser, dw), 'object');
  const { expiresOn } = (await info(browser, dw)).sessionInfo;
  assert.ok(Date.parse(expiresOn) - Date.now() < 21000, 'without a refresh token the session ends with the token');
  await op.start();
  await signInWell(other, dw);
  await until('the session ends', async () => (await api(browser, dw)) === 401, 40000);
  assert.ok(Date.now() >= Date.parse(expiresOn) - 1500);
});

test('logins while the provider restarts: none is lost for good', async (t) => {
  const { dw, op } = await setUp(t);
  let over = false;
  const outcomes = { good: 0, told: 0, nobody: 0 };
  const one = async () => {
    const browser = newBrowser(undefined, dw, op);
    try {
      const r = await login(browser, startUrl(dw), 'alice');
      if (r.status === 200 && sessionCookie(browser)) outcomes.good++;
      else {
        assert.ok(r.status >= 400 && r.status !== 500, `${r.status} ${r.body.slice(0, 300)}`);
        outcomes.told++;
      }
    } catch (e) {
      if (e.code === 'ERR_ASSERTION' && !/^no form/.test(e.message)) throw e;
      outcomes.nobody++; // the browser met the provider while it was down
    } finally {
      browser.close();
    }
  };
  const loops = Array.from({ length: 4 }, async () => { while (!over) await one(); });
  for (let i = 0; i < 3; i++) {
    await pause(700);
    await op.stop();
    await pause(300);
    await op.start();
  }
  await pause(700);
  over = true;
  await Promise.all(loops);
  t.diagnostic(JSON.stringify(outcomes));
  assert.ok(outcomes.good > 5);
  await until('a login works', async () => {
    const browser = newBrowser(t, dw, op);
    await login(browser, startUrl(dw), 'alice').catch(() => {});
    return sessionCookie(browser);
  }, 40000);
});

// --- the life of a session ---

test('a session outlives its tokens: refreshed once, although 50 requests come at a time', { timeout: 90000 }, async (t) => {
  const { dw, op, browser } = await setUp(t, {
    provider: { ttl: { IdToken: 12, AccessToken: 12 } }, own: { refresh_margin_seconds: 6 },
    config: { kubernetes_config: { cache_token_namespace_duration: 2 } },
  });
  await signInWell(browser, dw);
  const first = tokenOf(await api(browser, dw));
  const { expiresOn } = (await info(browser, dw)).sessionInfo;
  assert.ok(Date.parse(expiresOn) - Date.now() > 3600e3, 'with a refresh token it is the absolute limit');
  const tokens = new Set([first]);
  const end = Date.now() + 26000;
  while (Date.now() < end) {
    const seen = await Promise.all(Array.from({ length: 50 }, () => api(browser, dw)));
    for (const s of seen) {
      assert.equal(typeof s, 'object', `status ${s}`);
      const token = tokenOf(s);
      assert.ok(claimsOf(token).exp * 1000 > Date.now() - 1500, 'the console gets no token that is over');
      tokens.add(token);
    }
    await pause(700);
  }
  const refreshed = op.grants.filter((g) => g.type === 'refresh_token');
  assert.ok(tokens.size >= 3, `${tokens.size} tokens`);
  assert.deepEqual(refreshed.filter((g) => g.error), []);
  assert.ok(refreshed.length <= tokens.size + 1, `${refreshed.length} refreshes for ${tokens.size} tokens`);
  t.diagnostic(`${refreshed.length} refreshes, ${tokens.size} tokens`);
});

test('invalid_grant ends the session; a provider that is down does not', { timeout: 90000 }, async (t) => {
  const { dw, op, browser } = await setUp(t, {
    provider: { ttl: { IdToken: 15, AccessToken: 15 } }, own: { refresh_margin_seconds: 8 },
    config: { kubernetes_config: { cache_token_namespace_duration: 2 } },
  });
  await signInWell(browser, dw);
  await op.stop();
  await pause(9000); // within the margin, before the end
  assert.equal(typeof await api(browser, dw), 'object', 'down: the old token serves to its end');
  await op.start();
  // after the back-off it is refreshed
  await until('a refresh', async () => { await api(browser, dw); return op.grants.some((g) => g.type === 'refresh_token' && !g.error); }, 30000);
  assert.equal(typeof await api(browser, dw), 'object');
  // The provider forgets alice's grant.
  op.forget();
  const r = await until('the session ends', async () => {
    const s = await api(browser, dw);
    return typeof s === 'object' ? null : s;
  }, 30000);
  assert.equal(r, 401);
  assert.ok(op.grants.some((g) => g.error === 'invalid_grant'));
  assert.match(JSON.stringify(dw.auditLines('AUDIT: Session ended')), /provider/i);
});

// --- many ---

test('100 logins at a time', { timeout: 120000 }, async (t) => {
  const { dw, op } = await setUp(t);
  await signInWell(newBrowser(t, dw, op), dw); // what is fetched once is there
  const before = cpuUs(dw);
  const began = Date.now();
  const failed = [];
  await Promise.all(Array.from({ length: 100 }, async (x, i) => {
    const browser = newBrowser(t, dw, op);
    try {
      await signInWell(browser, dw, i % 2 ? 'alice' : 'bob');
    } catch (e) {
      failed.push(e.message.slice(0, 500));
    }
  }));
  const took = Date.now() - began;
  const cpu = (cpuUs(dw) - before) / 100;
  t.diagnostic(`100 concurrent logins: ${took} ms, ${Math.round(cpu)} us of CPU per login (Doorward's processes), ${failed.length} failed`);
  assert.deepEqual(failed, []);
});
