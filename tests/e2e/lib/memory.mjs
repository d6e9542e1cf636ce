// Looks for bytes in the memory of a process, as root can.
import fs from 'node:fs';

const PIECE = 16 << 20;

// The mapped ranges that may hold something: not the kernel's own pages.
function ranges(pid) {
  return fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').flatMap((line) => {
    const m = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line);
    if (!m || /^\[(vvar|vsyscall)/.test(m[4])) return [];
    return [{ from: parseInt(m[1], 16), to: parseInt(m[2], 16) }];
  });
}

// Calls look(bytes) for every piece of memory that can be read; pieces overlap
// by as much as the second argument says. Guard pages cannot be read and hold
// nothing; pages of memfd_secret cannot be read by anybody else.
function readMemory(pid, overlap, look) {
  const buffer = Buffer.alloc(PIECE + overlap);
  const fd = fs.openSync(`/proc/${pid}/mem`, 'r');
  let total = 0;
  try {
    for (const { from, to } of ranges(pid)) {
      for (let at = from; at < to; at += PIECE) {
        let got;
        try {
          got = fs.readSync(fd, buffer, 0, Math.min(buffer.length, to - at), at);
        } catch { continue; }
        total += got;
        look(buffer.subarray(0, got));
      }
    }
  } finally {
    fs.closeSync(fd);
  }
  if (total < 1 << 17) throw new Error(`only ${total} bytes of process ${pid} could be read`);
}

// needles: {name: Buffer}. Returns {name: how often it is there}.
export function scanMemory(pid, needles) {
  const longest = Math.max(...Object.values(needles).map((n) => n.length));
  const found = Object.fromEntries(Object.keys(needles).map((name) => [name, 0]));
  readMemory(pid, longest, (bytes) => count(bytes, needles, found));
  return found;
}

// What lies across the end of a piece is counted with the next one.
function count(bytes, needles, found) {
  for (const [name, needle] of Object.entries(needles)) {
    for (let i = bytes.indexOf(needle); i >= 0 && i < PIECE; i = bytes.indexOf(needle, i + 1)) found[name]++;
  }
}

// A value that is known again wherever a piece of it is left: its mark, again
// and again, since what is freed loses its first bytes only.
const MARK = 'cAnArY';
export const canary = (number, length = 40) => `${MARK}${String(number).padStart(3, '0')}.`.repeat(Math.ceil(length / 10)).slice(0, length);

// The numbers of the canaries in a text or in the memory of a process.
export const canariesIn = (text) => new Set([...text.matchAll(new RegExp(`${MARK}(\\d{3})`, 'g'))].map((m) => Number(m[1])));
export function canariesOf(pid) {
  const found = new Set();
  readMemory(pid, 16, (bytes) => {
    for (let i = bytes.indexOf(MARK); i >= 0; i = bytes.indexOf(MARK, i + 1)) {
      const number = bytes.toString('latin1', i + MARK.length, i + MARK.length + 3);
      if (/^\d{3}$/.test(number)) found.add(Number(number));
    }
  });
  return found;
}
