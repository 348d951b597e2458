#!/bin/sh
# mount_ext4.sh DEVICE FOLDER [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]: is /usr/sbin/mount.ext4 of a cloud's
# instance, so mount(8) calls it for ext4. The kernel mounts disks only for the host's root, which does it for the
# instance's own disks (disk_server.py).
set -eu
device=$1 folder=$2
shift 2
options='' fake=''
while getopts sfnvN:o:t: flag; do
    case $flag in
    o) options=$OPTARG ;;
    f) fake=yes ;;
    ?) ;;
    esac
done
[ -z "$fake" ] || exit 0
said=$(printf '%s\n%s\n%s\n' "$device" "$folder" "$options" | socat -t 60 - UNIX-CONNECT:/run/lab/disks/socket)
if [ "$said" != mounted ]; then
    echo "mount: $folder: ${said:-the cloud does not answer}" >&2
    exit 32 # mount(8): the mount failed
fi
