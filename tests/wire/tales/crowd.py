"""Many tales in one hall, and what must be left of them when all are over: their jobs, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

from hirehall.model import State, id_text
from tests.wire.stage import Stage
from tests.wire.tales.model import Job
from tests.wire.tales.tale import Tale

TALES = 50  # in one hall
MOST_PROBLEMS = 5
OPEN = "SELECT kind, id FROM jobs WHERE state IN (1, 2, 3, 8)"
STORED = (
    "SELECT jobs.kind, jobs.queue, state, attempt, forgiven, priority, key, payload, CASE state WHEN 4 THEN result END"
    " FROM jobs JOIN lanes USING (lane)"
)


class Crowd:
    """One hall's tales; all follows from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"tales {seed}")
        self.stage = Stage()
        self.tales = [Tale(self.stage, number, Random(f"tale {seed} {number}")) for number in range(TALES)]
        self.problems: list[str] = []

    def run(self) -> list[str]:
        """Play all; what is wrong."""
        for tale in self.tales:
            tale.begin()
        self._settle()
        left = {tale: self.random.randint(1, 3) + self.random.randint(0, 6) for tale in self.tales}
        while left and not self.failed:
            acting = [tale for tale in left if self.random.random() < 0.8]
            for tale in acting:
                tale.act()
                left[tale] -= 1
                if not left[tale]:
                    del left[tale]
            self._settle()
            if self.random.random() < 0.25:
                self._pass_time()
        return self._end()

    @property
    def failed(self) -> bool:
        return bool(self.stage.problems) or any(tale.problems for tale in self.tales)

    @property
    def commands(self) -> int:
        return sum(tale.commands for tale in self.tales)

    def _settle(self) -> None:
        self.stage.settle()
        for tale in self.tales:
            tale.judge()

    def _pass_time(self) -> None:
        self.stage.pass_time(0.8)
        for tale in self.tales:
            tale.time_passed()
            tale.judge()

    def _end(self) -> list[str]:
        if not self.failed:
            self._cancel_the_rest()
        if not self.failed:
            for tale in self.tales:
                tale.leave()
            self._settle()
        self.stage.check_alive()
        found = [problem for tale in self.tales for problem in tale.problems] + self.stage.problems + self.problems
        if not found:
            found = self._differences() + self._leftovers()
        self.stage.close()
        return found[:MOST_PROBLEMS]

    def _cancel_the_rest(self) -> None:
        still_open: dict[str, list[str]] = {}
        for kind, id_ in self.stage.store.db.execute(OPEN):
            still_open.setdefault(kind[:-1], []).append(id_text(id_))
        for tale in self.tales:
            tale.cancel_the_rest(still_open.get(tale.kinds[0][:-1], []))
        closer = self.stage.peer("closer")
        ids = [id_ for some in still_open.values() for id_ in some]
        closer.send(json.dumps({"cmd": "cancel", "ids": ids}).encode() + b"\n")
        self._settle()
        if closer.lines() != [{"ok": True, "refused": []}]:
            self.problems.append(f"what was open could not be cancelled: {closer.lines()}")
        closer.leave()

    def _differences(self) -> list[str]:
        """What is stored, against what the tales know."""
        stored = Counter(tuple(row) for row in self.stage.store.db.execute(STORED))
        told = Counter(_told(job) for tale in self.tales for job in tale.jobs)
        return [f"only stored: {row}" for row in stored - told] + [f"not stored: {row}" for row in told - stored]

    def _leftovers(self) -> list[str]:
        """Whatever the hall still holds for somebody, although all have left."""
        hall = self.stage.hall
        core = hall.core
        held: dict[str, Any] = {
            "sessions": hall.sessions,
            "workers": core.leases.workers,
            "open leases": core.leases.open,
            "waits": hall.waits._by_job,
            "followers of logs": hall.logs._by_job,
            "watchers": hall.events._watchers,
            "journal followers": core.journal.followers,
            "ready jobs": {lane.key: lane.ready for lane in core.hallway.lanes.values() if lane.ready},
        }
        return [f"{what} are left: {str(left)[:300]}" for what, left in held.items() if left]


def _told(job: Job) -> tuple[Any, ...]:
    row = (job.kind, job.queue, State[job.state.upper()], job.attempt, job.forgiven, job.priority, job.key)
    return (*row, job.body, job.result if job.state == "succeeded" else None)
