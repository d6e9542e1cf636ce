#!/bin/sh
# run.sh: the end-to-end tests, against the daemons of this build. Arguments
# name test files (default: all), E2E_ONLY a pattern of test names. The programs
# are copied to a directory that every uid can read, since the daemons never run
# as root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${DOORWARD_BUILD:-$PWD}
work=$(mktemp -d "${TMPDIR:-/tmp}/doorward-e2e-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
chmod 755 "$work"
mkdir -p "$work/bin"
for p in doorward doorward-frontend doorward-authd doorward-egress doorward-secretd; do
	install -m 755 "$build/$p" "$work/bin/$p"
done
# The tests themselves run from a copy too: the source tree may be read-only.
cp -R "$here/.." "$work/tests"
cp -R "$here/../../demo" "$work/demo"
chmod -R u+w,a+rX "$work/tests" "$work/demo"
cd "$work/tests/e2e"
npm ls --omit=dev >/dev/null 2>&1 ||
	npm ci --ignore-scripts --omit=dev --no-audit --no-fund >"$work/npm.log" 2>&1 || {
	cat "$work/npm.log" >&2
	exit 1
}
export DOORWARD_BIN="$work/bin" DOORWARD_BUILD="$build"
if [ "${1:-}" = --bench ]; then
	node ../bench/bench.mjs
	exit
fi
if [ $# -eq 0 ]; then
	set -- *.test.mjs
fi
# One file at a time: the machine may have two cores, and timings matter.
status=0
for file; do
	echo "# $file"
	node --test ${E2E_ONLY:+--test-name-pattern="$E2E_ONLY"} "$file" || status=1
done
exit $status
