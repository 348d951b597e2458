#!/bin/bash
# build-actionlint.sh VENV: builds actionlint into VENV from the Go modules pinned in requirements/actionlint.
set -euo pipefail
go=$("$1/bin/python" -c 'from coreos_lab.machine_image.go_toolchain import find_go; print(find_go())')
bin=$(realpath "$1/bin")
cd requirements/actionlint
CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=readonly" GOWORK=off GOTOOLCHAIN=local GOBIN=$bin \
    "$go" install github.com/rhysd/actionlint/cmd/actionlint
touch "$bin/actionlint"
