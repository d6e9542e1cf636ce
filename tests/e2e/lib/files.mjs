// Certificates, keys and tokens for one test run, made with the openssl
// command line and Node's crypto.
import { execFileSync } from 'node:child_process';
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

// A self-signed certificate. kind: 'ec' (P-256), 'ec384', 'rsa', or 'rsa1024',
// which is too small.
export function makeCertificate(dir, name, kind = 'ec', cn = 'localhost',
  names = 'DNS:localhost,IP:127.0.0.1') {
  const key = path.join(dir, `${name}.key`);
  const cert = path.join(dir, `${name}.crt`);
  const algorithm = {
    ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ec384: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    rsa: ['-newkey', 'rsa:2048'],
    rsa1024: ['-newkey', 'rsa:1024'],
  }[kind];
  execFileSync('openssl', ['req', '-x509', ...algorithm, '-nodes', '-days', '30',
    '-subj', `/CN=${cn}`, '-addext', `subjectAltName=${names}`,
    '-addext', 'basicConstraints=critical,CA:TRUE',
    '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key, cert };
}

// An authority that signs others' certificates, as {key, cert} files.
export const makeAuthority = (dir, name = 'authority') => makeCertificate(dir, name, 'ec', `Doorward tests, ${name}`, 'DNS:invalid');

// A certificate for a server, signed by that authority. days: how long from now
// on it is good; negative: it has expired.
export function issueCertificate(dir, name, authority, { names = 'DNS:localhost,IP:127.0.0.1', days = 30 } = {}) {
  const [key, cert, request] = ['key', 'crt', 'csr'].map((suffix) => path.join(dir, `${name}.${suffix}`));
  execFileSync('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
    '-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', request],
  { stdio: 'ignore' });
  execFileSync('openssl', ['x509', '-req', '-in', request, '-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial',
    '-copy_extensions', 'copy', '-days', String(days), '-out', cert], { stdio: 'ignore' });
  return { key, cert };
}

const b64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');

// A cluster's token issuer: RS256 key pair, its JWKS, and tokens as a
// Kubernetes API server of today (bound) or before 1.24 (legacy) makes them.
export class Issuer {
  constructor(issuer = 'https://kubernetes.default.svc.cluster.local',
    audience = 'https://kubernetes.default.svc') {
    this.issuer = issuer;
    this.audience = audience;
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.privateKey = privateKey;
    this.kid = randomBytes(8).toString('hex');
    this.jwks = {
      keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: this.kid }],
    };
  }

  sign(claims, header = {}) {
    const input = `${b64({ alg: 'RS256', kid: this.kid, ...header })}.${b64(claims)}`;
    const signature = createSign('sha256').update(input).sign(this.privateKey);
    return `${input}.${signature.toString('base64url')}`;
  }

  bound(namespace, name, { seconds = 3600, ...over } = {}) {
    const now = Math.floor(Date.now() / 1000);
    return this.sign({
      aud: [this.audience], exp: now + seconds, iat: now, nbf: now, iss: this.issuer,
      jti: randomBytes(16).toString('hex'),
      'kubernetes.io': { namespace, serviceaccount: { name, uid: `uid-${namespace}-${name}` } },
      sub: `system:serviceaccount:${namespace}:${name}`, ...over,
    });
  }

  legacy(namespace, name, over = {}) {
    const p = 'kubernetes.io/serviceaccount/';
    return this.sign({
      iss: 'kubernetes/serviceaccount', [`${p}namespace`]: namespace,
      [`${p}secret.name`]: `${name}-token-abcde`, [`${p}service-account.name`]: name,
      [`${p}service-account.uid`]: `uid-${namespace}-${name}`,
      sub: `system:serviceaccount:${namespace}:${name}`, ...over,
    });
  }
}

export function writeFile(file, content, mode = 0o644) {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  fs.rmSync(file, { force: true }); // it may be one that nobody may write to
  fs.writeFileSync(file, content, { mode });
  fs.chmodSync(file, mode);
  return file;
}
