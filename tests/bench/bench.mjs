// make bench: what a request, a connection and a handshake cost, beside nginx
// proxy_pass to the same upstream in the same run; then what a login through an
// OpenID provider costs. Figures only. BENCH_ONLY=proxy or openid: one of them.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { Client } from '../e2e/lib/client.mjs';
import { Doorward, temporaryDir, until } from '../e2e/lib/doorward.mjs';
import { makeCertificate } from '../e2e/lib/files.mjs';
import { openid } from './openid.mjs';

const SECONDS = Math.min(Number(process.env.BENCH_SECONDS ?? 3), 8);
const CONNECTIONS = 32;
const IDLE = 1000;

for (const tool of ['wrk', 'nginx', 'openssl']) {
  if (spawnSync('sh', ['-c', `command -v ${tool}`], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } }).status !== 0) {
    console.error(`make bench needs ${tool}: apt-get install wrk nginx-light openssl`);
    process.exit(1);
  }
}

// A test context of our own: what is registered runs at the end.
const cleanups = [];
const t = { name: 'bench', after: (f) => cleanups.unshift(f) };
async function cleanUp() {
  for (const f of cleanups.splice(0)) await f();
}
async function giveUp(why) {
  console.error(`bench: ${why}`);
  await cleanUp();
  process.exit(1);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => giveUp(signal));
const LIMIT_S = 170 + 300; // of the proxy's part and of OpenID's
setTimeout(() => giveUp(`took longer than ${LIMIT_S} s`), LIMIT_S * 1000).unref();

// CPU time in us: all these processes have one thread.
const cpu = (pids) => pids.reduce((sum, pid) =>
  sum + Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000, 0);
// Proportional, so that pages shared by forked workers count once.
const pss = (pids) => pids.reduce((sum, pid) =>
  sum + Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024, 0);
const pause = (ms) => new Promise((r) => { setTimeout(r, ms); });

// The output of a program that is killed when it runs for too long. Never
// waited for synchronously: this process reads the daemons' log meanwhile, and
// a full pipe would make them wait.
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: (SECONDS + 15) * 1000 });
    let out = '';
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.resume();
    child.on('error', reject).on('close', () => resolve(out));
  });
}

const print = (name, figures) => console.log(`${name.padEnd(38)} ${figures}`);
const column = (n, digits, width) => n.toFixed(digits).padStart(width);

