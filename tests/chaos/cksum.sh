# For BASH_ENV: the bash worker of the examples runs as it is, but what it calls `cksum` naps and leaves marks.
source "$CHAOS_HERE/marks.sh"
cksum() {
    local payload id attempt
    IFS= read -r payload
    [[ $job =~ \"id\":\"([0-9a-f]+)\",\"attempt\":([0-9]+) ]]
    id=${BASH_REMATCH[1]} attempt=${BASH_REMATCH[2]}
    mark "$id" "$attempt" start 1
    nap "$(member ms "$payload")"
    mark "$id" "$attempt" end 0
    printf '%s %s %s' "$attempt" "$CHAOS_NAME" "$(member marker "$payload")"
}
