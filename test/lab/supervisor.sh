#!/bin/sh
# Keeps one lab host running: cables it, boots it, boots it again when it has rebooted (nspawn then ends with 133), and
# ends when it was powered off or killed. Started by host.ts, one per host, with its settings in the environment:
#   LAB_MACHINE LAB_HOSTNAME LAB_ROOT LAB_FOLDER   name for nspawn, host name, root filesystem, folder for pid files
#   LAB_NETNS LAB_BRIDGE_NETNS LAB_PORT            network namespaces and the name of the cable's end at the bridge
#   LAB_ADDRESS LAB_MAC LAB_NEIGHBOURS             arguments of "ip addr add", hardware address, "ADDRESS=MAC ..."
#   LAB_UUID                                       the host's machine id
set -u

LC_ALL=C
export LC_ALL

# A fresh namespace for each boot: a real machine forgets its firewall, routes and connections, too.
# The interface is up before systemd starts, or services that look for a private address fail.
cable() {
    ip -n "$LAB_BRIDGE_NETNS" link del "$LAB_PORT" 2>/dev/null
    ip netns del "$LAB_NETNS" 2>/dev/null
    ip netns add "$LAB_NETNS" &&
        ip -n "$LAB_NETNS" link set lo up &&
        ip -n "$LAB_BRIDGE_NETNS" link add "$LAB_PORT" type veth peer name eth0 address "$LAB_MAC" netns "$LAB_NETNS" &&
        ip -n "$LAB_BRIDGE_NETNS" link set "$LAB_PORT" master br0 up &&
        ip -n "$LAB_NETNS" link set eth0 up || return 1
    # shellcheck disable=SC2086 # several arguments
    ip -n "$LAB_NETNS" addr add $LAB_ADDRESS || return 1
    for neighbour in $LAB_NEIGHBOURS; do
        ip -n "$LAB_NETNS" neigh replace "${neighbour%%=*}" lladdr "${neighbour#*=}" dev eth0 || return 1
    done
    # As systemd sets it at the boot of a machine (sysctl.d/50-default.conf); inside, /proc/sys cannot be written.
    ip netns exec "$LAB_NETNS" sh -c 'echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range' || true
}

# --keep-unit would put hosts that were started from one control group into the same tree. Each gets its own.
# On a unified machine there is one hierarchy; on a hybrid one systemd needs its own, the unified one and cpuacct.
control_groups() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        hierarchies=/sys/fs/cgroup
    else
        hierarchies="/sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup/cpuacct"
    fi
    for hierarchy in $hierarchies; do
        [ -d "$hierarchy" ] || continue
        mkdir -p "$hierarchy/lab-$LAB_MACHINE" && echo "$hierarchy/lab-$LAB_MACHINE/cgroup.procs"
    done
}

boot() {
    # shellcheck disable=SC2016 # expanded by the inner shell, whose process nspawn becomes
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 setsid sh -c '
        for group in $1; do echo $$ >"$group" || exit 1; done
        echo $$ >"$2"
        shift 2
        exec systemd-nspawn "$@"' nspawn \
        "$groups" "$LAB_FOLDER/nspawn.pid" \
        --quiet --register=no --keep-unit --boot --console=pipe \
        --machine="$LAB_MACHINE" --hostname="$LAB_HOSTNAME" --uuid="$LAB_UUID" --directory="$LAB_ROOT" \
        --network-namespace-path="/run/netns/$LAB_NETNS" --capability=CAP_NET_ADMIN \
        --resolv-conf=off --timezone=off --link-journal=no
}

echo $$ >"$LAB_FOLDER/supervisor.pid"
groups=$(control_groups)
while [ "$(cat "$LAB_FOLDER/wanted")" = up ]; do
    if ! cable; then
        echo "lab: the network of $LAB_MACHINE could not be made"
        break
    fi
    boot
    status=$?
    echo "lab: $LAB_MACHINE ended with $status"
    [ "$status" -eq 133 ] || break
done
rm -f "$LAB_FOLDER/supervisor.pid" "$LAB_FOLDER/nspawn.pid"
