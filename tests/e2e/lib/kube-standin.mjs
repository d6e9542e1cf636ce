// A STAND-IN for a Kubernetes API server, not a real one: it speaks as much of
// the public API as Doorward asks for (paths, kinds, status codes, Status
// bodies, RBAC and revocation as a real server has them), over TLS, so that
// `make check` needs no cluster. `make check-kubernetes` runs the same cases
// against a real API server. It can also misbehave as real ones do: see mode.
//
//   const kube = await KubeStandin.start({ dir, reviews: ["v1"] });
//   kube.addAccount("istio-system", "kiali-service-account", { listNamespaces: true });
//   const token = kube.mint("istio-system", "kiali-service-account");
//   ... kube.url, kube.caFile, kube.issuer ... kube.mode = "error"; await kube.stop();

import { execFileSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as https from "node:https";
import * as path from "node:path";

const LEGACY_ISSUER = "kubernetes/serviceaccount";
const LEGACY = "kubernetes.io/serviceaccount/";
const LEEWAY_S = 60; // as the real server
const AUTHN = "authentication.k8s.io";
const AUTHZ = "authorization.k8s.io";

const base64url = (data) => Buffer.from(data).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);
const key = (namespace, name) => `${namespace}/${name}`;

// "good"; "slow": answers after slowMs; "silent": accepts and never answers;
// "error": 500; "garbage": 200 and bytes that are not JSON; "html": 200 and a
// page; "truncated": a Content-Length that is not kept; "notHttp": bytes that
// are no HTTP; "huge": an endless body; "redirect": 302 to another place.
const MODES = ["good", "slow", "silent", "error", "garbage", "html", "truncated", "notHttp", "huge", "redirect"];

export class KubeStandin {
  #mode = "good";
  #server;
  #sockets = new Set();
  #accounts = new Map(); // "namespace/name" -> { uid, rights }
  #secrets = new Map(); // "namespace/name" -> { uid, token }
  #static = new Map(); // token -> { username, groups, rights }
  #keys;

