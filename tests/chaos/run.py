"""A whole run: rounds on one hall, a round in which only halls are killed, a round in which the store is replaced."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.chaos.plan import draw, halls_only
from tests.chaos.replacement import Replacement
from tests.chaos.storm import Round, Say, Storm, Tally
from tests.figures import Figures
from tests.system.audit import Findings, audit
from tests.system.evidence import Evidence, story
from tests.system.hall_process import Hall

ROUND_JOBS = 25_000  # what one audit holds in memory
CALM_SHARE = 10  # one job in so many is for the round in which only halls are killed
REPLACED_SHARE = 20
LARGEST_EXTRA = 5_000  # of those two rounds
CALM_KILLS = 6
TOLD = 3  # offenders of each fault whose story is told


class Size(NamedTuple):
    """How much of everything."""

    jobs: int
    kills: int
    seconds: float
    seed: int
    rate: float
    freeze: float
    long_ms: int


class Chaos:
    """`run` it; then `figures` says what was counted. Every round's findings are said as they come."""

    def __init__(self, folder: Path, size: Size, say: Say) -> None:
        self.folder, self.size, self.say = folder, size, say
        self.tally = Tally()
        self.findings: list[Findings] = []
        self.done_by: Counter[str] = Counter()  # jobs whose work was done, by the sort of worker
        self.told = 0  # ends that clients were told
        self.calm: Findings | None = None
        self.hall = Hall(folder / "hall")

    @property
    def is_sound(self) -> bool:
        """Whether every audit found nothing, and nobody's job ran again because a hall was killed."""
        return all(findings.sound for findings in self.findings) and self.reruns == 0

    @property
    def reruns(self) -> int:
        """What ran again when nothing but the hall was killed, and that was soon back."""
        assert self.calm is not None, "run it first"
        return self.calm.extra_starts.total() - self.calm.extra_starts["failed"] - self.calm.extra_starts["hall away"]

    def run(self) -> None:
        """All rounds, in their order, until the time is over."""
        began = time.monotonic()
        try:
            self.hall.data.mkdir(mode=0o700)
            self.hall.start()
            calm, moved = (min(self.size.jobs // share, LARGEST_EXTRA) for share in (CALM_SHARE, REPLACED_SHARE))
            for number, jobs in enumerate(rounds_of(self.size.jobs - calm - moved)):
                if number and time.monotonic() - began > self.size.seconds:
                    break
                self._storm(number, jobs)
            self._calm(calm)
            self._replace(moved)
        finally:
            self.hall.close()

    def _storm(self, number: int, jobs: int) -> None:
        kills = -(-self.size.kills * jobs // self.size.jobs)
        plan = draw(f"{self.size.seed}.{number}", kills, self.size.freeze)
        self._run(Round(f"r{number}", jobs, plan, self.size.rate, self.size.long_ms))

    def _calm(self, jobs: int) -> None:
        kills = min(CALM_KILLS, self.size.kills)
        plan = halls_only(self.size.seed, kills)
        self.calm = self._run(Round("calm", jobs, plan, self.size.rate, self.size.long_ms, calm=True))

    def _run(self, it: Round) -> Findings:
        storm = Storm(self.hall, self.folder / it.name, it, self.say)
        seen = storm.run()
        self.tally.add(storm.tally)
        return self._found(it.name, seen)

    def _replace(self, jobs: int) -> None:
        made = Replacement(self.hall, self.folder / "moved", jobs, self.size.rate, self.size.long_ms, self.say)
        for name, seen in zip(("the old store", "the new store"), made.run(), strict=True):
            self._found(name, seen)
        self.tally.add(made.storm.tally)

    def _found(self, name: str, seen: Evidence) -> Findings:
        findings = audit(seen)
        ends = (mark.worker for mark in seen.marks if mark.event == "end")
        self.done_by += Counter(worker.partition("-")[2].rstrip("0123456789") for worker in ends)
        self.told += len(seen.told)
        self.say(f"{name}: {findings}")
        for job in sorted({job for who in findings.faults.values() for job in who[:TOLD]}):
            self.say(story(seen, job))
        self.findings.append(findings)
        return findings

    @property
    def figures(self) -> Figures:
        """What was counted, by name."""
        found: Counter[str] = Counter()
        causes: Counter[str] = Counter()
        for findings in self.findings:
            found += Counter({fault: len(who) for fault, who in findings.faults.items()})
            causes += findings.extra_starts
        restarts = sorted(self.tally.restarts)
        ninety_ninth = statistics.quantiles(restarts, n=100, method="inclusive")[98]
        return {
            "jobs": sum(findings.jobs for findings in self.findings),
            "kill -9": self.tally.kills,
            "of halls": len(restarts),
            **{what: count for what, count in sorted(self.tally.faults.items()) if not what.startswith("kill")},
            **{f"done by {sort}": count for sort, count in sorted(self.done_by.items())},
            "ends told to clients": self.told,
            "starts": sum(findings.starts for findings in self.findings),
            **{f"started again: {cause}": count for cause, count in sorted(causes.items())},
            "started again when only halls were killed": self.reruns,
            "begun after a long sleep, and refused": sum(findings.stale_starts for findings in self.findings),
            "seconds worked on after a long sleep, at most": round(max(f.longest_overlap for f in self.findings), 2),
            **{fault: found[fault] for fault in self.findings[0].faults},
            "restart p50 ms": round(1000 * statistics.median(restarts)),
            "restart p99 ms": round(1000 * ninety_ninth),
            "restart max ms": round(1000 * restarts[-1]),
        }


def rounds_of(jobs: int) -> list[int]:
    """The sizes of rounds that make up this many jobs, none of them too large for one audit."""
    count = -(-jobs // ROUND_JOBS)
    return [jobs // count + (number < jobs % count) for number in range(count)]
