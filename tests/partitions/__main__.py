"""Every network fault against every kind of peer: `python -m tests.partitions [--lease SECONDS] [--record]`.

Each case has a hall, workers and a cable of its own; the work is mostly waiting.
"""

from __future__ import annotations

import argparse
import shlex
import tempfile
from concurrent.futures import Future
from contextlib import redirect_stdout
from io import StringIO
from itertools import product, repeat
from pathlib import Path

from tests.command_line import Pool, above_zero, run, whole
from tests.figures import record
from tests.partitions.case import HEAD, Finding, play
from tests.partitions.faults import FAULTS

WHO = ("command", "pool", "thread", "client")


def main() -> int:
    options = (parser := arguments()).parse_args()
    if options.record and (options.who or options.fault):
        parser.error("--record is for all cases together: leave out --who and --fault")
    cases = list(product(options.who or WHO, options.fault or FAULTS))
    with tempfile.TemporaryDirectory(prefix="hall-cut-") as folder, Pool(options.at_once) as pool:
        Path(folder).chmod(0o755)  # the hall is another user
        games = [pool.submit(quietly, who, name, Path(folder), options.lease) for who, name in cases]
        print(HEAD, flush=True)
        found = list(filter(None, map(show, cases, games, repeat(options.lease))))
    bad = len(cases) - sum(not finding.faults(options.lease) for finding in found)
    print(f"{len(cases)} cases, {bad} with a fault")
    if options.record and not bad:
        record("partitions", figures(found))
    return 1 if bad else 0


def arguments() -> argparse.ArgumentParser:
    """What can be said to it."""
    parser = argparse.ArgumentParser(prog="python -m tests.partitions", description=__doc__)
    lease = "of the workers, in seconds; all else follows from it (default: 4)"
    parser.add_argument("--lease", type=above_zero, default=4.0, metavar="SECONDS", help=lease)
    beside = "cases that run beside each other (default: 2)"
    parser.add_argument("--at-once", type=whole(1), default=2, metavar="N", help=beside)
    who = f"who is cut off, one of {', '.join(WHO)}; may be said again (default: all)"
    parser.add_argument("--who", choices=WHO, action="append", metavar="WHO", help=who)
    fault = f"how, one of {', '.join(map(repr, FAULTS))}; may be said again (default: all)"
    parser.add_argument("--fault", choices=[*FAULTS], action="append", metavar="FAULT", help=fault)
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures: of all cases only")
    return parser


def quietly(who: str, name: str, folder: Path, lease: float) -> Finding:
    """Play this case, in a process of its own; what halls have logged is for tests."""
    with redirect_stdout(StringIO()):
        return play(who, FAULTS[name], folder / f"{who}-{name}".replace(" ", "-"), lease)


def show(case: tuple[str, str], game: Future[Finding], lease: float) -> Finding | None:
    """Tell what came of it, and how to see a fault again; None when it could not be played to its end."""
    finding = None
    try:
        finding = game.result()
        said = [finding.row(), *finding.faults(lease)]
        failed = bool(said[1:])
    except Exception as why:
        said, failed = [f"{case[0]:8} {case[1]:22} {why!r}"], True
    if failed:
        who, name = case
        said.append(
            "again: "
            + shlex.join(["python", "-m", "tests.partitions", "--who", who, "--fault", name, "--lease", f"{lease:g}"])
        )
    print(*said, sep="\n    ", flush=True)
    return finding


def figures(found: list[Finding]) -> dict[str, int | float | str]:
    safe = [finding for finding in found if finding.who in ("command", "pool")]
    margins = sorted(margin for finding in safe for margin in finding.margins)
    return {
        "cases": len(found),
        "jobs audited": sum(finding.findings.jobs for finding in found),
        "longest overlap of commands and pool functions, s": round(max(finding.overlap for finding in safe), 3),
        "hand-overs of commands and pool functions": len(margins),
        "least seconds between two holders": round(margins[0], 2),
        "median seconds between two holders": round(margins[len(margins) // 2], 2),
        "longest overlap of a thread that goes on, s": round(
            max(finding.overlap for finding in found if finding.who == "thread"), 1
        ),
        "longest convergence after healing, s": round(max(finding.converged for finding in found), 1),
    }


if __name__ == "__main__":
    run(main)
