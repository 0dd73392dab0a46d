"""Whether a token may do what the bench does in a running hall, asked before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hirehall.client.sync_client import Hall
from hirehall.errors import BadRequest, Forbidden


def check_roles(hall: Hall, queue: str) -> None:
    """Raises Forbidden, which names the roles, unless the token has each of them and may name a `queue` of ours."""
    refused = {role: why for role, request in requests(queue).items() if (why := refusal(hall, request))}
    if refused:
        raise Forbidden(
            f"a running hall is measured with a token that has the roles {listed(requests(queue))}, and no limits;"
            f" not allowed to this one: {listed(refused)} ({next(iter(refused.values()))})"
        )


def requests(queue: str) -> dict[str, dict[str, Any]]:
    """One for each role, of which nothing stays in the hall."""
    return {
        "submit": {"cmd": "submit", "queue": queue, "jobs": []},
        "work": {"cmd": "work", "queues": [queue], "kinds": ["noop"], "credit": 0},
        "read": {"cmd": "counts", "queue": queue},
        "admin": {"cmd": "task"},
    }


def refusal(hall: Hall, request: Mapping[str, Any]) -> str:
    """Why the token may not; nothing when it may."""
    try:
        hall.request(request)
    except Forbidden as why:
        return why.message
    except BadRequest:  # no jobs are no submit: but it may
        return ""
    return ""


def listed(roles: Mapping[str, object]) -> str:
    """In words."""
    return ", ".join(sorted(roles))
