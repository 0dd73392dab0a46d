"""What side data costs: jobs a second end to end with 10 progress reports and 20 log lines a job, with 5 watchers of
all events, with both, against neither. Each row in turn, several rounds, so that ratios can be taken.

    python -m benchmarks.side_data
    python -m benchmarks.side_data --count 50000 --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from hirehall.bench.gauge import Row
from hirehall.bench.halls import OwnHall, own_hall
from hirehall.bench.peers import PATIENCE, Load
from hirehall.bench.raw import new_queue, raw_load
from hirehall.processes import Member

WATCHERS = 5
KINDS = {  # what the worker says, and whether somebody watches
    "neither": ("bulk", False),
    "10 progress, 20 log lines a job": ("chatty", False),
    f"{WATCHERS} watchers": ("bulk", True),
    "both": ("chatty", True),
}


@contextmanager
def watching(hall: OwnHall, wanted: bool) -> Iterator[None]:
    """With or without watchers in a process of their own."""
    if not wanted:
        yield
        return
    arguments = ("benchmarks.watchers", hall.url, hall.token or "", str(WATCHERS))
    watchers = Member("watchers", *arguments, log=hall.folder / "watchers.log")
    try:
        watchers.ready()
        yield
        watchers.tell("end")
        assert int(watchers.hear(PATIENCE)) > 0, "they heard nothing"
    finally:
        watchers.end()


def main() -> None:
    """Measure, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="jobs in a row")
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    rows: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for _ in range(wanted.rounds):
        for kind, (answers, watched) in KINDS.items():
            rows[kind].append(measure(kind, wanted.count, answers, watched))
    base = statistics.median(row.jobs_per_s or 0.0 for row in rows["neither"])
    print(f"{'':34}{'jobs/s':>10}{'of neither':>12}{'hall us/job':>13}")
    for kind, measured in rows.items():
        rate = statistics.median(row.jobs_per_s or 0.0 for row in measured)
        cost = statistics.median(row.hall_us or 0.0 for row in measured)
        print(f"{kind:34}{rate:>10.0f}{rate / base:>12.2f}{cost:>13.1f}")


def measure(kind: str, count: int, answers: str, watched: bool) -> Row:
    """One row on a hall of its own."""
    with own_hall() as hall, watching(hall, watched), raw_load(hall, answers) as raw:
        return raw.end_to_end(kind, Load(new_queue(), count, seconds=120.0))


if __name__ == "__main__":
    main()
