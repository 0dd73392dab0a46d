"""How long pages and searches take while 1,000,000 jobs are stored: each is asked for over HTTP, as a browser or a
script does, in turn with the others, and timed until its last byte.

    python -m benchmarks.stored
    python -m benchmarks.stored --jobs 100000 --rounds 5
    python -m benchmarks.stored --record                       # for docs/performance.md
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from typing import Any

from benchmarks.stored.fill import fill
from benchmarks.stored.questions import Answered, Reader, questions
from hirehall.bench.halls import own_hall
from tests.command_line import run, whole
from tests.figures import keep

MOST_MS = 100.0  # the goal


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stored", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=whole(10_000), default=1_000_000)
    parser.add_argument("--rounds", type=whole(1), default=20, help="how often each is asked for")
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/performance.md")
    return parser.parse_args()


def measure(jobs: int, rounds: int) -> dict[str, list[Answered]]:
    """Every answer to each question."""
    with own_hall() as hall:
        sample = fill(hall.url, hall.token or "", jobs, progress)
        print(file=sys.stderr)
        reader = Reader(hall.http, hall.token or "")
        asked = questions(sample)
        for path in asked.values():
            reader.ask(path)  # the first one pays for what is loaded then
        found: dict[str, list[Answered]] = {what: [] for what in asked}
        for _ in range(rounds):
            for what, path in asked.items():
                found[what].append(reader.ask(path))
        return found


def progress(what: str, count: int) -> None:
    """How far the filling is."""
    print(f"\r{count:>10,} {what}", end="", file=sys.stderr)


def figure(answers: list[Answered]) -> dict[str, Any]:
    """Of one question."""
    times = [answer.ms for answer in answers]
    return {
        "median_ms": round(statistics.median(times), 1),
        "most_ms": round(max(times), 1),
        "looked_back": round(sum(answer.is_cut for answer in answers) / len(answers), 2),
    }


def main() -> int:
    """1 when half of the answers to something took longer than they may."""
    wanted = options()
    load = round(os.getloadavg()[0], 1)
    found = {what: figure(answers) for what, answers in measure(wanted.jobs, wanted.rounds).items()}
    print(f"{'':44}{'median ms':>10}{'most':>8}  out of time")
    for what, of in found.items():
        print(f"{what:44}{of['median_ms']:10.1f}{of['most_ms']:8.1f}  {of['looked_back']:.0%}")
    if wanted.record:
        keep("stored", {"load": load, "jobs": wanted.jobs, "rounds": wanted.rounds, "answers": found})
    return int(any(of["median_ms"] > MOST_MS for of in found.values()))


if __name__ == "__main__":
    run(main)
