#!/bin/bash
# bootstrap-libvirt.sh: installs what libvirt's virtual machines need in addition to scripts/bootstrap.sh. Debian, Ubuntu.
set -euo pipefail
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
declare -A packages=(
    [vagrant]=vagrant [virsh]=libvirt-clients [libvirtd]=libvirt-daemon-system [qemu-system-x86_64]=qemu-system-x86
    [qemu-img]=qemu-utils [dnsmasq]=dnsmasq-base [mke2fs]=e2fsprogs
)
missing=()
for program in "${!packages[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
vagrant plugin list 2>/dev/null | grep -q vagrant-libvirt || missing+=(vagrant-libvirt)
[ ${#missing[@]} -gt 0 ] || exit 0
echo "bootstrap: installing ${missing[*]}"
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
