// authd's token check against the stand-in: clusters of all ages, and all the
// ways in which an API server misbehaves.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";

import { KubeStandin } from "../e2e/lib/kube-standin.mjs";
import { loginCases, seed } from "./lib/cases.mjs";
import { Probe } from "./lib/probe.mjs";

const program = path.resolve("tests/kubernetes/token_probe");

for (const [label, reviews, withOwnToken] of [
  ["v1", ["v1"], false],
  ["v1beta1", ["v1beta1"], false],
  ["v1alpha1", ["v1alpha1"], true],
  ["older, TokenReview", [], true],
  ["older, SelfSubjectAccessReview", [], false],
]) {
  describe(label, () => {
    let dir, cluster, probe;
    before(async () => {
      dir = fs.mkdtempSync(path.join(os.tmpdir(), "doorward-standin-"));
      cluster = await KubeStandin.start({ dir, reviews });
      probe = new Probe({ dir, program });
      await seed(cluster);
    });
    after(async () => {
      await cluster.stop();
      fs.rmSync(dir, { recursive: true });
    });
    const options = async () => ({ ownToken: withOwnToken ? cluster.mint("istio-system", "front-door") : undefined });
    loginCases(label, { cluster: () => cluster, probe: () => probe, options });

    test("expired token says since when", async () => {
      const token = cluster.mint("istio-system", "kiali-service-account", { seconds: -100 });
      const answer = await probe.askOne(cluster, token, await options());
      assert.equal(answer.code, "expired");
      assert.match(answer.reason, /^This token expired on .* GMT\. Make a new one: kubectl -n istio-system create token kiali-service-account$/);
    });
    test("the account of the claim counts, not sub", async () => {
      const token = cluster.mint("istio-system", "kiali-service-account", { claims: { sub: "system:serviceaccount:kube-system:admin" } });
      assert.equal((await probe.askOne(cluster, token, await options())).user, "istio-system:kiali-service-account");
    });
    test("static token", async () => {
      cluster.addStaticToken("abcdef.0123456789abcdef", "alice", [], { listNamespaces: true });
      const answer = await probe.askOne(cluster, "abcdef.0123456789abcdef", await options());
      const nameless = reviews.length === 0 && !withOwnToken;
      assert.deepEqual([answer.code, answer.user], ["ok", nameless ? "token" : "alice"]);
    });
    if (reviews.length === 0)
      test("own token without the right to review", async () => {
        const ownToken = cluster.mint("bookinfo", "no-rights");
        const token = cluster.mint("istio-system", "kiali-service-account");
        assert.equal((await probe.askOne(cluster, token, { ownToken })).code, "unavailable");
      });
    test("required audience", async () => {
      const token = cluster.mint("istio-system", "kiali-service-account");
      const own = await options();
      const ask = async (audiences) => (await probe.askOne(cluster, token, { ...own, audiences })).code;
      assert.equal(await ask(["https://kubernetes.default.svc"]), "ok");
      assert.equal(await ask(["doorward"]), "rejected");
    });
  });
}

describe("a cluster in trouble", () => {
  let dir, cluster, probe, token;
  before(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "doorward-standin-"));
    cluster = await KubeStandin.start({ dir });
    probe = new Probe({ dir, program });
    await seed(cluster);
    token = cluster.mint("istio-system", "kiali-service-account");
  });
  after(() => fs.rmSync(dir, { recursive: true }));
  for (const mode of ["silent", "error", "garbage", "html", "truncated", "notHttp", "huge", "redirect"])
    test(mode, async () => {
      cluster.mode = mode;
      const answer = await probe.askOne(cluster, token);
      cluster.mode = "good";
      assert.equal(answer.code, "unavailable");
      assert.ok(answer.ms < 9000);
    });
  test("slow", async () => {
    cluster.mode = "slow";
    assert.equal((await probe.askOne(cluster, token)).code, "ok");
    cluster.slowMs = 3500;
    const answer = await probe.askOne(cluster, token);
    cluster.mode = "good";
    assert.equal(answer.code, "unavailable");
    assert.ok(answer.ms < 9000);
  });
  test("by name", async () => {
    const named = { url: cluster.url.replace("127.0.0.1", "localhost"), caFile: cluster.caFile };
    assert.equal((await probe.askOne(named, token)).code, "ok");
  });
  test("unknown certificate", async () => {
    const other = path.join(dir, "other");
    fs.mkdirSync(other);
    const stranger = await KubeStandin.start({ dir: other });
    const answer = await probe.askOne({ url: stranger.url, caFile: cluster.caFile }, token);
    await stranger.stop();
    assert.equal(answer.code, "unavailable");
    assert.equal(stranger.requests.length, 0);
  });
  test("down", async () => {
    await cluster.stop();
    assert.equal((await probe.askOne(cluster, token)).code, "unavailable");
  });
});
