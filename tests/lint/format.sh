#!/bin/sh
# The tree is as clang-format 14 writes it; other versions differ.
set -u
tree=${srcdir:-.}
tool=
for t in clang-format-14 clang-format; do
	if command -v $t >/dev/null && $t --version | grep -q 'version 14\.'; then
		tool=$t
		break
	fi
done
if [ -z "$tool" ]; then
	echo 'format: clang-format 14 is not installed'
	exit 77
fi
cd "$tree" || exit 1
find common frontend authd egress secretd ctl demo tests -name '*.[ch]' |
	sort | xargs $tool --dry-run -Werror || exit 1
echo 'format: ok'
