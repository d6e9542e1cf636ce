// HTTP clients for the tests: requests on fresh or kept connections with a
// cookie jar, and raw bytes.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

export class Client {
  constructor(dw, { keepAlive = false, host = 'localhost', ...tlsOptions } = {}) {
    this.dw = dw;
    this.cookies = new Map();
    this.host = host;
    const lib = dw.scheme === 'https' ? https : http;
    this.lib = lib;
    this.agent = new lib.Agent({ keepAlive, maxSockets: keepAlive ? 64 : Infinity, ca: dw.ca, ...tlsOptions });
  }

  // Resolves with {status, headers, body, setCookie}.
  request(method, path, { headers = {}, body, signal } = {}) {
    return new Promise((resolve, reject) => {
      const cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
      const req = this.lib.request({
        host: '127.0.0.1', servername: 'localhost', port: this.dw.port, method, path, agent: this.agent, signal,
        headers: { Host: `${this.host}:${this.dw.port}`, ...(cookie ? { Cookie: cookie } : {}), ...headers },
      }, (res) => {
        const chunks = [];
        res.on('data', (c) => chunks.push(c));
        res.on('error', reject);
        res.on('aborted', () => reject(new Error('response cut off')));
        res.on('end', () => {
          const setCookie = res.headers['set-cookie'] ?? [];
          for (const line of setCookie) this.store(line);
          resolve({ status: res.statusCode, headers: res.headers, setCookie, body: Buffer.concat(chunks).toString() });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  store(line) {
    const [pair, ...attributes] = line.split('; ');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    if (value === '' || attributes.includes('Max-Age=0')) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  get(path, options) { return this.request('GET', path, options); }

  // A response without an end. Resolves with {status, open}; open is false once
  // it has been cut off.
  stream(path, { headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
      this.lib.get({
        host: '127.0.0.1', servername: 'localhost', port: this.dw.port, path, agent: this.agent,
        headers: { Host: `${this.host}:${this.dw.port}`, ...(cookie ? { Cookie: cookie } : {}), ...headers },
      }, (res) => {
        const s = { status: res.statusCode, open: true };
        res.on('error', () => {});
        res.on('close', () => { s.open = false; });
        res.resume();
        resolve(s);
      }).on('error', reject);
    });
  }

  // As Kiali's web UI logs in.
  login(token, { path = '/api/authenticate' } = {}) {
    return this.request('POST', path, {
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded', 'Kiali-UI': 'true', 'X-Auth-Type-Kiali-UI': '1',
      },
      body: `token=${encodeURIComponent(token)}`,
    });
  }

  close() { this.agent.destroy(); }
}

// A raw connection; resolves once it is (TLS-)connected.
export function connectRaw(dw, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = dw.scheme === 'https'
      ? tls.connect({ host: '127.0.0.1', port: dw.port, servername: 'localhost', ca: dw.ca, ...options }, () => resolve(socket))
      : net.connect(dw.port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

// Sends bytes and collects all that comes until the other side closes, or
// until enough(text) says so, or ms have passed ('timeout' is then true).
export async function exchangeRaw(dw, bytes, { enough = () => false, ms = 5000, end = false } = {}) {
  const socket = await connectRaw(dw);
  return new Promise((resolve) => {
    let text = '';
    const done = (timeout) => { clearTimeout(timer); socket.destroy(); resolve({ text, timeout }); };
    const timer = setTimeout(() => done(true), ms);
    socket.on('data', (d) => { text += d.toString('latin1'); if (enough(text)) done(false); });
    socket.on('end', () => done(false));
    socket.on('close', () => done(false));
    socket.on('error', () => done(false));
    socket.write(bytes);
    if (end) socket.end();
  });
}
