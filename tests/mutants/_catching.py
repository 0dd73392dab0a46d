"""Lets those who must see a mutant look for it. Who finds fault without the mutant too has seen nothing."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

# All that a mutant may be planted in is loaded before: a name that is imported meanwhile would keep it for ever.
from tests.command_line import run_pytest
from tests.disk import power
from tests.mutants import FUZZER, POWER_CUT, SIMULATION, TALES, Mutant, planted
from tests.sim.world import World
from tests.wire import fuzz
from tests.wire.sorts import SORTS

ROOT = Path(__file__).resolve().parents[2]
IMAGES = 300  # of a life that is cut short
CASE_SECONDS = 120  # one seed or one test takes far less, on a busy machine too
RUN_SECONDS = 1_200  # all tests of one subprocess


class Blind(Exception):
    """It finds fault with a hall that has no mutant in it."""


class TooLong(BaseException):
    """No `except Exception` of the hall must swallow it."""


class Caught(NamedTuple):
    """Who saw the mutant, after how many seconds, and what it said."""

    by: str
    seconds: float
    said: str


Finding = Caught | Blind | None  # None: it has survived
Pair = tuple[str, str]  # a mutant and the test that must fail with it

# What one test left unfinished must not be told as the failure of the next.
QUIET = ("-p", "no:unraisableexception", "-p", "no:threadexception", "-p", "no:cacheprovider")
HERE = (f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-n", "0", *HERE, *QUIET, "-p", "tests.mutants._plugin")


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raise TooLong in this block, which the main thread runs, when it takes longer."""

    def ring(number: int, frame: object) -> None:
        raise TooLong(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _simulated(seed: int) -> str:
    World(seed).run()
    return ""


def _fuzzed(seed: int) -> str:
    return "; ".join(fuzz.case(seed))


def _told(seed: int) -> str:
    return "; ".join(SORTS["tales"].run(seed).problems)


def _cut(mutant: str, seed: int) -> str:
    """What an image of a short life lacks; the hall is a process of its own."""
    found = power.record(power.SHORT, seed, mutant=mutant)
    return next((failure.why for failure in power.sweep(found, power.cuts(found, IMAGES, seed))), "")


def _in_here(case: Callable[[int], str]) -> Callable[[str, int], str]:
    def look(mutant: str, seed: int) -> str:
        with planted(mutant) if mutant else nullcontext():
            return case(seed)

    return look


# Says what is wrong with a hall that has this mutant in it (or none: ""), as this seed shows it.
SEEDED: dict[str, Callable[[str, int], str]] = {
    SIMULATION: _in_here(_simulated),
    FUZZER: _in_here(_fuzzed),
    TALES: _in_here(_told),
    POWER_CUT: _cut,
}


def caught_by_seed(name: str, how: str, seeds: Iterable[int]) -> Caught | None:
    """The first of `seeds` for which this way of looking finds fault. Raises Blind."""
    begun = time.monotonic()
    for seed in seeds:
        said = _look(how, name, seed)
        if said:
            found = Caught(f"{how}, seed {seed}", time.monotonic() - begun, said)
            if _look(how, "", seed):
                raise Blind(f"{how}, seed {seed}, fails without {name} too")
            return found
    return None


def _look(how: str, mutant: str, seed: int) -> str:
    try:
        with no_longer_than(CASE_SECONDS):
            return SEEDED[how](mutant, seed)
    except (Exception, TooLong) as exc:
        return f"{type(exc).__name__}: {exc}"


def caught_by_tests(pairs: Iterable[Pair]) -> dict[Pair, Finding]:
    """Which of these mutants their tests see; all in one pytest process of its own."""
    wanted = list(pairs)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        asked, answered = Path(folder) / "pairs.json", Path(folder) / "found.json"
        asked.write_text(json.dumps(wanted))
        command = [*PYTEST, f"--mutants={asked}", f"--found={answered}", *sorted({node for _, node in wanted})]
        run = run_pytest(command, cwd=ROOT, timeout=RUN_SECONDS)
        if not answered.exists():
            raise Blind(f"pytest ended with {run.returncode}:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
        found: list[tuple[str, float, str]] = json.loads(answered.read_text())
    return {pair: _finding(pair[1], *said) for pair, said in zip(wanted, found, strict=True)}


def _finding(test: str, verdict: str, seconds: float, said: str) -> Finding:
    return {"caught": Caught(test, seconds, said), "blind": Blind(said), "survived": None}[verdict]


def look_for(mutants: Iterable[Mutant], seeds: int) -> Iterator[tuple[Mutant, Finding]]:
    """What the first of its catchers saw that sees a mutant at all, within so many seeds where it has any."""
    all_mutants = list(mutants)
    pairs = [(one.name, test) for one in all_mutants for test in one.catchers if test not in SEEDED]
    by_tests = caught_by_tests(pairs) if pairs else {}
    for mutant in all_mutants:
        finding: Finding = None
        for catcher in mutant.catchers:
            if finding is None:
                by_seed = catcher in SEEDED
                finding = _seen(mutant.name, catcher, seeds) if by_seed else by_tests[mutant.name, catcher]
        yield mutant, finding


def _seen(name: str, how: str, seeds: int) -> Finding:
    try:
        return caught_by_seed(name, how, range(seeds))
    except Blind as blind:
        return blind
