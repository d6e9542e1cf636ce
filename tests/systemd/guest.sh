# guest.sh: a Debian 12 guest under systemd-nspawn, for the tests that need a
# systemd of their own. Sourced; owns the guest's life from the base root, which
# is made once and kept in a cache, to the removal of its control groups. The
# host's systemd is never asked for anything.
# shellcheck shell=bash

guest_cache=${DOORWARD_SYSTEM_CACHE:-$HOME/.cache/doorward-system}
guest_packages=systemd,systemd-sysv,dbus,openssl,libseccomp2,libssl3
guest_packages+=,libevent-2.1-7,libevent-core-2.1-7,libevent-extra-2.1-7,libcurl4
guest_packages+=,libjansson4,libyaml-0-2,libsqlite3-0,procps,iproute2
guest_name=doorward-$$
guest_nspawn='' guest_leader=''

# Debian packages of the host, installed where they are missing.
guest_tools() {
	local missing=''
	command -v systemd-nspawn >/dev/null || missing+=' systemd-container'
	command -v debootstrap >/dev/null || missing+=' debootstrap'
	[ -n "$missing" ] || return 0
	apt-get update -q &&
		# shellcheck disable=SC2086 # a list of words
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends $missing </dev/null
}

# Sets guest_root. A root that was not finished is never taken for one that was.
guest_base() {
	local mirror=${DOORWARD_MIRROR:-http://deb.debian.org/debian} new
	guest_root=$guest_cache/bookworm-$(echo "$guest_packages" | cksum | cut -d' ' -f1)
	mkdir -p "$guest_cache"
	(
		flock -w 600 9 || exit 1
		[ ! -d "$guest_root" ] || exit 0
		echo "making a Debian root in $guest_root"
		new=$guest_root.new
		rm -rf --one-file-system "$new"
		timeout -k 10 500 debootstrap --variant=minbase \
			--include="$guest_packages" bookworm "$new" "$mirror" \
			>"$guest_cache/debootstrap.log" 2>&1 ||
			{ tail -20 "$guest_cache/debootstrap.log"; exit 1; }
		rm -f "$new"/var/cache/apt/archives/*.deb
		echo '127.0.0.1 localhost' >"$new/etc/hosts"
		mv "$new" "$guest_root"
	) 9>"$guest_cache/lock"
}

# The guest's control groups lie in one of our own, which can be removed: in
# both hierarchies of version 1 that systemd uses, or in that of version 2.
guest_cgroups() {
	local top
	for top in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
		[ -e "$top/cgroup.procs" ] && echo "$top/$guest_name"
	done
}

guest_find_leader() {
	local child
	for child in $(pgrep -P "$guest_nspawn"); do
		case $(cat "/proc/$child/comm" 2>/dev/null) in
		systemd | init) guest_leader=$child && return 0 ;;
		esac
	done
	return 1
}

# guest_start LOG: boots; writes nothing to the base root.
guest_start() {
	local group
	for group in $(guest_cgroups); do mkdir -p "$group" || return 1; done
	(
		for group in $(guest_cgroups); do
			echo 0 >"$group/cgroup.procs" || exit 1
		done
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
		# nspawn's own filter would refuse landlock to the guest
		export SYSTEMD_SECCOMP=0
		exec setsid systemd-nspawn -D "$guest_root" --register=no \
			--keep-unit --machine="$guest_name" --hostname=doorward \
			--private-network --volatile=overlay --console=pipe \
			--notify-ready=yes --boot
	) </dev/null >"$1" 2>&1 &
	guest_nspawn=$!
	for _ in $(seq 600); do
		kill -0 "$guest_nspawn" 2>/dev/null || return 1
		guest_find_leader && inside systemctl is-system-running 2>/dev/null |
			grep -qE 'running|degraded' && return 0
		sleep 0.1
	done
	return 1
}

guest_stop() {
	local group
	if [ -n "$guest_nspawn" ]; then
		[ -z "$guest_leader" ] || kill -s RTMIN+4 "$guest_leader" 2>/dev/null
		for _ in $(seq 150); do
			kill -0 "$guest_nspawn" 2>/dev/null || break
			sleep 0.1
		done
		# the death of the leader ends every process of the guest
		[ -z "$guest_leader" ] || ! kill -0 "$guest_nspawn" 2>/dev/null ||
			kill -9 "$guest_leader" 2>/dev/null
		kill -9 "$guest_nspawn" 2>/dev/null
		wait "$guest_nspawn" 2>/dev/null
		guest_nspawn='' guest_leader=''
	fi
	for group in $(guest_cgroups); do
		for _ in $(seq 50); do
			[ ! -d "$group" ] || find "$group" -depth -type d \
				-exec rmdir {} + 2>/dev/null
			[ -d "$group" ] || break
			sleep 0.1
		done
	done
}

# inside COMMAND...: as root in the guest, bounded in time.
inside() {
	timeout -k 5 90 nsenter -t "$guest_leader" -m -u -i -n -p -C -r -w -- \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root "${inside_env[@]}" "$@"
}
inside_env=(LC_ALL=C)

# on_its_network COMMAND...: a program of the host, on the guest's network.
on_its_network() {
	nsenter -t "$guest_leader" -n -- "$@"
}
