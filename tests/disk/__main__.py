"""`python -m tests.disk --images 20000 --seed 7` cuts the power of a hall 20,000 times, on every core; with
`--io-errors` every single call to its disk fails once as well.

Each failure is kept as a file, which `--replay FILE` judges again, and ends the run with 1.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

from tests.command_line import run, whole
from tests.disk.power import replay
from tests.disk.rounds import io_errors, power_cuts
from tests.figures import Figures
from tests.figures import record as keep_figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.disk", description=__doc__)
    parser.add_argument("--images", type=whole(1), default=2_000, help="how many crash images to build and judge")
    parser.add_argument("--seed", type=whole(0), default=1, help="of the first life")
    parser.add_argument("--io-errors", action="store_true", help="let every call to the disk fail once, too")
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="judge the image of a failure again")
    options = parser.parse_args()
    if options.replay:
        why = replay(*pickle.loads(options.replay.read_bytes()))
        print(why or "nothing is wrong with it any more")
        return bool(why)
    total, failures = power_cuts(options.images, options.seed)
    print(f"{total['images']:,} images of {total['lives']:,} lives, {total['answers']:,} answers, {failures} failures")
    figures: Figures = {name: total[name] for name in ("images", "lives", "events", "answers")} | {"failures": failures}
    if options.io_errors:
        faults, wrong, seconds = io_errors()
        failures += len(wrong)
        print(f"{faults:,} I/O errors, {len(wrong)} failures; a hall that stopped did so within {seconds:.2f} s")
        figures |= {"io_errors": faults, "io_error_failures": len(wrong), "seconds_to_stop": round(seconds, 2)}
    if options.record and not failures:
        keep_figures("disk", figures)
    return bool(failures)


if __name__ == "__main__":
    run(main)
