"""docs/http.md: the operations of the HTTP door, from its route table."""

from __future__ import annotations

import json
from urllib.parse import quote

from hirehall.doors.http.inputs import Input, words_of
from hirehall.doors.http.operations import BASE, HELLO, OPERATIONS, Operation
from hirehall.doors.http.statuses import BY_CODE

WORDS = {"id": "$JOB", "queue": "images", "worker": "w81f", "name": "night", "upload": "$UPLOAD", "sha256": HELLO}
BEGIN = """HALL=$(jq -r .http ~/.local/state/hirehall/access.json)/api/v1
TOKEN=$(jq -r .token ~/.local/state/hirehall/access.json)
hall() { curl -sS -H @<(echo "Authorization: Bearer $TOKEN") -H 'Content-Type: application/json' "$@"; }
send() { curl -sS -H @<(echo "Authorization: Bearer $TOKEN") -T "$@"; }  # a file, or - for stdin"""


def page(mark: str) -> str:
    """The whole page; `mark` says that it is generated."""
    rows = "\n".join(map(row, OPERATIONS))
    codes = "\n".join(f"| `{code}` | {status} |" for code, status in BY_CODE.items())
    lines = "\n".join(map(curl, OPERATIONS))
    return f"""# HTTP

{mark}
The commands of the [protocol](protocol.md) as resources, JSON in and out. `{BASE}/openapi.json` is the same as an
OpenAPI document, `{BASE}` as a page. `--http` says where a hall listens ([configuration](configuration.md));
`access.json` has the address as `http`.

## Who asks

`Authorization: Bearer TOKEN` with every request. A browser logs in: `hirehall dashboard` prints a link that does it
once, and `POST /login` takes `{{"token": ...}}` or the link's `{{"code": ...}}`; `POST /logout` ends it. A login
lasts 12 hours at most, never longer than its token, and ends when the hall does. With its cookie a request that
changes something says `X-Hirehall: 1`. Anonymous roles do not count here.

Bodies are `application/json`, at most 1 MiB. What the protocol says of fields holds: an unknown one, in a body or in
the query, is a `bad_request` that names it. Requests that another site's page makes are refused, whoever they come
from, unless somebody follows a link to a page; so are those under a name that is not the hall's (`--http-host`). A
`traceparent` header of a submit goes into the `meta` of its jobs.

## Operations

| operation | method and path | role | body or query | does |
|---|---|---|---|---|
{rows}

*Role*: any of these will do. `limit` and `before` page through jobs, the newest first.

```sh
{BEGIN}
{lines}
```

## Streams

`{BASE}/events` and, for who accepts `text/event-stream`, `{BASE}/jobs/ID/log` are server-sent events. Each has an `id`:
with it as `Last-Event-ID` a stream goes on where it broke off, as browsers do by themselves. The first event of
`events` is `begin`; where it has `"gap":true`, and at an event `gap`, something is missing: read again what you show. A
log ends with the event `end`. Every 15 seconds without news there is a comment. Who does not read is told no more when
1 MiB waits for it, and is cut off 30 seconds later.

## A worker that polls

`claim` answers up to `n` jobs, after `wait_seconds` (20) without any. `worker` is a random word of each process: what
was claimed by it is its own, over any number of connections and restarts of the hall. Closing a connection means
nothing, but what a `claim` got whose connection closed before the answer goes back, forgiven. A lease lives on only
by `beat`, which names it; the answer says which of the named are `lost`, and which to `stop`. `done`, `fail` and
`release` end an attempt. One claim of a worker at a time. [worker-curl.sh](../examples/worker-curl.sh) and
[node/](../examples/node/worker.mjs) are such workers.

## Files

`PUT` takes the bytes of a file (`curl -T a.png ...`), at most 1 GiB, and answers its `sha256` and `md5`. Straight to a
job: `submit` with `"draft":true`, `PUT` its inputs, `commit`; or the content first (`PUT /contents/SHA256`) and then a
`submit` with `"files":[{{"name","sha256"}}]`. `Content-Length`, and `Repr-Digest` or `Content-Digest: sha-256=:BASE64:`
(RFC 9530), are held against what comes. 256 KiB at least must come every 30 seconds. A `PUT` to a job or to `contents`
that breaks off leaves nothing. An upload does: `POST /uploads`, `PUT` its bytes, and after a break, a restart or a
crash of the hall `GET` (or `HEAD`, with `Upload-Offset`) says `received`, from where another `PUT` with that `offset`
goes on; `finish` makes it a content. It waits a day for that. A content waits an hour for a job that names it.

Names: 1 to 255 bytes of UTF-8 in NFC, none of `/ \\ < > : " | ? *`, no control characters, no `.` at the end, no space
around, no `%`-escapes, no devices (`NUL`), and no two of a job that differ in capitals only. 64 files a job and
direction, `--files-quota` for all of a token: else `too_large`.

A download is always an attachment, `application/octet-stream`, sandboxed. `ETag` is the sha256; one `Range`, with
`If-Range`, is answered by 206, one behind the end by 416. Outputs (`PUT .../outputs/NAME` with `worker` and
`attempt`) can be seen when their attempt has succeeded; the official worker sends what functions and
[scripts](protocol.md#scripts) leave by itself. Who does not take 256 KiB of any
answer in 30 seconds is cut off.

## Watching over it

`/healthz` (it lives) and `/readyz` (it takes jobs) answer 200 or 503 to everybody and tell nothing else of the hall.
`/metrics` is for Prometheus and needs a token with the role `read`, of all queues: in its settings
`authorization: {{credentials_file: ...}}`.

## Errors

`{{"error":{{"code":"...","message":"..."}}}}`, whatever found it. The codes are those of the
[protocol](protocol.md#errors); 405, 408, 414, 415, 416, 421 and 431 have `bad_request`, `too_large` or `forbidden`.

| code | status |
|---|---|
{codes}
"""


def row(operation: Operation) -> str:
    """One line of the table."""
    roles = " or ".join(sorted(operation.roles)) or "any"
    read = Input(operation)
    names = ", ".join(f"`{name}`{'*' if name in read.required else ''}" for name in read.names)
    return f"| `{operation.name}` | `{operation.method} {operation.path}` | {roles} | {names} | {operation.about} |"


def curl(operation: Operation) -> str:
    """One line for a shell."""
    path = operation.path
    for word in words_of(path):
        path = path.replace(f"{{{word}}}", WORDS[word])
    method = {"GET": "", "POST": ""}.get(operation.method, f" -X {operation.method}")
    if operation.has_body:
        return f"hall{method} -d '{json.dumps(operation.example)}' \"$HALL{path}\"".replace("\\n", "")
    query = "&".join(f"{name}={quote(str(value))}" for name, value in operation.example.items())
    where = f'"$HALL{path}{"?" if query else ""}{query}"'
    return f"echo hello | send - {where}" if operation.takes_bytes else f"hall{method} {where}"
