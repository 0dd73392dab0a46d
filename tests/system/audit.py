"""The independent audit: what clients were promised and what workers did, held against what the hall says.

It imports nothing of the server; evidence.py says what it reads. A1 to A10 are the ten counts of the test programme;
the others are what else can be seen in the same evidence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.system.evidence import (
    FINAL,
    PAGE,
    Ack,
    Attempt,
    Dump,
    Evidence,
    Mark,
    Told,
    dump_jobs,
    find_jobs,
    read_acks,
    read_marks,
    read_told,
)

__all__ = [
    "CHECKS",
    "FINAL",
    "PAGE",
    "Ack",
    "Attempt",
    "Dump",
    "Evidence",
    "Findings",
    "Mark",
    "Told",
    "audit",
    "dump_jobs",
    "find_jobs",
    "read_acks",
    "read_marks",
    "read_told",
]

ECHOED = {"marker", "pad"}  # what a result repeats of its job's payload


@dataclass
class Findings:
    """Offenders by fault; a run is sound when there is none."""

    faults: dict[str, list[str]]
    jobs: int
    starts: int
    extra_starts: Counter[str]
    stale_starts: int = 0
    longest_overlap: float = 0.0  # seconds that somebody worked on with a lease that had passed while it slept

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
        sleepers = f"begun after their lease had passed in a long sleep: {self.stale_starts}"
        worked = f"worked on after such a sleep: {self.longest_overlap:.2f} s at most"
        return "\n".join([head, f"{sleepers}; {worked}", *rows])


def audit(seen: Evidence) -> Findings:
    """Count every way in which the evidence contradicts the promises."""
    return Findings(
        faults={fault: sorted(set(check(seen))) for fault, check in CHECKS.items()},
        jobs=len(seen.dump),
        starts=sum(mark.event == "start" for mark in seen.marks),
        extra_starts=Counter(cause for _, cause in followed(seen) if cause),
        stale_starts=sum(len(seen.every(job)) - len(tries) for job, tries in seen.attempts.items()),
        longest_overlap=max(map(afterwork, seen.attempts.values()), default=0.0),
    )


def followed(seen: Evidence) -> Iterator[tuple[str, str]]:
    """Every attempt that another one followed: its job, and why it did."""
    for job, tries in seen.attempts.items():
        hows = {entry["attempt"]: entry["how"] for entry in seen.dump.get(job, {}).get("history") or []}
        for one, following in pairwise(tries):
            yield job, one.cause(following.started_at, seen.hall, hows.get(one.number, ""))


def afterwork(tries: list[Attempt]) -> float:
    """How long one of these attempts was still worked on, by somebody awake, when the next had begun."""
    return max((one.last_at - one.awake_since(after.started_at) for one, after in pairwise(tries)), default=0.0)


def lost(seen: Evidence) -> Iterator[str]:
    return (ack.id for ack in seen.acks if ack.id not in seen.dump and ack.id not in seen.removed)


def not_one_end(seen: Evidence) -> Iterator[str]:
    """A job has ended. If it succeeded that is one end in its last attempt; no attempt of any job has two."""
    for job, view in seen.dump.items():
        ends = {attempt.number: 0 for attempt in seen.every(job)}
        for attempt in seen.every(job):
            ends[attempt.number] += attempt.count("end")
        last = ends.get(view["attempt"], 0)
        has_end = last == 1 if view["state"] == "succeeded" else view["state"] in FINAL
        if not has_end or max(ends.values(), default=0) > 1:
            yield job


def foreign_result(seen: Evidence) -> Iterator[str]:
    """Results say which attempt of which worker made them; that one must have ended its work."""
    for job, view in seen.dump.items():
        if view["state"] == "succeeded":
            makers = [(attempt.number, attempt.worker) for attempt in seen.every(job) if attempt.count("end")]
            if _maker(view["result"]) not in makers:
                yield job


def _maker(result: Any) -> tuple[int, str]:
    """Who says to have made it: `{"by": [ATTEMPT, WORKER]}`, or the text `ATTEMPT WORKER ...` of a worker without
    JSON."""
    by = result.split() if isinstance(result, str) else (result or {}).get("by", [])
    return (int(by[0]), str(by[1])) if len(by) > 1 else (0, "")


def overlapping(seen: Evidence) -> Iterator[str]:
    for job, tries in seen.attempts.items():
        if any(later.started_at < earlier.over_at for earlier, later in pairwise(tries)):
            yield job


def started_twice(seen: Evidence) -> Iterator[str]:
    """An attempt's number is handed out once and grows, and its worker starts it once."""
    for job, tries in seen.attempts.items():
        numbers = [attempt.number for attempt in tries for _ in attempt.times["start"]]
        everywhere = [attempt.number for attempt in seen.every(job) for _ in attempt.times["start"]]
        if numbers != sorted(numbers) or len(set(everywhere)) != len(everywhere):
            yield job


def too_many_starts(seen: Evidence) -> Iterator[str]:
    for job, view in seen.dump.items():
        counted = sum(attempt.count("start") - attempt.count("release") for attempt in seen.every(job))
        if counted > view["max_attempts"]:
            yield job


def causeless(seen: Evidence) -> Iterator[str]:
    return (job for job, cause in followed(seen) if not cause)


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
    ends = [at for attempt in seen.every(job) if attempt.number == view["attempt"] for at in attempt.times["end"]]
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


def changed_outcome(seen: Evidence) -> Iterator[str]:
    """What ended stays as it is: state, attempt, result and error; and it is what the clients were told."""
    for job, view in seen.dump.items():
        if view["state"] in FINAL and job in seen.again and _outcome(view) != _outcome(seen.again[job]):
            yield job
    for told in seen.told:
        view = seen.dump.get(told.id, {})
        if view and (view["state"], view["result"]) != (told.state, told.result):
            yield told.id


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
    yield from (job for job in seen.all_attempts if job not in seen.dump and job not in seen.removed)


def other_bytes(seen: Evidence) -> Iterator[str]:
    """The payload is the acknowledged one; a result carries its job's payload back, as far as its worker can."""
    for ack in seen.acks:
        if ack.id in seen.dump and seen.dump[ack.id]["payload"]["marker"] != ack.marker:
            yield ack.id
    for job, view in seen.dump.items():
        result, payload = view["result"], view["payload"]
        if isinstance(result, str):
            result = dict(zip(("marker",), result.split()[2:], strict=False))
        if any(result[name] != payload[name] for name in ECHOED & payload.keys() & (result or {}).keys()):
            yield job


def unrecorded(seen: Evidence) -> Iterator[str]:
    """A job goes when a person removed it, and only then; in these runs no job's keep time comes to its end."""
    yield from (job for job in seen.dump if job not in seen.again and job not in seen.removed)
    yield from (job for job in seen.removed if job in seen.again)


CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "A1 acked but not found": lost,
    "A2 not exactly one end": not_one_end,
    "A3 overlapping attempts": overlapping,
    "A4 more starts than max_attempts": too_many_starts,
    "A5 extra start without a cause": causeless,
    "A6 outcome changed": changed_outcome,
    "A7 key with two ids": split_keys,
    "A8 ghost": ghosts,
    "A9 other bytes": other_bytes,
    "A10 removed without a record, or not in spite of one": unrecorded,
    "result that no attempt made": foreign_result,
    "attempt started twice": started_twice,
    "started before what it waited for": too_early,
    "two at once with one lock": lock_broken,
    "cancelled for nothing": cancelled_for_nothing,
}


def _outcome(view: dict[str, Any]) -> tuple[Any, ...]:
    return view.get("state"), view.get("attempt"), view.get("result"), view.get("error")
