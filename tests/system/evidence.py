"""What an audit reads: what clients were promised, what workers did, what was broken, and what the hall says.

Two logs and two dumps, and nothing of the server's code:

    acks      one JSON line per acknowledged job, fsynced before it counts:  {"id", "key", "marker"}
    marks     what workers did, appended as it happened:                     ID ATTEMPT WORKER EVENT SECONDS
    dump      every job as `get` and `find` show it, by id, read twice

Events of a mark: `start`, `end` (the work is done; written before its result is sent), `done` (the hall took
the result), `fail`, `release` (the worker gave it back), `drop` (the worker was told, or found out, that the
lease is gone). Seconds are CLOCK_MONOTONIC: one clock for all processes. A worker whose clock is coarse writes
the latest moment at which it may have begun and the earliest at which it may have ended.

Whoever breaks things writes marks too (their id is `-`): a worker that is dead is `killed`, one that stands
still is `frozen` until it is `thawed`, one of whose children was killed was `struck`; the worker `hall` is
`away` until it is `back`, and `replaced` when it came back with an empty store. A lease passes no earlier than
PATIENCE after its worker froze.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
BY_CHOICE = {"fail": "failed", "release": "released"}
OVER = ("end", "fail", "release", "drop")
PATIENCE = 1.5  # seconds: half of the lease in these runs; a third of it may have passed since the last beat
DYING = 1.0  # seconds in which a worker that was just cut off may still begin something
UNHEARD = 1.0  # seconds from the end of the work until the hall has surely been told, if nothing happens
LATE = 3.0  # seconds after it thawed in which a worker may still begin what it had been given before
PAGE = 500
Dump = dict[str, dict[str, Any]]
Span = tuple[float, float]


class Ack(NamedTuple):
    """A submit that was answered."""

    id: str
    key: str
    marker: str


class Told(NamedTuple):
    """What a client was told about the end of its job."""

    id: str
    state: str
    result: Any


class Mark(NamedTuple):
    """One line of the workers' side-effect log."""

    id: str
    attempt: int
    worker: str
    event: str
    at: float

    def line(self) -> bytes:
        return f"{self.id} {self.attempt} {self.worker} {self.event} {self.at:.6f}\n".encode()


class Breakage:
    """What was done to one worker, or to the hall."""

    def __init__(self) -> None:
        self.killed_at = float("inf")
        self.replaced_at = float("inf")
        self.struck: list[float] = []
        self.spans: list[Span] = []  # frozen, or away

    def hear(self, event: str, at: float) -> None:
        if event == "killed":
            self.killed_at = min(self.killed_at, at)
        elif event == "struck":
            self.struck.append(at)
        elif event == "replaced":
            self.replaced_at = at
        elif event in {"frozen", "away"}:
            self.spans.append((at, float("inf")))
        else:
            assert event in {"thawed", "back"}, f"nobody knows the event {event}"
            self.spans[-1] = (self.spans[-1][0], at)


class Attempt:
    """One hand-out to one worker, as the side-effect log tells it."""

    def __init__(self, number: int, worker: str, broken: Breakage, hall: Breakage) -> None:
        self.number = number
        self.worker = worker
        self.broken = broken
        self.hall = hall
        self.times: dict[str, list[float]] = defaultdict(list)

    def count(self, event: str) -> int:
        return len(self.times[event])

    @cached_property
    def started_at(self) -> float:
        return min(self.times["start"], default=float("inf"))

    @cached_property
    def told_at(self) -> float:
        """When its worker said that nobody works on it any more."""
        return min((at for event in OVER for at in self.times[event]), default=float("inf"))

    @cached_property
    def heard_at(self) -> float:
        """When the hall has surely been told that, as far as its worker lived: an outage begins the wait anew."""
        heard = self.told_at + UNHEARD
        for since, until in self.hall.spans:
            if since <= heard and until >= self.told_at:
                heard = until + UNHEARD
        return heard

    @property
    def last_at(self) -> float:
        """The last that is known of it."""
        return max(at for times in self.times.values() for at in times)

    def awake_since(self, since: float) -> float:
        """From when on its worker did not stand still any more, at `since` or later."""
        thaws = [until for began, until in self.broken.spans if began <= self.last_at and until <= self.last_at]
        return max([since, *thaws])

    @cached_property
    def lapsed(self) -> tuple[float, str]:
        """When others may have got it without a word of its worker, and why."""
        broken = self.broken
        killed_at = broken.killed_at if self.started_at <= broken.killed_at + DYING else float("inf")
        struck = (at for at in broken.struck if self.started_at <= at <= self.heard_at)
        frozen = (since + PATIENCE for since, until in broken.spans if self._slept(since, until))
        ways = [
            (killed_at, "worker killed"),
            (min(struck, default=float("inf")), "child killed"),
            (min(frozen, default=float("inf")), "worker frozen"),
        ]
        return min(ways)

    def _slept(self, since: float, until: float) -> bool:
        return until - since >= PATIENCE and self.started_at <= until + LATE and since <= self.heard_at

    @property
    def over_at(self) -> float:
        """When nobody worked on it any more, or had a right to."""
        return min(self.told_at, self.lapsed[0])

    def cause(self, following: float, hall: Breakage, how: str) -> str:
        """Why another attempt may follow this one, at that time; empty when none may. `how` the hall says it ended: a
        hall that was away is a reason for a worker to give a job back, and none for the hall to take it."""
        if self.count("done"):
            return ""
        if told := next((cause for event, cause in BY_CHOICE.items() if self.count(event)), ""):
            return told
        if self.lapsed[0] <= following:
            return self.lapsed[1]
        if self.started_at - LATE <= hall.replaced_at <= following:
            return "store replaced"
        away = (since for since, until in hall.spans if until - since >= PATIENCE and until >= self.started_at)
        if how == "release" and any(since <= following for since in away):
            return "hall away"
        return "lease lost" if self.count("drop") else ""


