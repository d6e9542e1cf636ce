// Starts the real daemons, sandbox on, through `doorward run`, in a directory
// and on ports of their own; stops them, and prints all they logged when the
// test fails.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onFailure } from './test.mjs';
import { Issuer, makeCertificate, writeFile } from './files.mjs';

const BIN = process.env.DOORWARD_BIN;
// Started as root, the tests give root up: the daemons refuse to run as root.
const UID = Number(process.env.DOORWARD_TEST_UID ?? 64999);
export const isRoot = process.getuid() === 0;
// A sanitizer build has no sandbox, and memory that says little.
export const isSanitized = /WITHOUT SANDBOX/.test(
  spawnSync(path.join(BIN, 'doorward-authd'), ['--version']).stdout?.toString() ?? '');

export const signingKey = 'kiali67890123456'.repeat(2);

export function temporaryDir() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'doorward-test-'));
  fs.chmodSync(dir, 0o755);
  return dir;
}

function chown(dir, uid) {
  if (!isRoot) return;
  fs.chownSync(dir, uid, uid);
  for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
    const p = path.join(dir, e.name);
    if (e.isDirectory()) chown(p, uid);
    else fs.lchownSync(p, uid, uid);
  }
}

// With asRoot the launcher gives each daemon an uid of its own: this one plus
// the number of its role.
export const UID_BASE = Number(process.env.DOORWARD_TEST_UID_BASE ?? 64900);
export const roleUid = (role) => UID_BASE + ['frontend', 'authd', 'egress', 'secretd'].indexOf(role);

// Command and arguments under the unprivileged uid.
export function unprivileged(command, args) {
  return isRoot
    ? ['setpriv', ['--reuid', String(UID), '--regid', String(UID), '--clear-groups', command, ...args]]
    : [command, args];
}

function yaml(value, indent = '') {
  return Object.entries(value).map(([k, v]) => {
    if (v !== null && typeof v === 'object' && !Array.isArray(v)) {
      return `${indent}${k}:\n${yaml(v, `${indent}  `)}`;
    }
    return `${indent}${k}: ${JSON.stringify(v)}\n`;
  }).join('');
}

function merge(base, over) {
  const out = { ...base };
  for (const [k, v] of Object.entries(over ?? {})) {
    const both = v && typeof v === 'object' && !Array.isArray(v) &&
      out[k] && typeof out[k] === 'object' && !Array.isArray(out[k]);
    if (v === undefined) delete out[k];
    else out[k] = both ? merge(out[k], v) : v;
  }
  return out;
}

export async function until(what, ask, ms = 15000) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((r) => { setTimeout(r, 25); });
  }
}

export class Doorward {
  // t: the test's context. console: URL of the upstream. config: merged over
  // the default configuration. tls: 'ec', 'ec384', 'rsa' or false. asRoot:
  // root starts it (only root can). prefix: a command to start it with.
  constructor(t, {
    console: upstream, config = {}, tls = 'ec', issuer, env = {}, asRoot = false, prefix = [],
  } = {}) {
    this.t = t;
    this.asRoot = asRoot;
    this.prefix = prefix;
    this.dir = temporaryDir();
    this.issuer = issuer ?? new Issuer();
    this.env = env;
    this.log = '';
    const base = {
      auth: { strategy: 'token' },
      login_token: { signing_key: '' },
      doorward: {
        listen: ['127.0.0.1:0'],
        secrets_dirs: [path.join(this.dir, 'secrets')],
        workers: 2,
        console: { url: upstream, preset: 'kiali', credential: 'user-token' },
      },
    };
    if (tls) {
      const { key, cert } = makeCertificate(this.dir, 'tls', tls);
      fs.chmodSync(key, 0o600);
      this.ca = fs.readFileSync(cert);
      base.identity = { cert_file: cert, private_key_file: key };
    }
    this.config = merge(base, config);
    const kube = this.config.doorward.kubernetes;
    if (this.config.auth.strategy === 'token' && !kube) {
      this.config.doorward.kubernetes = this.offline();
    }
    this.secret('login-token-signing-key', signingKey);
    onFailure(t, () => process.stderr.write(`--- log of ${t.name}\n${this.log}\n---\n`));
    t.after(async () => {
      await this.stop();
      const fault = /ERROR: AddressSanitizer.*|.*runtime error:.*/.exec(this.log);
      if (fault) throw new Error(fault[0]);
      fs.rmSync(this.dir, { recursive: true, force: true });
    });
  }

  // Fills a secret slot before the start; later: lib/rotate.mjs.
  secret(slot, value, { name = 'value.txt', mode = 0o400 } = {}) {
    return writeFile(path.join(this.dir, 'secrets', slot, name), value, mode);
  }

  // Who secretd runs as, and so owns the secrets.
  get secretsUid() { return this.asRoot ? roleUid('secretd') : UID; }
  giveFile(fd) { if (isRoot) fs.fchownSync(fd, this.secretsUid, this.secretsUid); }

