#!/bin/sh
# host.sh TREE FOLDER STATE CHECKOUT: becomes a host of its own: systemd as PID 1, version 2 cgroups alone, no network. What
# it writes lies in FOLDER. It has the caches of STATE and the CHECKOUT at their own places, and loop devices of its own.
set -eu
tree=$1 folder=$2 state=$3 checkout=$4
mount --make-rprivate /
umount --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/${folder##*/}"
echo $$ >"/sys/fs/cgroup/${folder##*/}/cgroup.procs"
mkdir -p /run/systemd/nspawn "$folder/upper" "$folder/work" "$folder/root" "$folder/state"
mount -t tmpfs tmpfs /run/systemd/nspawn
mount -t overlay -o "lowerdir=$tree,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
set --
for cache in image userland containers; do
    mkdir -p "$state/$cache" "$folder/state/$cache"
    set -- "$@" "--bind=$state/$cache:/var/lib/coreos-lab/$cache"
done
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=1
# The lab's own nodes are started in there, with what they need.
exec systemd-nspawn --boot --register=no --keep-unit --machine="${folder##*/}" --directory="$folder/root" \
    --private-network --link-journal=no --capability=all --system-call-filter="@keyring bpf" \
    --bind="$folder/state:/var/lib/coreos-lab" "$@" --bind-ro="$checkout" --bind=/dev/fuse --bind=/dev/loop-control \
    systemd.show_status=error systemd.log_color=no
