"""What `top` shows, as numbers: two samples of a hall make a frame."""

from __future__ import annotations

import time
from typing import Any, NamedTuple, Self

from msgspec import Struct

from hirehall.client.session import Welcome
from hirehall.client.sync_client import Hall
from hirehall.wire.glance import Glance, RunTime, Unserved
from hirehall.wire.replies import QueueView, WorkerView

RATES = {"in": "submitted", "started": "delivered", "succeeded": "succeeded", "failed": "failed", "retried": "retried"}


class Sample(NamedTuple):
    """What the hall said at one moment (`at`: monotonic seconds)."""

    at: float
    counters: dict[str, Any]
    queues: list[QueueView]
    workers: list[WorkerView]
    glance: Glance | None = None


def sample(hall: Hall) -> Sample:
    """Ask it."""
    counters = hall.metrics()
    return Sample(time.monotonic(), counters, hall.queues(), hall.workers(), hall.overview(limit=0))


class Frame(Struct):
    """One frame; its fields are those of `top --json`. Rates are jobs per second."""

    hall: str
    server: str
    rates: dict[str, float]
    waiting: int
    running: int
    oldest_waiting_at: str | None
    queues: list[QueueView]
    workers: list[WorkerView]
    storage_full: bool = False  # new jobs are refused
    run_time: RunTime | None = None
    unserved: list[Unserved] = []

    @classmethod
    def of(cls, welcome: Welcome, before: Sample, now: Sample) -> Self:
        """What changed between the two, and how things are."""
        seconds = max(now.at - before.at, 0.001)
        rates = {
            name: round(max(now.counters.get(word, 0) - before.counters.get(word, 0), 0) / seconds, 1)
            for name, word in RATES.items()
        }
        return cls(
            hall=welcome.hall,
            server=welcome.server,
            rates=rates,
            waiting=sum(waiting(queue) for queue in now.queues),
            running=sum(queue.jobs.get("running", 0) for queue in now.queues),
            oldest_waiting_at=min((q.oldest_waiting_at for q in now.queues if q.oldest_waiting_at), default=None),
            queues=now.queues,
            workers=now.workers,
            storage_full=bool(now.counters.get("storage_full")),
            run_time=None if now.glance is None else now.glance.run_time,
            unserved=[] if now.glance is None else now.glance.unserved,
        )


def waiting(queue: QueueView) -> int:
    """Jobs that a worker could take now."""
    return queue.jobs.get("ready", 0)
