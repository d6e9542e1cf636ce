// The demo's console: plain HTTP on loopback, answers every request with a page
// that shows the request as it arrived, so that one can see what Doorward adds
// and what it removes. Tokens are cut: the page is meant to be shown around.
//
// node console.mjs PORTFILE
import { createServer } from 'node:http';
import { renameSync, writeFileSync } from 'node:fs';

const portFile = process.argv[2];
const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => escapes[c]);

// What the token says of its user; the console trusts Doorward's check.
function claimsOf(request) {
	const token = /^Bearer ([^.]+)\.([^.]+)\./.exec(request.headers.authorization ?? '');
	try {
		return JSON.parse(Buffer.from(token[2], 'base64url'));
	} catch {
		return {};
	}
}

function limitsOf({ exp }) {
	if (typeof exp !== 'number') return '';
	const minutes = Math.max(0, Math.floor((exp - Date.now() / 1000) / 60));
	const date = new Date(exp * 1000);
	return `<p>The token, and with it the session, ends on
<time datetime="${date.toISOString()}">${date.toUTCString()}</time>,
in ${Math.floor(minutes / 60)} h ${minutes % 60} min.</p>`;
}

const ours = /^(authorization|x-forwarded-|x-request-id)/i;

function fieldRows(request, wanted) {
	const rows = [];
	for (let i = 0; i < request.rawHeaders.length; i += 2) {
		const [name, whole] = request.rawHeaders.slice(i, i + 2);
		if (ours.test(name) !== wanted) continue;
		const value = name.toLowerCase() === 'authorization'
			? `${whole.slice(0, 27)}… (${whole.length} characters)` : whole;
		rows.push(`<tr><th scope="row">${escape(name)}</th><td>${escape(value)}</td></tr>`);
	}
	return rows.join('\n');
}

const style = `
:root { color-scheme: light dark; --bg: #fff; --text: #1b1f24; --edge: #d5dae1; --main: #0a58ca; }
@media (prefers-color-scheme: dark) {
	:root { --bg: #14171b; --text: #eceff3; --edge: #363c45; --main: #8ab8ff; }
}
body { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; background: var(--bg);
	color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: .25rem 2rem; align-items: center; justify-content: space-between;
	border-bottom: 1px solid var(--edge); margin-bottom: 1.5rem; }
h1 { margin: .5rem 0; font-size: 1.5rem; }
nav { display: flex; gap: 1.5rem; }
a { padding: .6rem 0; color: var(--main); }
a:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem 1rem .4rem 0; border-top: 1px solid var(--edge); }
th { font-weight: 600; width: 14rem; }
td, code { font-family: ui-monospace, monospace; font-size: .875rem; }
@media (max-width: 40rem) { th, td { display: block; width: auto; } td { border: 0; padding-top: 0; } }
`;

const page = (request, claims = claimsOf(request)) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Demo console</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Demo console</h1>
<nav aria-label="Session">
<a href="/_doorward/session">Session</a>
<a id="sign-out" href="/_doorward/logout">Sign out</a>
</nav>
</header>
<main>
<p>Signed in as <strong id="user">${escape(String(claims.sub ?? 'nobody in particular')
	.replace(/^system:serviceaccount:/, ''))}</strong>.</p>
${limitsOf(claims)}
<p>This page comes from the console behind Doorward. It shows the request as it
arrived here: <code>${escape(request.method)} ${escape(request.url)}</code></p>
<table id="added">
<caption>Fields that Doorward sets</caption>
<tbody>
${fieldRows(request, true)}
</tbody>
</table>
<table id="passed">
<caption>Fields of the browser that it lets through</caption>
<tbody>
${fieldRows(request, false)}
</tbody>
</table>
</main>
</body>
</html>
`;

const server = createServer((request, response) => {
	request.resume();
	const body = page(request);
	response.writeHead(200, {
		'Content-Type': 'text/html; charset=utf-8',
		'Content-Length': Buffer.byteLength(body),
		'Cache-Control': 'no-store',
		'Content-Security-Policy': "default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	});
	response.end(request.method === 'HEAD' ? undefined : body);
});
server.listen(0, '127.0.0.1', () => {
	// whole or not at all: somebody waits for this file
	writeFileSync(`${portFile}.new`, String(server.address().port));
	renameSync(`${portFile}.new`, portFile);
});
