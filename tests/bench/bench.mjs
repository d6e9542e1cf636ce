// make bench: what a request, a connection and a handshake cost, beside nginx
// proxy_pass to the same upstream in the same run. Figures only.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { Client } from '../e2e/lib/client.mjs';
import { Doorward, temporaryDir, until } from '../e2e/lib/doorward.mjs';
import { makeCertificate } from '../e2e/lib/files.mjs';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const CONNECTIONS = 32;
const IDLE = 1000;
const ticks = Number(execFileSync('getconf', ['CLK_TCK']).toString());

for (const tool of ['wrk', 'nginx', 'openssl']) {
  if (spawnSync('sh', ['-c', `command -v ${tool}`], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } }).status !== 0) {
    console.error(`make bench needs ${tool}: apt-get install wrk nginx-light openssl`);
    process.exit(1);
  }
}

// A test context of our own: what is registered runs at the end.
const cleanups = [];
const t = { name: 'bench', after: (f) => cleanups.unshift(f) };

const cpu = (pids) => pids.reduce((sum, pid) => {
  const f = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const v = f.slice(f.lastIndexOf(')') + 2).split(' ');
  return sum + (Number(v[11]) + Number(v[12])) / ticks * 1e6;
}, 0);
// Proportional, so that pages shared by forked workers count once.
const pss = (pids) => pids.reduce((sum, pid) =>
  sum + Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024, 0);

