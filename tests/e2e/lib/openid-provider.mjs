// A real OpenID provider, npm's oidc-provider (certified by the OpenID
// Foundation), over TLS on loopback: own authority, own login page, accounts
// alice and bob. It runs in the test's own process.
//
//   const op = await OpenidProvider.start(t);
//   op.addClient({ client_id: 'doorward', client_secret: 's', redirect_uris: [...] });
//   ... op.issuer, op.caFile, await op.rotate(), await op.stop(), await op.start() ...
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { Provider } from 'oidc-provider';
import { temporaryDir } from './doorward.mjs';
import { issueCertificate, makeAuthority } from './files.mjs';
import { makeJwk, signJws } from './jws.mjs';

// Where oidc-provider keeps what it knows: in rows, which outlive its
// instances. Clients come from a table of their own.
function storage(clients, rows) {
  const grants = new Map();
  return (model) => {
    const key = (id) => `${model} ${id}`;
    const live = (row) => (row && (!row.end || row.end > Date.now()) ? row.payload : undefined);
    return {
      async find(id) { return model === 'Client' ? clients.get(id) : live(rows.get(key(id))); },
      async findByUid(uid) {
        for (const [k, row] of rows) if (k.startsWith(`${model} `) && row.payload.uid === uid) return live(row);
        return undefined;
      },
      async upsert(id, payload, seconds) {
        rows.set(key(id), { payload, end: seconds ? Date.now() + seconds * 1000 : 0 });
        if (payload.grantId) grants.set(payload.grantId, [...grants.get(payload.grantId) ?? [], key(id)]);
      },
      async consume(id) { rows.get(key(id)).payload.consumed = Math.floor(Date.now() / 1000); },
      async destroy(id) { rows.delete(key(id)); },
      async revokeByGrantId(id) {
        for (const k of grants.get(id) ?? []) if (k.startsWith(`${model} `)) rows.delete(k);
      },
    };
  };
}

const page = (title, body) => `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`;
const loginForm = (uid) => page('Provider: sign in', `<form method="post" action="/interaction/${uid}">
<label>User <input name="user"></label><label>Password <input name="password" type="password"></label>
<button type="submit">Sign in</button></form>`);

export class OpenidProvider {
  // ttl: seconds {AccessToken, IdToken, RefreshToken}. pushed: false, true or
  // 'required' (RFC 9126). claimsIn: 'id_token' or 'userinfo'. keys: algorithms
  // that it signs with. host: in its issuer and its certificate.
  constructor(t, { ttl = {}, pushed = true, claimsIn = 'id_token', keys = ['RS256'], refresh = true, host = '127.0.0.1', config = {} } = {}) {
    this.t = t;
    this.host = host;
    this.options = { ttl, pushed, claimsIn, refresh, config };
    this.dir = temporaryDir();
    this.newAuthority();
    this.clients = new Map();
    this.accounts = new Map([
      ['alice', {
        sub: 'alice', name: 'Alice', preferred_username: 'alice', email: 'alice@example.com', email_verified: true,
        groups: ['mesh-admins', 'everybody'],
      }],
      ['bob', {
        sub: 'bob', name: 'Bob', preferred_username: 'bob', email: 'bob@elsewhere.example', email_verified: false,
        groups: ['everybody'],
      }],
    ]);
    this.rows = new Map();
    this.adapter = storage(this.clients, this.rows);
    this.cookieKeys = [randomBytes(16).toString('hex')];
    this.keys = keys.map((alg) => makeJwk(alg));
    this.requests = []; // {method, path}: what was asked
    this.grants = []; // {type, error}: answers of the token endpoint
    this.backchannel = []; // {error}: answers to our logout tokens
    this.trusted = []; // PEM: who may get logout tokens
    this.sockets = new Set();
    t?.after(async () => { await this.stop(); fs.rmSync(this.dir, { recursive: true, force: true }); });
  }

  // Its certificate is of another authority from its next start on.
  newAuthority(name = 'authority') {
    const authority = makeAuthority(this.dir, name);
    this.caFile = authority.cert;
    this.ca = fs.readFileSync(authority.cert, 'utf8');
    this.tls = issueCertificate(this.dir, `provider-of-${name}`, authority, { names: `${net.isIP(this.host) ? 'IP' : 'DNS'}:${this.host}` });
  }

  static async start(t, options) {
    const op = new OpenidProvider(t, options);
    await op.start();
    return op;
  }

  // Starts, or starts again on the same port after stop(). What it knew of
  // sessions and tokens it still knows.
  async start() {
    this.server = https.createServer({ key: fs.readFileSync(this.tls.key), cert: fs.readFileSync(this.tls.cert) },
      (req, res) => this.serve(req, res));
    this.server.on('tlsClientError', () => {});
    this.server.on('connection', (s) => {
      this.sockets.add(s);
      s.on('close', () => this.sockets.delete(s));
      s.on('error', () => {});
    });
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port ?? 0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    this.issuer = `https://${this.host}:${this.port}`;
    if (!this.provider) this.renew();
  }

  // Down: connections are refused from now on.
  async stop() {
    if (!this.server?.listening) return;
    const closed = new Promise((resolve) => { this.server.close(resolve); });
    for (const s of this.sockets) s.destroy();
    await closed;
  }

  // A client by the names of RFC 7591. Its redirect_uris may come later.
  addClient(client) {
    this.clients.set(client.client_id, {
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      token_endpoint_auth_method: client.client_secret ? 'client_secret_basic' : 'none',
      ...client,
    });
  }

