// A proxy that knows CONNECT and nothing else. It alone knows where a name is.
import http from 'node:http';
import net from 'node:net';

export class ConnectProxy {
  // to: {'name:port': port on this machine}.
  static async start(t, to = {}) {
    const p = new ConnectProxy();
    p.to = to;
    p.mode = 'good'; // 'refuse': 403; 'silent': no answer at all
    p.requests = []; // {method, url, headers}: what was asked
    p.ports = new Set(); // that its own connections came from
    p.connections = 0;
    p.sockets = new Set();
    await p.start();
    t.after(() => p.stop());
    return p;
  }

  // Starts, or starts again on the same port after stop().
  async start() {
    const note = (req) => this.requests.push({ method: req.method, url: req.url, headers: req.headers });
    this.server = http.createServer((req, res) => { note(req); res.writeHead(405).end(); });
    this.server.on('connect', (req, socket, head) => { note(req); this.connect(req.url, socket, head); });
    this.server.on('connection', (socket) => { this.connections++; this.keep(socket); });
    await new Promise((resolve) => { this.server.listen(this.port ?? 0, '127.0.0.1', resolve); });
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  keep(socket) {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  connect(target, socket, head) {
    if (this.mode === 'silent') return;
    const port = this.to[target];
    if (this.mode === 'refuse' || !port) {
      socket.end(`HTTP/1.1 ${this.mode === 'refuse' ? '403 Forbidden' : '502 Bad Gateway'}\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const up = net.connect(port, '127.0.0.1', () => {
      this.ports.add(up.localPort);
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      up.write(head);
      socket.pipe(up).pipe(socket);
    });
    this.keep(up);
    up.on('close', () => socket.destroy());
    socket.on('close', () => up.destroy());
  }

  // Down: connections are refused from now on.
  async stop() {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => { this.server.close(resolve); });
    for (const s of this.sockets) s.destroy();
    await closed;
  }
}
