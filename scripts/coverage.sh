#!/bin/bash
# coverage.sh VENV TESTS...: measures the unit tests, then TESTS on real machines, and prints one report for both, even when
# a test has failed.
set -uo pipefail
coverage=$1/bin/coverage
shift
code=0
measure() {
    "$coverage" run -m pytest -q "$@"
    local was=$?
    [ $was = 0 ] || [ $was = 5 ] || code=$was # 5: pytest selected no tests
}
"$coverage" erase
measure --numprocesses=2 tests/unit
measure -m "whole_host and not rounds" "$@"
measure -m "not whole_host and not rounds" --numprocesses=2 --dist=loadfile --no-loadscope-reorder "$@"
"$coverage" combine --quiet
"$coverage" html --quiet
"$coverage" report || code=$?
exit $code
