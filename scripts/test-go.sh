#!/bin/bash
# test-go.sh VENV: runs gofmt, go vet and the tests of this project's own Go modules below userland/.
set -euo pipefail
go=$("$1/bin/python" -c 'from coreos_lab.machine_image.go_toolchain import find_go; print(find_go())')
export GOFLAGS='' GOWORK=off GOTOOLCHAIN=local
unformatted=$("$("$go" env GOROOT)/bin/gofmt" -l userland)
[ -z "$unformatted" ] || { echo "not gofmt'ed: $unformatted" >&2; exit 1; }
(cd userland/fleet && GOFLAGS=-mod=readonly "$go" vet ./testdata/reading)
(cd userland/ct && GOFLAGS=-mod=readonly "$go" vet ./...) # its tests are those of what is made of its answers
for module in userland/{update-engine,judge,acbuild}/go.mod userland/*/shim/{,*/}*/go.mod; do
    (cd "${module%/go.mod}" && "$go" vet ./... && "$go" test ./... | { grep -v 'no test files' || true; })
done
