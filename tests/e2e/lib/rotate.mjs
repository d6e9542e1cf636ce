// How people and Kubernetes replace a secret's file, and `doorward keys`.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isRoot } from './doorward.mjs';

// Writes a file that belongs to whoever reads secrets before anybody sees it
// closed. flags: as of open.
function write(dw, file, value, flags) {
  const fd = fs.openSync(file, flags, 0o600);
  try {
    dw.giveFile(fd);
    fs.writeSync(fd, value);
  } finally {
    fs.closeSync(fd);
  }
}

// A folder as a Secret is mounted: the file leads over ..data into a folder of
// this version, and a new version is put in place by one rename.
function swapData(dw, file, value) {
  const dir = path.dirname(file);
  const old = fs.existsSync(path.join(dir, '..data')) ? fs.readlinkSync(path.join(dir, '..data')) : undefined;
  const version = fs.mkdtempSync(path.join(dir, '..2026_'));
  fs.chmodSync(version, 0o755);
  write(dw, path.join(version, path.basename(file)), value, 'wx');
  fs.symlinkSync(path.basename(version), path.join(dir, '..data_tmp'));
  fs.renameSync(path.join(dir, '..data_tmp'), path.join(dir, '..data'));
  if (old) fs.rmSync(path.join(dir, old), { recursive: true });
  else {
    fs.rmSync(file, { force: true });
    fs.symlinkSync(`..data/${path.basename(file)}`, file);
  }
}

// (dw, file, value): each leaves value in file. The last one goes on from any
// state, and none of the others goes on from it.
export const waysToReplace = {
  'renamed over': (dw, file, value) => {
    write(dw, `${file}.new`, value, 'w');
    fs.renameSync(`${file}.new`, file);
  },
  'written in place': (dw, file, value) => fs.writeFileSync(file, value),
  'deleted and created': (dw, file, value) => {
    fs.rmSync(file);
    write(dw, file, value, 'wx');
  },
  'by install(1)': (dw, file, value) => {
    const owner = isRoot ? ['-o', String(dw.secretsUid), '-g', String(dw.secretsUid)] : [];
    // A shell, for its pipe: Node's are sockets, which nobody can open again.
    execFileSync('sh', ['-c', 'printf %s "$VALUE" | install "$@"', 'sh', ...owner, '-m', '600', '/dev/stdin', file],
      { env: { PATH: process.env.PATH, VALUE: value } });
  },
  'swapped by Kubernetes': swapData,
};

// `doorward keys ...`: {code, out, err}. Not waited for synchronously: the load
// goes on, and the daemons' log is read.
export function keys(dw, ...args) {
  const [command, ...rest] = dw.control('keys', '--config', dw.configFile, '--run-dir', path.join(dw.runDir, 'run'), ...args);
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    const seen = { out: '', err: '' };
    child.stdout.on('data', (d) => { seen.out += d; });
    child.stderr.on('data', (d) => { seen.err += d; });
    child.on('error', reject).on('close', (code) => resolve({ ...seen, code }));
  });
}

export async function keysGood(dw, ...args) {
  const r = await keys(dw, ...args);
  assert.equal(r.code, 0, `${args}: ${r.out}${r.err}`);
  return r.out;
}
