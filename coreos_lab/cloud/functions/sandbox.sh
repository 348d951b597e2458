#!/bin/sh
# sandbox.sh PROCS NAMESPACE ROOT USER CODE RUNTIME ETC PROGRAM...: becomes a function's process.
#
# It is in the cgroups whose files PROCS lists (separated by colons) and in the network namespace NAMESPACE, with
# process ids of its own, and without root's rights. It sees the host's /usr, its code and our loop, all read-only, and a
# /tmp that is memory: nothing else of the host. ETC has the files of its /etc, with its variables in `environment`.
set -eu
if [ "$1" != inside ]; then
    procs=$1 namespace=$2
    shift 2
    for each in $(echo "$procs" | tr : ' '); do echo $$ >"$each"; done
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin nsenter "--net=$namespace" unshare --mount --pid --ipc --uts --fork --kill-child sh "$0" inside "$@"
fi
root=$2 user=$3 code=$4 runtime=$5 etc=$6
shift 6
show() { mount --bind "$1" "$2" && mount -o remount,bind,ro,nosuid,nodev "$2"; }
mount -t tmpfs -o mode=755,nosuid,nodev function "$root"
cd "$root"
mkdir -p dev etc/ssl/certs etc/alternatives proc tmp usr var/task var/runtime mnt
show /usr usr
for each in bin sbin lib lib32 lib64; do
    if [ -L "/$each" ]; then
        cp -P "/$each" "$each"
    elif [ -d "/$each" ]; then
        mkdir "$each"
        show "/$each" "$each"
    fi
done
show /etc/alternatives etc/alternatives
show "$code" var/task
show "$runtime" var/runtime
cp "$etc"/* /etc/ld.so.cache etc/
mv etc/ca-certificates.crt etc/ssl/certs/
chmod 400 etc/environment
for each in null zero full random urandom; do
    : >"dev/$each"
    mount --bind "/dev/$each" "dev/$each"
done
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o size=512m,mode=1777,nosuid,nodev tmp tmp
mount -t proc -o nosuid,nodev,noexec proc proc
mount -o remount,ro,nosuid,nodev "$root"
pivot_root . mnt
# shellcheck disable=SC2016 # what stands in quotes is for the shell inside
exec chroot . sh -c '
    umount -l /mnt
    user=$1
    shift
    set -a
    . /etc/environment
    cd /var/task
    ulimit -n 1024
    exec setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
' sh "$user" "$@"
