"""Many power cuts, and every I/O error, on every core: one hall's lives after another's."""

from __future__ import annotations

import itertools
import os
import pickle
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import as_completed

from tests.command_line import Pool, kept_folder
from tests.disk.forked_hall import CONTEXT
from tests.disk.io_errors import KINDS, Fault, Outcome
from tests.disk.io_errors import run as fail_once
from tests.disk.power import LONG, SHORT, Cut, Record, cuts, record, sweep

BATCH = 16  # faults tried at once, before one looks whether there are more
IMAGES_A_ROUND = 4_000  # then another hall lives another life


def rounds(images: int, seed: int) -> Iterator[tuple[int, int]]:
    """Seeds, and the images of each."""
    for number, start in enumerate(range(0, images, IMAGES_A_ROUND)):
        yield seed + number, min(IMAGES_A_ROUND, images - start)


def run(seed: int, images: int) -> tuple[Counter[str], list[str]]:
    """Short lives, whose every prefix is cut several times, and long ones take turns."""
    found = record(LONG if seed % 2 else SHORT, seed)
    complaints = [keep(found, failure.cut, failure.why) for failure in sweep(found, cuts(found, images, seed))]
    return found.counts, complaints


def keep(found: Record, cut: Cut, why: str) -> str:
    """Keep what shows a failure, and say how to see it again."""
    with tempfile.NamedTemporaryFile(prefix="power-cut-", suffix=".pickle", dir=kept_folder(), delete=False) as file:
        pickle.dump((found, cut), file)
    return f"{why}\n  see it again: python -m tests.disk --replay {file.name}"


def power_cuts(images: int, seed: int) -> tuple[Counter[str], int]:
    """All rounds; the counts, and how many failed."""
    total, failures, began = Counter[str](), 0, time.monotonic()
    with Pool(os.cpu_count(), CONTEXT) as pool:
        for done in as_completed(pool.submit(run, *of) for of in rounds(images, seed)):
            counts, complaints = done.result()
            total += counts
            failures += len(complaints)
            print("\n".join(complaints), end="\n" if complaints else "")
            print(f"{total['images']:,} images, {time.monotonic() - began:.0f} s", flush=True)
    return total, failures


def io_errors() -> tuple[int, list[str], float]:
    """Every call of every kind fails once. How many did, what is wrong, and the longest time from an error to the end
    of the hall that met it, in seconds."""
    outcomes: list[Outcome] = []
    with Pool(os.cpu_count(), CONTEXT) as pool:
        for kind in KINDS:
            before = len(outcomes)
            for start in itertools.count(1, BATCH):
                faults = [Fault(kind, number) for number in range(start, start + BATCH)]
                met = [outcome for outcome in pool.map(fail_once, faults) if outcome.was_injected]
                outcomes += met
                if len(met) < BATCH:
                    break
            print(f"{kind}: {len(outcomes) - before}", flush=True)
    wrong = [outcome.why for outcome in outcomes if outcome.why]
    print("\n".join(wrong), end="\n" if wrong else "")
    return len(outcomes), wrong, max(outcome.seconds for outcome in outcomes)
