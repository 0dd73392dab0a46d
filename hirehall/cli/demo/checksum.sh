#!/bin/sh
# What the demo's script worker does: the checksum of one file, with standard tools.
#   HALL_PAYLOAD   a file: {"file": NAME, "path_base64": PATH}
#   HALL_RESULT    where to write the result, JSON
# The path comes as base64, because a name may hold quotes, line breaks, and bytes that are no text.

fail() {
    echo "$1" >&2
    exit 1
}

encoded=$(sed -n 's/.*"path_base64": *"\([A-Za-z0-9+/=]*\)".*/\1/p' "$HALL_PAYLOAD")
[ -n "$encoded" ] || fail "the payload names no path"
path=$(printf %s "$encoded" | base64 -d && echo /) || fail "the path is not base64"
path=${path%/} # the slash has kept $( ) from cutting line breaks off the name's end

# Looked at before it is opened: a pipe would keep us waiting for ever.
[ -e "$path" ] || fail "there is no such file any more"
[ -f "$path" ] || fail "this is not a regular file"

if command -v sha256sum >/dev/null; then
    tool="sha256sum" name=sha256
elif command -v shasum >/dev/null; then
    tool="shasum -a 256" name=sha256
else
    tool="cksum" name=cksum
fi
# One open, one reader; what goes wrong says so on stderr, which is the reason that the job fails with.
if ! { said=$($tool <"$path"); } 2>"$TMPDIR/why"; then
    fail "cannot read the file: $(sed 's/.*: //' "$TMPDIR/why" | tail -n 1)"
fi
printf '{"%s":"%s"}\n' "$name" "${said%% *}" >"$HALL_RESULT"
