"""What side data costs: jobs a second end to end with 10 progress reports and 20 log lines a job, with 5 watchers of
all events, with both, against neither. Each row in turn, several rounds, so that ratios can be taken.

    python benchmarks/side_data.py
    python benchmarks/side_data.py --count 50000 --rounds 5
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from raw_load import Bench, own_hall
from raw_peers import PATIENCE, look_on

WATCHERS = 5
KINDS = {  # what the worker says, and whether somebody watches
    "neither": ("bulk", False),
    "10 progress, 20 log lines a job": ("chatty", False),
    f"{WATCHERS} watchers": ("bulk", True),
    "both": ("chatty", True),
}


@contextmanager
def watching(url: str, token: str, wanted: bool) -> Iterator[list[int]]:
    """With or without watchers in a process of their own; the list gets the bytes that they heard."""
    heard: list[int] = []
    if not wanted:
        yield heard
        return
    context = multiprocessing.get_context("spawn")
    orders, theirs = context.Pipe()
    process = context.Process(target=look_on, args=(url, token, WATCHERS, theirs), daemon=True)
    process.start()
    if not orders.poll(PATIENCE):
        raise TimeoutError("the watchers do not begin")
    orders.recv()
    yield heard
    orders.send("end")
    heard.append(orders.recv())
    process.join(5)


def main() -> None:
    """Measure, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="jobs in a row")
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    costs: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(wanted.rounds):
        for kind, (how, watched) in KINDS.items():
            rate, cost = measure(wanted.count, how, watched)
            rates[kind].append(rate)
            costs[kind].append(cost)
    base = statistics.median(rates["neither"])
    print(f"{'':34}{'jobs/s':>10}{'of neither':>12}{'hall us/job':>13}")
    for kind in KINDS:
        rate, cost = statistics.median(rates[kind]), statistics.median(costs[kind])
        print(f"{kind:34}{rate:>10.0f}{rate / base:>12.2f}{cost:>13.1f}")


def measure(count: int, how: str, watched: bool) -> tuple[float, float]:
    """One row on a hall of its own: jobs a second, and microseconds of the hall's CPU for a job."""
    options = argparse.Namespace(count=count, seconds=120.0, credit=1000, done=how)
    with own_hall() as (url, token, pid), watching(url, token, watched):
        bench = Bench(url, token, pid, options)
        try:
            bench.end_to_end("end to end", 1, 2000)
        finally:
            bench.close()
    row = bench.rows[0]
    return row.jobs_per_second, (row.hall_cpu or 0.0) * row.seconds / row.jobs * 1e6


if __name__ == "__main__":
    main()
