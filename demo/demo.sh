#!/bin/sh
# make demo: everything that Doorward needs, made in a temporary directory: a
# certificate, a signing key, an issuer with its key set, tokens for two users and
# a console to protect. Ctrl-C ends it and removes all of it.
#
# demo.sh BUILDDIR
# DOORWARD_DEMO_PORT: where to listen; 0: any free port. Without it 8443, or any
# free port when that one is taken.
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
issuer=https://demo.doorward.invalid
audience=doorward-demo

for tool in node openssl; do
	command -v $tool >/dev/null ||
		{ echo "demo: $tool is missing; ./bootstrap installs it" >&2; exit 1; }
done
# Tells whether the loopback port $1 is free.
is_free() {
	node -e 'require("net").createServer().on("error", () => process.exit(1))
		.listen(process.argv[1], "127.0.0.1", () => process.exit(0))' "$1"
}
port=${DOORWARD_DEMO_PORT:-8443}
if ! is_free "$port"; then
	[ -z "${DOORWARD_DEMO_PORT:-}" ] ||
		{ echo "demo: port $port is taken; choose another DOORWARD_DEMO_PORT" >&2; exit 1; }
	echo "Port $port is taken, so the demo takes another one."
	port=0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/doorward-demo.XXXXXX")
console='' run=''
cleanup() {
	trap '' HUP INT TERM
	for pid in $run $console; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The daemons have users of their own when this runs as root: they must be able
# to walk in here, and secretd alone to read the secrets.
chmod 711 "$dir"
umask 077
mkdir -p "$dir/secrets/login-token-signing-key" "$dir/secrets/tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	-subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
	-days 30 -keyout "$dir/secrets/tls/key.pem" -out "$dir/cert.pem" \
	2>"$dir/openssl.log" || { cat "$dir/openssl.log" >&2; exit 1; }
openssl rand -hex 16 >"$dir/secrets/login-token-signing-key/value.txt"
node "$here/issuer.mjs" "$dir" "$issuer" "$audience" alice bob
chmod 644 "$dir/cert.pem" "$dir/jwks.json"
if [ "$(id -u)" = 0 ]; then
	chown -R "$(id -u doorward-secretd 2>/dev/null || echo 64103)" "$dir/secrets"
fi

node "$here/console.mjs" "$dir/console.port" &
console=$!
for _ in $(seq 100); do
	[ ! -e "$dir/console.port" ] || break
	kill -0 "$console" 2>/dev/null || { echo 'demo: no console' >&2; exit 1; }
	sleep 0.1
done

cat >"$dir/config.yaml" <<CONFIG
auth: {strategy: token}
identity:
  cert_file: $dir/cert.pem
  private_key_file: $dir/secrets/tls/key.pem
deployment: {namespace: demo, instance_name: demo}
doorward:
  listen: ["127.0.0.1:$port"]
  hosts: [localhost, 127.0.0.1]
  secrets_dirs: [$dir/secrets]
  console:
    url: http://127.0.0.1:$(cat "$dir/console.port")
    preset: generic
    credential: user-token
  kubernetes:
    jwks_file: $dir/jwks.json
    issuer: $issuer
    audiences: [$audience]
CONFIG
chmod 644 "$dir/config.yaml"

# The log goes to a file, so that what a person needs stays on the screen.
: >"$dir/log"
"$build/doorward" run --config "$dir/config.yaml" --dir "$dir/d" \
	>>"$dir/log" 2>&1 &
run=$!
while ! grep -q '^ready ' "$dir/log"; do
	kill -0 "$run" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
	sleep 0.1
done
url=$(sed -n 's/^ready //p' "$dir/log" | sed 's,//127\.0\.0\.1:,//localhost:,')
cat <<TEXT

Doorward is ready. Open this address:

    $url

The browser will warn about the certificate: this demo has just made it, for
itself. Continue anyway, and paste one of these tokens into the login page:

alice
$(cat "$dir/alice.token")

bob
$(cat "$dir/bob.token")

Both tokens are good for 8 hours from now; a session ends with its token.
Without a browser:

    curl --cacert $dir/cert.pem -H "Authorization: Bearer \$(cat $dir/alice.token)" $url

Log: $dir/log
Ctrl-C ends the demo and removes all of it.
TEXT
wait "$run" || { tail -20 "$dir/log" >&2; exit 1; }
