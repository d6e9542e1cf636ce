// token_probe as a function: tokens in, answers out.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

// cluster: { url, caFile }. ownToken: Doorward's own service-account token.
export class Probe {
  constructor({ dir, program, namespaces = ["nothere", "bookinfo"] }) {
    Object.assign(this, { dir, program, namespaces });
  }

  async ask(cluster, tokens, { ownToken, audiences = [] } = {}) {
    const config = path.join(this.dir, "probe.yaml");
    fs.writeFileSync(config, JSON.stringify({
      auth: { strategy: "token" },
      login_token: { signing_key: "secret:login:key" },
      server: { address: "127.0.0.1" },
      doorward: {
        hosts: ["127.0.0.1"],
        console: { url: "http://127.0.0.1:20002" },
        kubernetes: { api_server: cluster.url, ca_file: cluster.caFile, namespaces: this.namespaces, audiences },
      },
    }));
    const args = [config];
    if (ownToken) {
      args.push(path.join(this.dir, "own-token"));
      fs.writeFileSync(args[1], ownToken, { mode: 0o600 });
    }
    const { status, output } = await run(this.program, args, `${tokens.join("\n")}\n`);
    for (const token of tokens)
      if (token.length > 8 && output.includes(token)) throw new Error("a token stands in the output");
    if (status !== 0) throw new Error(`token_probe: ${output}`);
    const answers = output.split("\n").filter((l) => l.startsWith('{"line"')).map((l) => JSON.parse(l));
    return answers.sort((a, b) => a.line - b.line);
  }

  async askOne(cluster, token, options) {
    return (await this.ask(cluster, [token], options))[0];
  }
}

function run(program, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (d) => (output += d));
    child.stderr.on("data", (d) => (output += d));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}
