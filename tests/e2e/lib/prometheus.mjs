// Debian's Prometheus, with TLS and basic authentication, in a directory and on
// a port of its own.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDir, until } from './doorward.mjs';
import { makeCertificate, writeFile } from './files.mjs';
import { onFailure } from './test.mjs';

// bcrypt at its lowest cost, by the C library. Only 72 bytes of a password count.
const bcrypt = (password) => execFileSync('perl',
  ['-e', 'print crypt($ARGV[0], q{$2b$04$} . "a" x 22)', password], { encoding: 'utf8' });

export class Prometheus {
  static async start(t, user, password) {
    const p = new Prometheus();
    p.dir = temporaryDir();
    p.user = user;
    const { key, cert } = makeCertificate(p.dir, 'prometheus');
    p.caFile = cert;
    p.tls = { cert_file: cert, key_file: key };
    p.accept(password);
    // One target that is never there, so that the query `up` has an answer.
    const config = writeFile(path.join(p.dir, 'prometheus.yml'), JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'nobody', static_configs: [{ targets: ['127.0.0.1:1'] }] }],
    }));
    p.log = '';
    p.child = spawn('prometheus', [`--config.file=${config}`, `--web.config.file=${p.webConfig}`,
      `--storage.tsdb.path=${path.join(p.dir, 'data')}`, '--web.listen-address=127.0.0.1:0'],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: p.dir });
    p.child.stderr.setEncoding('utf8').on('data', (d) => { p.log += d; });
    p.closed = once(p.child, 'close').catch((e) => { p.log += e.message; p.child.exitCode ??= -1; });
    onFailure(t, () => process.stderr.write(`--- prometheus\n${p.log}\n---\n`));
    t.after(() => p.stop());
    await until('prometheus is ready', () => {
      if (p.child.exitCode !== null) throw new Error(`prometheus ended\n${p.log}`);
      return /Server is ready to receive web requests/.test(p.log);
    });
    p.port = Number(/msg="TLS is enabled." .*address=127\.0\.0\.1:(\d+)/.exec(p.log)[1]);
    p.url = `https://localhost:${p.port}`;
    return p;
  }

  // From the next request on it is this password: Prometheus reads the file
  // for each of them.
  accept(password) {
    this.webConfig = path.join(this.dir, 'web.yml');
    writeFile(`${this.webConfig}.new`, JSON.stringify({
      tls_server_config: this.tls, basic_auth_users: { [this.user]: bcrypt(password) },
    }));
    fs.renameSync(`${this.webConfig}.new`, this.webConfig);
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.closed;
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
