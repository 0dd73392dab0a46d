"""python -m tests.chaos --jobs N --kills N --seconds S --seed S [--record]: rounds of chaos, each audited.

Every round is a load with its own plan, drawn from the seed, on the same hall, whose store grows. Then comes a round
in which nothing but the hall is killed, and nothing may run again; then one in which the store is replaced. It ends
when all jobs are through, or with the round in which the time is over; it fails at the first fault.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
import traceback
from pathlib import Path

from tests.chaos.run import Chaos, Size
from tests.command_line import above_zero, kept_folder, run, whole
from tests.figures import command, record

LEAST_JOBS = 400  # a tenth and a twentieth of them are rounds of their own


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=whole(LEAST_JOBS), default=20_000, help="of all rounds together")
    parser.add_argument("--kills", type=whole(1), default=40, help="SIGKILLs, at least")
    parser.add_argument("--seconds", type=above_zero, default=6 * 3600.0, help="begin no round after that")
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("--rate", type=above_zero, default=400.0, help="jobs handed in a second")
    parser.add_argument("--freeze", type=above_zero, default=40.0, help="seconds that somebody stands still, at most")
    parser.add_argument("--long-ms", type=whole(1), default=5000, help="how long one job in a hundred takes")
    parser.add_argument("--record", action="store_true", help="keep the figures")
    options = vars(parser.parse_args())
    recording = options.pop("record")
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=kept_folder()))
    chaos = Chaos(folder, Size(**options), lambda line: print(line, flush=True))
    print(f"seed {options['seed']}, in {folder}", flush=True)
    try:
        chaos.run()
    except Exception:
        traceback.print_exc()
        return tell_failure(folder)
    except BaseException:  # ended from outside
        shutil.rmtree(folder)
        raise
    figures = chaos.figures | {"seconds": round(time.monotonic() - began), "cpu seconds": round(cpu_seconds())}
    print("\n".join(f"{value:>12}  {name}" for name, value in figures.items()))
    if not chaos.is_sound:
        return tell_failure(folder)
    shutil.rmtree(folder)
    if recording:
        print(record("chaos", figures))
    return 0


def tell_failure(folder: Path) -> int:
    """Where to look, and how to have the same again: the seed is among what was typed, or the default."""
    print(f"the evidence is in {folder}\nagain: {command()}", flush=True)
    return 1


def cpu_seconds() -> float:
    """Of all processes that have ended, and of this one."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(it.ru_utime + it.ru_stime for it in used)


if __name__ == "__main__":
    run(main)
