#!/bin/sh
# run_file.sh FILE: the tests of one file; run.sh runs it where the tests are.
# What they say comes whole, when they have ended.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT INT TERM
node --test ${E2E_ONLY:+--test-name-pattern="$E2E_ONLY"} "$1" >"$log" 2>&1
status=$?
flock . sh -c 'echo "# $1" && cat "$2"' - "$1" "$log"
exit $status
