"""The client's process: `python -m benchmarks.peers.measure MODULE CLASS FOLDER PORT SLOW JOBS SECONDS ROW...` prints
the rows that it measured, as JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import Client, Peer

WARM, PROBE, LEAST = 20, 100, 50
SPARE = 1.1  # what a row is longer than it must be, since small runs say only about how fast large ones are
ROUND_TRIPS = 2000

Row = dict[str, float]


def end_to_end(client: Client, jobs: int, seconds: float) -> Row:
    """Jobs a second, from the first submit to the knowledge that the last one is done."""
    return rate(client, lambda count: client.await_all(client.submit(count)), jobs, seconds)


def many_end_to_end(client: Client, jobs: int, seconds: float) -> Row:
    """The same with many jobs a call."""
    return rate(client, lambda count: client.await_all(client.submit_many(count)), jobs, seconds)


def enqueue(client: Client, jobs: int, seconds: float) -> Row:
    """Jobs a second that are acknowledged while nobody takes any."""
    return rate(client, client.submit, jobs, seconds)


def many_enqueue(client: Client, jobs: int, seconds: float) -> Row:
    """The same with many jobs a call."""
    return rate(client, client.submit_many, jobs, seconds)


def latency(client: Client, _jobs: int, seconds: float) -> Row:
    """Milliseconds from submit to the end of a job that is alone; the first tenth warms up. It is samples that count
    here: a third of the time, or what as many samples take as a p99 needs."""
    client.width = 1
    took = client.round_trips(ROUND_TRIPS, seconds / 3)
    ranked = sorted(took[len(took) // 10 :])
    p50, p99 = (round(ranked[int(len(ranked) * part)] * 1000, 3) for part in (0.5, 0.99))
    return {"jobs": len(ranked), "p50": p50, "p99": p99}


ROWS = {row.__name__: row for row in (end_to_end, many_end_to_end, latency, enqueue, many_enqueue)}


def rate(client: Client, run: Callable[[int], object], jobs: int, seconds: float) -> Row:
    """As many jobs as take `seconds`, at most `jobs`: small runs before say how many those are."""
    run(WARM)
    seen = {width: probed(client, width, run, jobs, seconds) for width in client.widths}
    client.width = max(seen, key=seen.__getitem__)
    count = min(jobs, max(LEAST, int(seen[client.width] * seconds * SPARE)))
    while (took := timed(run, count)) < seconds and count < jobs:
        count = min(jobs, int(count * seconds / took * SPARE) + 1)
    return {"jobs": count, "seconds": round(took, 3), "rate": round(count / took, 1)}


def probed(client: Client, width: int, run: Callable[[int], object], jobs: int, seconds: float) -> float:
    """About how many jobs a second it is when it submits in so many threads."""
    client.width = width
    count = PROBE
    took = timed(run, count)
    while took < seconds / 20 and count * 4 < jobs:
        count *= 4
        took = timed(run, count)
    return count / took


def timed(run: Callable[[int], object], count: int) -> float:
    """The seconds it takes; the garbage of the run before is not part of it."""
    gc.collect()
    at = time.perf_counter()
    run(count)
    return time.perf_counter() - at


def main(arguments: list[str]) -> None:
    """One or more rows of one peer."""
    module, name, folder, port, slow, jobs, seconds, *rows = arguments
    kind: type[Peer] = getattr(import_module(f"benchmarks.peers.{module}"), name)
    peer = kind(Path(folder), int(port), Path(slow) if slow else None)
    measured: dict[str, Any] = {}
    with closing(peer.client()) as client:
        for row in rows:
            if client.can_many or not row.startswith("many"):
                measured[row] = ROWS[row](client, int(jobs), float(seconds))
    print(json.dumps(measured))


if __name__ == "__main__":
    main(sys.argv[1:])
