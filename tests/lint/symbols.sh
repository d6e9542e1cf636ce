#!/bin/sh
# The built programs: hardened, without the functions that nobody should call,
# and secretd without the libraries that talk to the world.
set -u
tree=${srcdir:-.}
if grep -q '^#define DW_NO_SANDBOX' config.h; then
	echo 'symbols: a sanitizer build is not looked at'
	exit 77
fi
forbidden='strcpy|strcat|sprintf|vsprintf|strtok|strtok_r|atoi|atol|gets|system|popen'
bad=0
complain() {
	echo "$1"
	bad=1
}

look() { # PROGRAM
	if nm -D --undefined-only "$1" |
		grep -E " U (__)?($forbidden)(_chk)?(@|\$)"; then
		complain "$1: calls a forbidden function"
	fi
	readelf -h "$1" | grep -q 'Type:.*DYN' || complain "$1: not PIE"
	readelf -d "$1" | grep -q 'FLAGS_1.*NOW' || complain "$1: binds lazily"
	readelf -lW "$1" | grep -q GNU_RELRO || complain "$1: no RELRO"
	readelf -lW "$1" | grep 'GNU_STACK' | grep -q 'RW ' ||
		complain "$1: executable stack"
}

n=0
for daemon in frontend authd egress secretd; do
	program=$(find . -maxdepth 2 -type f -name "doorward-$daemon")
	if [ -n "$program" ]; then
		look "$program"
		n=$((n + 1))
	elif grep -q "doorward-$daemon" "$tree/$daemon/local.mk"; then
		complain "doorward-$daemon is not built"
	else
		echo "not looked at: the build makes no doorward-$daemon yet"
	fi
done
# $1: daemon, $2: libraries that it must not have, $3: why
lacks() {
	program=$(find . -maxdepth 2 -type f -name "doorward-$1")
	if [ -n "$program" ] && readelf -d "$program" | grep NEEDED | grep -E "$2"; then
		complain "doorward-$1 links a library $3"
	fi
}
lacks secretd 'libcurl|libjansson|libresolv' 'that talks to the world'
lacks frontend 'libcurl|libjansson|libsqlite|libresolv' 'that it has no use for'
lacks egress 'libcurl|libsqlite' 'that it has no use for'
echo "symbols: $n programs"
exit $bad