  // Tokens are verified from a JWKS file.
  offline() {
    return {
      jwks_file: writeFile(path.join(this.dir, 'jwks.json'), JSON.stringify(this.issuer.jwks)),
      issuer: this.issuer.issuer,
      audiences: [this.issuer.audience],
    };
  }

  writeConfig() {
    this.configFile = writeFile(path.join(this.dir, 'config.yaml'), yaml(this.config));
    chown(this.dir, this.secretsUid);
  }

  // Command and arguments of the control tool, as the one who starts it.
  control(...args) {
    const tool = path.join(BIN, 'doorward');
    const [command, rest] = this.asRoot ? [tool, args] : unprivileged(tool, args);
    return [...this.prefix, command, ...rest];
  }

  launch() {
    this.writeConfig();
    this.runDir = path.join(this.dir, 'run');
    if (this.asRoot) fs.mkdirSync(this.runDir, { recursive: true });
    const [command, ...args] = this.control('run', '--config', this.configFile, '--dir', this.runDir,
      ...(this.asRoot ? ['--uid-base', String(UID_BASE)] : []));
    this.child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, LOG_LEVEL: 'debug', ...this.env },
    });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => { this.exit = { code, signal }; resolve(this.exit); });
    });
    this.closed = once(this.child, 'close'); // all that it wrote is here
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (d) => { this.log += d; });
    }
  }

  async start() {
    this.launch();
    const ready = await until('doorward is ready', () => {
      if (this.exit) throw new Error(`doorward run ended with ${JSON.stringify(this.exit)}\n${this.log}`);
      return /^ready (https?):\/\/\S*?:(\d+)/m.exec(this.log);
    });
    this.scheme = ready[1];
    this.port = Number(ready[2]);
    this.localPort = Number(/external services are at http:\/\/\S+:(\d+)/.exec(this.log)?.[1]); // or NaN
    return this;
  }

  // Starts it, expecting that it does not come up; resolves with its log.
  async refusal() {
    this.launch();
    await until('doorward refuses to start', () => this.exit || /^ready /m.test(this.log));
    assert.ok(this.exit, 'it started');
    assert.notEqual(this.exit.code, 0);
    await this.closed;
    return this.log;
  }

  // What `doorward status` says, as {process: {name: value}}.
  status() {
    const [command, ...args] = this.control('status', '--run-dir', path.join(this.runDir, 'run'));
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    const found = { text: stdout + stderr };
    for (const line of stdout.split('\n')) {
      const m = /^(\w+): ([^:]+): (.*)$/.exec(line);
      if (m) (found[m[1]] ??= {})[m[2]] = m[3];
    }
    return found;
  }

  // Every process, by what it is.
  everyProcess() {
    return ['frontend', 'authd', 'egress', 'secretd'].flatMap((role) => {
      const [parent, ...children] = this.processes(role);
      const name = { frontend: 'worker', secretd: 'signer' }[role] ?? `child of ${role}`;
      return [{ name: role, pid: parent.pid }, ...children.map(({ pid }) => ({ name, pid }))];
    });
  }

  // The processes of one daemon: frontend (parent and workers), authd, egress,
  // secretd (parent and signer), as {pid, ppid}, parents first.
  processes(role) {
    const found = [];
    for (const pid of fs.readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        const cmd = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (path.basename(cmd[0]) !== `doorward-${role}` || !cmd.includes(this.configFile)) continue;
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
        found.push({ pid: Number(pid), ppid: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) });
      } catch { /* it has just gone */ }
    }
    // Workers that outlive a killed parent for a moment are nobody's parents.
    const child = (p) => Number(p.ppid !== this.child.pid);
    return found.sort((a, b) => child(a) - child(b) || a.pid - b.pid);
  }

  rss() { // bytes over all processes
    let sum = 0;
    for (const role of ['frontend', 'authd', 'egress', 'secretd']) {
      for (const { pid } of this.processes(role)) {
        try {
          sum += Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
        } catch { /* gone */ }
      }
    }
    return sum;
  }

  // Kills the main process of a daemon and waits until another one serves.
  async kill(role, signal = 'SIGKILL') {
    const [{ pid }] = this.processes(role);
    const before = this.readyCount(role);
    process.kill(pid, signal);
    await until(`${role} is back`, () => this.readyCount(role) > before &&
      this.processes(role).some((p) => p.pid !== pid));
  }

  // Each daemon logs that it is ready.
  readyCount(role) {
    return this.log.split(`INF ready process=${role}\n`).length - 1;
  }

  async stop() {
    if (!this.child || this.exit) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 30000);
    await this.exited;
    clearTimeout(timer);
  }

  auditLines(message) {
    return this.log.split('\n').filter((l) => l.startsWith('{')).flatMap((l) => {
      try { return [JSON.parse(l)]; } catch { return []; }
    }).filter((l) => l.msg === message);
  }
}

// The common case.
export async function startDoorward(t, options) {
  return new Doorward(t, options).start();
}
