#!/bin/sh
# appc-build.sh FOLDER: builds the image of hello world as FOLDER/helloworld-0.0.1-linux-amd64.aci.
set -eu
PATH=/opt/rkt/bin:$PATH
cd "$(mktemp -d -p /var/lib/docker/rkt)" # beside rkt's data, for the same reason: acbuild uses overlayfs, too
trap 'rm -rf "$PWD"' EXIT
acbuild begin
acbuild set-name aci.lab.internal/helloworld
acbuild dependency add aci.lab.internal/nodejs
acbuild copy /opt/rkt/app /app
acbuild run -- node --check /app/app.js
# Without exec the shell would stay, as the process that signals reach, and node would outlive it.
acbuild set-exec -- /bin/sh -c "cd /app && exec node app.js"
acbuild port add www tcp 3000
acbuild label add version 0.0.1
acbuild label add arch amd64
acbuild label add os linux
acbuild write "$1/helloworld-0.0.1-linux-amd64.aci"
acbuild end
