"""The independent audit: what clients were promised and what workers did, held against what the hall says.

It reads two logs and two dumps, and imports nothing of the server:

    acks      one JSON line per acknowledged job, fsynced before it counts:  {"id", "key", "marker"}
    marks     what workers did, appended as it happened:                     ID ATTEMPT WORKER EVENT SECONDS
    dump      every job as `get` and `find` show it, by id, read twice

Events of a mark: `start`, `end` (the work is done; written before its result is sent), `done` (the hall took
the result), `fail`, `release` (the worker gave it back), `drop` (the hall said that the lease is gone), and
`killed`, which the test writes for a worker that is dead (its id is `-`). Seconds are CLOCK_MONOTONIC: one
clock for all processes.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.system.lines import Line

FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
CAUSES = {"fail": "failed", "release": "released", "drop": "lease lost"}
PAGE = 500
Dump = dict[str, dict[str, Any]]


class Ack(NamedTuple):
    """A submit that was answered."""

    id: str
    key: str
    marker: str


class Mark(NamedTuple):
    """One line of the workers' side-effect log."""

    id: str
    attempt: int
    worker: str
    event: str
    at: float

    def line(self) -> bytes:
        return f"{self.id} {self.attempt} {self.worker} {self.event} {self.at:.6f}\n".encode()


class Attempt:
    """One hand-out to one worker, as the side-effect log tells it."""

    def __init__(self, number: int, worker: str, killed_at: float | None) -> None:
        self.number = number
        self.worker = worker
        self.killed_at = killed_at
        self.times: dict[str, list[float]] = defaultdict(list)

    def count(self, event: str) -> int:
        return len(self.times[event])

    @property
    def started_at(self) -> float:
        return min(self.times["start"], default=float("inf"))

    @property
    def over_at(self) -> float:
        """When nobody worked on it any more."""
        over = [at for event in ("end", *CAUSES) for at in self.times[event]]
        return min([*over, self.killed_at] if self.killed_at is not None else over, default=float("inf"))

    @property
    def cause(self) -> str:
        """Why another attempt may follow this one; empty when none may."""
        if self.count("done"):
            return ""
        told = next((cause for event, cause in CAUSES.items() if self.count(event)), "")
        return told or ("worker killed" if self.killed_at is not None else "")


@dataclass
class Evidence:
    """All that an audit reads. `again` is a second dump; `keys` are all that any client meant to submit."""

    acks: list[Ack]
    marks: list[Mark]
    dump: Dump
    again: Dump
    keys: frozenset[str]

    @cached_property
    def attempts(self) -> dict[str, list[Attempt]]:
        """Every job's attempts in the order in which they started."""
        deaths = {mark.worker: mark.at for mark in self.marks if mark.event == "killed"}
        found: dict[str, dict[tuple[int, str], Attempt]] = defaultdict(dict)
        for mark in self.marks:
            if mark.event != "killed":
                new = Attempt(mark.attempt, mark.worker, deaths.get(mark.worker))
                attempt = found[mark.id].setdefault((mark.attempt, mark.worker), new)
                attempt.times[mark.event].append(mark.at)
        return {job: sorted(tries.values(), key=lambda a: a.started_at) for job, tries in found.items()}

    def of(self, job: str) -> list[Attempt]:
        return self.attempts.get(job, [])


@dataclass
class Findings:
    """Offenders by fault; a run is sound when there is none."""

    faults: dict[str, list[str]]
    jobs: int
    starts: int
    extra_starts: Counter[str]

    @property
    def sound(self) -> bool:
        return not self.found

    @property
    def found(self) -> dict[str, int]:
        """How many offenders each fault has, those without any left out."""
        return {fault: len(offenders) for fault, offenders in self.faults.items() if offenders}

    def __str__(self) -> str:
        rows = [f"  {len(who):6}  {fault}  {' '.join(who[:3])}" for fault, who in self.faults.items()]
        head = f"audit: {self.jobs} jobs, {self.starts} starts, extra starts {dict(self.extra_starts)}"
        return "\n".join([head, *rows])


def audit(seen: Evidence) -> Findings:
    """Count every way in which the evidence contradicts the promises."""
    followed = [attempt.cause for tries in seen.attempts.values() for attempt in tries[:-1]]
    return Findings(
        faults={fault: sorted(set(check(seen))) for fault, check in CHECKS.items()},
        jobs=len(seen.dump),
        starts=sum(mark.event == "start" for mark in seen.marks),
        extra_starts=Counter(cause for cause in followed if cause),
    )


def lost(seen: Evidence) -> Iterator[str]:
    return (ack.id for ack in seen.acks if ack.id not in seen.dump)


def altered_payload(seen: Evidence) -> Iterator[str]:
    known = (ack for ack in seen.acks if ack.id in seen.dump)
    return (ack.id for ack in known if seen.dump[ack.id]["payload"]["marker"] != ack.marker)


def unfinished(seen: Evidence) -> Iterator[str]:
    return (job for job, view in seen.dump.items() if view["state"] not in FINAL)


def not_one_end(seen: Evidence) -> Iterator[str]:
    """A job that succeeded has one end in its last attempt; no attempt of any job has two."""
    for job, view in seen.dump.items():
        ends = {attempt.number: 0 for attempt in seen.of(job)}
        for attempt in seen.of(job):
            ends[attempt.number] += attempt.count("end")
        last = ends.get(view["attempt"], 0)
        if max(ends.values(), default=0) > 1 or (view["state"] == "succeeded" and last != 1):
            yield job


def foreign_result(seen: Evidence) -> Iterator[str]:
    """Results say which attempt of which worker made them; that one must have ended its work."""
    for job, view in seen.dump.items():
        if view["state"] == "succeeded":
            makers = [[attempt.number, attempt.worker] for attempt in seen.of(job) if attempt.count("end")]
            if (view["result"] or {}).get("by") not in makers:
                yield job


