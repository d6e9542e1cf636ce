// Debian's nginx as a reverse proxy with TLS, in a directory of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isRoot, temporaryDir, until } from './doorward.mjs';
import { makeCertificate, writeFile } from './files.mjs';
import { onFailure } from './test.mjs';

const BINARY = process.env.DOORWARD_NGINX ?? '/usr/sbin/nginx';
// For test()'s option skip.
export const noNginx = fs.existsSync(BINARY) ? false : `${BINARY} is missing; ./bootstrap installs it`;

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

export class Nginx {
  // headers: what it tells the server behind it, {name: value}. from: the
  // address that it connects from.
  static async start(t, upstream, { headers = {}, from = '127.0.0.1' } = {}) {
    const p = new Nginx();
    p.dir = temporaryDir();
    const { key, cert } = makeCertificate(p.dir, 'nginx');
    p.ca = fs.readFileSync(cert);
    p.port = await freePort();
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${p.dir}/${n};`).join('\n');
    const fields = Object.entries(headers).map(([k, v]) => `proxy_set_header ${k} ${v};`).join('\n');
    const config = writeFile(path.join(p.dir, 'nginx.conf'), `
daemon off;
${isRoot ? 'user root;' : ''}
worker_processes 1;
pid ${p.dir}/pid;
error_log stderr;
events {}
http {
access_log off;
${folders}
server {
listen 127.0.0.1:${p.port} ssl;
ssl_certificate ${cert};
ssl_certificate_key ${key};
location / {
proxy_pass ${upstream};
proxy_http_version 1.1;
proxy_bind ${from};
${fields}
}
}
}
`);
    p.log = '';
    p.child = spawn(BINARY, ['-c', config, '-p', p.dir, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] });
    p.child.stderr.setEncoding('utf8').on('data', (d) => { p.log += d; });
    p.closed = once(p.child, 'close');
    onFailure(t, () => process.stderr.write(`--- nginx\n${p.log}\n---\n`));
    t.after(() => p.stop());
    await until('nginx listens', () => {
      if (p.child.exitCode !== null) throw new Error(`nginx ended\n${p.log}`);
      return new Promise((resolve) => {
        const socket = net.connect(p.port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
        socket.on('error', () => resolve(false));
      });
    });
    return p;
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    await this.closed;
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
