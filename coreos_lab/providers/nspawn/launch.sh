#!/bin/sh
# Supervises one node. The file has two calls:
#   launch.sh power ...   runs outside the node while the node is on, and boots it again when it asks for a reboot
#   launch.sh plug ...    connects the network cable of a node that is booting
# boot.py turns into the node. Everything that a boot creates (mounts, namespaces, cable) lives in namespaces of its own,
# which the kernel removes with their last process. Nothing needs cleaning up after a power cut.
#
# launch.sh power CGROUP PYTHON PACKAGES NODE_FOLDER LOWER LAYERS BASE DEVICES CABLE BRIDGE ADDRESS/LEN GATEWAY MAC [ARGUMENT_OF_NSPAWN ...]
# CGROUP is the node's cgroup in the v2 hierarchy, or "own" for the one that this process was started in (by systemd).
# BASE is the host's user id of the node's root, 0 without a user namespace. DEVICES are the host's, separated by commas.
set -eu
self=$0 call=$1
shift
if [ "$call" = power ]; then
    cgroup=$1 python=$2 packages=$3
    shift 3
    if [ "$cgroup" = own ]; then
        cgroup=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/self/mounts)$(sed -n 's/^0:://p' /proc/self/cgroup)
    fi
    # This process waits in a leaf cgroup: a cgroup with processes cannot delegate controllers to its children.
    mkdir -p "$cgroup/power" "$cgroup/machine"
    echo $$ >"$cgroup/power/cgroup.procs"
    for group in ${LAB_JOIN:-}; do # version 1 hierarchies, which account memory and CPU on hybrid hosts
        echo $$ >"$group/cgroup.procs"
    done
    echo "$cgroup" >"$1/cgroup"
    code=133
    while [ "$code" -eq 133 ]; do # nspawn's exit code for "reboot requested"
        code=0
        "$python" -SEs -c '
import sys
sys.path.insert(0, sys.argv.pop(1))
from coreos_lab.providers.nspawn.boot import main
main()' "$packages" "$cgroup" "$self" "$@" || code=$?
    done
    exit "$code"
fi

# One end joins the cluster's bridge, the other is the node's eth1. The cable of the previous boot may still exist.
cable=$1 bridge=$2 address=$3 gateway=$4 mac=$5 node=$6
ip link delete "$cable" 2>/dev/null || true
ip -batch - <<END
link add $cable type veth peer name eth1 address $mac netns $node
link set $cable master $bridge up
END
# Without IPv6 the link is usable at once, and nothing waits for router advertisements that never come.
# shellcheck disable=SC2016 # expanded by the node's shell
exec nsenter --target "$node" --net /bin/sh -ec '
    [ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6 || true
    exec ip -batch - <<END
address add $0 dev eth1
link set lo up
link set eth1 up
route add default via $1
END' "$address" "$gateway"
