#!/bin/sh
# customize.sh ROOT FILES USERLAND VERSION: turns a Debian tree into the lab's machine image. Called by mmdebstrap.
set -eu
root=$1 files=$2 userland=$3 version=$4

tar --extract --file "$userland" --directory "$root" --no-same-owner
for program in "$root"/opt/coreos-lab/bin/*; do
    ln -sf "/opt/coreos-lab/bin/${program##*/}" "$root/usr/bin/${program##*/}"
done
# etcdctl uses version 2 of the API, as on Container Linux, unless ETCDCTL_API is set.
cat >"$root/opt/coreos-lab/bin/etcdctl-v2" <<'EOF'
#!/bin/sh
ETCDCTL_API=${ETCDCTL_API:-2} exec /opt/coreos-lab/bin/etcdctl "$@"
EOF
chmod 0755 "$root/opt/coreos-lab/bin/etcdctl-v2"
ln -sf /opt/coreos-lab/bin/etcdctl-v2 "$root/usr/bin/etcdctl"
ln -sf /usr/lib/coreos/fleetctl "$root/usr/bin/fleetctl"

# Our units replace Debian's of the same name; units that a node never needs are masked below.
# Files get the modes that git records, whatever umask they were checked out with.
tar --create --file "$root/tmp/files.tar" --mode=u=rwX,go=rX --directory "$files" .
tar --extract --file "$root/tmp/files.tar" --directory "$root" --no-same-owner
rm "$root/tmp/files.tar"
chmod 0440 "$root/etc/sudoers.d/core"
for kind in ext2 ext3; do # made here, because a wheel has no symbolic links
    ln -sf mount.ext4 "$root/usr/sbin/mount.$kind"
done
chroot "$root" systemctl --quiet disable containerd.service docker.service ssh.service e2scrub_reap.service
# D-Bus starts logind on its first request; there is none at boot.
rm -f "$root/usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service"
for unit in ssh.socket containerd.service console-getty.service getty@.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer e2scrub_reap.service systemd-firstboot.service \
    systemd-networkd-wait-online.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-ask-password-console.path systemd-ask-password-wall.path modprobe@drm.service modprobe@efi_pstore.service \
    modprobe@configfs.service modprobe@dm_mod.service modprobe@fuse.service modprobe@loop.service \
    systemd-modules-load.service systemd-remount-fs.service systemd-sysusers.service systemd-pstore.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# Generators run at every boot and every reload, on all nodes at the same time; these have nothing to do here.
install -d "$root/etc/systemd/system-generators"
for generator in cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done
chroot "$root" systemctl --quiet enable docker.socket sshd.socket sshd-keygen.service coreos-environment.service \
    user-cloudinit.service coreos-hosts.path update-engine.service
chroot "$root" systemctl --quiet set-default multi-user.target

cat "$root/usr/share/coreos/hosts" >>"$root/etc/hosts" # why: usr/lib/coreos/hosts

# Vim in its smallest build; the whole one would add 40 MB.
ln -sf vim.tiny "$root/usr/bin/vim"

# Container Linux's users. With "*" no password is valid, but the account is not locked (sshd would refuse that).
chroot "$root" groupadd --gid 500 core
chroot "$root" useradd --uid 500 --gid 500 --groups sudo,docker,systemd-journal --create-home --shell /bin/bash \
    --password '*' core
chroot "$root" useradd --defaults --shell /bin/bash # for users of a cloud-config without `shell:`
chroot "$root" useradd --system --home-dir /var/lib/etcd2 --shell /usr/sbin/nologin etcd
install -d -m 0700 -o "$(awk -F: '$1=="etcd"{print $3}' "$root/etc/passwd")" "$root/var/lib/etcd2"

# What a login shows, and where a program can read it (os-release(5)).
version_of() { chroot "$root" "/opt/coreos-lab/bin/$1" --version | grep -o '[0-9][0-9.]*[0-9]' | head -n 1; }
docker=$(chroot "$root" dpkg-query --show docker.io | cut -f 2)
cat >"$root/etc/motd" <<EOF
Container Linux in a lab, machine image $version
Debian $(cat "$root/etc/debian_version"), Docker ${docker%%[+~-]*}, etcd $(version_of etcd), fleet $(version_of fleetd)
EOF
{ cat "$root/etc/motd" && echo; } >"$root/etc/issue"
printf 'IMAGE_ID=coreos-lab\nIMAGE_VERSION=%s\n' "$version" >>"$root/usr/lib/os-release"

# Each node makes its own: they must differ between nodes.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"
ln -s /etc/machine-id "$root/var/lib/dbus/machine-id"
install -d -m 2755 -g systemd-journal "$root/var/log/journal" 2>/dev/null || install -d -m 2755 "$root/var/log/journal"
install -d "$root/var/lib/coreos-install"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/*.log "$root"/var/log/apt
