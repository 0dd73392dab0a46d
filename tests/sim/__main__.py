"""`python -m tests.sim --seed N` replays one seed; `--count N --from M` runs many on all cores, `--record` keeps the
figures."""

from __future__ import annotations

import argparse
import os
import time

from tests.command_line import run, whole
from tests.figures import record
from tests.sim.seeds import CI_SEEDS, Tally, many
from tests.sim.world import World


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=whole(0), metavar="N", help="replay this one seed")
    parser.add_argument("--seeds", type=whole(0), nargs=2, metavar=("FROM", "TO"), help="the seeds from FROM to TO - 1")
    parser.add_argument("--count", type=whole(1), default=CI_SEEDS, help="how many seeds (default: %(default)s)")
    parser.add_argument("--from", type=whole(0), default=0, dest="begin", help="the first of them (default: 0)")
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures")
    given = parser.parse_args()
    if given.seeds is not None and given.seeds[0] >= given.seeds[1]:
        parser.error("--seeds FROM TO needs a TO above FROM: the seed TO itself is not run")
    if given.record and given.seed is not None:
        parser.error("--record is for many seeds, not for the replay of one")
    if given.seed is not None:
        return one(given.seed)
    if given.seeds is not None:
        given.begin, given.count = given.seeds[0], given.seeds[1] - given.seeds[0]
    begun = time.monotonic()
    tally = many(given.begin, given.count, os.cpu_count() or 1)
    show(tally, time.monotonic() - begun)
    if given.record and not tally.failed:
        record("sim", figures(tally))
    return 1 if tally.failed else 0


def one(seed: int) -> int:
    """Run it; a broken promise is a traceback."""
    begun, world = time.monotonic(), World(seed)
    fingerprint = world.run()
    tally = Tally(1, world.timeline.steps, len(world.audit.ledger.finals), world.seen)
    show(tally, time.monotonic() - begun)
    print(f"fingerprint {fingerprint[:16]}")
    return 0


def show(tally: Tally, seconds: float) -> None:
    """What they came to, for people."""
    print(f"{tally.seeds} seeds, {tally.steps} steps, {tally.jobs} jobs, {len(tally.failed)} failed, {seconds:.1f} s")
    for what, times in sorted(tally.seen.items()):
        print(f"  {times:8d}  {what}")


def figures(tally: Tally) -> dict[str, int | float | str]:
    """What is kept of a run."""
    seen: dict[str, int | float | str] = {what: times for what, times in sorted(tally.seen.items()) if what != "commit"}
    counted = {"seeds": tally.seeds, "steps": tally.steps, "jobs": tally.jobs, "commits": tally.seen["commit"]}
    return {**counted, "kills": tally.kills, **seen}


if __name__ == "__main__":
    run(main)
