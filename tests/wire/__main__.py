"""Fuzz the wire: `python -m tests.wire --count 10000000`; `python -m tests.wire SORT SEED` shows one case again."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from pathlib import Path

from msgspec import Struct

from tests.command_line import Pool, run, whole
from tests.figures import ROOT, record
from tests.wire import live
from tests.wire.sorts import SORTS, seeds

CORPUS = Path(__file__).with_name("corpus")
FOUND = ROOT / ".pytest_cache" / "found"  # no part of what is kept
COUNT = 100_000
MOST_FAILURES = 5
INPUTS_A_SECOND = 100_000  # so many inputs to one second of the live port
LIVE_SECONDS = (8.0, 300.0)  # at least, at most
Piece = tuple[str, int, int]  # sort, first seed, how many


class Tally(Struct):
    """What some cases of a sort came to."""

    sort: str
    inputs: int = 0
    seconds: float = 0.0
    worst_seconds: float = 0.0
    worst_memory: int = 0
    failures: list[tuple[int, list[str], bytes]] = []

    def add(self, other: Tally) -> None:
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.worst_seconds = max(self.worst_seconds, other.worst_seconds)
        self.worst_memory = max(self.worst_memory, other.worst_memory)


def play(piece: Piece) -> Tally:
    """All cases of a piece."""
    sort, first, count = piece
    tally = Tally(sort, count * SORTS[sort].size)
    began = time.process_time()
    for seed in range(first, first + count):
        case = SORTS[sort].run(seed)
        tally.worst_seconds = max(tally.worst_seconds, case.seconds)
        tally.worst_memory = max(tally.worst_memory, case.memory)
        if case.problems:
            tally.failures.append((seed, case.problems, case.data))
            if len(tally.failures) == MOST_FAILURES:
                break
    tally.seconds = time.process_time() - began
    return tally


def pieces(count: int, first: int) -> Iterator[Piece]:
    """All sorts by turns, so that a run that ends early has had something of each."""
    sizes = {"tales": 20, "plays": 100, "decoder": 4_000, "messages": 20_000, "answers": 5_000}
    left = {sort: seeds(sort, count) for sort in SORTS}
    begin = dict.fromkeys(SORTS, first)
    while any(left.values()):
        for sort in (name for name, rest in left.items() if rest):
            size = min(left[sort], sizes[sort])
            yield sort, begin[sort], size
            begin[sort] += size
            left[sort] -= size


def fuzz(count: int, first: int, processes: int) -> dict[str, Tally]:
    """Throw them all; stop after a few failures."""
    tallies = {sort: Tally(sort) for sort in SORTS}
    rest = pieces(count, first)
    failures = 0
    with Pool(processes) as pool:
        open_: set[Future[Tally]] = {pool.submit(play, piece) for piece in islice(rest, 2 * processes)}
        while open_:
            over, open_ = wait(open_, return_when=FIRST_COMPLETED)
            for tally in (future.result() for future in over):
                tallies[tally.sort].add(tally)
                tallies[tally.sort].failures += tally.failures
                failures += len(tally.failures)
                for failure in tally.failures:
                    tell(tally.sort, *failure)
            if failures < MOST_FAILURES:
                open_ |= {pool.submit(play, piece) for piece in islice(rest, len(over))}
    return tallies


def tell(sort: str, seed: int, problems: list[str], data: bytes) -> None:
    """A failure: how to see it again, and its input kept."""
    print(f"python -m tests.wire {sort} {seed}\n  " + "\n  ".join(problem[:2_000] for problem in problems), flush=True)
    if sort == "tales" or not data:
        print("  what is wrong is an effect, which bytes alone do not show: keep that command, in a test of its own")
        return
    path = FOUND / f"found-{sort}-{seed}.lines"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"  its bytes are in {path}: once it is mended, keep them in {CORPUS.relative_to(ROOT)}", flush=True)


def again(sort: str, seed: int) -> int:
    """One case, aloud."""
    case = SORTS[sort].run(seed)
    print("\n".join([*case.story, *case.problems]) or "no problem")
    return bool(case.problems)


def figures(tallies: dict[str, Tally], seconds: float) -> dict[str, int | float | str]:
    kept: dict[str, int | float | str] = {"inputs": sum(tally.inputs for tally in tallies.values())}
    kept |= {f"inputs, {sort}": tally.inputs for sort, tally in tallies.items()}
    kept["failures"] = sum(len(tally.failures) for tally in tallies.values())
    kept["seconds"] = round(seconds, 1)
    kept["CPU seconds"] = round(sum(tally.seconds for tally in tallies.values()), 1)
    kept["worst line, ms"] = round(max(tally.worst_seconds for tally in tallies.values()) * 1000, 1)
    kept["worst line, MiB"] = round(max(tally.worst_memory for tally in tallies.values()) / (1 << 20), 1)
    return kept


def live_figures(found: live.Found) -> dict[str, int | float | str]:
    """Of a real hall whose canary sang beside the fuzz."""
    slow = f"the canary did not keep its pace: p99 {found.p99 * 1000:.1f} ms under fuzz"
    problems = [*found.problems, *([] if found.keeps_its_pace else [slow])]
    print("\n".join(problems))
    return {
        "live connections": found.connections,
        "live problems": len(problems),
        "canary p99 under fuzz, ms": round(found.p99 * 1000, 1),
        "canary p99 under fuzz, ms of the hall's own time": round(live.percentile(found.busy, 0.99) * 1000, 1),
        "canary p99 without, ms": round(live.percentile(found.quiet, 0.99) * 1000, 1),
        "growth of the hall, MiB": round(found.growth / (1 << 20), 1),
    }


def main() -> int:
    """Many cases, or one that is shown."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("sort", nargs="?", choices=SORTS, help="of the one case that is shown again")
    parser.add_argument("seed", nargs="?", type=whole(0), default=0, help="its seed")
    parser.add_argument("--count", type=whole(1), default=COUNT, help="inputs of all sorts together")
    parser.add_argument("--first", type=whole(0), default=0, help="the seed to begin with")
    parser.add_argument("--processes", type=whole(1), default=2)
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures")
    options = parser.parse_args()
    if options.sort is not None:
        return again(options.sort, options.seed)
    began = time.monotonic()
    tallies = fuzz(options.count, options.first, options.processes)
    found = figures(tallies, time.monotonic() - began)
    least, most = LIVE_SECONDS
    found |= live_figures(live.run(min(max(options.count / INPUTS_A_SECOND, least), most), options.first))
    print("\n".join(f"{name:>20}  {value}" for name, value in found.items()))
    if found["failures"] or found["live problems"]:
        return 1
    if options.record:
        record("fuzz", found)
    return 0


if __name__ == "__main__":
    run(main)