async function load(url, headers, seconds) {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`];
  for (const [k, v] of Object.entries(headers)) args.push('-H', `${k}: ${v}`);
  const out = await run('wrk', [...args, url]);
  return {
    requests: Number(/(\d+) requests in/.exec(out)[1]),
    rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]),
    bad: Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0),
  };
}

async function measure(name, pids, url, headers = {}) {
  await load(url, headers, 1); // warm up
  const before = cpu(pids());
  const r = await load(url, headers, SECONDS);
  const each = (cpu(pids()) - before) / r.requests;
  print(name, `${column(each, 1, 8)} us CPU/request ${column(r.rps, 0, 8)} requests/s${r.bad ? ` (${r.bad} not 2xx)` : ''}`);
}

// Two clients at once: one alone is slower than the server.
async function handshakes(name, pids, port) {
  const before = cpu(pids());
  const outs = await Promise.all([1, 2].map(() =>
    run('openssl', ['s_time', '-new', '-connect', `127.0.0.1:${port}`, '-time', String(SECONDS)])));
  const spent = cpu(pids()) - before;
  const runs = outs.map((o) => /(\d+) connections in (\d+) real seconds/.exec(o));
  const n = runs.reduce((sum, m) => sum + Number(m[1]), 0);
  const rate = runs.reduce((sum, m) => sum + Number(m[1]) / Number(m[2]), 0);
  print(name, `${column(spent / n, 0, 8)} us CPU/handshake ${column(rate, 0, 6)} full handshakes/s`);
}

// Best before anything else: memory that a load has left behind is used first.
async function idle(name, pids, connect) {
  const sockets = [await connect()];
  await pause(200);
  const before = pss(pids());
  while (sockets.length <= IDLE) sockets.push(await connect());
  await pause(500);
  const memory = (pss(pids()) - before) / IDLE;
  const spent = cpu(pids());
  await pause(2000);
  const busy = (cpu(pids()) - spent) / 2;
  print(name, `${column(memory / 1024, 1, 8)} KB/idle connection, ${column(busy, 0, 5)} us CPU/s with ${IDLE} of them`);
  for (const s of sockets) s.destroy();
  await pause(500);
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
    const exited = new Promise((r) => { child.on('exit', r); });
    cleanups.unshift(() => { child.kill('SIGTERM'); return exited; });
    return child;
  };
  start('up');
  const child = start('proxy');
  await until('nginx answers', () => plain(proxyTls)().then((s) => { s.destroy(); return true; }, () => false));
  const workers = () => execFileSync('pgrep', ['-P', String(child.pid)]).toString().trim().split('\n').map(Number);
  return { upstream, proxy, proxyTls, pids: () => [child.pid, ...workers()] };
}

// One worker, as nginx has.
async function withDoorward(tlsKind, upstream, body) {
  const config = { doorward: { workers: 1, max_per_address: 2 * IDLE } };
  const dw = await new Doorward(t, { console: upstream, tls: tlsKind, config, env: { LOG_LEVEL: 'info' } }).start();
  const pids = () => ['frontend', 'authd', 'egress', 'secretd'].flatMap((role) => dw.processes(role)).map((p) => p.pid);
  try { await body(dw, pids); } finally { await dw.stop(); }
}

async function requests(name, dw, pids) {
  const client = new Client(dw);
  const r = await client.login(dw.issuer.bound('istio-system', 'bench', { seconds: 7200 }));
  if (r.status !== 200) throw new Error(`login failed: ${r.body}`);
  const cookie = [...client.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
  const url = `${dw.scheme}://127.0.0.1:${dw.port}`;
  await measure(`doorward, ${name}, session`, pids, `${url}/api/x`, { Cookie: cookie });
  await measure(`doorward, ${name}, public path`, pids, `${url}/x`);
  await measure(`doorward, ${name}, no session`, pids, `${url}/api/x`);
}

async function proxy() {
  const dir = temporaryDir();
  cleanups.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  const nginx = await startNginx(dir);
  const upstream = `http://127.0.0.1:${nginx.upstream}`;
  console.log(`${CONNECTIONS} connections, 1 KB answers, ${SECONDS} s each, ${execFileSync('nproc').toString().trim()} cores shared with client and upstream`);
  await idle('nginx, HTTP', nginx.pids, plain(nginx.proxy));
  await idle('nginx, TLS 1.3', nginx.pids, secure(nginx.proxyTls));
  await measure('nginx proxy_pass, HTTP', nginx.pids, `http://127.0.0.1:${nginx.proxy}/api/x`);
  await measure('nginx proxy_pass, TLS 1.3', nginx.pids, `https://127.0.0.1:${nginx.proxyTls}/api/x`);
  await handshakes('nginx, ECDSA P-256', nginx.pids, nginx.proxyTls);
  await withDoorward(false, upstream, async (dw, pids) => {
    await idle('doorward, HTTP', pids, plain(dw.port));
    await requests('HTTP', dw, pids);
  });
  await withDoorward('ec', upstream, async (dw, pids) => {
    await idle('doorward, TLS 1.3', pids, secure(dw.port));
    await requests('TLS 1.3', dw, pids);
    await handshakes('doorward, ECDSA P-256 in the signer', pids, dw.port);
  });
  await withDoorward('rsa', upstream, async (dw, pids) => {
    await handshakes('doorward, RSA-2048 in the signer', pids, dw.port);
  });
}

try {
  const only = process.env.BENCH_ONLY;
  if (only !== 'openid') await proxy();
  if (only !== 'proxy') await openid(t);
} finally {
  await cleanUp();
}
