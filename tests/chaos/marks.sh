# For the shell workers: marks in the side-effect log, by a clock of hundredths of a second.
# CHAOS_BEHIND: by how many of them CLOCK_MONOTONIC is behind the time since boot.

# mark ID ATTEMPT EVENT LATER: LATER is 1 for a beginning, the latest moment at which it may have been; else 0.
mark() {
    local up at
    read -r up _ </proc/uptime
    at=$((10#${up/./} - CHAOS_BEHIND + $4))
    printf '%s %s %s %s %d.%02d\n' "$1" "$2" "$CHAOS_NAME" "$3" $((at / 100)) $((at % 100)) >>"$CHAOS_MARKS"
}

# The payload's MEMBER, a number or a text without quotes in it.
member() { [[ $2 =~ \"$1\":\ ?\"?([^\",}]+) ]] && printf '%s' "${BASH_REMATCH[1]}"; }

nap() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }
