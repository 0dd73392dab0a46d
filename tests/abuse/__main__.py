"""All of it against a real hall: `python -m tests.abuse`, or some: `python -m tests.abuse flood idle`.

Each is bounded: six minutes together on two cores. What is judged is in the code beside it; what was measured is
printed, and with --record kept for docs/reliability.md.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable

from tests.abuse import bad, load
from tests.command_line import run
from tests.figures import Figures, record

FULL: dict[str, Callable[[], Figures]] = {
    "slowloris": lambda: bad.slowloris(count=500, seconds=40),
    "flood": lambda: bad.flood(count=20_000, places=10_000, processes=2),
    "long": lambda: bad.long_lines(count=20, megabytes=100),
    "readers": lambda: bad.slow_readers(count=200, asks=20, seconds=15),
    "idle": lambda: load.idle_workers(count=10_000, processes=4, submits=1_000, beats=1_000, seconds=20),
    "storm": lambda: load.reconnect_storm(count=2_000, processes=2),
    "overload": lambda: load.overload(producers=8, seconds=60, times=5),
}
# What the whole thing is for; a machine that is busy otherwise may miss them, so tests compare instead.
WANTED: dict[str, float] = {
    "slowloris beat p99, ms": 1_000,
    "flood beat p99, ms": 1_000,
    "idle connected, s": 10,
    "idle KiB each": 40,
    "idle run p99, ms": 10,
    "idle beat p99, ms": 250,
    "idle CPU of a core, %": 35,
    "storm back, s": 30,
    "overload RSS, MiB": 64,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", type=case, metavar="CASE", help=f"some of {', '.join(FULL)}; all by default"
    )
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures")
    options = parser.parse_args()
    if options.record and options.cases:
        parser.error("--record is for all cases together")
    figures: Figures = {}
    for name in options.cases or FULL:
        began = time.monotonic()
        try:
            figures |= (found := FULL[name]())
        except Exception:
            traceback.print_exc()
            tell_again(name)
            return 1
        print(f"{name} ({time.monotonic() - began:.0f} s)")
        for what, value in found.items():
            print(f"  {what:40} {value}")
    missed = {what: value for what, value in figures.items() if float(value) > WANTED.get(what, float("inf"))}
    for what, value in missed.items():
        print(f"missed: {what} is {value}, wanted {WANTED[what]}")
        tell_again(what.split()[0])
    if options.record and not missed:
        print(record("abuse", figures))
    return 1 if missed else 0


def case(name: str) -> str:
    """For argparse, which takes no choices for what may be left out."""
    if name not in FULL:
        raise argparse.ArgumentTypeError(f"there is no case {name!r}, only {', '.join(FULL)}")
    return name


def tell_again(name: str) -> None:
    print(f"again: python -m tests.abuse {name}", flush=True)


if __name__ == "__main__":
    run(main)
