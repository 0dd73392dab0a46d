"""Files that do not change while the hall runs: each has the digest of its content in its address, so a browser may
keep it for ever. What the login page needs is for everyone."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from hirehall.doors.http.statuses import of_status

FOLDER = Path(__file__).with_name("static")
ROUTE = "/static/{digest}/{name}"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVERYONE = ("style.css", "theme.js", "login.js", "mark.svg")
KEPT = "private, max-age=31536000, immutable"
_found = {path.name: path.read_bytes() for path in FOLDER.rglob("*") if path.suffix in TYPES}


def address(name: str) -> str:
    """Where a file is. Raises KeyError for one that is not there."""
    return f"/static/{hashlib.sha256(_found[name]).hexdigest()[:12]}/{name}"


_addresses = {name: address(name) for name in _found}
PUBLIC = frozenset(_addresses[name] for name in FOR_EVERYONE)


async def static(request: Request) -> Response:
    """One file, under the digest that it has now."""
    name = request.path_params["name"]
    if _addresses.get(name) != request.url.path:
        raise of_status(404, "there is no such file: load the page anew")
    return Response(_found[name], media_type=TYPES[Path(name).suffix], headers={"cache-control": KEPT})
