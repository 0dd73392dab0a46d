#!/usr/bin/env bash
# What a worker's command does: nap.sh CHAOS_MARKS CHAOS_NAME CHAOS_BEHIND, for each job.
set -eu
CHAOS_MARKS=$1 CHAOS_NAME=$2 CHAOS_BEHIND=$3
source "${BASH_SOURCE%/*}/marks.sh"
payload=$(<"$HALL_PAYLOAD")
trap 'mark "$HALL_JOB_ID" "$HALL_ATTEMPT" drop 0; exit 143' TERM
mark "$HALL_JOB_ID" "$HALL_ATTEMPT" start 1
nap "$(member ms "$payload")" &
wait $!
mark "$HALL_JOB_ID" "$HALL_ATTEMPT" end 0
printf '{"by":[%d,"%s"],"marker":"%s"}' "$HALL_ATTEMPT" "$CHAOS_NAME" "$(member marker "$payload")" >"$HALL_RESULT"
