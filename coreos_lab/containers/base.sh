#!/bin/sh
# base.sh ROOT: makes a fresh Debian tree into the base container image. Called by mmdebstrap.
set -eu
root=$1

# As in Docker Hub's Debian image: neither downloaded packages nor apt's caches (80 MB) stay in a container image.
cat >"$root/etc/apt/apt.conf.d/90container" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
# A build is not interactive.
echo 'debconf debconf/frontend select Noninteractive' | chroot "$root" debconf-set-selections

# mmdebstrap copies these from the host while it runs; no container reads them.
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root"/var/cache/debconf/*-old
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root/var/log/apt"
find "$root/var/log" -type f -delete
