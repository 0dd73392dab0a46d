#!/bin/sh
# Packs every file of its job: hirehall work --script 'pack=./pack.sh'
set -e
for path in "$HALL_IN"/*; do
    gzip -nc "$path" >"$HALL_OUT/${path##*/}.gz"
done
ls "$HALL_OUT"
