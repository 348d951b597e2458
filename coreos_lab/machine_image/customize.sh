#!/bin/sh
# customize.sh ROOT FILES USERLAND: turns a Debian tree into the lab's machine image. Called by mmdebstrap.
set -eu
root=$1 files=$2 userland=$3

tar --extract --file "$userland" --directory "$root" --no-same-owner
for program in "$root"/opt/coreos-lab/bin/*; do
    ln -sf "/opt/coreos-lab/bin/${program##*/}" "$root/usr/bin/${program##*/}"
done
# etcd is spoken to as on Container Linux: in its version 2, unless somebody asks for another.
cat >"$root/opt/coreos-lab/bin/etcdctl-v2" <<'EOF'
#!/bin/sh
ETCDCTL_API=${ETCDCTL_API:-2} exec /opt/coreos-lab/bin/etcdctl "$@"
EOF
chmod 0755 "$root/opt/coreos-lab/bin/etcdctl-v2"
ln -sf /opt/coreos-lab/bin/etcdctl-v2 "$root/usr/bin/etcdctl"

# Debian's own units give way to ours of the same name; what a node in a lab never needs is masked.
cp -R --no-dereference --preserve=mode "$files/." "$root/"
chmod 0440 "$root/etc/sudoers.d/core"
chroot "$root" systemctl --quiet disable containerd.service docker.service ssh.service e2scrub_reap.service
# The bus starts logind when somebody asks it for something: nobody does at boot.
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
# Generators run at every boot and every reload, on all nodes at the same time, and none of these has anything to do here.
install -d "$root/etc/systemd/system-generators"
for generator in cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done
chroot "$root" systemctl --quiet enable docker.socket sshd.socket sshd-keygen.service coreos-environment.service \
    user-cloudinit.service
chroot "$root" systemctl --quiet set-default multi-user.target

# Docker's client looks this name up before it pulls anything, to learn whether that network may do without TLS (isCIDRMatch
# in its registry/config.go), though nothing is fetched from there. Where no name server answers that takes ten seconds. The
# address is nobody's (RFC 5737).
echo "192.0.2.1 docker.io" >>"$root/etc/hosts"

# Container Linux's users. "*" as a password: no password fits, yet the account is not locked (sshd would refuse it).
chroot "$root" groupadd --gid 500 core
chroot "$root" useradd --uid 500 --gid 500 --groups sudo,docker,systemd-journal --create-home --shell /bin/bash \
    --password '*' core
chroot "$root" useradd --system --home-dir /var/lib/etcd2 --shell /usr/sbin/nologin etcd
install -d -m 0700 -o "$(awk -F: '$1=="etcd"{print $3}' "$root/etc/passwd")" "$root/var/lib/etcd2"

# A node's own: they must not be the same on every node.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"
ln -s /etc/machine-id "$root/var/lib/dbus/machine-id"
install -d -m 2755 -g systemd-journal "$root/var/log/journal" 2>/dev/null || install -d -m 2755 "$root/var/log/journal"
install -d "$root/var/lib/coreos-install"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/*.log "$root"/var/log/apt
