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
# Files that measure memory or time, or kill what they need, run alone; of the
# others E2E_JOBS at a time (2): they wait more than they work.
alone=' canaries gate openid-flat restart rotate secrecy stream tls '
one='' many=''
for file; do
	case $alone in *" ${file%.test.mjs} "*) one="$one $file" ;; *) many="$many $file" ;; esac
done
jobs=${E2E_JOBS:-2}
[ $# -gt 1 ] || jobs=1
status=0
# shellcheck disable=SC2086 # lists of words
[ -z "$many" ] || printf '%s\n' $many | xargs -n 1 -P "$jobs" sh "$here/run_file.sh" || status=1
for file in $one; do
	sh "$here/run_file.sh" "$file" || status=1
done
exit $status
