#!/bin/bash
# shell-programs.sh: lists the shell programs of the tree, recognised by their first line, not their name.
set -euo pipefail
cd "$(dirname "$0")/.."
find . \( -name .git -o -name .venv -o -name node_modules \) -prune -o -type f -print | LC_ALL=C sort |
    while read -r file; do
        IFS= read -r first <"$file" || true
        if [[ $first =~ ^'#!'.*[/\ ](sh|bash|dash)( |$) ]]; then echo "$file"; fi
    done
