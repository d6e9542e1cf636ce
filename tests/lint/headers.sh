#!/bin/sh
# Every header compiles alone, so that nobody depends on the order of includes.
set -u
tree=${srcdir:-.}
flags="-std=gnu11 -D_GNU_SOURCE -Wall -Werror -include config.h -I$tree -I."
flags="$flags $(pkg-config --cflags libevent_core libssl jansson libcurl libseccomp yaml-0.1 sqlite3 check)"
bad=0
n=0
for header in $(cd "$tree" && find common frontend authd egress secretd ctl demo tests -name '*.h' | sort); do
	n=$((n + 1))
	# shellcheck disable=SC2086 # a list of words
	if ! printf '#include "%s"\ntypedef int not_empty;\n' "$header" |
		${CC:-cc} $flags -x c -fsyntax-only -; then
		echo "$header: does not compile alone"
		bad=1
	fi
done
echo "headers: $n"
[ "$n" -gt 0 ] && exit $bad
exit 1
