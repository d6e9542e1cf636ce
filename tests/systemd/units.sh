#!/bin/sh
# The generated units: systemd reads them without a complaint, their exposure
# stays below our limits, every Unix socket has the one group that may connect,
# and the snippets make the users that the units name.
set -eu
command -v systemd-analyze >/dev/null || { echo 'no systemd-analyze'; exit 77; }
builddir=$PWD
srcdir=$(cd "${srcdir:-.}" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/doorward-units.XXXXXX")
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

# The units as they are built, with binaries that exist.
mkdir "$dir/units" "$dir/sbin"
cp "$srcdir"/systemd/*.socket "$srcdir"/systemd/*.target "$dir/units"
for role in frontend authd egress secretd; do
	ln -s /bin/true "$dir/sbin/doorward-$role"
	sed "s,^ExecStart=[^ ]*/doorward-,ExecStart=$dir/sbin/doorward-," \
		"$builddir/systemd/doorward-$role.service" \
		>"$dir/units/doorward-$role.service"
	grep -q "^ExecStart=$dir/sbin/doorward-$role$" \
		"$dir/units/doorward-$role.service" || fail "ExecStart of $role"
	grep -q '@' "$dir/units/doorward-$role.service" &&
		grep -n '@[a-z]*@' "$dir/units/doorward-$role.service" &&
		fail "a variable is left in $role"
	grep -q '^PrivateUsers=' "$dir/units/doorward-$role.service" &&
		fail "$role: PrivateUsers= breaks SO_PEERCRED"
done

# RestrictSUIDSGID= takes openat2(2) away, by which secretd reads the secrets
[ "$(grep -lx 'RestrictSUIDSGID=true' "$dir"/units/*.service | wc -l)" = 3 ] &&
	grep -qx 'RestrictSUIDSGID=false' "$dir/units/doorward-secretd.service" ||
	fail 'RestrictSUIDSGID= is for all but secretd'

cd "$dir/units"
systemd-analyze verify --man=no --recursive-errors=no ./*.service ./*.socket \
	./*.target 2>"$dir/verify" || { cat "$dir/verify"; fail 'verify'; }
[ ! -s "$dir/verify" ] || { cat "$dir/verify"; fail 'verify is not clean'; }
# a check that cannot fail is none: a misspelt key must be found
sed 's/^NoNewPrivileges=/NoNewPrivilege=/' doorward-authd.service >bad.service
systemd-analyze verify --man=no --recursive-errors=no ./bad.service \
	2>/dev/null && fail 'verify takes a misspelt key'
rm bad.service

# exposure times ten
while read -r role limit; do
	systemd-analyze security --offline=true --no-pager \
		--threshold="$limit" "./doorward-$role.service" >"$dir/security" ||
		{ tail -1 "$dir/security"; fail "$role is more exposed than $limit/10"; }
done <<'LIMITS'
frontend 14
authd 14
egress 14
secretd 6
LIMITS

# The local listener is there for whoever enables it: nothing may pull it in, and
# it is on loopback.
grep -l 'doorward-egress-local' ./*.service ./*.target && fail 'local is wanted'
for line in 'Service=doorward-egress.service' 'FileDescriptorName=local' \
	'ListenStream=127.0.0.1:9091' WantedBy=doorward.target PartOf=doorward.target; do
	grep -qx "$line" doorward-egress-local.socket || fail "local: no $line"
done
rm doorward-egress-local.socket

for socket in ./*-*-*.socket; do
	name=${socket#./doorward-}
	server=${name%%-*}
	peer=${name#*-}
	peer=${peer%.socket}
	group="doorward-$peer" mode=0660
	[ "$peer" != ctl ] || { group=root mode=0600; }
	for line in "Service=doorward-$server.service" "SocketUser=root" \
		"FileDescriptorName=$peer" "SocketGroup=$group" \
		"SocketMode=$mode" PartOf=doorward.target; do
		grep -qx "$line" "$socket" || fail "$socket: no $line"
	done
	grep -q "=/run/doorward/$server.$peer.sock$" "$socket" ||
		fail "$socket: path"
	grep -q "^Sockets=.*doorward-$server-$peer.socket" \
		"doorward-$server.service" || fail "$server: Sockets="
done
[ "$(ls ./*-*-*.socket | wc -l)" = 10 ] || fail 'there must be 10 Unix sockets'

for role in frontend authd egress secretd; do
	grep -q "^u doorward-$role " "$srcdir/systemd/doorward.sysusers" ||
		fail "no user doorward-$role"
	grep -qx "User=doorward-$role" "doorward-$role.service" ||
		fail "User= of $role"
	[ "$role" = secretd ] ||
		! grep -q '^LoadCredential' "doorward-$role.service" ||
		fail "$role must get no credentials"
done
mkdir -p "$dir/root/etc"
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers --root="$dir/root" "$srcdir/systemd/doorward.sysusers" \
		>/dev/null 2>"$dir/sysusers" || { cat "$dir/sysusers"; fail sysusers; }
	[ "$(grep -c '^doorward-' "$dir/root/etc/passwd")" = 4 ] || fail 'users'
fi
echo 'units: good'
