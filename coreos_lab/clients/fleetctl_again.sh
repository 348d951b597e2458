#!/bin/sh
# fleetctl_again.sh PROGRAM WRAPPER WORDS...: calls fleetctl, PROGRAM, by its wrapper. A fleetd whose etcd is slow answers
# with an error of its own (500, 503) and has done nothing: the call is made again, once a second. That holds for commands
# that fleet alone answers, and that may be repeated. Others use SSH or go on for ever: the shell becomes those.
export LAB_FLEETCTL="$1"
wrapper=$2
shift 2
verb=
for word in "$@"; do
    case $word in -*) ;; *) verb=$word && break ;; esac
done
case $verb in
cat | destroy | list-machines | list-unit-files | list-units | load | start | stop | submit | unload) ;;
*) exec sh "$wrapper" "$@" ;;
esac
left=10
exec 3>&1
while :; do
    # Only what it writes to stderr is kept back. It ends with this shell.
    errors=$(setpriv --pdeathsig TERM sh "$wrapper" "$@" 2>&1 >&3 3>&-)
    code=$?
    case $errors in
    *"googleapi: Error 50"[03]* | *"HTTP response code 50"[03]*) left=$((left - 1)) ;;
    *) left=0 ;;
    esac
    if [ "$code" = 0 ] || [ "$left" = 0 ]; then
        [ -z "$errors" ] || printf '%s\n' "$errors" >&2
        exit "$code"
    fi
    sleep 1
done
