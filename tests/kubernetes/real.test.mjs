// authd's token check against a real API server (1.20: it knows no
// SelfSubjectReview), with Doorward's own token and without.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";

import { loginCases, seed } from "./lib/cases.mjs";
import { Probe } from "./lib/probe.mjs";
import { RealCluster } from "./lib/real-cluster.mjs";

const here = path.dirname(new URL(import.meta.url).pathname);
const program = path.resolve("tests/kubernetes/token_probe");
const port = Number(process.env.DOORWARD_KUBERNETES_PORT ?? 36443);

describe("real API server", () => {
  let dir, cluster, probe, ownToken;
  before(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "doorward-kubernetes-"));
    cluster = new RealCluster({ lab: path.join(here, "lab"), bin: process.env.DOORWARD_KUBERNETES_BIN, dir: path.join(dir, "lab"), port });
    probe = new Probe({ dir, program });
    await cluster.start();
    await seed(cluster);
    ownToken = await cluster.mint("istio-system", "front-door");
  });
  after(() => {
    cluster.stop();
    fs.rmSync(dir, { recursive: true });
  });
  const both = { cluster: () => cluster, probe: () => probe };
  loginCases("TokenReview", { ...both, options: async () => ({ ownToken }) });
  loginCases("SelfSubjectAccessReview", both);

  for (const [what, process] of [["etcd stopped", "etcd"], ["API server stopped", "apiserver"]])
    test(what, async () => {
      const token = await cluster.mint("istio-system", "kiali-service-account");
      cluster.signal(process, "SIGSTOP");
      try {
        for (const options of [{}, { ownToken }]) {
          const answer = await probe.askOne(cluster, token, options);
          assert.equal(answer.code, "unavailable");
          assert.ok(answer.ms < 9000);
        }
      } finally {
        cluster.signal(process, "SIGCONT");
      }
      const end = Date.now() + 20000;
      while ((await probe.askOne(cluster, token)).code !== "ok") assert.ok(Date.now() < end, "good again");
    });
});