  // reviews: versions of SelfSubjectReview that are served; [] is a cluster
  // before 1.26. dir: where the certificate goes (made with openssl(1)).
  constructor({ dir, reviews = ["v1"], audiences = ["https://kubernetes.default.svc"], issuer, anonymous = true, slowMs = 2000 }) {
    Object.assign(this, { dir, reviews, audiences, issuer, anonymous, slowMs });
    this.caFile = path.join(dir, "kube-ca.crt");
    this.namespaces = new Set(["default", "kube-system"]);
    this.requests = []; // { method, path, status, user }: what was asked
    this.others = null; // (token) => { username, groups, rights }: as of an API server with OIDC settings
    this.#keys = {
      rs256: { alg: "RS256", ...crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }) },
      es256: { alg: "ES256", ...crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }) },
    };
    for (const k of Object.values(this.#keys)) {
      const der = k.publicKey.export({ type: "spki", format: "der" });
      k.kid = crypto.createHash("sha256").update(der).digest("base64url");
    }
  }

  static async start(options) {
    const kube = new KubeStandin(options);
    await kube.listen(options.port ?? 0);
    return kube;
  }

  // Starts, or starts again on the same port after stop().
  async listen(port = this.port ?? 0) {
    const keyFile = path.join(this.dir, "kube-ca.key");
    if (!fs.existsSync(this.caFile))
      execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=kube-apiserver", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", keyFile, "-out", this.caFile], { stdio: "ignore" });
    const tls = { key: fs.readFileSync(keyFile), cert: fs.readFileSync(this.caFile), minVersion: "TLSv1.2" };
    this.#server = https.createServer(tls, (request, response) => this.#receive(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
    this.#server.on("tlsClientError", () => {});
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    this.port = this.#server.address().port;
    this.url = `https://127.0.0.1:${this.port}`;
    this.issuer ??= this.url;
  }

  // Down: connections are refused from now on.
  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  get mode() {
    return this.#mode;
  }
  set mode(mode) {
    if (!MODES.includes(mode)) throw new Error(`no such mode: ${mode}`);
    this.#mode = mode;
  }

  // --- what is in the cluster ---

  addNamespace(name) {
    this.namespaces.add(name);
  }
  // rights: listNamespaces, getNamespaces: [names], reviewTokens
  addAccount(namespace, name, rights = {}) {
    this.namespaces.add(namespace);
    this.#accounts.set(key(namespace, name), { uid: crypto.randomUUID(), rights });
  }
  deleteAccount(namespace, name) {
    this.#accounts.delete(key(namespace, name));
    for (const [id, secret] of this.#secrets)
      if (secret.account === key(namespace, name)) this.#secrets.delete(id);
  }
  // A token that is not a JWT, as of a token file.
  addStaticToken(token, username, groups = [], rights = {}) {
    this.#static.set(token, { username, groups, rights });
  }
  // A token as `kubectl create token` makes it. seconds may be negative;
  // secret: name of a Secret that the token is bound to; claims replace others;
  // key: "rs256" or "es256".
  mint(namespace, name, { audiences = this.audiences, seconds = 3600, secret, claims = {}, key: keyName = "rs256" } = {}) {
    const account = this.#account(namespace, name);
    const at = now();
    const bound = { namespace, serviceaccount: { name, uid: account.uid } };
    if (secret) {
      const uid = crypto.randomUUID();
      this.#secrets.set(key(namespace, secret), { uid, account: key(namespace, name) });
      bound.secret = { name: secret, uid };
    }
    return this.sign({
      aud: audiences, exp: at + seconds, iat: at, iss: this.issuer, jti: crypto.randomUUID(), "kubernetes.io": bound,
      nbf: at, sub: `system:serviceaccount:${namespace}:${name}`, ...claims,
    }, keyName);
  }
  // A token as clusters before 1.24 keep it in a Secret. Returns token and the
  // Secret's name.
  mintLegacy(namespace, name) {
    const account = this.#account(namespace, name);
    const secret = `${name}-token-${crypto.randomBytes(3).toString("hex").slice(0, 5)}`;
    const token = this.sign({
      iss: LEGACY_ISSUER, [`${LEGACY}namespace`]: namespace, [`${LEGACY}secret.name`]: secret,
      [`${LEGACY}service-account.name`]: name, [`${LEGACY}service-account.uid`]: account.uid,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    this.#secrets.set(key(namespace, secret), { uid: crypto.randomUUID(), account: key(namespace, name), token });
    return { token, secret };
  }
  deleteSecret(namespace, name) {
    this.#secrets.delete(key(namespace, name));
  }
  // Any claims under a key of the cluster.
  sign(claims, keyName = "rs256") {
    const k = this.#keys[keyName];
    const input = `${base64url(JSON.stringify({ alg: k.alg, kid: k.kid }))}.${base64url(JSON.stringify(claims))}`;
    return `${input}.${base64url(this.#signature(k, input))}`;
  }
  // The key set, as /openid/v1/jwks has it.
  jwks() {
    const keys = Object.values(this.#keys).map((k) => ({ use: "sig", kid: k.kid, alg: k.alg, ...k.publicKey.export({ format: "jwk" }) }));
    return { keys };
  }

  #account(namespace, name) {
    const account = this.#accounts.get(key(namespace, name));
    if (!account) throw new Error(`no service account ${namespace}/${name}`);
    return account;
  }
  #signature(k, input) {
    return crypto.sign("sha256", Buffer.from(input), { key: k.privateKey, dsaEncoding: "ieee-p1363" });
  }

  // --- who is it? ---

  // The user of a token, or null. audiences: those that count.
  #authenticate(token, audiences = this.audiences) {
    const known = this.#static.get(token) ?? this.others?.(token);
    if (known) return { ...known, groups: [...known.groups, "system:authenticated"], audiences: this.audiences };
    const claims = this.#verify(token);
    if (!claims) return null;
    const legacy = claims.iss === LEGACY_ISSUER;
    const bound = legacy ? this.#legacyAccount(claims, token) : this.#boundAccount(claims);
    if (!bound) return null;
    const own = claims.aud === undefined ? this.audiences : [claims.aud].flat();
    const common = audiences.filter((a) => own.includes(a));
    if (common.length === 0) return null;
    const [namespace, name] = bound.split("/");
    const { uid, rights } = this.#accounts.get(bound);
    return {
      username: `system:serviceaccount:${namespace}:${name}`, uid, rights, audiences: common,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    };
  }
  #verify(token) {
    const parts = token.split(".");
    if (parts.length !== 3 || !parts.every((p) => /^[A-Za-z0-9_-]+$/.test(p))) return null;
    const [header, claims] = parts.slice(0, 2).map((p) => {
      try {
        return JSON.parse(Buffer.from(p, "base64url"));
      } catch {
        return null;
      }
    });
    if (!header || !claims) return null;
    const input = Buffer.from(`${parts[0]}.${parts[1]}`);
    const signature = Buffer.from(parts[2], "base64url");
    for (const k of Object.values(this.#keys)) {
      const options = { key: k.publicKey, dsaEncoding: "ieee-p1363" };
      if (k.alg === header.alg && crypto.verify("sha256", input, options, signature)) return claims;
    }
    return null;
  }
  #legacyAccount(claims, token) {
    const namespace = claims[`${LEGACY}namespace`];
    const id = key(namespace, claims[`${LEGACY}service-account.name`]);
    const secret = this.#secrets.get(key(namespace, claims[`${LEGACY}secret.name`]));
    const good = secret?.token === token && this.#accounts.get(id)?.uid === claims[`${LEGACY}service-account.uid`];
    return good ? id : null;
  }
  #boundAccount(claims) {
    const bound = claims["kubernetes.io"];
    if (claims.iss !== this.issuer || !bound) return null;
    if (!(claims.exp > now() - LEEWAY_S) || claims.nbf > now() + LEEWAY_S) return null;
    const id = key(bound.namespace, bound.serviceaccount?.name);
    if (!this.#accounts.has(id) || this.#accounts.get(id).uid !== bound.serviceaccount.uid) return null;
    if (bound.secret && this.#secrets.get(key(bound.namespace, bound.secret.name))?.uid !== bound.secret.uid) return null;
    return id;
  }
  // What is no bearer token at all is anonymous; a bad one is nobody (null).
  #user(request) {
    const anonymous = this.anonymous ? { username: "system:anonymous", groups: ["system:unauthenticated"], rights: {} } : null;
    const match = /^bearer ([^ \t]+)/i.exec(request.headers.authorization ?? "");
    return match ? this.#authenticate(match[1]) : anonymous;
  }

  // --- answering ---

  #receive(request, response) {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => {
      const entry = { method: request.method, path: request.url, status: 0, user: "" };
      this.requests.push(entry);
      if (this.#mode !== "good" && this.#mode !== "slow") {
        this.#misbehave(request, response);
        return;
      }
      const user = this.#user(request);
      const [status, body] = this.#answer(request, user, Buffer.concat(chunks).toString());
      Object.assign(entry, { status, user: user?.username ?? "" });
      setTimeout(() => send(response, status, body), this.#mode === "slow" ? this.slowMs : 0);
    });
  }
  #misbehave(request, response) {
    const json = { "Content-Type": "application/json" };
    switch (this.#mode) {
    case "silent":
      break;
    case "error":
      send(response, 500, failure(500, "InternalError", "rpc error: code = Unavailable desc = transport is closing"));
      break;
    case "garbage":
      response.writeHead(200, json).end(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0xff]));
      break;
    case "html":
      response.writeHead(200, { "Content-Type": "text/html" }).end("<!DOCTYPE html><title>Load balancer</title>");
      break;
    case "truncated":
      response.writeHead(200, { ...json, "Content-Length": 4000 });
      response.write('{"kind":"SelfSubjectReview","apiVersion":', () => request.socket.destroy());
      break;
    case "notHttp":
      request.socket.end("SSH-2.0-OpenSSH_9.2\r\n");
      break;
    case "huge":
      response.writeHead(200, json);
      response.write('{"kind":"');
      pump(response, "x".repeat(65536));
      break;
    case "redirect":
      response.writeHead(302, { Location: "https://127.0.0.1:1/" }).end();
      break;
    }
  }

  // [status, body]
  #answer(request, user, text) {
    const { pathname } = new URL(request.url, this.url);
    if (!user) return [401, failure(401, "Unauthorized", "Unauthorized")];
    if (["/version", "/healthz", "/livez", "/readyz"].includes(pathname)) return [200, pathname === "/version" ? { major: "1", minor: "29" } : "ok"];
    const review = new RegExp(`^/apis/(${AUTHN}|${AUTHZ})/(v1[a-z0-9]*)/([a-z]+)$`).exec(pathname);
    if (review) return this.#review(request, user, text, review.slice(1));
    const one = /^\/api\/v1\/namespaces\/([a-z0-9-]+)$/.exec(pathname);
    if (request.method === "GET" && (one || pathname === "/api/v1/namespaces")) return this.#namespaces(user, one?.[1], request);
    if (user.username === "system:anonymous") return forbidden(user, "get", "", pathname.slice(1));
    if (pathname === "/openid/v1/jwks") return [200, this.jwks()];
    return [404, "404 page not found"];
  }
  #namespaces(user, name, request) {
    const { rights } = user;
    const limit = Number(new URL(request.url, this.url).searchParams.get("limit")) || Infinity;
    const may = rights.listNamespaces || (name && rights.getNamespaces?.includes(name));
    if (!may) return forbidden(user, name ? "get" : "list", "", "namespaces", name);
    const object = (n) => ({ metadata: { name: n, labels: { "kubernetes.io/metadata.name": n } }, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
    if (name && !this.namespaces.has(name)) return [404, failure(404, "NotFound", `namespaces "${name}" not found`)];
    if (name) return [200, { kind: "Namespace", apiVersion: "v1", ...object(name) }];
    const all = [...this.namespaces].sort();
    const metadata = { resourceVersion: "1" };
    if (all.length > limit) Object.assign(metadata, { continue: base64url("next"), remainingItemCount: all.length - limit });
    return [200, { kind: "NamespaceList", apiVersion: "v1", metadata, items: all.slice(0, limit).map(object) }];
  }
  #review(request, user, text, [group, version, resource]) {
    const served = { [`${AUTHN}/selfsubjectreviews`]: this.reviews, [`${AUTHN}/tokenreviews`]: ["v1"], [`${AUTHZ}/selfsubjectaccessreviews`]: ["v1"] }[`${group}/${resource}`] ?? [];
    const authenticated = user.groups.includes("system:authenticated");
    // Authorization comes before routing: the roles of an ordinary account
    // allow what its version of Kubernetes knows.
    const allowed = authenticated && (resource === "tokenreviews" ? user.rights.reviewTokens : user.rights.admin || resource === "selfsubjectaccessreviews" || (resource === "selfsubjectreviews" && this.reviews.length > 0));
    if (!allowed) return forbidden(user, "create", group, resource);
    if (!served.includes(version)) return [404, "404 page not found"];
    if (request.method !== "POST") return [405, failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")];
    let document;
    try {
      document = JSON.parse(text);
    } catch {
      return [400, failure(400, "BadRequest", "the object provided is unrecognized")];
    }
    const kind = { selfsubjectreviews: "SelfSubjectReview", tokenreviews: "TokenReview", selfsubjectaccessreviews: "SelfSubjectAccessReview" }[resource];
    if (document.kind !== kind || document.apiVersion !== `${group}/${version}`)
      return [400, failure(400, "BadRequest", `the API version in the data (${document.apiVersion}) does not match the expected API version (${group}/${version})`)];
    const head = { kind, apiVersion: `${group}/${version}`, metadata: { creationTimestamp: null } };
    if (resource === "selfsubjectreviews") return [201, { ...head, status: { userInfo: userInfo(user) } }];
    if (resource === "tokenreviews") return this.#tokenReview(head, document.spec ?? {});
    const wanted = document.spec?.resourceAttributes ?? {};
    const may = Boolean(user.rights.listNamespaces && wanted.resource === "namespaces");
    return [201, { ...head, spec: document.spec, status: { allowed: may } }];
  }
  #tokenReview(head, spec) {
    if (!spec.token) return [400, failure(400, "BadRequest", "token is required for TokenReview in authentication")];
    const user = this.#authenticate(spec.token, spec.audiences?.length ? spec.audiences : this.audiences);
    const status = user ? { authenticated: true, user: userInfo(user), audiences: user.audiences } : { user: {}, error: "invalid bearer token" };
    return [201, { ...head, spec, status }];
  }
}

function userInfo({ username, uid, groups }) {
  return { username, ...(uid && { uid }), groups };
}

function failure(code, reason, message, details) {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, ...(details && { details }), code };
}

function forbidden(user, verb, group, resource, name) {
  const what = name ? `${resource} "${name}" is forbidden` : `${resource}${group && `.${group}`} is forbidden`;
  const scope = name ? `in the namespace "${name}"` : "at the cluster scope";
  const message = `${what}: User "${user.username}" cannot ${verb} resource "${resource}" in API group "${group}" ${scope}`;
  return [403, failure(403, "Forbidden", message, { ...(name && { name }), ...(group && { group }), kind: resource })];
}

function send(response, status, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body, null, status === 401 ? 2 : 0);
  response.writeHead(status, {
    "Cache-Control": "no-cache, private",
    "Content-Type": typeof body === "string" ? "text/plain; charset=utf-8" : "application/json",
  });
  response.end(text);
}

function pump(response, piece) {
  while (!response.destroyed && response.write(piece));
  if (!response.destroyed) response.once("drain", () => pump(response, piece));
}
