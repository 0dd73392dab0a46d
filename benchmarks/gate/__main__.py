"""The gate: the hall against a loop that decodes, keeps, syncs and answers the same jobs without a server.

python -m benchmarks.gate                                    # every path; fails when one is below its floor
python -m benchmarks.gate --only submit --only deliver
python -m benchmarks.gate --only submit --profile submit.prof
python -m benchmarks.gate --set-floors                       # measure, and take that for the floors; minutes
python -m benchmarks.gate --record                           # for docs/performance.md; with --set-floors, too
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.gate import floors
from benchmarks.gate.judge import Verdict, judge
from benchmarks.gate.paths import PATHS
from benchmarks.gate.profile import profile
from benchmarks.gate.report import HEAD, advice, figures, said
from tests.command_line import run
from tests.figures import keep

ROUNDS = 3  # for floors, which stay: a busy minute is none of them


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=list(PATHS), help="this path; may be said again")
    parser.add_argument("--set-floors", action="store_true", help="write the table of floors anew from this run")
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/performance.md")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="judge nothing: show where the hall spends its time"
    )
    wanted = parser.parse_args()
    if wanted.profile and len(wanted.only or ()) != 1:
        parser.error("--profile needs one --only")
    if wanted.record and wanted.only:
        parser.error("--record keeps all paths: leave --only out")
    return wanted


def main() -> int:
    """1 when a path is too slow."""
    wanted = options()
    if wanted.profile:
        profile(wanted.only[0], wanted.profile)
        return 0
    table = floors.read()
    names = wanted.only or list(PATHS)
    print(HEAD)
    if wanted.set_floors:
        verdicts = [anew(middle(looks), table) for looks in rounds(names)]
    else:
        verdicts = judge({name: table[name] for name in names}, say)
    if told := advice(verdicts):
        print(told)
    if complaints := [verdict.complaint() for verdict in verdicts if verdict.is_low]:
        print(*complaints, sep="\n", file=sys.stderr)
        return 1
    if wanted.record:
        keep("bench-check", figures(verdicts))
    if wanted.set_floors:
        set_floors(table, verdicts)
    return 0


def say(verdict: Verdict) -> None:
    """A line as soon as there is one."""
    print(said(verdict), flush=True)


def rounds(names: Sequence[str]) -> Iterator[tuple[Verdict, ...]]:
    """What was found of each path, again and again, with the others between."""
    return zip(*[judge(dict.fromkeys(names, floors.NONE), say) for _ in range(ROUNDS)], strict=True)


def middle(looks: Sequence[Verdict]) -> Verdict:
    """The one with the median ratio."""
    return sorted(looks, key=lambda verdict: verdict.found.ratio)[len(looks) // 2]


def anew(verdict: Verdict, table: Mapping[str, floors.Floor]) -> Verdict:
    """The same, with the floor that belongs to it."""
    floor = table.get(verdict.name, floors.NONE).set(verdict.found.ratio)
    return Verdict(verdict.name, verdict.found, floor)


def set_floors(table: Mapping[str, floors.Floor], verdicts: Sequence[Verdict]) -> None:
    """Write those of these verdicts; other rows stay as they are, and those without a path go."""
    fresh = {**table, **{verdict.name: verdict.floor for verdict in verdicts}}
    floors.write({name: fresh[name] for name in PATHS if name in fresh})


if __name__ == "__main__":
    run(main)
