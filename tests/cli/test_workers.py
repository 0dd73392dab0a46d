"""How a worker is shown."""

from __future__ import annotations

import pytest
from msgspec import UNSET, UnsetType

from hirehall.cli.workers import load
from hirehall.wire.replies import WorkerView


@pytest.mark.parametrize(
    ("running", "credit", "concurrency", "shown"),
    [(3, 10, UNSET, "3/10"), (3, 640, 10, "3/10"), (45, 640, 10, "10/10 +35"), (3, 0, UNSET, "3/0")],
)
def test_a_worker_shows_what_it_runs_at_once_and_what_it_holds_beyond(
    running: int, credit: int, concurrency: int | UnsetType, shown: str
) -> None:
    view = WorkerView(
        worker="w", name="w", token="local", connected=True, state="working", queues=[], kinds=[], offers={},
        credit=credit, running=["x"] * running, lease_seconds=30.0, silent_seconds=0.0, concurrency=concurrency,
    )  # fmt: skip
    assert load(view) == shown
