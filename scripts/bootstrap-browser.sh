#!/bin/bash
# bootstrap-browser.sh: installs a headless browser for the tests of ch6's page and of reports. Without Debian's package
# (Ubuntu has none) and without another Chromium, those tests are skipped.
set -euo pipefail
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
for program in chromium-headless-shell chromium google-chrome; do
    command -v "$program" >/dev/null && exit 0
done
as_root apt-get update -qq
if [ -z "$(apt-cache search --names-only '^chromium-headless-shell$')" ]; then
    echo "bootstrap: the package chromium-headless-shell is not available: the test of the page in a browser is skipped"
    exit 0
fi
echo "bootstrap: installing chromium-headless-shell"
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null
