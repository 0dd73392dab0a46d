"""Measures paths and holds them against their floors.

A path below its floor is measured once more, three times as long, and only that counts. This is no second try of a
test that may fail: the first look is a sample, and one of some fourteen samples is off now and then. Taking a larger
one where it matters costs less than taking it everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from benchmarks.gate.floors import Floor
from benchmarks.gate.halls import HIREHALL
from benchmarks.gate.measure import Effort, Measured, measure
from benchmarks.gate.paths import PATHS

LONGEST_SECONDS = 85.0  # for everything
SET_FLOORS = "FLOORS=--set-floors"
FAR = 1.25  # times what was last measured: a slowdown of 25 % from there would pass


class Verdict(Struct, frozen=True):
    """What was found of a path, and whether that will do."""

    name: str
    found: Measured
    floor: Floor

    @property
    def is_low(self) -> bool:
        """Whether it is below its floor."""
        return self.found.ratio < self.floor.floor

    @property
    def is_high(self) -> bool:
        """Whether its floor is of a time when the hall was much slower."""
        far = max(FAR, 1 / self.floor.fraction)  # what noise takes it may give, too
        return 0 < self.floor.measured * far < self.found.ratio

    def complaint(self) -> str:
        """What is wrong, and where to look."""
        dearer = self.floor.measured / self.found.ratio - 1
        return (
            f"{self.name} is too slow: it has {self.found.ratio:.3g} of the loop's speed, its floor is"
            f" {self.floor.floor:.3g}, and {self.floor.measured:.3g} was measured when that was set: it costs"
            f" {dearer:.0%} more (now {self.found.hall_us:.1f} us, {self.found.loop_us:.2f} in the loop)."
            f" `make bench-check ONLY={self.name} PROFILE={self.name}.prof` shows where the hall spends it."
            f" If it must be so: `make bench-check ONLY={self.name} {SET_FLOORS}`"
        )


Told = Callable[[Verdict], None]


def judge(
    floors: Mapping[str, Floor],
    told: Told,
    effort: Effort = Effort(),  # noqa: B008 - it is frozen
    program: Sequence[str] = HIREHALL,
) -> list[Verdict]:
    """Every path that has a floor here; each verdict is told as it comes, a second one, too."""
    until = time.monotonic() + LONGEST_SECONDS
    verdicts = {name: look(name, floor, effort, program, told) for name, floor in floors.items()}
    low = [name for name, verdict in verdicts.items() if verdict.is_low]
    for name, seconds in shares(low, until):
        verdicts[name] = look(name, floors[name], effort.more(seconds), program, told)
    return list(verdicts.values())


def look(name: str, floor: Floor, effort: Effort, program: Sequence[str], told: Told) -> Verdict:
    """Measure one path."""
    verdict = Verdict(name, measure(PATHS[name], effort, program), floor)
    told(verdict)
    return verdict


def shares(names: Sequence[str], until: float) -> Iterator[tuple[str, float]]:
    """Each name with its part of the time that is left when its turn comes."""
    for done, name in enumerate(names):
        yield name, (until - time.monotonic()) / (len(names) - done)