def overlapping(seen: Evidence) -> Iterator[str]:
    for job, tries in seen.attempts.items():
        if any(later.started_at < earlier.over_at for earlier, later in pairwise(tries)):
            yield job


def started_twice(seen: Evidence) -> Iterator[str]:
    """An attempt's number is handed out once, and its worker starts it once."""
    for job, tries in seen.attempts.items():
        numbers = [attempt.number for attempt in tries for _ in attempt.times["start"]]
        if numbers != sorted(set(numbers)):
            yield job


def too_many_starts(seen: Evidence) -> Iterator[str]:
    for job, view in seen.dump.items():
        counted = sum(attempt.count("start") - attempt.count("release") for attempt in seen.of(job))
        if counted > view["max_attempts"]:
            yield job


def causeless(seen: Evidence) -> Iterator[str]:
    return (job for job, tries in seen.attempts.items() if not all(attempt.cause for attempt in tries[:-1]))


def too_early(seen: Evidence) -> Iterator[str]:
    """A job starts when all that it waited for has been done, by the attempt whose result counts."""
    for job, view in seen.dump.items():
        ends = [_done_at(seen, parent) for parent in view.get("after") or []]
        if any(attempt.started_at <= max(ends, default=0.0) for attempt in seen.of(job)):
            yield job


def _done_at(seen: Evidence, job: str) -> float:
    view = seen.dump.get(job)
    if view is None or view["state"] != "succeeded":
        return float("inf")
    ends = [at for attempt in seen.of(job) if attempt.number == view["attempt"] for at in attempt.times["end"]]
    return min(ends, default=float("inf"))


def lock_broken(seen: Evidence) -> Iterator[str]:
    """Of the jobs with one lock, one is worked on at a time."""
    held: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    owners: dict[int, str] = {}
    for job, view in seen.dump.items():
        if view.get("lock") is not None:
            held[view.get("queue", ""), view["lock"]] += seen.of(job)
            owners.update((id(attempt), job) for attempt in seen.of(job))
    for tries in held.values():
        in_order = sorted(tries, key=lambda attempt: attempt.started_at)
        yield from (owners[id(b)] for a, b in pairwise(in_order) if b.started_at < a.over_at)


def cancelled_for_nothing(seen: Evidence) -> Iterator[str]:
    """Nobody cancels in these runs but a parent that did not succeed."""
    for job, view in seen.dump.items():
        parents = [seen.dump.get(parent, {}).get("state") for parent in view.get("after") or []]
        if view["state"] == "cancelled" and all(state == "succeeded" for state in parents):
            yield job


def unstable(seen: Evidence) -> Iterator[str]:
    """What ended stays as it is: state, attempt and result."""
    ended = (job for job, view in seen.dump.items() if view["state"] in FINAL)
    return (job for job in ended if _outcome(seen.dump[job]) != _outcome(seen.again.get(job, {})))


def split_keys(seen: Evidence) -> Iterator[str]:
    ids: dict[str, set[str]] = defaultdict(set)
    for ack in seen.acks:
        ids[ack.key].add(ack.id)
    for job, view in seen.dump.items():
        ids[view["key"]].add(job)
    return (str(key) for key, jobs in ids.items() if key is not None and len(jobs) > 1)


def ghosts(seen: Evidence) -> Iterator[str]:
    """Jobs that nobody meant to submit, and work on jobs that the hall does not know."""
    yield from (job for job, view in seen.dump.items() if view["key"] not in seen.keys)
    yield from (job for job in seen.attempts if job not in seen.dump)


CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "acked but not found": lost,
    "another payload than the acked one": altered_payload,
    "not ended": unfinished,
    "no end or more than one": not_one_end,
    "result that no attempt made": foreign_result,
    "overlapping attempts": overlapping,
    "attempt started twice": started_twice,
    "more starts than max_attempts": too_many_starts,
    "extra start without a cause": causeless,
    "started before what it waited for": too_early,
    "two at once with one lock": lock_broken,
    "cancelled for nothing": cancelled_for_nothing,
    "outcome changed on re-read": unstable,
    "key with two ids": split_keys,
    "ghost": ghosts,
}


def read_acks(paths: Iterable[Path]) -> list[Ack]:
    """Every whole line of the acknowledgement logs; a torn last line never counted."""
    return [Ack(**json.loads(line)) for path in paths for line in _whole_lines(path)]


def read_marks(paths: Iterable[Path]) -> list[Mark]:
    """Every whole line of the side-effect logs."""
    fields = (line.split() for path in paths for line in _whole_lines(path))
    return [Mark(job, int(attempt), worker, event, float(at)) for job, attempt, worker, event, at in fields]


def dump_jobs(line: Line, ids: Iterable[str]) -> Dump:
    """These jobs as `get` shows them; unknown ones are left out."""
    wanted = list(dict.fromkeys(ids))
    chunks = (wanted[place : place + PAGE] for place in range(0, len(wanted), PAGE))
    return {job["id"]: job for chunk in chunks for job in line.ok("get", ids=chunk)["jobs"]}


def find_jobs(line: Line, **wanted: Any) -> Dump:
    """Every job that the hall has, page by page, newest first."""
    found: Dump = {}
    page = line.ok("find", limit=PAGE, **wanted)["jobs"]
    while page:
        found.update((job["id"], job) for job in page)
        page = line.ok("find", limit=PAGE, before=min(found), **wanted)["jobs"]
    return found


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def _outcome(view: dict[str, Any]) -> tuple[Any, ...]:
    return view.get("state"), view.get("attempt"), view.get("result"), view.get("error")
