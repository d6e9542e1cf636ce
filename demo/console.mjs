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

// The user as the token names him; the console trusts Doorward's check.
function userOf(request) {
	const token = /^Bearer ([^.]+)\.([^.]+)\./.exec(request.headers.authorization ?? '');
	try {
		return JSON.parse(Buffer.from(token[2], 'base64url')).sub
			.replace(/^system:serviceaccount:/, '');
	} catch {
		return 'nobody in particular';
	}
}

function fieldRows(request) {
	const rows = [];
	for (let i = 0; i < request.rawHeaders.length; i += 2) {
		let value = request.rawHeaders[i + 1];
		if (request.rawHeaders[i].toLowerCase() === 'authorization')
			value = `${value.slice(0, 27)}… (${value.length} characters)`;
		rows.push(`<tr><th scope="row">${escape(request.rawHeaders[i])}</th>` +
			`<td>${escape(value)}</td></tr>`);
	}
	return rows.join('\n');
}

const page = (request) => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo console</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: baseline; justify-content: space-between; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: bold; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid #8888; overflow-wrap: anywhere; }
th { font-weight: 600; min-width: 8rem; }
td, code { font-family: ui-monospace, monospace; font-size: .9rem; }
a { padding: .4rem 0; }
a:focus-visible { outline: 3px solid; outline-offset: 2px; }
</style>
</head>
<body>
<header>
<h1>Demo console</h1>
<nav aria-label="Session"><a id="sign-out" href="/_doorward/logout">Sign out</a></nav>
</header>
<main>
<p>Signed in as <strong id="user">${escape(userOf(request))}</strong>.</p>
<p>This page comes from the console behind Doorward. It shows the request as it
arrived here: <code>${escape(request.method)} ${escape(request.url)}</code></p>
<table>
<caption>Fields of the request</caption>
<tbody>
${fieldRows(request)}
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
		'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
	});
	response.end(request.method === 'HEAD' ? undefined : body);
});
server.listen(0, '127.0.0.1', () => {
	// whole or not at all: somebody waits for this file
	writeFileSync(`${portFile}.new`, String(server.address().port));
	renameSync(`${portFile}.new`, portFile);
});
