#!/bin/sh
# One node's power supply. Two calls of the same file:
#   launch.sh power ...   stays outside the node for as long as it is on, and boots it again when it asks for a reboot
#   launch.sh plug ...    puts the cable into a node that has just begun to boot
# What becomes the node is boot.py. All that a boot makes (mounts, namespaces, cable) lives in namespaces of its own and is
# gone with its last process, however that ends: there is nothing to clean up after a power cut.
#
# launch.sh power CGROUP PYTHON PACKAGES NODE_FOLDER LOWER LAYERS BASE DEVICES CABLE BRIDGE ADDRESS/LEN GATEWAY MAC [ARGUMENT_OF_NSPAWN ...]
# CGROUP is the node's cgroup in the v2 hierarchy, or "own" to use the one that we were started in (systemd's). BASE is the
# host's number of the node's root, 0 where that is the host's root itself. DEVICES are the host's, with commas.
set -eu
self=$0 call=$1
shift
if [ "$call" = power ]; then
    cgroup=$1 python=$2 packages=$3
    shift 3
    if [ "$cgroup" = own ]; then
        cgroup=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/self/mounts)$(sed -n 's/^0:://p' /proc/self/cgroup)
    fi
    # We wait in a leaf of our own: a cgroup that holds processes cannot hand controllers down.
    mkdir -p "$cgroup/power" "$cgroup/machine"
    echo $$ >"$cgroup/power/cgroup.procs"
    for group in ${LAB_JOIN:-}; do # version 1 hierarchies, where memory and CPU are counted on hybrid hosts
        echo $$ >"$group/cgroup.procs"
    done
    echo "$cgroup" >"$1/cgroup"
    code=133
    while [ "$code" -eq 133 ]; do # nspawn's word for "it wants to be booted again"
        code=0
        "$python" -SEs -c '
import sys
sys.path.insert(0, sys.argv.pop(1))
from coreos_lab.providers.nspawn.boot import main
main()' "$packages" "$cgroup" "$self" "$@" || code=$?
    done
    exit "$code"
fi

# One end in the cluster's bridge, the other is the node's eth1. The end of a boot before may still be going.
cable=$1 bridge=$2 address=$3 gateway=$4 mac=$5 node=$6
ip link delete "$cable" 2>/dev/null || true
ip -batch - <<END
link add $cable type veth peer name eth1 address $mac netns $node
link set $cable master $bridge up
END
# Without IPv6 the link is usable at once, and nothing waits for router advertisements that nobody sends.
# shellcheck disable=SC2016 # for the shell in there
exec nsenter --target "$node" --net /bin/sh -ec '
    [ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6 || true
    exec ip -batch - <<END
address add $0 dev eth1
link set lo up
link set eth1 up
route add default via $1
END' "$address" "$gateway"
