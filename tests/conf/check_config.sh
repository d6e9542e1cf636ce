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
"$doorward" check-config --config "$dir/none" >/dev/null &&
	{ echo 'FAIL: a missing file is good'; bad=1; }
[ $bad = 0 ] && echo 'check-config: good'
exit $bad