  // Of sessions and tokens it knows nothing any more.
  forget() { this.rows.clear(); }

  // New signing keys. keep: the old ones are still published.
  rotate({ keep = false } = {}) {
    const fresh = this.keys.map(({ alg }) => makeJwk(alg));
    this.published = keep ? [...fresh, ...this.keys] : fresh;
    this.keys = fresh;
    this.renew();
  }

  // oidc-provider has no way to change its keys: a new instance takes over what
  // the old one stored.
  renew() {
    const { ttl, pushed, claimsIn, refresh, config } = this.options;
    const seconds = { AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 600, RefreshToken: 86400, Session: 86400, ...ttl };
    this.provider = new Provider(this.issuer, {
      adapter: this.adapter,
      jwks: { keys: this.published ?? this.keys },
      cookies: { keys: this.cookieKeys },
      claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups', 'padding'], email: ['email', 'email_verified'] },
      conformIdTokenClaims: claimsIn === 'userinfo',
      clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
      enabledJWA: { idTokenSigningAlgValues: [...new Set(['RS256', ...this.keys.map((k) => k.alg)])] },
      clientDefaults: { id_token_signed_response_alg: this.keys[0].alg },
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        revocation: { enabled: true },
        pushedAuthorizationRequests: { enabled: Boolean(pushed), requirePushedAuthorizationRequests: pushed === 'required' },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (ctx, form) => {
            ctx.body = page('Provider: sign out?', `${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`);
          },
          postLogoutSuccessSource: (ctx) => { ctx.body = page('Provider: signed out', ''); },
        },
      },
      findAccount: (ctx, id) => this.accounts.has(id) && { accountId: id, claims: async () => this.accounts.get(id) },
      interactions: { url: (ctx, { uid }) => `/interaction/${uid}` },
      issueRefreshToken: () => refresh,
      loadExistingGrant: (ctx) => this.grant(ctx),
      pkce: { methods: ['S256'], required: () => true },
      renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = page('Provider: error', `<pre>${JSON.stringify(out).replaceAll('<', '&lt;')}</pre>`); },
      rotateRefreshToken: true,
      ttl: seconds,
      httpOptions: () => ({ agent: new https.Agent({ ca: this.trusted }) }),
      ...config,
    });
    this.watch();
    this.callback = this.provider.callback();
  }

  watch() {
    const type = (ctx) => ctx.oidc.params?.grant_type;
    this.provider.on('grant.success', (ctx) => this.grants.push({ type: type(ctx) }));
    this.provider.on('grant.error', (ctx, e) => this.grants.push({ type: type(ctx), error: e.error, why: e.error_detail }));
    this.provider.on('backchannel.success', () => this.backchannel.push({}));
    this.provider.on('backchannel.error', (ctx, e) => this.backchannel.push({ error: e.message }));
    this.provider.on('server_error', (ctx, e) => { this.t?.diagnostic(`provider: ${e.stack}`); });
  }

  // Everybody consents to everything.
  async grant(ctx) {
    const { client, session, params } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    const old = known && await this.provider.Grant.find(known);
    if (old) return old; // else it was revoked with its tokens
    const grant = new this.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(params.scope);
    grant.addOIDCClaims(['sub', 'name', 'preferred_username', 'groups', 'padding', 'email', 'email_verified']);
    await grant.save();
    return grant;
  }

  // before(req, res): a test's own hand; true: it has answered.
  async serve(req, res) {
    const { pathname } = new URL(req.url, this.issuer);
    this.requests.push({ method: req.method, path: pathname });
    if (await this.before?.(req, res)) return;
    const interaction = /^\/interaction\/([\w-]+)$/.exec(pathname);
    if (interaction) await this.interact(req, res, interaction[1]);
    else this.callback(req, res);
  }

  // Any account with the password that is its name.
  async interact(req, res, uid) {
    const form = async () => {
      const chunks = [];
      for await (const c of req) chunks.push(c);
      return new URLSearchParams(Buffer.concat(chunks).toString());
    };
    try {
      await this.provider.interactionDetails(req, res);
      const values = req.method === 'POST' ? await form() : new URLSearchParams();
      const user = values.get('user');
      if (this.accounts.has(user) && values.get('password') === user) {
        await this.provider.interactionFinished(req, res, { login: { accountId: user } });
      } else if (values.get('user') === 'nobody') {
        await this.provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'nobody wanted to' });
      } else {
        res.writeHead(200, { 'Content-Type': 'text/html' }).end(loginForm(uid));
      }
    } catch (e) {
      res.writeHead(400, { 'Content-Type': 'text/plain' }).end(`${e.name}: ${e.error_description ?? e.message}`);
    }
  }

  // Any claims, signed with the provider's first key.
  sign(claims, header) { return signJws(this.keys[0], claims, header); }
}

// Fills in the provider's login page. Resolves with what comes after it: the
// last page, or the redirect that stop is true for.
export const signIn = (browser, loginPage, user = 'alice', options = {}) =>
  browser.submit(loginPage, { user, password: user }, options);

// From a start URL through the provider's login page (if it shows one) to the
// end of the redirects.
export async function login(browser, start, user = 'alice', options = {}) {
  const first = await browser.open(start, options);
  return /<title>Provider: sign in/.test(first.body) ? signIn(browser, first, user, options) : first;
}
