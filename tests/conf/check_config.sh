#!/bin/sh
# doorward check-config: each config/*.yaml against the output beside it, and the
# shipped example. With UPDATE=1 the expected files are written anew.
set -eu
doorward=$PWD/doorward
srcdir=$(cd "${srcdir:-.}" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/doorward-conf.XXXXXX")
trap 'rm -rf "$dir"' EXIT
bad=0
cd "$srcdir/tests/conf/config"
for file in *.yaml; do
	name=${file%.yaml}
	status=0
	"$doorward" check-config --config "$file" >"$dir/out" || status=$?
	echo "status $status" >>"$dir/out"
	# what secrets there are depends on the machine; below they have a folder
	sed -i '/^slot /d;/^    # slot /d' "$dir/out"
	# the default depends on the machine
	sed -i '/^doorward.workers: /{N;/default/s/: [0-9]*/: CORES/}' "$dir/out"
	[ -z "${UPDATE:-}" ] || cp "$dir/out" "$name.out"
	if ! diff -u "$name.out" "$dir/out"; then
		echo "FAIL: $file"
		bad=1
	fi
	if grep -q canary "$dir/out"; then
		echo "FAIL: $file: shows a credential"
		bad=1
	fi
done

# the shipped example, as it is and with what it shows in comments
example=$srcdir/systemd/config.yaml.example
sed 's/^#\(external_services:\|  \)/\1/' "$example" >"$dir/all.yaml"
for file in "$example" "$dir/all.yaml"; do
	if ! "$doorward" check-config --config "$file" >"$dir/out"; then
		cat "$dir/out"
		echo "FAIL: $file"
		bad=1
	fi
	if grep -E ': (warning|error): |not used by' "$dir/out"; then
		echo "FAIL: $file has warnings"
		bad=1
	fi
done
grep -q '^doorward.routes\[0\].service: prometheus$' "$dir/out" ||
	{ echo 'FAIL: the example shows no route'; bad=1; }
# every slot: where it is, how long and old, or what is wrong; never a value
mkdir -p "$dir/secrets/cluster-token" "$dir/secrets/grafana-token" \
	"$dir/secrets/login-token-signing-key"
umask 077
printf 'canary-canary-canary\n' >"$dir/secrets/cluster-token/value.txt"
touch -d '3 days ago' "$dir/secrets/cluster-token/value.txt"
printf 'canary' >"$dir/secrets/grafana-token/value.txt"
chmod 604 "$dir/secrets/grafana-token/value.txt"
printf 'canary' >"$dir/secrets/login-token-signing-key/value.txt"
cat >"$dir/slots.yaml" <<CONFIG
doorward:
  console: {url: 'http://127.0.0.1:1'}
  kubernetes: {api_server: 'http://127.0.0.1:2'}
  secrets_dirs: [$dir/secrets]
CONFIG
"$doorward" check-config --config "$dir/slots.yaml" >"$dir/out" || :
for line in \
	"slot cluster-token: $dir/secrets/cluster-token/value.txt, 20 bytes, 3 days old, not needed" \
	'slot grafana-token: not usable, not needed' \
	'slot login-token-signing-key: not usable, needed' \
	'slot prometheus-password: none, not needed'; do
	grep -qxF "$line" "$dir/out" || { echo "FAIL: no line: $line"; bad=1; }
done
grep -q '# slot grafana-token: .* can be read by everybody (mode 0604,' \
	"$dir/out" || { echo 'FAIL: no remedy'; bad=1; }
grep -q canary "$dir/out" && { echo 'FAIL: shows a secret'; bad=1; }

"$doorward" check-config --config "$dir/none" >/dev/null &&
	{ echo 'FAIL: a missing file is good'; bad=1; }
[ $bad = 0 ] && echo 'check-config: good'
exit $bad
