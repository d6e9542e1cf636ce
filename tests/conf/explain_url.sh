#!/bin/sh
# doorward explain-url: what it prints, and how it refuses.
set -eu
doorward=$PWD/doorward
dir=$(mktemp -d "${TMPDIR:-/tmp}/doorward-url.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cat >"$dir/config.yaml" <<'CONFIG'
auth: {strategy: anonymous}
server: {web_root: /kiali, port: 20001}
doorward:
  listen: ['127.0.0.1:8080']
  trusted_proxies: [10.0.0.0/8]
  console: {url: 'http://127.0.0.1:1'}
CONFIG
bad=0
# expect STATUS TEXT ARGUMENTS...
expect() {
	want=$1 text=$2 status=0
	shift 2
	"$doorward" explain-url --config "$dir/config.yaml" "$@" >"$dir/out" 2>&1 || status=$?
	if [ "$status" != "$want" ] || ! grep -qF -e "$text" "$dir/out"; then
		echo "FAIL: explain-url $*: status $status, and not: $text"
		cat "$dir/out"
		bad=1
	fi
}
proto='X-Forwarded-Proto: https'
expect 0 'http://k.example:20001/kiali' --host k.example
expect 0 'https://k.example:20001/kiali' --host k.example --tls
expect 0 'https://k.example/kiali' --host k.example --header "$proto" --header 'X-Forwarded-Port: 443'
expect 0 'port: X-Forwarded-Port' --host k.example --header 'X-Forwarded-Port: 443'
expect 0 'https://k.example:20001/kiali' --host k.example --header "$proto" --peer 10.1.2.3
expect 0 'http://k.example:20001/kiali' --host k.example --header "$proto" --peer 192.0.2.1
expect 0 'ignored: X-Forwarded-Proto: the peer is not in' --host k.example --header "$proto" --peer 192.0.2.1
expect 0 'ignored: X-Forwarded-Proto: it is there 2 times' --host k.example --header "$proto" --header "$proto"
expect 2 '--host is needed'
expect 2 'is no IPv4 or IPv6 address' --host k.example --peer proxy
expect 2 "must be 'NAME: VALUE'" --host k.example --header nonsense
expect 2 'what?' --host k.example what
sed 's/anonymous/openid, openid: {client_id: c, issuer_uri: "https:\/\/l.example", disable_rbac: true}/' \
	"$dir/config.yaml" >"$dir/openid.yaml"
expect 0 'redirect URI at the provider: https://k.example/kiali' --host k.example \
	--header "$proto" --header 'X-Forwarded-Port: 443' --config "$dir/openid.yaml"
for text in 'post-logout redirect URI: https://k.example/kiali' \
	'back-channel logout URI: https://k.example/kiali/_doorward/backchannel-logout' \
	'front-channel logout URI: https://k.example/kiali/_doorward/frontchannel-logout'; do
	expect 0 "$text" --host k.example --header "$proto" --header 'X-Forwarded-Port: 443' --config "$dir/openid.yaml"
done
sed 's/client_id: c,/& post_logout_redirect_uri: "https:\/\/k.example\/bye",/' "$dir/openid.yaml" >"$dir/bye.yaml"
expect 0 'post-logout redirect URI: https://k.example/bye' --host k.example --config "$dir/bye.yaml"
expect 1 'is not usable' --host k.example --config "$dir/none"
exit $bad
