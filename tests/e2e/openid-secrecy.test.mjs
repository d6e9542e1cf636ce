// P1 with an OpenID provider: what a login and a refresh bring is in the
// processes that need it, and in no other; the frontend has nothing of it.
import assert from 'node:assert/strict';
import { isRoot, isSanitized, until } from './lib/doorward.mjs';
import { scanMemory } from './lib/memory.mjs';
import { api, info, newBrowser, setUp, signInWell, tokenOf } from './lib/openid.mjs';
import { test } from './lib/test.mjs';

const SECRET = 'canary of a client, with +%&/: in it';

// What passes at the provider's token endpoint, both ways.
function overhear(op) {
  const heard = { code: [], verifier: [], id: [], access: [], refresh: [] };
  const add = (name, value) => { if (value) heard[name].push(value); };
  op.provider.on('grant.success', (ctx) => {
    const { code, code_verifier: verifier, refresh_token: old } = ctx.oidc.params;
    const { id_token: id, access_token: access, refresh_token: fresh } = ctx.body;
    for (const [name, value] of Object.entries({ code, verifier, access })) add(name, value);
    for (const value of [old, fresh]) add('refresh', value);
    add('id', id?.split('.')[2]);
  });
  return heard;
}

test('tokens, codes and the client secret are where they are needed', { timeout: 90000 }, async (t) => {
  if (!isRoot) { t.skip('only root may read the memory of these processes'); return; }
  if (isSanitized) { t.skip('a sanitizer keeps what was freed'); return; }
  const { dw, op, browser } = await setUp(t, {
    asRoot: true, secret: SECRET, provider: { ttl: { IdToken: 10, AccessToken: 10 } }, own: { refresh_margin_seconds: 5 },
  });
  const heard = overhear(op);
  const bob = newBrowser(t, dw, op);
  await signInWell(browser, dw, 'alice');
  await signInWell(bob, dw, 'bob');
  const first = tokenOf(await api(browser, dw));
  await until('a refresh', async () => tokenOf(await api(browser, dw)) !== first);
  assert.equal((await info(bob, dw)).sessionInfo.username, 'bob');
  for (const [name, values] of Object.entries(heard)) assert.ok(values.length >= 2, `${name}: ${values.length}`);

  const needles = { secret: Buffer.from(SECRET), encoded: Buffer.from(new URLSearchParams({ s: SECRET }).toString().slice(2)) };
  for (const [name, values] of Object.entries(heard)) values.forEach((v, i) => { needles[`${name} ${i}`] = Buffer.from(v); });
  const allowed = { frontend: [], worker: [], signer: [], egress: ['id'], authd: ['id', 'secret'], secretd: ['secret'] };
  const found = dw.everyProcess().map(({ name, pid }) => ({ name, found: scanMemory(pid, needles) }));
  for (const { name, found: all } of found) {
    for (const [what, n] of Object.entries(all)) {
      if (!allowed[name].includes(what.split(' ')[0])) assert.equal(n, 0, `${name} holds ${what}`);
    }
  }
  // The scanner does find what is there: the console's token of who is here.
  assert.ok(found.some(({ name, found: all }) => name === 'egress' && Object.keys(all).some((k) => /^id/.test(k) && all[k] > 0)));

  for (const values of [...Object.values(heard), [SECRET]]) for (const value of values) assert.ok(!dw.log.includes(value), value);
});
