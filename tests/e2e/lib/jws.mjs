// Keys and signatures of JOSE (RFC 7515, 7518, 8037), down to the parts, so that
// a test can put them together wrongly.
import { constants, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const make = {
  RS256: (bits = 2048) => generateKeyPairSync('rsa', { modulusLength: bits }),
  PS256: (bits = 2048) => generateKeyPairSync('rsa', { modulusLength: bits }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const signatures = {
  RS256: (key, input) => sign('sha256', input, key),
  PS256: (key, input) => sign('sha256', input, { key, ...pss }),
  ES256: (key, input) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }),
  ES384: (key, input) => sign('sha384', input, { key, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (key, input) => sign(null, input, key),
};
const hashes = { RS256: 'sha256', PS256: 'sha256', ES256: 'sha256', ES384: 'sha384', EdDSA: 'sha512' };

// A private key as a JWK for that algorithm, with a kid of its own.
export const makeJwk = (alg, ...args) => ({
  ...make[alg](...args).privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg, use: 'sig',
});

// What may be published of it.
export function publicJwk({ kid, alg, use, ...key }) {
  return { ...createPublicKey({ key, format: 'jwk' }).export({ format: 'jwk' }), kid, alg, use };
}

// RFC 7638: its name, made of itself.
export function thumbprint(jwk) {
  const members = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((name) => name in jwk);
  return createHash('sha256').update(JSON.stringify(jwk, members)).digest('base64url');
}

// The private key as a file holds it.
export const privatePem = (jwk) => createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' });

export const publicPem = (jwk) => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });

// Base64url of a value: of an object, its JSON.
export const part = (value) => Buffer.from(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString('base64url');

// The signature over header and claims, which may be text already. alg: how,
// whatever the header says.
export const signature = (jwk, input, alg = jwk.alg) =>
  signatures[alg](createPrivateKey({ key: jwk, format: 'jwk' }), Buffer.from(input)).toString('base64url');

// A compact JWS. header: over alg and kid of the key.
export function signJws(jwk, claims, header = {}) {
  const input = `${part(typeof header === 'string' ? header : { alg: jwk.alg, kid: jwk.kid, ...header })}.${part(claims)}`;
  return `${input}.${signature(jwk, input)}`;
}

// at_hash of OpenID Connect Core 3.1.3.6.
export function atHash(alg, accessToken) {
  const digest = createHash(hashes[alg]).update(accessToken).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
