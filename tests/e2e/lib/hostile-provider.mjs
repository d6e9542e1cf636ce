// An OpenID provider of our own that does one thing wrong. It has no accounts
// and no pages: whoever comes is sent back with a code at once. What it does
// wrong is a case of hostile-cases.mjs:
//
//   metadata(document), jwks(set), callback(params), claims(claims, op),
//   header(header), answer(answer, op), userinfo(claims): change what it would
//   have said; a string or Buffer is sent as it is;
//   token(op, claims): the whole id_token; key: another one to sign with;
//   respond: {endpoint(req, res, op)}: answers by itself;
//   tls: 'other authority', 'signed by itself', 'wrong name', 'expired', 'none',
//   'cut'.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { temporaryDir } from './doorward.mjs';
import { issueCertificate, makeAuthority, makeCertificate } from './files.mjs';
import { atHash, makeJwk, publicJwk, signJws } from './jws.mjs';

export const CLIENT = { client_id: 'doorward', client_secret: 'correct horse battery' };

// Made once in a process: RSA keys take their time.
let shared;
function material() {
  if (shared) return shared;
  const dir = temporaryDir();
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  const authority = makeAuthority(dir);
  const good = issueCertificate(dir, 'provider', authority);
  shared = {
    authority, dir,
    keys: Object.fromEntries(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'].map((alg) => [alg, makeJwk(alg)])),
    stranger: makeJwk('RS256'), // whose key is never published
    tls: {
      good,
      'other authority': issueCertificate(dir, 'other', makeAuthority(dir, 'other-authority')),
      'signed by itself': makeCertificate(dir, 'self'),
      'wrong name': issueCertificate(dir, 'name', authority, { names: 'DNS:example.com,IP:127.0.0.2' }),
      expired: issueCertificate(dir, 'expired', authority, { days: -1 }),
    },
  };
  return shared;
}

const endpoints = {
  '/.well-known/openid-configuration': 'discovery', '/jwks': 'jwks', '/auth': 'authorize', '/token': 'token', '/userinfo': 'userinfo',
};

export class HostileProvider {
  static async start(t, defect = {}) {
    const op = new HostileProvider();
    Object.assign(op, material());
    op.caFile = op.authority.cert;
    op.ca = fs.readFileSync(op.caFile, 'utf8');
    op.codes = new Map();
    op.requests = [];
    op.sockets = new Set();
    op.connections = 0; // so far
    op.set(defect);
    await op.listen();
    t.after(() => op.stop());
    return op;
  }

  // From now on it does this wrong; {}: nothing.
  set(defect) { this.defect = defect; }

  // Certificates, and whether it speaks TLS at all, are chosen per connection.
  async listen() {
    const receive = (req, res) => { this.serve(req, res).catch(() => res.destroy()); };
    this.plain = http.createServer(receive);
    this.servers = Object.fromEntries(Object.entries(this.tls).map(([name, { key, cert }]) => {
      const server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, receive);
      server.on('tlsClientError', () => {});
      return [name, server];
    }));
    this.front = net.createServer((socket) => this.accept(socket));
    await new Promise((resolve) => { this.front.listen(0, '127.0.0.1', resolve); });
    this.port = this.front.address().port;
    this.issuer = `https://127.0.0.1:${this.port}`;
  }

  accept(socket) {
    this.connections++;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    const { tls = 'good' } = this.defect;
    if (tls === 'cut') socket.destroy();
    else (tls === 'none' ? this.plain : this.servers[tls]).emit('connection', socket);
  }

  async stop() {
    const closed = new Promise((resolve) => { this.front.close(resolve); });
    for (const s of this.sockets) s.destroy();
    await closed;
  }

  async serve(req, res) {
    const url = new URL(req.url, this.issuer);
    const endpoint = endpoints[url.pathname] ?? 'elsewhere';
    const chunks = [];
    for await (const c of req) chunks.push(c);
    const seen = { endpoint, url, headers: req.headers, form: new URLSearchParams(Buffer.concat(chunks).toString()) };
    this.requests.push(seen);
    const own = this.defect.respond?.[endpoint];
    if (own && own(req, res, this) !== 'go on') return;
    if (this[endpoint]) this[endpoint](seen, res);
    else res.writeHead(404).end();
  }

  send(res, value, status = 200, type = 'application/json') {
    const raw = typeof value === 'string' || Buffer.isBuffer(value);
    res.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
    res.end(raw ? value : JSON.stringify(value));
  }

  discovery(seen, res) {
    const at = (path) => `${this.issuer}${path}`;
    const document = {
      issuer: this.issuer, authorization_endpoint: at('/auth'), token_endpoint: at('/token'), jwks_uri: at('/jwks'),
      userinfo_endpoint: at('/userinfo'), response_types_supported: ['code'], subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
      code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['client_secret_basic'],
      authorization_response_iss_parameter_supported: true,
    };
    this.send(res, this.defect.metadata?.(document, this) ?? document);
  }

  jwks(seen, res) {
    const set = { keys: Object.values(this.keys).map(publicJwk) };
    this.send(res, this.defect.jwks?.(set, this) ?? set);
  }

  authorize({ url }, res) {
    const asked = Object.fromEntries(url.searchParams);
    const code = randomBytes(16).toString('hex');
    this.codes.set(code, asked);
    const params = [['code', code], ['state', asked.state], ['iss', this.issuer]];
    const changed = this.defect.callback?.(params, asked) ?? params;
    const back = new URL(asked.redirect_uri);
    back.search = typeof changed === 'string' ? changed : new URLSearchParams(changed).toString();
    res.writeHead(302, { Location: back.href, 'Cache-Control': 'no-store' }).end();
  }

  token({ form }, res) {
    const asked = this.codes.get(form.get('code'));
    this.codes.delete(form.get('code'));
    if (!asked) return this.send(res, { error: 'invalid_grant' }, 400);
    this.asked = asked;
    this.accessToken = randomBytes(24).toString('base64url');
    const answer = { access_token: this.accessToken, token_type: 'Bearer', expires_in: 3600, id_token: this.idToken(asked) };
    return this.send(res, this.defect.answer?.(answer, this) ?? answer);
  }

  // The key that signs, private: of the case, or the RSA key.
  get key() { return this.defect.key ? this.defect.key(this) : this.keys.RS256; }

  goodClaims(asked) {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: this.issuer, sub: 'mallory', aud: CLIENT.client_id, exp: now + 3600, iat: now, nonce: asked.nonce,
      preferred_username: 'mallory', email: 'mallory@example.com', email_verified: true,
    };
  }

  idToken(asked) {
    const { defect } = this;
    let claims = this.goodClaims(asked);
    if (defect.userinfoWanted) delete claims.preferred_username;
    else claims.at_hash = atHash(this.key.alg, this.accessToken);
    claims = defect.claims?.(claims, this) ?? claims;
    this.subject = claims.sub ?? 'mallory'; // whom userinfo is about
    if (defect.token) return defect.token(this, claims);
    const { alg, kid } = this.key;
    return signJws(this.key, claims, defect.header?.({ alg, kid }, this) ?? {});
  }

  userinfo({ headers }, res) {
    if (headers.authorization !== `Bearer ${this.accessToken}`) return this.send(res, { error: 'invalid_token' }, 401);
    const claims = { sub: this.subject, preferred_username: 'mallory', email: 'mallory@example.com', email_verified: true };
    return this.send(res, this.defect.userinfo?.(claims, this) ?? claims);
  }
}
