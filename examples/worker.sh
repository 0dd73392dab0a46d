#!/usr/bin/env bash
# A whole worker in 15 lines of bash: jobs of kind `cksum`, one at a time; the result is the checksum of the payload.
set -euo pipefail
access=$(<"${HIREHALL_DATA:-$HOME/.local/state/hirehall}/access.json") # the hall says there where it is
[[ $access =~ \"url\":\"hall://([^\"]+):([0-9]+)\" ]] && exec 3<>"/dev/tcp/${BASH_REMATCH[1]}/${BASH_REMATCH[2]}"
[[ $access =~ \"token\":\"([^\"]+)\" ]] && echo "{\"cmd\":\"hello\",\"token\":\"${BASH_REMATCH[1]}\",\"name\":\"bash\"}" >&3
echo '{"cmd":"work","kinds":["cksum"],"credit":1,"lease_seconds":300}' >&3
while IFS= read -r line <&3; do
    [[ $line =~ \"error\": ]] && echo "$line" >&2
    [[ $line =~ \"run\":\[\{\"id\":\"([0-9a-f]+)\",\"attempt\":([0-9]+), ]] || continue
    job="\"id\":\"${BASH_REMATCH[1]}\",\"attempt\":${BASH_REMATCH[2]}"
    payload=${line#*\"payload\":} payload=${payload%,\"lease_seconds\":*}
    echo "{\"cmd\":\"done\",$job,\"result\":\"$(cksum <<<"$payload")\"}" >&3
done
