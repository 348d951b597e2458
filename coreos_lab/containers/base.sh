#!/bin/sh
# base.sh ROOT: makes a fresh Debian tree into the base container image. Called by mmdebstrap.
set -eu
root=$1

# As on the hub's Debian: no container image keeps downloaded packages, nor apt's caches of 80 MB beside its lists.
cat >"$root/etc/apt/apt.conf.d/90container" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
# Nobody answers questions in a build.
echo 'debconf debconf/frontend select Noninteractive' | chroot "$root" debconf-set-selections

# The host's own, which mmdebstrap lends the tree while it is made; what no container reads.
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root"/var/cache/debconf/*-old
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root/var/log/apt"
find "$root/var/log" -type f -delete
