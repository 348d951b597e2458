#!/bin/bash
# build-console.sh: builds the console's page with the Node packages of its lock file. `lab console` serves what it makes, and
# fetches nothing itself. Nothing happens where the page is built already.
set -euo pipefail
cd "$(dirname "$0")/../pages/console"
if [ -e build/main.js ] && [ -z "$(find page package.json package-lock.json -newer build/main.js)" ]; then
    exit 0
fi
rm -rf build
npm ci --ignore-scripts --no-audit --no-fund --silent
npm run build --silent -- --log-level=warning
touch build/main.js
