#!/bin/sh
# peer-lxc.sh start|stop NAME FOLDER [IMAGE BRIDGE ADDRESS GATEWAY USER_DATA]: runs a node as an LXC container, from the same
# root tree and cloud-config as `lab up`. Only `make bench` uses it, for comparison.
set -eu
verb=$1 name=$2 folder=$3
if [ "$verb" = stop ]; then
    lxc-stop --kill --lxcpath "$folder" --name "$name" 2>/dev/null || true
    rm -rf "${folder:?}/$name"
    exit 0
fi
image=$4 bridge=$5 address=$6 gateway=$7 user_data=$8
mkdir -p "$folder/$name/upper" "$folder/$name/work" "$folder/$name/root" "$folder/$name/docker"
cat >"$folder/$name/config" <<END
lxc.uts.name = $name
lxc.rootfs.path = dir:$folder/$name/root
lxc.mount.auto = proc:rw sys:rw cgroup:rw:force
lxc.autodev = 1
lxc.apparmor.profile = unconfined
lxc.cap.drop =
lxc.net.0.type = veth
lxc.net.0.link = $bridge
lxc.net.0.name = eth1
lxc.net.0.flags = up
lxc.net.0.ipv4.address = $address
lxc.net.0.ipv4.gateway = $gateway
lxc.mount.entry = $image/usr usr none bind,ro 0 0
lxc.mount.entry = $folder/$name/docker var/lib/docker none bind,create=dir 0 0
lxc.mount.entry = $user_data var/lib/coreos-install/user_data none bind,ro,create=file 0 0
lxc.mount.entry = tmpfs run tmpfs mode=755,nosuid,nodev 0 0
END
# Like the nodes of `lab up` on a hybrid host, this container gets only version 2 cgroups.
# shellcheck disable=SC2016 # the inner shell expands them
exec unshare --mount sh -eu -c '
    mount --make-rprivate /
    if [ "$(stat --file-system --format=%T /sys/fs/cgroup)" != cgroup2fs ]; then
        umount --lazy /sys/fs/cgroup
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
    fi
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
    exec lxc-start --daemon --lxcpath "$3" --name "$4" --logfile "$2/log" --logpriority INFO
' sh "$image" "$folder/$name" "$folder" "$name"