@dataclass
class Evidence:
    """All that an audit reads. `again` is a second dump; `keys` are all that any client meant to submit; `told` is what
    clients heard of ends; `removed` are the jobs that a person removed, as far as that was answered."""

    acks: list[Ack]
    marks: list[Mark]
    dump: Dump
    again: Dump
    keys: frozenset[str]
    told: list[Told] = field(default_factory=list)
    removed: frozenset[str] = frozenset()

    @cached_property
    def breakages(self) -> dict[str, Breakage]:
        found: dict[str, Breakage] = defaultdict(Breakage)
        for mark in self.marks:
            if mark.id == "-":
                found[mark.worker].hear(mark.event, mark.at)
        return found

    @property
    def hall(self) -> Breakage:
        return self.breakages["hall"]

    @cached_property
    def attempts(self) -> dict[str, list[Attempt]]:
        """Every job's attempts in their order, without those that began when they did not count any more."""
        found = self.all_attempts.items()
        return {job: [attempt for attempt in tries if not self._is_stale(job, attempt, tries)] for job, tries in found}

    def _is_stale(self, job: str, attempt: Attempt, tries: list[Attempt]) -> bool:
        """Begun by a worker that had slept over its lease: it could not know that yet, and its result is refused."""
        if attempt.lapsed[0] > attempt.started_at:
            return False
        if any(other.number > attempt.number and other.started_at < attempt.started_at for other in tries):
            return True
        return self.dump.get(job, {}).get("state") in FINAL - {"succeeded"} and not attempt.count("fail")

    @cached_property
    def all_attempts(self) -> dict[str, list[Attempt]]:
        found: dict[str, dict[tuple[int, str], Attempt]] = defaultdict(dict)
        for mark in self.marks:
            if mark.id != "-":
                tries, which = found[mark.id], (mark.attempt, mark.worker)
                if which not in tries:
                    tries[which] = Attempt(*which, self.breakages[mark.worker], self.hall)
                tries[which].times[mark.event].append(mark.at)
        return {job: sorted(tries.values(), key=lambda a: (a.started_at, a.number)) for job, tries in found.items()}

    def of(self, job: str) -> list[Attempt]:
        return self.attempts.get(job, [])

    def every(self, job: str) -> list[Attempt]:
        """With those that began too late."""
        return self.all_attempts.get(job, [])


def story(seen: Evidence, job: str) -> str:
    """What is known of one job, in the order in which it happened: for people."""
    own = [mark for mark in seen.marks if mark.id == job]
    involved = {"hall", *(mark.worker for mark in own)}
    since, until = min((mark.at for mark in own), default=0.0) - 5, max((mark.at for mark in own), default=0.0) + 5
    about = [mark for mark in seen.marks if mark.id == "-" and mark.worker in involved and since < mark.at < until]
    lines = [f"{mark.at:.3f} {mark.worker} {mark.event} {mark.attempt or ''}" for mark in own + about]
    view = {name: value for name, value in seen.dump.get(job, {}).items() if name not in {"payload", "created_at"}}
    return "\n    ".join([f"{job}: {view}"[:600], *sorted(lines)])


def read_acks(paths: Iterable[Path]) -> list[Ack]:
    """Every acknowledgement; a torn last line never counted."""
    return [Ack(**said) for said in _entries(paths) if "key" in said]


def read_told(paths: Iterable[Path]) -> list[Told]:
    """The ends of which clients heard, as they stand in their acknowledgement logs."""
    return [Told(**said) for said in _entries(paths) if "state" in said]


def read_marks(paths: Iterable[Path]) -> list[Mark]:
    """Every whole line of the side-effect logs."""
    fields = (line.split() for path in paths for line in _whole_lines(path))
    return [Mark(job, int(attempt), worker, event, float(at)) for job, attempt, worker, event, at in fields]


class Asks(Protocol):
    """A connection to a hall."""

    def ok(self, cmd: str, **fields: Any) -> dict[str, Any]:
        """The reply to a request that must succeed."""


def dump_jobs(line: Asks, ids: Iterable[str]) -> Dump:
    """These jobs as `get` shows them; unknown ones are left out."""
    wanted = list(dict.fromkeys(ids))
    chunks = (wanted[place : place + PAGE] for place in range(0, len(wanted), PAGE))
    return {job["id"]: job for chunk in chunks for job in line.ok("get", ids=chunk)["jobs"]}


def find_jobs(line: Asks, **wanted: Any) -> Dump:
    """Every job that the hall has, page by page, newest first."""
    found: Dump = {}
    page = line.ok("find", limit=PAGE, **wanted)["jobs"]
    while page:
        found.update((job["id"], job) for job in page)
        page = line.ok("find", limit=PAGE, before=min(found), **wanted)["jobs"]
    return found


def _entries(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for path in paths for line in _whole_lines(path))


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()
