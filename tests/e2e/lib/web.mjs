// A person's browser as far as HTTP goes: cookies by host and path (not by
// port, as browsers have it), redirects followed across servers, forms filled
// in. It runs no scripts.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';

const HOPS_MAX = 20;

class Jar {
  constructor() { this.cookies = []; }

  store(url, line) {
    const [pair, ...rest] = line.split(/; */);
    const at = pair.indexOf('=');
    const attributes = Object.fromEntries(rest.map((a) => [a.split('=')[0].toLowerCase(), a.slice(a.indexOf('=') + 1)]));
    const cookie = {
      host: url.hostname, path: attributes.path ?? '/', secure: 'secure' in attributes,
      name: pair.slice(0, at), value: pair.slice(at + 1), line,
    };
    this.cookies = this.cookies.filter((c) => !(c.host === cookie.host && c.path === cookie.path && c.name === cookie.name));
    const gone = attributes['max-age'] === '0' || Date.parse(attributes.expires) <= Date.now();
    if (!gone && cookie.value !== '') this.cookies.push(cookie);
  }

  for(url) {
    const under = (path) => url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
    return this.cookies.filter((c) => c.host === url.hostname && under(c.path) && (!c.secure || url.protocol === 'https:'));
  }
}

export class Browser {
  // ca: PEM texts of what is trusted. headers: on every request. ports: where a
  // server is in truth, {'https://localhost': 8443}.
  constructor(t, { ca = [], headers = {}, ports = {} } = {}) {
    this.ports = ports;
    this.jar = new Jar();
    this.headers = headers;
    this.agents = { 'https:': new https.Agent({ keepAlive: true, ca }), 'http:': new http.Agent({ keepAlive: true }) };
    t?.after(() => this.close());
  }

  close() { for (const a of Object.values(this.agents)) a.destroy(); }

  // The value of a cookie of that host, or undefined.
  cookie(name, host = 'localhost') { return this.jar.cookies.find((c) => c.name === name && c.host === host)?.value; }
  // All that it has of that host, by name.
  cookiesOf(host) { return Object.fromEntries(this.jar.cookies.filter((c) => c.host === host).map((c) => [c.name, c.value])); }

  // One request. Resolves with {url, status, headers, body, setCookie}.
  fetch(url, { method = 'GET', headers = {}, body, signal, localAddress } = {}) {
    const u = new URL(url);
    const cookie = this.jar.for(u).map((c) => `${c.name}=${c.value}`).join('; ');
    return new Promise((resolve, reject) => {
      const req = (u.protocol === 'https:' ? https : http).request(u, {
        method, signal, localAddress, agent: this.agents[u.protocol], lookup: loopback, port: this.ports[u.origin] ?? u.port,
        headers: { Host: u.host, Accept: 'text/html', ...this.headers, ...(cookie ? { Cookie: cookie } : {}), ...headers },
      }, (res) => {
        const chunks = [];
        res.on('data', (c) => chunks.push(c));
        res.on('error', reject);
        res.on('end', () => {
          const setCookie = res.headers['set-cookie'] ?? [];
          for (const line of setCookie) this.jar.store(u, line);
          resolve({ url: u.href, status: res.statusCode, headers: res.headers, setCookie, body: Buffer.concat(chunks).toString() });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  // Follows redirects until stop(url) says so or a page comes. Resolves with
  // that page, or with the answer that would have led to the URL; hops: every
  // answer on the way.
  async open(url, { stop = () => false, ...options } = {}) {
    const hops = [];
    let at = url;
    let request = options;
    for (;;) {
      const r = await this.fetch(at, request);
      hops.push(r);
      r.hops = hops;
      const location = r.headers.location && new URL(r.headers.location, r.url).href;
      if (![301, 302, 303, 307, 308].includes(r.status) || !location || stop(location)) return r;
      assert.ok(hops.length < HOPS_MAX, `redirects without an end: ${hops.map((h) => h.url).join('\n')}`);
      const keep = r.status === 307 || r.status === 308;
      request = { headers: request.headers, ...(keep ? { method: request.method, body: request.body } : {}) };
      at = location;
    }
  }

  // Sends the form of a page with these values.
  submit(page, values, options = {}) {
    const action = /<form[^>]*\baction="([^"]*)"/.exec(page.body);
    assert.ok(action, `no form: ${page.status} ${page.url}\n${page.body.slice(0, 400)}`);
    const form = new URLSearchParams();
    for (const [tag] of page.body.matchAll(/<input[^>]*>/g)) {
      const attribute = (name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
      if (attribute('name')) form.set(attribute('name'), attribute('value') ?? '');
    }
    for (const [k, v] of Object.entries(values)) form.set(k, v);
    return this.open(new URL(action[1].replaceAll('&amp;', '&'), page.url).href, {
      ...options, method: 'POST', body: form.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
  }
}

// Every name is this machine.
function loopback(host, options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
}
