"""What the paths say to the hall, a wave at a time: so many that it hardly counts how the hall divides them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hirehall.bench.peers import PAYLOAD, Delivery, encode

WAVE = 1000  # jobs under way at once
BULK = 100  # jobs in a message where they are many

Fields = dict[str, Any]


def line(cmd: str, **fields: Any) -> bytes:
    """One request."""
    return encode({"cmd": cmd, **fields}) + b"\n"


def submits(count: int, **fields: Any) -> bytes:
    """A message for each of `count` jobs."""
    job = {"queue": "default", "kind": "noop", "payload": PAYLOAD, **fields}
    return b"".join(line("submit", **job, ref=ref) for ref in range(count))


def bulk_submits(jobs: Iterable[Fields], **fields: Any) -> list[bytes]:
    """Messages with many of these jobs in each; `fields` are the same for all."""
    waiting = [{"kind": "noop", "payload": PAYLOAD, **job} for job in jobs]
    parts = [waiting[begin : begin + BULK] for begin in range(0, len(waiting), BULK)]
    return [line("submit", jobs=part, **fields) for part in parts]


def dones(jobs: Iterable[Delivery]) -> bytes:
    """A message for the result of each."""
    return b"".join(line("done", id=job.id, attempt=job.attempt, result=None) for job in jobs)


def bulk_dones(jobs: Sequence[Delivery]) -> bytes:
    """The results of all in one message."""
    return line("done", jobs=[{"id": job.id, "attempt": job.attempt} for job in jobs])
