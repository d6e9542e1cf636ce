// TLS as a client sees it: handshakes to look at, and handshakes cut off.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

const base = (dw) => ({ host: '127.0.0.1', port: dw.port, servername: 'localhost', ca: dw.ca });

// One connection and one request on it. Resolves with what was agreed, the
// answer, and a session to resume; rejects with the error of the handshake.
export function handshake(dw, options = {}) {
  return new Promise((resolve, reject) => {
    const seen = { answer: '' };
    const socket = tls.connect({ ...base(dw), ...options }, () => {
      seen.protocol = socket.getProtocol();
      seen.cipher = socket.getCipher().name;
      seen.alpn = socket.alpnProtocol;
      seen.resumed = socket.isSessionReused();
      socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${dw.port}\r\nConnection: close\r\n\r\n`);
    });
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), options.ms ?? 10000);
    socket.on('session', (session) => { seen.session = session; });
    socket.on('data', (d) => { seen.answer += d; });
    socket.on('error', reject);
    socket.on('close', () => { clearTimeout(timer); resolve(seen); });
  });
}

// The first bytes that a TLS client sends.
export async function clientHello(options = {}) {
  const server = net.createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const client = tls.connect({ host: '127.0.0.1', port: server.address().port, servername: 'localhost', ...options });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [hello] = await once(socket, 'data');
  socket.destroy();
  client.destroy();
  server.close();
  return hello;
}

// How a client may leave in the middle of a handshake.
const endings = [
  (socket, hello) => socket.write(hello, () => socket.destroy()),
  (socket, hello) => socket.write(hello, () => (socket.resetAndDestroy?.() ?? socket.destroy())),
  (socket, hello) => socket.resume().end(hello),
  (socket, hello) => socket.write(hello.subarray(0, hello.length >> 1), () => socket.destroy()),
  (socket, hello) => {
    socket.write(hello);
    socket.once('data', () => (socket.resetAndDestroy?.() ?? socket.destroy()));
  },
];

function cutOff(dw, hello, i) {
  return new Promise((resolve) => {
    // Several addresses, as the ports of one alone would run out.
    const socket = net.connect({ host: '127.0.0.1', port: dw.port, localAddress: `127.0.0.${2 + (i % 8)}` });
    socket.on('connect', () => endings[i % endings.length](socket, hello));
    socket.on('end', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', resolve);
  });
}

// n handshakes that end early, at most `width` at a time.
export async function cutOffHandshakes(dw, hello, n, width = 64) {
  let next = 0;
  const one = async () => {
    while (next < n) await cutOff(dw, hello, next++);
  };
  await Promise.all(Array.from({ length: width }, one));
}
