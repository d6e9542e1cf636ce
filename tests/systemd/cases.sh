# cases.sh: what is looked at in the guest; sourced by boot. Each function is one
# case, or a step that cases share, and fails when something is not as it should
# be.
# shellcheck shell=bash disable=SC2154 # dir, tree, here and others are boot's

daemons='secretd authd egress frontend'
host=console.example.org # as in config.yaml.example

fail() { echo "$*"; return 1; }

wait_until() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "in vain: $*" || return
		sleep 0.2
	done
}

# Certificate, key, tokens, and what stands for make and an editor in the guest.
make_material() { # DIR
	mkdir "$1/home" "$1/home/bin" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
			-nodes -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
			-days 2 -keyout "$1/home/key.pem" -out "$1/home/cert.pem" \
			2>/dev/null &&
		node "$tree/demo/issuer.mjs" "$1" https://issuer.example system \
			alice bob || return
	cp "$1/jwks.json" "$1/home/jwks.json"
	cat >"$1/home/bin/make" <<'MAKE'
#!/bin/sh
# the build directory is outside the guest: its make install was done there
[ "$*" = install ] && cp -R --no-preserve=ownership /root/stage/. /
MAKE
	cat >"$1/home/bin/edit" <<'EDIT'
#!/bin/sh
# the address of a console, and keys in place of an API server
install -m 444 /root/jwks.json /etc/doorward/jwks.json
sed -i -e "s,url: http://127.*20001,url: http://127.0.0.1:$CONSOLE," \
	-e 's,api_server: .*,jwks_file: /etc/doorward/jwks.json,' \
	-e 's,^    ca_file: .*,    issuer: https://issuer.example,' \
	-e 's,audiences: .*,audiences: [system],' "$1"
EDIT
	cat >"$1/home/bin/edit-prometheus" <<'EDIT'
#!/bin/sh
# the example's Prometheus and its route, with the console in place of it
sed -i -e '/^#external_services:/,/ca_file:/s/^#//' -e '/ca_file: .*prometheus/d' \
	-e "s,url: https://prometheus.*,url: http://127.0.0.1:$CONSOLE," \
	-e '/^#  routes:/,/allow:/s/^#//' -e 's/allow: .*/allow: {users: ["*"]}/' "$1"
EDIT
	cat >"$1/home/bin/systemd-ask-password" <<'ASK'
#!/bin/sh
echo "$PASSWORD"
ASK
	chmod 755 "$1"/home/bin/*
}

readme_commands() { # SECTION
	awk -v head="## $1" '$0 == head { here = 1 }
		here && /^```$/ { exit }
		commands { print }
		here && /^```sh$/ { commands = 1 }' "$tree/README.md"
}

follow_readme() {
	cp -R "$dir/stage" "$dir/home/stage"
	tar -C "$dir/home" -cf - . | inside tar -C /root -xf - || return
	# short, so that the watchdog can be seen at work
	inside mkdir -p /etc/systemd/system/doorward-.service.d
	printf '[Service]\nWatchdogSec=8\n' |
		inside tee /etc/systemd/system/doorward-.service.d/test.conf
	readme_commands 'Install with systemd' >"$dir/commands"
	grep -q 'systemctl enable' "$dir/commands" || fail 'no commands' || return
	inside_env+=(EDITOR=/root/bin/edit "CONSOLE=$(cat "$dir/console.port")")
	inside bash -exc "PATH=/root/bin:\$PATH; cd /root; $(cat "$dir/commands")"
}

web() { # ARGUMENT... PATH: an answer's body, or with -w something else
	local path=${*: -1}
	on_its_network curl -sS --max-time 40 --cacert "$dir/home/cert.pem" \
		--resolve "$host:443:127.0.0.1" "${@:1:$#-1}" "https://$host$path"
}

status_of() { # ARGUMENT... PATH
	web -o /dev/null -w '%{http_code}' "$@"
}

log_in() { # USER, whose cookie goes to DIR/USER.jar
	local code
	code=$(status_of -c "$dir/$1.jar" --data-urlencode "token@$dir/$1.token" \
		/api/authenticate)
	[ "$code" = 200 ] || fail "login of $1: $code"
}

session_works() { # USER
	web -b "$dir/$1.jar" /api/namespaces | grep -q "demo:$1<" ||
		fail "the console did not see $1"
}

main_pid() { inside systemctl show -P MainPID "doorward-$1"; }

all_active() {
	local unit state
	for unit in $daemons; do
		state=$(inside systemctl is-active "doorward-$unit")
		[ "$state" = active ] || fail "$unit is $state" || return
	done
	sockets_active
}

sockets_active() {
	local n
	n=$(inside systemctl list-units --plain --no-legend --state=active \
		'doorward-*.socket' | wc -l)
	[ "$n" = 11 ] || fail "$n of 11 sockets are there"
}

services_are_ready() {
	local unit
	all_active || return
	inside systemctl is-enabled doorward.target || return
	for unit in $daemons; do
		inside systemctl show -p Type,NRestarts "doorward-$unit" |
			tr '\n' ' ' | grep -qx 'Type=notify NRestarts=0 ' ||
			fail "$unit has been restarted" || return
	done
}

status_answers() {
	inside doorward status >"$dir/status" || return
	cat "$dir/status"
	for unit in $daemons; do
		grep -q "^$unit: sandbox: .*seccomp" "$dir/status" ||
			fail "$unit says nothing of its sandbox" || return
	done
}

logs_in() {
	[ "$(status_of /healthz)" = 200 ] || fail healthz || return
	[ "$(status_of /api/namespaces)" = 401 ] || fail 'no session' || return
	log_in alice && log_in bob && session_works alice && session_works bob
}

takes_bearer() {
	web -H "Authorization: Bearer $(cat "$dir/bob.token")" /api/namespaces |
		grep -q 'demo:bob<'
}

logs_out() {
	log_in bob || return
	[ "$(status_of -b "$dir/bob.jar" /api/logout)" = 204 ] || fail logout || return
	[ "$(status_of -b "$dir/bob.jar" /api/namespaces)" = 401 ] ||
		fail 'the cookie lives on'
}

# New connections, one after the other, until DIR/enough is there.
knock() { # ALLOWED-STATUS... PATH
	local path=${*: -1} answer
	while [ ! -e "$dir/enough" ]; do
		answer=$(status_of -b "$dir/alice.jar" "$path" 2>&1)
		case " ${*:1:$#-1} " in
		*" $answer "*) echo "$answer" ;;
		*) echo "unexpected $path: $answer" ;;
		esac
	done
}

# A restart refuses no connection and ends no session. What is under way in
# egress or not yet decided by authd may end with 502 or 503, but never with 401.
restart_keeps_all() { # DAEMON
	rm -f "$dir/enough"
	knock 200 /healthz >"$dir/knock1" &
	local one=$!
	knock 200 502 503 /api/namespaces >"$dir/knock2" &
	local two=$!
	sleep 0.5
	inside systemctl restart "doorward-$1"
	local failed=$?
	sleep 1
	touch "$dir/enough"
	wait $one $two
	sort "$dir/knock1" "$dir/knock2" | uniq -c
	[ $failed = 0 ] || fail 'systemctl restart' || return
	! grep -h unexpected "$dir"/knock[12] || return
	grep -q 200 "$dir/knock1" && session_works alice && log_in bob && all_active
}

is_back() { # DAEMON OLD-PID
	local pid
	pid=$(main_pid "$1")
	[ "$pid" != "$2" ] && [ "$pid" != 0 ] &&
		inside systemctl is-active "doorward-$1"
}

survives_kill() { # DAEMON
	local pid
	pid=$(main_pid "$1")
	inside kill -9 "$pid"
	wait_until 15 is_back "$1" "$pid" && wait_until 10 session_works alice &&
		log_in bob && all_active
}

survives_crashes() {
	local unit pid
	declare -A old
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		for unit in $daemons; do
			old[$unit]=$(main_pid "$unit")
			inside kill -9 "${old[$unit]}"
		done
		for unit in $daemons; do
			wait_until 15 is_back "$unit" "${old[$unit]}" || return
		done
	done
	wait_until 10 session_works alice && log_in bob && all_active
}

# A key that is not there: secretd cannot start, the others knock at its door
# all the time, and when the key is back nobody has to do anything.
waits_for_its_key() {
	local slot=/etc/doorward/secrets/login-token-signing-key
	inside mv "$slot" "$slot.away"
	inside systemctl restart doorward-secretd && fail 'starts without a key'
	sleep 6
	sockets_active
	local there=$?
	inside journalctl -q --no-pager -u doorward-secretd -o cat |
		grep -q 'slot login-token-signing-key: there is no key' ||
		fail 'it does not say what is missing'
	local said=$?
	inside mv "$slot.away" "$slot"
	wait_until 20 session_works alice && [ $there = 0 ] && [ $said = 0 ] &&
		wait_until 10 log_in bob && all_active
}

watchdog_works() {
	local unit before after pid
	for unit in $daemons; do
		before+=" $(inside systemctl show -P WatchdogTimestampMonotonic "doorward-$unit")"
	done
	pid=$(main_pid egress)
	sleep 6
	for unit in $daemons; do
		after=$(inside systemctl show -P WatchdogTimestampMonotonic "doorward-$unit")
		[ "$after" -gt 0 ] && [[ " $before " != *" $after "* ]] ||
			fail "$unit does not feed its watchdog" || return
	done
	inside kill -STOP "$pid"
	wait_until 30 is_back egress "$pid" && wait_until 10 session_works alice
}

# DIR/probe UID GID: what becomes of a stranger on every socket.
connect_as() {
	(cd "/proc/$guest_leader/root/run/doorward" &&
		setpriv --reuid "$1" --regid "$2" --clear-groups \
			/usr/bin/python3 -c "$(cat "$here/connect.py")" ./*.sock)
}

sockets_know_their_peers() {
	local role uid gid socket outcome expected
	connect_as 65534 65534 >"$dir/peers" || return
	[ "$(wc -l <"$dir/peers")" = 10 ] || fail 'there must be 10 sockets' || return
	! grep -v ' denied$' "$dir/peers" || fail 'nobody comes in' || return
	for role in $daemons; do
		uid=$(inside id -u "doorward-$role") gid=$(inside id -g "doorward-$role")
		connect_as "$uid" "$gid" >"$dir/peers"
		connect_as 65534 "$gid" >"$dir/strangers"
		while read -r socket outcome; do
			expected=denied
			[[ $socket != *".$role.sock" ]] || expected=open
			[ "$outcome" = $expected ] ||
				fail "$role at $socket: $outcome" || return
			[ $expected != open ] || expected=closed
			outcome=$(sed -n "s,^$socket ,,p" "$dir/strangers")
			[ "$outcome" = $expected ] ||
				fail "in the group of $role at $socket: $outcome" || return
		done <"$dir/peers"
	done
}

every_process_is_confined() {
	local pid n=0
	for pid in $(inside pgrep doorward-); do
		n=$((n + 1))
		inside cat "/proc/$pid/status" >"$dir/process"
		[ "$(awk '/^(Uid|Gid|CapEff|CapBnd|NoNewPrivs|Seccomp):/ {
			if ($1 ~ /id/) printf "%s ", $2 == 0 ? "root" : "user"
			else printf "%s ", $2 + 0 }' "$dir/process")" = 'user user 0 0 1 2 ' ] ||
			{ cat "$dir/process"; return 1; }
	done
	[ $n -ge 6 ] || fail "only $n processes"
}

has_no_network() { # DAEMON
	local pid
	pid=$(main_pid "$1")
	[ "$(inside readlink "/proc/$pid/ns/net")" != \
		"$(inside readlink /proc/1/ns/net)" ] || fail 'the network of all' || return
	[ "$(inside nsenter -t "$pid" -n ip -o link | grep -vc ' lo: ')" = 0 ] ||
		fail 'more than lo'
}

journal_tells() {
	inside journalctl -q --no-pager -o cat -u 'doorward-*' >"$dir/journal"
	for unit in $daemons; do
		grep -q "INF ready process=$unit" "$dir/journal" ||
			fail "$unit does not say that it is ready" || return
	done
	for message in 'Login successful' 'Logout completed'; do
		grep -q "\"AUDIT: $message\".*demo:bob" "$dir/journal" ||
			fail "no audit line: $message" || return
	done
	! grep -qFf "$dir/alice.token" "$dir/journal" || fail 'a token'
}

# Neither the units' filters nor the daemons' own have killed anything.
no_forbidden_call() {
	! inside journalctl -q --no-pager | grep -E \
		'status=31|SIGSYS|signal 31|ordering cycle'
}

exposure() { # DAEMON TENTHS
	inside systemd-analyze security --no-pager --threshold="$2" \
		"doorward-$1.service" >"$dir/security" ||
		{ tail -1 "$dir/security"; return 1; }
	tail -1 "$dir/security"
}

# The same key, handed over by systemd.
takes_credentials() {
	inside sh -ec 'slot=/etc/doorward/secrets/login-token-signing-key
		install -D -m 600 $slot/value.txt /etc/credstore/login-token-signing-key
		mv $slot /root/slot
		systemctl restart doorward-secretd doorward-authd' &&
		wait_until 10 session_works alice && log_in bob
	local failed=$?
	inside sh -ec 'mv /root/slot /etc/doorward/secrets/login-token-signing-key
		rm /etc/credstore/login-token-signing-key
		systemctl restart doorward-secretd' && [ $failed = 0 ]
}

nothing_runs() { [ -z "$(inside pgrep doorward-)" ]; }

# systemctl waits for the target alone; the services end behind it.
stops_and_starts() {
	inside systemctl stop doorward.target || return
	wait_until 10 nothing_runs || return
	[ "$(status_of /healthz 2>&1 | tail -c 3)" = 000 ] ||
		fail 'the door is open' || return
	inside systemctl start doorward.target && all_active && session_works alice
}

# Nothing runs but the sockets: the first client starts all that is needed.
starts_by_socket() {
	local unit
	inside systemctl stop 'doorward-*.service'
	sockets_active || return
	wait_until 20 session_works alice && all_active
}

rotates_its_key() {
	local code
	log_in alice || return
	readme_commands 'Rotate the signing key' >"$dir/commands"
	grep -q 'keys rotate' "$dir/commands" || fail 'no commands' || return
	inside bash -exc "$(cat "$dir/commands")" || return
	wait_until 10 log_in bob || return
	code=$(status_of -b "$dir/alice.jar" /api/namespaces)
	[ "$code" = 200 ] || fail "a session under the old key: $code" || return
	session_works bob
}

# The previous key is kept in secretd's state directory: a session under it
# outlives secretd and authd, without a byte in the folder of secrets.
previous_key_is_kept() {
	inside systemctl restart doorward-secretd doorward-authd || return
	wait_until 10 session_works alice && session_works bob || return
	[ "$(inside stat -Lc '%U %a' /var/lib/doorward/secretd)" = \
		'doorward-secretd 700' ] || fail 'state directory'
}

served_certificate() {
	on_its_network openssl s_client -connect 127.0.0.1:443 -servername "$host" \
		</dev/null 2>/dev/null | openssl x509 -noout -fingerprint
}

serves() { [ "$(served_certificate)" = "$1" ]; }

# Key first, then the certificate: in between nothing fits, and the old pair is
# served on.
takes_a_new_certificate() {
	local old new pids
	old=$(served_certificate)
	pids=$(for unit in $daemons; do main_pid "$unit"; done)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-subj "/CN=$host" -addext "subjectAltName=DNS:$host" -days 2 \
		-keyout "$dir/new.key" -out "$dir/new.pem" || return
	new=$(openssl x509 -noout -fingerprint -in "$dir/new.pem")
	inside install -g doorward-secretd -m 440 /dev/stdin \
		/etc/doorward/secrets/tls/key.pem <"$dir/new.key" || return
	serves "$old" && session_works alice || fail 'the old pair' || return
	inside install -m 444 /dev/stdin /etc/doorward/tls/cert.pem \
		<"$dir/new.pem" || return
	wait_until 5 serves "$new" || return
	cp "$dir/new.pem" "$dir/home/cert.pem" # what web() trusts
	session_works alice || return
	[ "$pids" = "$(for unit in $daemons; do main_pid "$unit"; done)" ] ||
		fail 'something was restarted'
}

# What Prometheus would see, as far as the console shows it.
asks_with() { # PASSWORD
	local basic
	basic=$(printf 'kiali:%s' "$1" | base64 | cut -c 1-20)
	web -b "$dir/bob.jar" '/prometheus/api/v1/query?query=up' | grep -q "Basic $basic"
}

gives_a_password() {
	local run='PATH=/root/bin:$PATH'
	log_in bob || return
	readme_commands 'Give Prometheus a password' >"$dir/commands"
	grep ask-password "$dir/commands" >"$dir/again" || fail 'no commands' || return
	inside env EDITOR=/root/bin/edit-prometheus PASSWORD=first-password \
		"CONSOLE=$(cat "$dir/console.port")" bash -exc "$run; $(cat "$dir/commands")" || return
	wait_until 10 asks_with first-password || return
	inside env PASSWORD=second-password bash -exc "$run; $(cat "$dir/again")" &&
		wait_until 5 asks_with second-password
}

# The same from systemd, which alone reads /etc/credstore.
takes_a_password_as_credential() {
	inside sh -ec 'rm -r /etc/doorward/secrets/prometheus-password
		printf third-password |
			install -D -m 600 /dev/stdin /etc/credstore/prometheus-password
		systemctl restart doorward-secretd' &&
		wait_until 10 asks_with third-password && all_active
}

local_status_is() { # STATUS [ARGUMENT...]
	local status=$1 code
	shift
	code=$(on_its_network curl -sS -o /dev/null -w '%{http_code}' "$@" \
		http://127.0.0.1:9091/nowhere/)
	[ "$code" = "$status" ] || fail "the local listener answers $code"
}

# Enabled as the README says, it is there after the restart and knows its token;
# disabled, it has gone.
opens_and_closes_locally() {
	local config=/etc/doorward/config.yaml header
	inside cp $config /root/config.yaml
	inside sed -i -e 's/^#\(  egress:\)/\1/' \
		-e 's/^#\(    listen: 127.0.0.1:9091\)/\1/' $config
	readme_commands "A console's own way to its services" >"$dir/commands"
	grep -q 'systemctl enable' "$dir/commands" || fail 'no commands' || return
	inside bash -exc "$(cat "$dir/commands")" || return
	header="Authorization: Bearer $(inside cat \
		/etc/doorward/secrets/egress-token/value.txt)"
	wait_until 20 local_status_is 404 -H "$header" && local_status_is 401 &&
		wait_until 10 session_works bob || return
	inside cp /root/config.yaml $config
	inside systemctl disable --now doorward-egress-local.socket
	inside systemctl restart doorward.target
	wait_until 20 session_works bob && all_active || return
	! local_status_is 401 2>/dev/null || fail 'it is still there'
}

# A provider in the guest, over TLS with a CA of its own; the key by which
# Doorward proves who it is comes from systemd, which alone reads /etc/credstore.
make_provider() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-subj /CN=provider -addext subjectAltName=IP:127.0.0.1 -days 2 \
		-keyout "$dir/provider.key" -out "$dir/provider.pem" 2>/dev/null &&
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
			-out "$dir/client.key" 2>/dev/null &&
		openssl pkey -in "$dir/client.key" -pubout -out "$dir/client.pem" &&
		cat "$dir/provider.pem" "$dir/home/cert.pem" >"$dir/both.pem" || return
	# not on_its_network: $! must be the provider itself
	nsenter -t "$guest_leader" -n node "$here/provider.mjs" "$dir" &
	wait_until 10 test -e "$dir/provider.port"
}

use_provider() {
	local config=/etc/doorward/config.yaml
	inside install -D -m 444 /dev/stdin \
		/etc/doorward/ca/openid-server-ca.crt <"$dir/provider.pem" &&
		inside install -D -m 600 /dev/stdin \
			/etc/credstore/oidc-key <"$dir/client.key" &&
		inside cp $config /root/config.token.yaml &&
		inside sed -i -e "s,^  strategy: token.*,  strategy: openid\\n  openid: {\
client_id: doorward\, disable_rbac: true\,\
 issuer_uri: 'https://127.0.0.1:$(cat "$dir/provider.port")'}," \
			-e 's,^doorward:,&\n  ca_bundle_dir: /etc/doorward/ca\n  openid: {\
token_endpoint_auth_method: private_key_jwt},' $config &&
		inside systemctl restart doorward-secretd doorward-authd \
			doorward-egress doorward-frontend
}

through_provider() {
	web -L --cacert "$dir/both.pem" -c "$dir/openid.jar" -b "$dir/openid.jar" \
		-o "$dir/page" '/api/auth/openid_redirect?return=/graph' &&
		session_works openid
}

signs_in_through_a_provider() {
	make_provider || fail 'no provider' || return
	local provider=$! failed
	use_provider && wait_until 20 through_provider && all_active
	failed=$?
	[ $failed = 0 ] || tail -c 2000 "$dir/page"
	kill $provider && wait $provider 2>/dev/null
	inside sh -ec 'rm /etc/credstore/oidc-key
		cp /root/config.token.yaml /etc/doorward/config.yaml
		systemctl restart doorward-secretd doorward-authd doorward-egress doorward-frontend' &&
		wait_until 20 log_in alice && [ $failed = 0 ]
}

all_cases() {
	local unit
	check 'the services are ready' services_are_ready
	check 'doorward status' status_answers
	check 'logins over TLS reach the console' logs_in
	check 'a bearer token' takes_bearer
	check 'logout' logs_out
	check 'every process is confined' every_process_is_confined
	check 'secretd has no network' has_no_network secretd
	check 'the frontend has no network' has_no_network frontend
	check 'only the right peers come in' sockets_know_their_peers
	while read -r unit tenths; do
		check "exposure of $unit" exposure "$unit" "$tenths" </dev/null
	done <<-'LIMITS'
		frontend 14
		authd 14
		egress 14
		secretd 6
	LIMITS
	for unit in $daemons; do
		check "restart of $unit" restart_keeps_all "$unit"
	done
	for unit in $daemons; do
		check "kill -9 of $unit" survives_kill "$unit"
	done
	check 'the watchdog is fed, and bites' watchdog_works
	check 'ten quick crashes' survives_crashes
	check 'a missing key' waits_for_its_key
	check 'the key as a credential' takes_credentials
	check 'signing in through a provider' signs_in_through_a_provider
	check 'stop and start of the target' stops_and_starts
	check 'a client starts the services' starts_by_socket
	check 'rotation of the signing key' rotates_its_key
	check 'the previous key is kept' previous_key_is_kept
	check 'a new certificate' takes_a_new_certificate
	check 'the local listener' opens_and_closes_locally
	check 'a password for Prometheus' gives_a_password
	check 'a password as a credential' takes_a_password_as_credential
	check 'the journal' journal_tells
	check 'no call was forbidden' no_forbidden_call
}
