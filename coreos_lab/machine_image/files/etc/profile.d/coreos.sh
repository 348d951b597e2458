# What Container Linux reports at a login: no reboots for updates, and failed units.
# shellcheck shell=sh
case $- in
*i*)
    systemctl --quiet is-active locksmithd.service || echo "Update Strategy: No Reboots"
    coreos_failed=$(systemctl list-units --state=failed --plain --no-legend --no-pager 2>/dev/null | cut -d ' ' -f 1)
    if [ -n "$coreos_failed" ]; then
        printf '%s\n' "$coreos_failed" | awk '{ lines = lines "  " $0 "\n" } END { printf "Failed Units: %d\n%s", NR, lines }'
    fi
    unset coreos_failed
    ;;
esac
