#!/bin/sh
# doorward run with stand-ins for the daemons: order, sockets, environment,
# restart with the listeners kept, what it says when one cannot start, and that
# nothing is left behind. The real daemons are run by tests/e2e.
set -eu
doorward=$PWD/doorward
dir=$(mktemp -d "${TMPDIR:-/tmp}/doorward-run.XXXXXX")
pid=
cleanup() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :
	rm -rf "$dir"
}
trap cleanup EXIT
fail() {
	echo "FAIL: $*" >&2
	cat "$dir/out" "$dir/err" >&2
	exit 1
}
command -v systemd-notify >/dev/null || { echo 'no systemd-notify'; exit 77; }
chmod 755 "$dir"
mkdir "$dir/bin" "$dir/log"
chmod 1777 "$dir/log"
cat >"$dir/config.yaml" <<'CONFIG'
auth: {strategy: anonymous}
server: {web_root: /kiali}
doorward:
  listen: ['127.0.0.1:0']
  hosts: [127.0.0.1]
  console: {url: 'http://127.0.0.1:1'}
CONFIG
for role in frontend authd egress secretd; do
	cat >"$dir/bin/doorward-$role" <<DAEMON
#!/bin/sh
echo "$role uid=\$(id -u) pid=\$\$ \$LISTEN_PID \$LISTEN_FDS \$LISTEN_FDNAMES" \
	>>$dir/log/$role
systemd-notify --ready
exec sleep 600
DAEMON
	chmod 755 "$dir/bin/doorward-$role"
done
wait_for() { # TEXT FILE
	for _ in $(seq 300); do
		grep -q "$1" "$2" 2>/dev/null && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

"$doorward" run --config "$dir/config.yaml" --dir "$dir/d" --bin-dir "$dir/bin" \
	>"$dir/out" 2>"$dir/err" &
pid=$!
wait_for '^ready ' "$dir/out" || fail 'not ready'
grep -Eqx 'ready http://127\.0\.0\.1:[1-9][0-9]*/kiali/' "$dir/out" ||
	fail 'the ready line'
while read -r role n names; do
	read -r line <"$dir/log/$role"
	case $line in
	"$role uid="*" $n $names") ;;
	*) fail "$role was given: $line" ;;
	esac
	own=${line#* pid=}
	[ "${own%% *}" = "$(echo "$own" | cut -d' ' -f2)" ] || fail LISTEN_PID
done <<'GIVEN'
secretd 4 frontend:authd:egress:ctl
authd 3 frontend:egress:ctl
egress 2 frontend:ctl
frontend 2 ctl:http
GIVEN
[ "$(ls "$dir"/d/run/*.*.sock | grep -vc notify)" = 10 ] || fail 'sockets'
if [ "$(id -u)" = 0 ]; then
	[ "$(cat "$dir"/log/* | cut -d' ' -f2 | sort -u | wc -l)" = 4 ] ||
		fail 'the daemons share an uid'
	grep -q 'uid=0 ' "$dir"/log/* && fail 'a daemon runs as root'
fi
stat -c %a "$dir"/d/run/*.sock | grep -qvx 660 && fail 'mode of a socket'

victim=$(sed -n 's/^authd .*pid=\([0-9]*\) .*/\1/p' "$dir/log/authd")
kill -9 "$victim"
wait_for 'doorward-authd is back' "$dir/out" || fail 'authd is not started again'
[ "$(wc -l <"$dir/log/authd")" = 2 ] || fail 'two starts of authd'

children=$(sed -n 's/.*pid=\([0-9]*\) .*/\1/p' "$dir"/log/*)
kill -TERM "$pid"
wait "$pid" || fail 'status after SIGTERM'
pid=
for child in $children; do
	! kill -0 "$child" 2>/dev/null || fail "child $child still runs"
done
[ ! -e "$dir/d/run" ] || fail 'sockets are left behind'

# children die with it, however it ends
"$doorward" run --config "$dir/config.yaml" --dir "$dir/d" --bin-dir "$dir/bin" \
	>"$dir/out" 2>"$dir/err" &
pid=$!
wait_for '^ready ' "$dir/out" || fail 'not ready again'
children=$(tail -qn 1 "$dir"/log/* | sed -n 's/.*pid=\([0-9]*\) .*/\1/p')
kill -9 "$pid"
wait "$pid" 2>/dev/null || :
pid=
for child in $children; do
	for _ in $(seq 50); do
		kill -0 "$child" 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 "$child" 2>/dev/null || fail "child $child outlives it"
done

printf '#!/bin/sh\nexit 3\n' >"$dir/bin/doorward-egress"
status=0
"$doorward" run --config "$dir/config.yaml" --dir "$dir/d" --bin-dir "$dir/bin" \
	>"$dir/out" 2>"$dir/err" || status=$?
[ $status = 1 ] || fail 'starts without egress'
grep -q 'doorward-egress ended with status 3 before it was ready' "$dir/err" ||
	fail 'does not say why'

status=0
"$doorward" run --config "$dir/none.yaml" --dir "$dir/d" --bin-dir "$dir/bin" \
	>"$dir/out" 2>"$dir/err" || status=$?
[ $status = 1 ] || fail 'starts without a configuration'
grep -q "^$dir/none.yaml: cannot be read" "$dir/err" ||
	fail 'an error without a place'
echo 'run: good'
