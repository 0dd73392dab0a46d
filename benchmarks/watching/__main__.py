"""What it costs a busy hall that 200 pages are open and 5 programs hear all its events, while somebody else has asked
for them and never reads. Full load with them and without them in turn, many pieces, so that ratios can be taken.

    python -m benchmarks.watching
    python -m benchmarks.watching --pages 50 --feeds 1 --rounds 2 --seconds 3
    python -m benchmarks.watching --record                     # for docs/performance.md
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from benchmarks.watching.figures import figures, told
from benchmarks.watching.measure import Piece, Stage
from hirehall.bench.halls import own_hall
from hirehall.bench.raw import raw_load
from tests.command_line import above_zero, run, whole
from tests.figures import keep


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.watching", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=whole(1), default=200)
    parser.add_argument("--feeds", type=whole(0), default=5)
    parser.add_argument("--rounds", type=whole(1), default=8, help="of a piece with them and one without")
    parser.add_argument("--seconds", type=above_zero, default=4.0, help="of load in a piece")
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/performance.md")
    return parser.parse_args()


def measure(pages: int, feeds: int, rounds: int, seconds: float) -> dict[str, Any]:
    """The figures; a line for each piece as it comes."""
    with own_hall(connections=2 * pages + feeds) as hall, raw_load(hall) as raw:
        stage = Stage(hall, raw, pages, feeds)
        first = stage.piece(seconds, is_watched=False)  # it warms up
        pieces: dict[bool, list[Piece]] = {False: [], True: []}
        for number in range(rounds):
            for is_watched in (number % 2 == 0, number % 2 == 1):
                piece = stage.piece(seconds, is_watched=is_watched)
                print(told(piece), flush=True)
                pieces[is_watched].append(piece)
        deaf = stage.deaf()
        last = stage.piece(seconds, is_watched=True)
        cut_after = stage.cut_off(deaf)
        left = deaf.left()
        stage.check_held(sum(piece.row.jobs for piece in (first, *pieces[True], *pieces[False], last)))
    return figures(pieces[True], pieces[False], cut_after, left)


def main() -> int:
    """0, or 1 when somebody who never reads was not cut off."""
    wanted = options()
    load = round(os.getloadavg()[0], 1)
    found = measure(wanted.pages, wanted.feeds, wanted.rounds, wanted.seconds)
    for name, value in found.items():
        print(f"{name:40}{value}")
    if wanted.record:
        keep("watching", {"load": load, "pages": wanted.pages, "feeds": wanted.feeds, **found})
    return int(found["cut_off_after_s"] is None)


if __name__ == "__main__":
    run(main)
