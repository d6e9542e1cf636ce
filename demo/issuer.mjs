// A local issuer for the demo: makes an ECDSA key, writes its JWKS, and signs a
// service-account token for each user, shaped as Kubernetes shapes them
// (kubectl create token). The private key is never written anywhere.
//
// node issuer.mjs DIR ISSUER AUDIENCE USER...
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const [dir, issuer, audience, ...users] = process.argv.slice(2);
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const kid = randomUUID();
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function serviceAccountToken(name) {
	const now = Math.floor(Date.now() / 1000);
	const namespace = 'demo';
	const head = base64url({ alg: 'ES256', kid, typ: 'JWT' });
	const claims = base64url({
		aud: [audience],
		exp: now + 8 * 3600,
		iat: now,
		iss: issuer,
		jti: randomUUID(),
		'kubernetes.io': { namespace, serviceaccount: { name, uid: randomUUID() } },
		nbf: now,
		sub: `system:serviceaccount:${namespace}:${name}`,
	});
	const signature = sign('sha256', Buffer.from(`${head}.${claims}`),
		{ key: privateKey, dsaEncoding: 'ieee-p1363' });
	return `${head}.${claims}.${signature.toString('base64url')}`;
}

const jwk = { ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid, use: 'sig' };
writeFileSync(`${dir}/jwks.json`, JSON.stringify({ keys: [jwk] }), { mode: 0o644 });
for (const user of users)
	writeFileSync(`${dir}/${user}.token`, serviceAccountToken(user), { mode: 0o600 });