function load(url, headers) {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`];
  for (const [k, v] of Object.entries(headers)) args.push('-H', `${k}: ${v}`);
  const out = execFileSync('wrk', [...args, url]).toString();
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out);
  const requests = Number(/(\d+) requests in/.exec(out)[1]);
  return { requests, rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]), bad: bad ? Number(bad[1]) : 0 };
}

function measure(name, pids, url, headers = {}) {
  load(url, headers); // warm up
  const before = cpu(pids());
  const r = load(url, headers);
  const each = (cpu(pids()) - before) / r.requests;
  console.log(`${name.padEnd(34)} ${each.toFixed(1).padStart(8)} us CPU/request ${r.rps.toFixed(0).padStart(8)} requests/s${r.bad ? ` (${r.bad} not 2xx)` : ''}`);
}

function handshakes(name, port) {
  const out = spawnSync('openssl', ['s_time', '-new', '-connect', `127.0.0.1:${port}`, '-time', String(SECONDS)]).stdout.toString();
  const m = /(\d+) connections in (\d+) real seconds/.exec(out);
  console.log(`${name.padEnd(34)} ${(Number(m[1]) / Number(m[2])).toFixed(0).padStart(8)} full handshakes/s (one client)`);
}

async function idle(name, pids, connect) {
  const sockets = [];
  const before = pss(pids());
  for (let i = 0; i < IDLE; i++) sockets.push(await connect());
  await new Promise((r) => { setTimeout(r, 500); });
  const each = (pss(pids()) - before) / IDLE;
  console.log(`${name.padEnd(34)} ${(each / 1024).toFixed(1).padStart(8)} KB per idle connection (${IDLE} of them)`);
  for (const s of sockets) s.destroy();
  await new Promise((r) => { setTimeout(r, 500); });
}

const plain = (port) => () => new Promise((resolve, reject) => {
  const s = net.connect(port, '127.0.0.1', () => resolve(s)).on('error', reject);
});
const secure = (port) => () => new Promise((resolve, reject) => {
  const s = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(s)).on('error', reject);
});

async function freePort() {
  const s = net.createServer();
  await new Promise((r) => { s.listen(0, '127.0.0.1', r); });
  const { port } = s.address();
  await new Promise((r) => { s.close(r); });
  return port;
}

// nginx as the upstream (1 KB answers), and nginx as the proxy to compare with.
async function startNginx(dir) {
  const [upstream, proxy, proxyTls] = [await freePort(), await freePort(), await freePort()];
  const { key, cert } = makeCertificate(dir, 'nginx');
  const server = (listen) => `server { listen ${listen}; access_log off;
    location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } }`;
  const conf = (body, pid) => `daemon off; worker_processes 1; pid ${dir}/${pid}.pid; error_log stderr crit;
    events { worker_connections 8192; }
    http { client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
    keepalive_requests 100000000; ${body} }`;
  fs.writeFileSync(`${dir}/up.conf`, conf(`server { listen 127.0.0.1:${upstream}; access_log off; location / { return 200 "${'x'.repeat(1024)}"; } }`, 'up'));
  fs.writeFileSync(`${dir}/proxy.conf`, conf(`upstream up { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 100000000; }
    ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;
    ${server(`127.0.0.1:${proxy}`)} ${server(`127.0.0.1:${proxyTls} ssl`)}`, 'proxy'));
  const start = (name) => {
    const child = spawn('nginx', ['-c', `${dir}/${name}.conf`], { stdio: 'inherit', env: { PATH: `${process.env.PATH}:/usr/sbin` } });
    cleanups.unshift(() => { child.kill('SIGTERM'); });
    return child;
  };
  start('up');
  const child = start('proxy');
  await until('nginx answers', () => plain(proxyTls)().then((s) => { s.destroy(); return true; }, () => false));
  const workers = () => execFileSync('pgrep', ['-P', String(child.pid)]).toString().trim().split('\n').map(Number);
  return { upstream, proxy, proxyTls, pids: () => [child.pid, ...workers()] };
}

async function withDoorward(options, body) {
  const dw = new Doorward(t, { ...options, env: { LOG_LEVEL: 'info' } });
  await dw.start();
  const client = new Client(dw);
  const r = await client.login(dw.issuer.bound('istio-system', 'bench', { seconds: 7200 }));
  if (r.status !== 200) throw new Error(`login failed: ${r.body}`);
  const cookie = [...client.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
  const pids = () => ['frontend', 'authd', 'egress', 'secretd'].flatMap((role) => dw.processes(role)).map((p) => p.pid);
  try { await body(dw, pids, cookie); } finally { await dw.stop(); }
}

try {
  const dir = temporaryDir();
  cleanups.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  const nginx = await startNginx(dir);
  const upstream = `http://127.0.0.1:${nginx.upstream}`;
  console.log(`${CONNECTIONS} connections, 1 KB answers, ${SECONDS} s each, ${execFileSync('nproc').toString().trim()} cores shared with client and upstream`);
  measure('nginx proxy_pass, HTTP', nginx.pids, `http://127.0.0.1:${nginx.proxy}/api/x`);
  measure('nginx proxy_pass, TLS 1.3', nginx.pids, `https://127.0.0.1:${nginx.proxyTls}/api/x`);
  for (const tlsKind of [false, 'ec']) {
    await withDoorward({ console: upstream, tls: tlsKind, config: { doorward: { workers: 1 } } }, async (dw, pids, cookie) => {
      const name = tlsKind ? 'TLS 1.3' : 'HTTP';
      const url = `${dw.scheme}://127.0.0.1:${dw.port}`;
      measure(`doorward, ${name}, session`, pids, `${url}/api/x`, { Cookie: cookie });
      measure(`doorward, ${name}, public path`, pids, `${url}/x`);
      measure(`doorward, ${name}, no session (401)`, pids, `${url}/api/x`);
      await idle(`doorward, ${name}`, pids, (tlsKind ? secure : plain)(dw.port));
      if (tlsKind) handshakes('doorward, ECDSA P-256 in the signer', dw.port);
    });
  }
  await idle('nginx, HTTP', nginx.pids, plain(nginx.proxy));
  await idle('nginx, TLS 1.3', nginx.pids, secure(nginx.proxyTls));
  handshakes('nginx, ECDSA P-256', nginx.proxyTls);
  await withDoorward({ console: upstream, tls: 'rsa', config: { doorward: { workers: 1 } } }, async (dw) => {
    handshakes('doorward, RSA-2048 in the signer', dw.port);
  });
} finally {
  for (const f of cleanups) await f();
}
