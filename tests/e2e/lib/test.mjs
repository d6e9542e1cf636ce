// Node's test(), with a time-out, and with the log of every Doorward that the
// test started printed when it fails.
import { test as nodeTest } from 'node:test';

const running = new WeakMap();

export function onFailure(t, print) {
  running.get(t)?.push(print);
}

export function test(name, options, fn) {
  const body = fn ?? options;
  const given = fn ? options : {};
  nodeTest(name, { timeout: 120000, ...given }, async (t) => {
    const printers = [];
    running.set(t, printers);
    try {
      await body(t);
    } catch (e) {
      for (const print of printers) print();
      throw e;
    }
  });
}
