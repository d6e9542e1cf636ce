// Requests one after another on kept connections, until they are told to stop.
import { Client } from './client.mjs';

export class Load {
  // With the session of client, until the test t ends at the latest.
  // good(answer) says whether an answer is as it should be.
  constructor(t, client, path, { width = 4, good = (r) => r.status === 200 } = {}) {
    this.answered = 0;
    this.bad = [];
    t.after(() => this.stop());
    this.loops = Array.from({ length: width }, async () => {
      const own = new Client(client.dw, { keepAlive: true });
      own.cookies = new Map(client.cookies);
      while (!this.over) {
        try {
          const r = await own.get(path);
          if (good(r)) this.answered++;
          else this.bad.push(`${r.status} ${r.body}`);
        } catch (e) {
          this.bad.push(e.message);
        }
      }
      own.close();
    });
  }

  async stop() {
    this.over = true;
    await Promise.all(this.loops);
    return this;
  }
}
