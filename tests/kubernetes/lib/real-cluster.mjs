// A real API server that tests/kubernetes/lab runs, with the same methods as
// the stand-in of the end-to-end tests; here they are asynchronous.
import * as fs from "node:fs";
import * as https from "node:https";
import * as path from "node:path";

const RBAC = "rbac.authorization.k8s.io";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class RealCluster {
  #agent;

  // state: the lab's folder, which is the lab's alone; dir: where daemons may
  // read the CA certificate.
  constructor({ dir, state, port }) {
    Object.assign(this, { state });
    this.url = `https://127.0.0.1:${port}`;
    this.caFile = path.join(dir, "kube-ca.crt");
    this.cacheMs = 10000; // it keeps a good verdict for so long
    const pki = (name) => fs.readFileSync(path.join(state, "pki", name));
    this.#agent = new https.Agent({ ca: pki("ca.crt"), cert: pki("admin.crt"), key: pki("admin.key") });
    fs.writeFileSync(this.caFile, pki("ca.crt"), { mode: 0o644 });
  }
  async ready() {
    await this.#until("the role view", async () => {
      const role = await this.#call("GET", `/apis/${RBAC}/v1/clusterroles/view`);
      return role.rules?.some((r) => r.resources?.includes("namespaces"));
    });
  }
  close() {
    this.#agent.destroy();
  }
  // name: etcd, apiserver or manager
  signal(name, signal) {
    process.kill(Number(fs.readFileSync(path.join(this.state, `${name}.pid`), "utf8")), signal);
  }
  // Returns when nobody listens any more.
  async stopServer() {
    this.signal("apiserver", "SIGTERM");
    await this.#until("the end of the API server", () =>
      this.#call("GET", "/version").then(() => false, (e) => e.code === "ECONNREFUSED"));
  }

  async addNamespace(name) {
    await this.#create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  async addAccount(namespace, name, rights = {}) {
    await this.addNamespace(namespace);
    await this.#create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } });
    const subjects = [{ kind: "ServiceAccount", name, namespace }];
    if (rights.listNamespaces) await this.#bind("", `${namespace}-${name}-list`, "cluster-admin", subjects);
    if (rights.reviewTokens) await this.#bind("", `${namespace}-${name}-review`, "system:auth-delegator", subjects);
    for (const seen of rights.getNamespaces ?? []) {
      await this.addNamespace(seen);
      await this.#bind(seen, `${namespace}-${name}-view`, "view", subjects);
    }
  }
  async deleteAccount(namespace, name) {
    await this.#call("DELETE", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`);
  }
  async mint(namespace, name, { audiences, seconds = 3600, secret } = {}) {
    const spec = { audiences, expirationSeconds: seconds };
    if (secret) {
      const made = await this.#create(`/api/v1/namespaces/${namespace}/secrets`, { apiVersion: "v1", kind: "Secret", metadata: { name: secret } });
      spec.boundObjectRef = { kind: "Secret", apiVersion: "v1", name: secret, uid: made.metadata.uid };
    }
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    return (await this.#create(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, body)).status.token;
  }
  async mintLegacy(namespace, name) {
    const secret = `${name}-extra-${Date.now()}`;
    await this.#create(`/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: "v1", kind: "Secret", type: "kubernetes.io/service-account-token",
      metadata: { name: secret, annotations: { "kubernetes.io/service-account.name": name } },
    });
    const data = await this.#until("the Secret's token", async () =>
      (await this.#call("GET", `/api/v1/namespaces/${namespace}/secrets/${secret}`)).data?.token);
    return { token: Buffer.from(data, "base64").toString(), secret };
  }
  async deleteSecret(namespace, name) {
    await this.#call("DELETE", `/api/v1/namespaces/${namespace}/secrets/${name}`);
  }

  async #bind(namespace, name, role, subjects) {
    const kind = namespace ? "RoleBinding" : "ClusterRoleBinding";
    const where = namespace ? `namespaces/${namespace}/rolebindings` : "clusterrolebindings";
    await this.#create(`/apis/${RBAC}/v1/${where}`, {
      apiVersion: `${RBAC}/v1`, kind, metadata: { name }, roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: role }, subjects,
    });
  }
  async #create(where, body) {
    const answer = await this.#call("POST", where, body);
    if (answer.kind === "Status" && answer.status === "Failure" && answer.reason !== "AlreadyExists")
      throw new Error(`${where}: ${answer.message}`);
    return answer;
  }
  #call(method, where, body) {
    return new Promise((resolve, reject) => {
      const headers = { "Content-Type": "application/json" };
      const request = https.request(`${this.url}${where}`, { method, headers, agent: this.#agent }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (d) => (text += d));
        response.on("end", () => {
          try {
            resolve(JSON.parse(text));
          } catch {
            reject(new Error(`${method} ${where}: HTTP ${response.statusCode}`));
          }
        });
      });
      request.on("error", reject);
      request.end(body && JSON.stringify(body));
    });
  }
  async #until(what, question) {
    for (let i = 0; i < 150; i++) {
      const answer = await question();
      if (answer) return answer;
      await sleep(100);
    }
    throw new Error(`waited in vain for ${what}`);
  }
}
