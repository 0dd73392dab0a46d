"""The functions of the official workers: they take a while, and append what happens to the side-effect log.

`hirehall work` loads this file, on threads or in a pool of processes; who it is stands in the environment.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from hirehall import job
from hirehall.runners.context import Context

NAME = os.environ["CHAOS_NAME"]
IN_POOL = "CHAOS_POOL" in os.environ  # what dies is a child, and its worker lives on
MARKS = os.open(os.environ["CHAOS_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def mark(context: Context | None, event: str) -> None:
    """One line, in one write; without a context it is about the whole worker."""
    which = "- 0" if context is None else f"{context.id} {context.attempt}"
    os.write(MARKS, f"{which} {NAME} {event} {time.monotonic():.6f}\n".encode())


@job
def nap(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    mark(context, "start")
    if payload.get("poison"):
        mark(context if IN_POOL else None, "fail" if IN_POOL else "killed")
        os.kill(os.getpid(), signal.SIGKILL)
    if context.stopping.wait(payload["ms"] / 1000):
        mark(context, "drop")
        raise RuntimeError("told to stop")
    if context.attempt <= payload.get("fail", 0):
        mark(context, "fail")
        raise RuntimeError("as told")
    mark(context, "end")
    echo = {name: payload[name] for name in ("marker", "pad") if name in payload}
    return {"by": [context.attempt, NAME], **echo}
