// Bodies of any size, both ways, in flat memory; cancellation in both
// directions; keep-alive.
import assert from 'node:assert/strict';
import { Client, connectRaw, exchangeRaw } from './lib/client.mjs';
import { isSanitized, startDoorward, until } from './lib/doorward.mjs';
import { test } from './lib/test.mjs';
import { Console, RawUpstream } from './lib/upstream.mjs';

const GB = 1 << 30;
const SIZE = process.env.DOORWARD_QUICK ? GB / 16 : GB;
const MB = 1 << 20;
const block = Buffer.alloc(256 * 1024, 'x');

// Writes size bytes, respecting the other side's pace.
async function pour(stream, size) {
  for (let sent = 0; sent < size; sent += block.length) {
    if (!stream.write(block)) await new Promise((r) => { stream.once('drain', r); });
  }
}

// The largest sum of all processes' memory over the one at the start, while
// work() runs.
async function growth(dw, work) {
  const before = dw.rss();
  let most = before;
  const timer = setInterval(() => { most = Math.max(most, dw.rss()); }, 50);
  try { await work(); } finally { clearInterval(timer); }
  return Math.max(most, dw.rss()) - before;
}

async function big(t) {
  const upstream = await new Console(t, {
    stream(req, res) {
      if (req.url === '/down') {
        res.setHeader('Content-Length', SIZE);
        pour(res, SIZE).then(() => res.end());
      } else if (req.url === '/down-chunked') {
        pour(res, SIZE).then(() => res.end());
      } else if (req.url === '/up') {
        let n = 0;
        req.on('data', (d) => { n += d.length; });
        req.on('end', () => res.end(String(n)));
      } else return false;
      return true;
    },
  }).listen();
  const dw = await startDoorward(t, { console: upstream.url, env: { LOG_LEVEL: 'info' } });
  const client = new Client(dw);
  for (let i = 0; i < 20; i++) await client.get('/warm-up');
  return { dw, client };
}

function download(dw, client, path) {
  return new Promise((resolve, reject) => {
    const req = client.lib.get({
      host: '127.0.0.1', servername: 'localhost', port: dw.port, path, agent: client.agent,
    }, (res) => {
      let n = 0;
      res.on('data', (d) => { n += d.length; });
      res.on('end', () => resolve(n));
      res.on('error', reject);
    });
    req.on('error', reject);
  });
}

function upload(dw, client, headers) {
  return new Promise((resolve, reject) => {
    const req = client.lib.request({
      host: '127.0.0.1', servername: 'localhost', port: dw.port, path: '/up', method: 'POST', agent: client.agent, headers,
    }, (res) => {
      let text = '';
      res.on('data', (d) => { text += d; });
      res.on('end', () => resolve(Number(text)));
    });
    req.on('error', reject);
    pour(req, SIZE).then(() => req.end());
  });
}

test('a large download and a large upload in flat memory', { timeout: 300000 }, async (t) => {
  const { dw, client } = await big(t);
  for (const [name, work] of [
    ['download', () => download(dw, client, '/down')],
    ['chunked download', () => download(dw, client, '/down-chunked')],
    ['upload', () => upload(dw, client, { 'Content-Length': SIZE })],
    ['chunked upload', () => upload(dw, client, {})],
  ]) {
    let n;
    const grown = await growth(dw, async () => { n = await work(); });
    assert.equal(n, SIZE, name);
    t.diagnostic(`${name} of ${SIZE / MB} MB: memory grew by ${(grown / MB).toFixed(1)} MB`);
    assert.ok(isSanitized || grown <= 20 * MB, `${name}: memory grew by ${grown / MB} MB`);
  }
});

test('a slow reader makes the upstream wait, not the memory grow', async (t) => {
  let sent = 0;
  const upstream = await new Console(t, {
    stream(req, res) {
      if (req.url !== '/endless') return false;
      const go = () => { do sent += block.length; while (res.write(block)); };
      res.on('drain', go);
      go();
      return true;
    },
  }).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const socket = await connectRaw(dw);
  t.after(() => socket.destroy());
  socket.pause();
  const grown = await growth(dw, async () => {
    socket.write('GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let last = -1;
    await until('the upstream stands still', () => { const still = sent > 0 && sent === last; last = sent; return still; });
    await new Promise((r) => { setTimeout(r, 300); });
  });
  assert.ok(isSanitized || grown < 20 * MB, `memory grew by ${grown / MB} MB`);
  assert.ok(sent < 60 * MB, `${sent / MB} MB were taken from the upstream`);
});

test('a client that leaves cancels the upstream', async (t) => {
  let closed = 0;
  let begun = 0;
  const upstream = await new Console(t, {
    stream(req, res) {
      if (req.url !== '/slow') return false;
      begun++;
      res.on('close', () => { closed++; });
      return true;
    },
  }).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const socket = await connectRaw(dw);
  socket.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until('the upstream has the request', () => begun === 1);
  socket.destroy();
  await until('the upstream sees the end', () => closed === 1, 3000);
});

test('a response streams as it comes', async (t) => {
  let send;
  const upstream = await new Console(t, {
    stream(req, res) {
      if (req.url !== '/events') return false;
      res.setHeader('Content-Type', 'text/event-stream');
      res.flushHeaders();
      send = (s) => res.write(s);
      return true;
    },
  }).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const socket = await connectRaw(dw);
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (d) => { text += d; });
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until('the head', () => text.includes('text/event-stream'));
  for (let i = 0; i < 3; i++) {
    send(`data: ${i}\n\n`);
    await until(`event ${i}`, () => text.includes(`data: ${i}`), 2000);
  }
});

test('connections are kept on both sides, and a stale one is not noticed', async (t) => {
  const { dw, upstream } = await (async () => {
    const u = await new RawUpstream(t, (text, socket, c) => {
      const n = text.split('\r\n\r\n').length - 1;
      for (c.done ??= 0; c.done < n; c.done++) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }).listen();
    return { upstream: u, dw: await startDoorward(t, { console: u.url }) };
  })();
  const client = new Client(dw, { keepAlive: true });
  t.after(() => client.close());
  for (let i = 0; i < 10; i++) assert.equal((await client.get('/x')).status, 200);
  assert.equal(upstream.connections.length, 1);
  for (const s of upstream.sockets) s.destroy();
  for (let i = 0; i < 10; i++) assert.equal((await client.get('/x')).status, 200);
});

test('a response before the end of the request body', async (t) => {
  const upstream = await new RawUpstream(t, (text, socket) => {
    if (text.includes('\r\n\r\n')) socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  }).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const { text, timeout } = await exchangeRaw(dw,
    `POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(300000)}`);
  assert.ok(!timeout);
  assert.match(text, /^HTTP\/1\.1 413 [^]*no$/);
});

test('the upstream is down: 502, and again when it is back', async (t) => {
  const upstream = await new Console(t).listen();
  const dw = await startDoorward(t, { console: upstream.url });
  const client = new Client(dw);
  assert.equal((await client.get('/x')).status, 200);
  const { port } = upstream;
  await upstream.close();
  assert.equal((await client.get('/x')).status, 502);
  await new Console(t).listen(port);
  assert.equal((await client.get('/x')).status, 200);
});
