// Consoles for the tests: one that answers with what it was asked, and one
// that records raw bytes and answers what the test tells it.
import http from 'node:http';
import net from 'node:net';

export class Console {
  // handler(req, res, body) may answer by itself; else the request comes back
  // as JSON.
  constructor(t, handler) {
    this.requests = [];
    this.server = http.createServer((req, res) => {
      if (handler?.stream?.(req, res)) return;
      const chunks = [];
      req.on('data', (c) => chunks.push(c));
      req.on('end', () => {
        const seen = {
          method: req.method, url: req.url, headers: req.headers, raw: req.rawHeaders,
          body: Buffer.concat(chunks).toString(),
        };
        this.requests.push(seen);
        if (handler?.answer?.(req, res, seen)) return;
        res.setHeader('Content-Type', 'application/json');
        res.end(JSON.stringify(seen));
      });
    });
    t.after(() => this.close());
  }

  async listen(port = 0) {
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  close() {
    this.server.closeAllConnections?.();
    return new Promise((resolve) => { this.server.close(() => resolve()); });
  }
}

// For Console: /api/stream goes on for ever.
export const endless = {
  stream(req, res) {
    if (!req.url.endsWith('/api/stream')) return false;
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const timer = setInterval(() => res.write('data: x\n\n'), 100);
    res.on('close', () => clearInterval(timer));
    return true;
  },
};

export class RawUpstream {
  // answer(text, socket): called with all bytes so far of a connection each
  // time more come.
  constructor(t, answer) {
    this.connections = [];
    this.sockets = new Set();
    this.server = net.createServer((socket) => {
      const c = { text: '', ended: false, closed: false };
      this.connections.push(c);
      this.sockets.add(socket);
      socket.on('data', (d) => { c.text += d.toString('latin1'); answer(c.text, socket, c); });
      socket.on('end', () => { c.ended = true; });
      socket.on('close', () => { c.closed = true; this.sockets.delete(socket); });
      socket.on('error', () => {});
    });
    t.after(() => this.close());
  }

  async listen() {
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  close() {
    for (const s of this.sockets) s.destroy();
    return new Promise((resolve) => { this.server.close(() => resolve()); });
  }
}
