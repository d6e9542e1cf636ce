// What a login must come to, the same for the stand-in and a real API server.
import assert from "node:assert/strict";
import { test } from "node:test";

const KIALI = ["istio-system", "kiali-service-account"];

export async function seed(cluster) {
  await cluster.addAccount(...KIALI, { listNamespaces: true });
  await cluster.addAccount("istio-system", "front-door", { reviewTokens: true });
  await cluster.addAccount("bookinfo", "one-namespace", { getNamespaces: ["bookinfo"] });
  await cluster.addAccount("bookinfo", "no-rights");
}

// options: { ownToken } for Probe.ask; label: what the cluster is like.
export function loginCases(label, { cluster, probe, options = async () => ({}) }) {
  const ask = async (token) => probe().askOne(cluster(), token, await options());
  const refused = async (token, code) => {
    const answer = await ask(token);
    assert.equal(answer.code, code);
    assert.equal(answer.user, "");
    assert.match(answer.reason, /^[A-Z].{20,}/, "a sentence that says what to do");
  };
  const named = (what, run) => test(`${label}: ${what}`, run);

  named("token of a Secret", async () => {
    const answer = await ask((await cluster().mintLegacy(...KIALI)).token);
    assert.deepEqual([answer.code, answer.user, answer.expires], ["ok", KIALI.join(":"), 0]);
  });
  named("bound token", async () => {
    const answer = await ask(await cluster().mint(...KIALI));
    assert.deepEqual([answer.code, answer.user], ["ok", KIALI.join(":")]);
    assert.ok(Math.abs(answer.expires - Date.now() / 1000 - 3600) < 30);
  });
  named("account that sees one namespace", async () => {
    const answer = await ask(await cluster().mint("bookinfo", "one-namespace"));
    assert.deepEqual([answer.code, answer.user], ["ok", "bookinfo:one-namespace"]);
  });
  named("account that sees none", async () => refused(await cluster().mint("bookinfo", "no-rights"), "no-namespace"));
  named("token for another audience", async () => refused(await cluster().mint(...KIALI, { audiences: ["front-door"] }), "rejected"));
  named("deleted account", async () => {
    await cluster().addAccount("bookinfo", "gone", { listNamespaces: true });
    const token = await cluster().mint("bookinfo", "gone");
    await cluster().deleteAccount("bookinfo", "gone");
    await refused(token, "rejected");
  });
  named("deleted Secret", async () => {
    const { token, secret } = await cluster().mintLegacy(...KIALI);
    await cluster().deleteSecret("istio-system", secret);
    await refused(token, "rejected");
  });
  named("bound to a deleted Secret", async () => {
    const token = await cluster().mint(...KIALI, { secret: "handle" });
    assert.equal((await ask(token)).code, "ok");
    await cluster().deleteSecret("istio-system", "handle");
    await until(12000, async () => (await ask(token)).code === "rejected");
  });
  named("changed signature", async () => {
    const token = await cluster().mint(...KIALI);
    await refused(token.slice(0, -8) + (token.at(-8) === "A" ? "B" : "A") + token.slice(-7), "rejected");
  });
  named("unsigned", async () => {
    const [, claims] = (await cluster().mint(...KIALI)).split(".");
    await refused(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`, "rejected");
  });
  named("no tokens at all", async () => {
    for (const text of ["abc", "", "a b", "Bearer abc", "\u00e4", "x".repeat(16385)]) await refused(text, "rejected");
  });
}

// A real server keeps a good verdict for 10 s.
async function until(ms, question) {
  const end = Date.now() + ms;
  while (!(await question())) {
    assert.ok(Date.now() < end, `not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
