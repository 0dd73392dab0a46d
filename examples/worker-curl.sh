#!/usr/bin/env bash
# A worker on plain curl: jobs of kind `cksum`, one at a time; the result is the checksum of the payload.
set -euo pipefail
worker=$(od -An -N8 -tx1 /dev/urandom | tr -d ' ') # a random word: what was claimed by it is this process's own
say() { # POST the body on stdin to the path $1; the token is in a file, not in the list of processes
    local access token url # the hall says in this file where it is, also after it was started anew
    access=$(<"${HIREHALL_DATA:-$HOME/.local/state/hirehall}/access.json")
    [[ $access =~ \"token\":\"([^\"]+)\" ]] && token=${BASH_REMATCH[1]}
    [[ $access =~ \"http\":\"([^\"]+)\" ]] && url=${BASH_REMATCH[1]}
    curl -sS -H @<(echo "Authorization: Bearer $token") -H 'Content-Type: application/json' --data-binary @- "$url/api/v1$1"
}
while claimed=$(say /claim <<<"{\"worker\":\"$worker\",\"kinds\":[\"cksum\"],\"lease_seconds\":600,\"wait_seconds\":20}") || sleep 1; do
    [[ $claimed =~ \"error\": ]] && echo "$claimed" >&2 && sleep 1
    [[ $claimed =~ \"run\":\[\{\"id\":\"([0-9a-f]+)\",\"attempt\":([0-9]+), ]] || continue
    job=${BASH_REMATCH[1]} attempt=${BASH_REMATCH[2]}
    payload=${claimed#*\"payload\":} payload=${payload%,\"lease_seconds\":*}
    answer="{\"worker\":\"$worker\",\"attempt\":$attempt,\"result\":\"$(cksum <<<"$payload")\"}"
    until say "/jobs/$job/done" <<<"$answer" >/dev/null; do sleep 1; done # the hall may be away for a moment
done
