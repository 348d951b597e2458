#!/bin/bash
# bootstrap-browser.sh: a browser without a screen, for the test of ch6's page. Where Debian's package is not to be had
# (Ubuntu has none) and there is no other Chromium, that test is skipped.
set -euo pipefail
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
for program in chromium-headless-shell chromium google-chrome; do
    command -v "$program" >/dev/null && exit 0
done
as_root apt-get update -qq
if [ -z "$(apt-cache search --names-only '^chromium-headless-shell$')" ]; then
    echo "bootstrap: no chromium-headless-shell to install: the page is not tested in a browser"
    exit 0
fi
echo "bootstrap: installing chromium-headless-shell"
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null
