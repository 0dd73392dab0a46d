"""Who looks at pages, as far as a measurement needs one."""

from __future__ import annotations

import http.client
import json


def logged_in(connection: http.client.HTTPConnection, token: str) -> str:
    """Log in with this token; the cookie. Raises RuntimeError when the hall does not let it in."""
    connection.request("POST", "/login", json.dumps({"token": token}), {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"logging in is answered with {answer.status}: {said[:200]!r}")
    return str(answer.getheader("set-cookie")).partition(";")[0]
