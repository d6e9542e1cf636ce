// The demo as a newcomer meets it: what it prints is true, its tokens let
// people in, Ctrl-C leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertAccessible, noBrowser, openBrowser, openPage } from './lib/browser.mjs';
import { Client } from './lib/client.mjs';
import { isRoot, unprivileged, until } from './lib/doorward.mjs';
import { onFailure, test } from './lib/test.mjs';

const script = fileURLToPath(new URL('../../demo/demo.sh', import.meta.url));

// Starts the demo in a process group of its own, as a terminal does.
function spawnDemo(t, { port, asUser = false } = {}) {
  const line = ['sh', [script, process.env.DOORWARD_BIN]];
  const [command, args] = asUser ? unprivileged(...line) : line;
  const env = { PATH: process.env.PATH };
  if (port !== undefined) env.DOORWARD_DEMO_PORT = String(port);
  const demo = { child: spawn(command, args, { detached: true, env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] }), text: '' };
  for (const stream of [demo.child.stdout, demo.child.stderr]) stream.on('data', (d) => { demo.text += d; });
  demo.exited = new Promise((resolve) => {
    demo.child.on('close', (code, signal) => { demo.exit = { code, signal }; resolve(demo.exit); });
  });
  demo.interrupt = async (signal = 'SIGINT') => {
    if (!demo.exit) process.kill(-demo.child.pid, signal);
    return demo.exited;
  };
  onFailure(t, () => process.stderr.write(`--- demo\n${demo.text}\n---\n`));
  t.after(() => demo.interrupt());
  return demo;
}

// … and reads what it prints.
async function startDemo(t, options) {
  const demo = spawnDemo(t, options);
  await until('the demo is ready', () => demo.exit || demo.text.includes('Ctrl-C'), 30000);
  assert.equal(demo.exit, undefined, demo.text);
  demo.url = /^ {4}(https:\/\/localhost:(\d+)\/)$/m.exec(demo.text)[1];
  demo.tokens = {};
  for (const user of ['alice', 'bob']) {
    [, demo.tokens[user]] = new RegExp(`^${user}\\n(eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+)$`, 'm').exec(demo.text);
  }
  demo.cert = /--cacert (\S+)/.exec(demo.text)[1];
  demo.dw = { scheme: 'https', port: Number(new URL(demo.url).port), ca: fs.readFileSync(demo.cert) };
  return demo;
}

function processesOf(dir) {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir);
    } catch {
      return false;
    }
  });
}

const users = isRoot ? [['as root', false], ['as another user', true]] : [['as this user', false]];
for (const [name, asUser] of users) {
  test(`the demo ${name}: both tokens let in, Ctrl-C removes everything`, async (t) => {
    const demo = await startDemo(t, { port: 0, asUser });
    assert.match(demo.text, /The browser will warn about the certificate/);
    assert.match(demo.text, /good for 8 hours/);
    for (const user of ['alice', 'bob']) {
      const client = new Client(demo.dw);
      let r = await client.get('/', { headers: { Accept: 'text/html' } });
      assert.equal(r.status, 302);
      assert.match(r.headers.location, /^\/_doorward\/login\?return=/);
      r = await client.login(demo.tokens[user], { path: '/_doorward/login' });
      assert.equal(r.status, 303);
      r = await client.get('/');
      assert.match(r.body, new RegExp(`<strong id="user">demo:${user}</strong>`));
      assert.match(r.body, /in 7 h 59 min/);
      assert.ok(!r.body.includes(demo.tokens[user]), 'the page shows the whole token');
    }
    const r = await new Client(demo.dw).get('/', { headers: { Authorization: `Bearer ${demo.tokens.bob}` } });
    assert.match(r.body, /demo:bob/);

    const dir = path.dirname(demo.cert);
    assert.ok(processesOf(dir).length >= 5);
    assert.deepEqual(await demo.interrupt(asUser ? 'SIGHUP' : 'SIGINT'), { code: asUser ? 129 : 130, signal: null });
    assert.ok(!fs.existsSync(dir), `${dir} is still there`);
    assert.deepEqual(processesOf(dir), []);
  });
}

test('the demo takes another port when its own is taken, but not when told one', async (t) => {
  const server = net.createServer();
  t.after(() => server.close());
  // Should somebody else have it, that is as good.
  await new Promise((resolve) => { server.once('error', resolve).listen(8443, '127.0.0.1', resolve); });
  const demo = await startDemo(t);
  assert.match(demo.text, /^Port 8443 is taken/);
  assert.equal((await new Client(demo.dw).get('/_doorward/login')).status, 200);
  const refused = spawnDemo(t, { port: demo.dw.port });
  assert.equal((await refused.exited).code, 1);
  assert.match(refused.text, /^demo: port \d+ is taken/);
});

test('the demo in a browser: in as alice, what arrives is shown, and out', { skip: noBrowser }, async (t) => {
  const { dw, tokens, url } = await startDemo(t, { port: 0 });
  const p = await openPage(await openBrowser(t, dw), dw);
  await p.goto(url);
  await p.fill('#token', tokens.alice);
  await p.press('#token', 'Enter');
  await p.waitForSelector('#user');
  assert.equal(p.url(), url);
  assert.equal(await p.textContent('#user'), 'demo:alice');
  const added = await p.textContent('#added');
  for (const field of ['Authorization', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Request-Id']) {
    assert.ok(added.toLowerCase().includes(field.toLowerCase()), field);
  }
  assert.match(await p.textContent('#passed'), /user-agent/i);
  await assertAccessible(p, 'demo console');
  await p.click('#sign-out');
  await p.click('button');
  assert.equal(await p.textContent('h1'), 'You are signed out');
  assert.deepEqual(p.problems, []);
});
