#!/bin/sh
# One node's power supply. Two calls of the same file:
#   launch.sh power ...   stays outside the node for as long as it is on, and boots it again when it asks for a reboot
#   launch.sh boot ...    becomes the node: its own mount and network namespaces, its root, its cable, then systemd-nspawn
# All that a boot makes (overlay mount, network namespace, cable) lives in namespaces of its own and is gone with its
# last process, however that ends: there is nothing to clean up after a power cut.
#
# Arguments: power|boot CGROUP NODE_FOLDER LOWER HOST_IFACE BRIDGE ADDRESS/LEN GATEWAY MAC [ARGUMENT_OF_NSPAWN ...]
# CGROUP is the node's cgroup in the v2 hierarchy, or "own" to use the one that we were started in (systemd's).
set -eu
self=$0 call=$1
shift
if [ "$call" = power ]; then
    v2=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/self/mounts)
    if [ "$1" = own ]; then
        cgroup=$v2$(sed -n 's/^0:://p' /proc/self/cgroup)
        shift
        set -- "$cgroup" "$@"
    fi
    # We wait in a leaf of our own: a cgroup that holds processes cannot hand controllers down.
    mkdir -p "$1/power" "$1/machine"
    echo $$ >"$1/power/cgroup.procs"
    for group in ${LAB_JOIN:-}; do # version 1 hierarchies, where memory and CPU are counted on hybrid hosts
        echo $$ >"$group/cgroup.procs"
    done
    echo "$1" >"$2/cgroup"
    code=133
    while [ "$code" -eq 133 ]; do # nspawn's word for "it wants to be booted again"
        code=0
        LAB_HOST_PID=$$ unshare --mount --net /bin/sh "$self" boot "$@" || code=$?
    done
    exit "$code"
fi

cgroup=$1 folder=$2 lower=$3 cable=$4 bridge=$5 address=$6 gateway=$7 mac=$8
shift 8
echo $$ >"$cgroup/machine/cgroup.procs"
mount --make-rprivate /
if [ "$(stat --file-system --format=%T /sys/fs/cgroup)" != cgroup2fs ]; then
    # A host with version 1 or hybrid cgroups: the node sees the version 2 hierarchy alone.
    umount --lazy /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
# nspawn wants this on a tmpfs, as it is where systemd runs; being ours alone, two clusters may both have a core-01.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn
mount -t overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"

# The cable: one end in the cluster's bridge, the other is the node's eth1. The end of a boot before may still be going.
host() { nsenter --target "$LAB_HOST_PID" --net "$@"; }
host ip link delete "$cable" 2>/dev/null || true
ip link add eth1 address "$mac" type veth peer name "$cable" netns "$LAB_HOST_PID"
host ip link set "$cable" master "$bridge" up
ip link set lo up
# Without IPv6 the link is usable at once, and nothing waits for router advertisements that nobody sends.
[ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6 || true
ip address add "$address" dev eth1
ip link set eth1 up
ip route add default via "$gateway"

# Docker, flannel and whatever a reader tries must be able to set their own network's switches.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
exec systemd-nspawn --network-namespace-path=/proc/self/ns/net --directory="$folder/root" "$@"
