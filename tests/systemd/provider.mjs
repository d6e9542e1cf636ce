// A small OpenID provider with TLS on loopback, for the guest: one person, who
// is signed in already, and one client, which shows that it has its key
// (private_key_jwt).
//
// node provider.mjs DIR: DIR/provider.{pem,key} are its own, DIR/client.pem is
// the client's public key; its port goes to DIR/provider.port.
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';

const dir = process.argv[2];
const client = createPublicKey(readFileSync(`${dir}/client.pem`));
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k', use: 'sig' }];
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const raw = (key) => ({ key, dsaEncoding: 'ieee-p1363' });
const codes = new Map();
let issuer;

function idToken({ client_id: aud, nonce }) {
	const now = Math.floor(Date.now() / 1000);
	const input = `${part({ alg: 'ES256', kid: 'k' })}.${part({
		iss: issuer, aud, nonce, iat: now, exp: now + 3600, sub: 'demo:openid' })}`;
	return `${input}.${sign('sha256', Buffer.from(input), raw(privateKey)).toString('base64url')}`;
}

function isClient(assertion) {
	const [head, claims, signature] = assertion.split('.');
	const { iss, sub, aud, exp } = JSON.parse(Buffer.from(claims, 'base64url'));
	return iss === 'doorward' && sub === iss && aud === issuer && exp > Date.now() / 1000 &&
		verify('sha256', Buffer.from(`${head}.${claims}`), raw(client), Buffer.from(signature, 'base64url'));
}

function tokens(form) {
	const asked = codes.get(form.get('code'));
	codes.delete(form.get('code'));
	if (!isClient(form.get('client_assertion') ?? '..')) return [401, { error: 'invalid_client' }];
	const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
	if (asked?.code_challenge !== challenge || asked.redirect_uri !== form.get('redirect_uri'))
		return [400, { error: 'invalid_grant' }];
	return [200, { token_type: 'Bearer', access_token: randomUUID(), expires_in: 3600, id_token: idToken(asked) }];
}

function answer(url, form) {
	switch (url.pathname) {
	case '/.well-known/openid-configuration':
		return [200, {
			issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`,
			jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'],
			subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'],
			code_challenge_methods_supported: ['S256'],
			token_endpoint_auth_methods_supported: ['private_key_jwt'],
			token_endpoint_auth_signing_alg_values_supported: ['ES256'],
		}];
	case '/jwks':
		return [200, { keys }];
	case '/auth': {
		const asked = Object.fromEntries(url.searchParams);
		const code = randomUUID();
		codes.set(code, asked);
		return [302, {}, `${asked.redirect_uri}?${new URLSearchParams({ code, state: asked.state })}`];
	}
	case '/token':
		return tokens(form);
	default:
		return [404, {}];
	}
}

const server = createServer({
	key: readFileSync(`${dir}/provider.key`), cert: readFileSync(`${dir}/provider.pem`),
}, async (request, response) => {
	let body = '';
	for await (const chunk of request) body += chunk;
	const [status, document, location] = answer(new URL(request.url, issuer), new URLSearchParams(body));
	response.writeHead(status, { 'Content-Type': 'application/json', ...(location ? { Location: location } : {}) });
	response.end(JSON.stringify(document));
});
server.listen(0, '127.0.0.1', () => {
	const { port } = server.address();
	issuer = `https://127.0.0.1:${port}`;
	writeFileSync(`${dir}/provider.port.new`, `${port}\n`);
	renameSync(`${dir}/provider.port.new`, `${dir}/provider.port`);
});
