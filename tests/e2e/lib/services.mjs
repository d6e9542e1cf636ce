// Stand-ins for external services, with TLS: each follows the public HTTP API
// of the real one as far as a console asks it, lets in exactly the credential
// that it was told, and records what arrives, refused or not.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { temporaryDir } from './doorward.mjs';
import { makeCertificate } from './files.mjs';

export const basic = (user, password) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
export const bearer = (token) => `Bearer ${token}`;

// What each answers to whom it lets in: path -> JSON.
const apis = {
  // Prometheus: /api/v1/query
  prometheus: { '/api/v1/query': { status: 'success', data: { resultType: 'vector', result: [] } } },
  // Grafana: /api/search, /api/dashboards/uid/:uid
  grafana: { '/api/search': [{ id: 1, uid: 'mesh', title: 'Istio Mesh Dashboard', type: 'dash-db' }] },
  // Jaeger's query service: /api/services, /api/traces
  jaeger: { '/api/services': { data: ['productpage'], total: 1, limit: 0, offset: 0, errors: null } },
  // Tempo: /api/echo, /api/search/tag/:tag/values
  tempo: { '/api/search/tag/service.name/values': { tagValues: ['productpage'], metrics: {} } },
  // Perses: /api/v1/projects
  perses: { '/api/v1/projects': [{ kind: 'Project', metadata: { name: 'istio' } }] },
};

export class Service {
  // api: one of the above. accepts: values of Authorization that are good;
  // undefined: all. header: [name, value] that must be there. clientCa: PEM of
  // who signs the client certificate that must be shown. tls: {key, cert} files.
  constructor(t, api, { accepts, header, clientCa, tls, answer } = {}) {
    this.t = t;
    Object.assign(this, { api, accepts, header, clientCa, answer });
    this.requests = [];
    this.sockets = new Set();
    this.dir = temporaryDir();
    this.tls = tls ?? makeCertificate(this.dir, api);
    this.caFile = this.tls.cert;
    t.after(async () => { await this.close(); fs.rmSync(this.dir, { recursive: true, force: true }); });
  }

  static start(t, api, options) { return new Service(t, api, options).listen(); }

  async listen() {
    this.server = https.createServer({
      ...this.keyPair(), ...(this.clientCa ? { requestCert: true, rejectUnauthorized: true, ca: this.clientCa } : {}),
    }, (req, res) => this.serve(req, res));
    this.server.on('tlsClientError', () => {});
    this.server.on('connection', (s) => { this.sockets.add(s); s.on('close', () => this.sockets.delete(s)); });
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    this.port = this.server.address().port;
    this.url = `https://localhost:${this.port}`;
    return this;
  }

  keyPair() { return { key: fs.readFileSync(this.tls.key), cert: fs.readFileSync(this.tls.cert) }; }

  // Another certificate from the next handshake on; connections are cut.
  replaceCertificate(tls) {
    this.tls = tls;
    this.server.setSecureContext(this.keyPair());
    this.cut();
  }

  cut() { for (const s of this.sockets) s.destroy(); }

  // All values of a field in the order in which they came.
  static fields(raw, name) {
    const found = [];
    for (let i = 0; i < raw.length; i += 2) if (raw[i].toLowerCase() === name.toLowerCase()) found.push(raw[i + 1]);
    return found;
  }

  good({ rawHeaders }) {
    const credentials = Service.fields(rawHeaders, 'Authorization');
    if (this.accepts && !(credentials.length === 1 && this.accepts.includes(credentials[0]))) return false;
    if (!this.header) return true;
    const values = Service.fields(rawHeaders, this.header[0]);
    return values.length === 1 && values[0] === this.header[1];
  }

  serve(req, res) {
    const chunks = [];
    req.on('data', (c) => chunks.push(c));
    req.on('end', () => {
      const seen = {
        method: req.method, url: req.url, raw: req.rawHeaders, body: Buffer.concat(chunks).toString(),
        credentials: Service.fields(req.rawHeaders, 'Authorization'),
        peer: this.clientCa ? req.socket.getPeerCertificate().subject?.CN : undefined,
      };
      this.requests.push(seen);
      if (this.answer?.(req, res, seen)) return;
      const reply = (status, value, headers = {}) => {
        res.writeHead(status, { 'Content-Type': 'application/json', ...headers });
        res.end(JSON.stringify(value));
      };
      if (!this.good(req)) reply(401, { message: 'Unauthorized' }, { 'WWW-Authenticate': `Basic realm="${this.api}"` });
      else {
        const found = apis[this.api][req.url.split('?')[0]];
        reply(found ? 200 : 404, found ?? { message: 'Not found' });
      }
    });
  }

  close() {
    this.cut();
    return new Promise((resolve) => { this.server.close(() => resolve()); });
  }
}

// The token endpoint of an OAuth 2.0 authorization server, for the client
// credentials grant: RFC 6749, sections 2.3.1 (the client's password in the
// header or in the form), 4.4 and 5.
export class TokenEndpoint extends Service {
  // clients: {id: [secrets]}. style: 'header' or 'params'. seconds: how long a
  // token is good. Every token that is given out is in tokens.
  constructor(t, { clients, style = 'header', seconds = 3600, ...options }) {
    super(t, 'token-endpoint', options);
    Object.assign(this, { clients, style, seconds, up: true });
    this.tokens = [];
    this.answer = (req, res, seen) => this.grant(req, res, seen);
  }

  static start(t, options) { return new TokenEndpoint(t, options).listen(); }

  // [id, secret] as the style demands them, and nothing in the other place.
  client(form, credentials) {
    if (this.style === 'params') return credentials.length ? [] : [form.get('client_id'), form.get('client_secret')];
    if (credentials.length !== 1 || form.has('client_secret')) return [];
    const [scheme, value] = credentials[0].split(' ');
    if (scheme !== 'Basic') return [];
    const text = Buffer.from(value, 'base64').toString();
    const unescape = (s) => decodeURIComponent(s.replace(/\+/g, ' '));
    return [unescape(text.slice(0, text.indexOf(':'))), unescape(text.slice(text.indexOf(':') + 1))];
  }

  grant(req, res, seen) {
    const reply = (status, value) => {
      res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      res.end(JSON.stringify(value));
      return true;
    };
    if (!this.up) return reply(503, { error: 'temporarily_unavailable' });
    if (req.method !== 'POST' || !/^application\/x-www-form-urlencoded/.test(req.headers['content-type'] ?? '')) {
      return reply(400, { error: 'invalid_request' });
    }
    const form = new URLSearchParams(seen.body);
    if (form.get('grant_type') !== 'client_credentials') return reply(400, { error: 'unsupported_grant_type' });
    const [id, secret] = this.client(form, seen.credentials);
    if (!this.clients[id]?.includes(secret)) return reply(401, { error: 'invalid_client' });
    seen.form = Object.fromEntries(form);
    seen.secret = secret;
    const token = createHash('sha256').update(`${this.port} ${this.tokens.length}`).digest('base64url');
    this.tokens.push(token);
    return reply(200, { access_token: token, token_type: 'Bearer', expires_in: this.seconds });
  }
}
