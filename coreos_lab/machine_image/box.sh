#!/bin/sh
# box.sh IMAGE FILES KEY DRAFT SIZE: makes the machine image bootable as a virtual machine. Leaves DRAFT/{disk.raw,
# vmlinuz,initrd}. Called in a mount namespace of its own, so that its mounts go with it.
set -eu
image=$1 files=$2 key=$3 draft=$4 size=$5
root=$draft/root

mkdir "$draft/upper" "$draft/work" "$root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$draft/upper,workdir=$draft/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind /dev "$root/dev"

# Parts that containers do not need and the image leaves out: a kernel, device nodes, the network's configuration.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
tar --create --file "$root/tmp/files.tar" --mode=u=rwX,go=rX --directory "$files" .
tar --extract --file "$root/tmp/files.tar" --directory "$root" --no-same-owner
rm "$root/tmp/files.tar"
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
chroot "$root" apt-get update -qq
in_root() { DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold "$@"; }
in_root linux-image-cloud-amd64 udev busybox-static systemd-resolved

# These are masked in the image.
for unit in systemd-modules-load.service systemd-remount-fs.service getty@.service systemd-networkd-wait-online.service; do
    rm -f "$root/etc/systemd/system/$unit"
done
rm -f "$root/etc/systemd/system-generators/systemd-getty-generator"
chroot "$root" systemctl --quiet enable systemd-networkd.service systemd-resolved.service usr-read-only.service
chroot "$root" systemctl --quiet mask systemd-networkd-wait-online.service
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
printf 'LABEL=lab-root / ext4 errors=remount-ro 0 1\n' >"$root/etc/fstab"

# Vagrant's well-known key; the cloud-config adds the cluster's own.
install -d -m 0700 -o 500 -g 500 "$root/home/core/.ssh" "$root/home/core/.ssh/authorized_keys.d"
install -m 0600 -o 500 -g 500 "$key" "$root/home/core/.ssh/authorized_keys.d/vagrant"
install -m 0600 -o 500 -g 500 "$key" "$root/home/core/.ssh/authorized_keys"

cp "$root"/boot/vmlinuz-* "$draft/vmlinuz"

# Debian's own initial RAM disk probes every device, which takes an emulated machine most of a minute. Ours only loads
# the disk's modules and mounts the disk.
mkdir -p "$draft/initial/bin" "$draft/initial/modules" "$draft/initial/dev" "$draft/initial/proc" "$draft/initial/sys" \
    "$draft/initial/root"
cp "$root/bin/busybox" "$draft/initial/bin/busybox"
version=$(basename "$root"/lib/modules/*)
count=100
for module in virtio_pci virtio_scsi sd_mod ext4; do
    chroot "$root" modprobe --set-version "$version" --show-depends "$module" | while read -r word path _; do
        [ "$word" = insmod ] && echo "$path"
    done
done | awk '!seen[$0]++' | while read -r path; do
    cp "$root$path" "$draft/initial/modules/$count-$(basename "$path")"
    count=$((count + 1))
done
cp "$files/../box_init" "$draft/initial/init"
chmod 0755 "$draft/initial/init"
(cd "$draft/initial" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1 >"$draft/initrd")
rm -rf "${root:?}"/boot/* "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/*.log "$root"/var/log/apt
umount "$root/dev" "$root/tmp" "$root/sys" "$root/proc"
truncate --size "$size" "$draft/disk.raw"
mke2fs -q -t ext4 -L lab-root -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$draft/disk.raw"
umount "$root"
