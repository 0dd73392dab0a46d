"""Why a job is where it is, in sentences for people. Pure: what is stored comes in, what is in hand is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from hirehall.core.lanes import Crew, Lane
from hirehall.core.leases import Leases
from hirehall.core.matching import misfits
from hirehall.core.policy import attempts_left
from hirehall.core.queues import DOWN, DRAINED, PAUSED, QueueLine
from hirehall.core.workers import PAUSED as PAUSED_WORKER
from hirehall.core.workers import WORKING, Hold, Lease, Worker
from hirehall.model import FINAL, Fault, Instant, Labels, LaneKey, State, StoredJob, id_text

FEW = 5  # things that are named before "and N more"
LONGEST_ERROR = 300  # characters


class Circumstances(Struct):
    """What the store knows of a job: itself, the jobs of its `after` with their states (None: gone), and the jobs that
    hold its lock; of each whether the asker may see it. `queues` are those that the asker may know of; None is all."""

    job: StoredJob
    parents: Sequence[tuple[int, State | None, bool]] = ()
    holders: Sequence[tuple[int, bool]] = ()
    queues: frozenset[str] | None = None


def explain(facts: Circumstances, leases: Leases, now: Instant) -> list[str]:
    """At least one sentence, the most important first."""
    job = facts.job
    if job.state is State.DRAFT:
        return [_draft(job, now)]
    if job.state is State.SCHEDULED:
        return [_scheduled(job, now), *_parents(facts)]
    if job.state is State.BLOCKED:
        return [*_parents(facts)] or [_lock(facts)]
    if job.state is State.RUNNING:
        return [_running(job, leases, now)]
    if job.state in FINAL:
        return list(ENDED[job.state](facts, moment(job.finished_at)))
    return list(_ready(job, leases, facts.queues))


# Not its turn yet.


def _draft(job: StoredJob, now: Instant) -> str:
    left = span((job.wake_at or 0) - now.wall_ms)
    return f"It is a draft: it waits for its files and for `commit`. Without that it is discarded in {left}."


def _scheduled(job: StoredJob, now: Instant) -> str:
    when = f"due at {moment(job.wake_at)}, in {span((job.wake_at or 0) - now.wall_ms)}"
    last = _last_attempt(job)
    return f"It is {when}." if last is None else f"{last}, the next is {when}."


def _last_attempt(job: StoredJob) -> str | None:
    """How the last attempt ended."""
    if not job.history:
        return None
    past = msgspec.json.decode(job.history)[-1]
    if past["how"] == "release":
        return f"Its worker gave attempt {past['attempt']} back"
    left = job.max_attempts - (job.attempt - job.forgiven)
    return f"Attempt {past['attempt']} failed{_because(past.get('error'))}; {_count(left, 'attempt')} {_be(left)} left"


def _because(error: dict[str, str] | None) -> str:
    """What went wrong, in brackets; the hall's own words need no type."""
    if not error:
        return ""
    ours = error["type"] in ("Timeout", "WorkerLost", "ParentFailed")
    lines = (error["message"] if ours else f"{error['type']}: {error['message']}").splitlines() or [""]
    text = lines[0].rstrip(": ")
    return f" ({text[:LONGEST_ERROR]}{'...' if len(lines) > 1 or len(text) > LONGEST_ERROR else ''})"


def _parents(facts: Circumstances) -> Iterator[str]:
    # one that is gone had succeeded, else this job were cancelled; and who has run before asks for none again
    parents = facts.parents if not facts.job.attempt else ()
    named = [
        f"{id_text(parent)} ({state.word if may_see else 'a job that you may not see'})"
        for parent, state, may_see in parents
        if state is not None and state is not State.SUCCEEDED
    ]
    if len(named) == 1:
        yield f"It waits for job {named[0]} to succeed."
    elif named:
        yield f"It waits for {len(named)} jobs to succeed: {listed(named)}."


def _lock(facts: Circumstances) -> str:
    job, holders = facts.job, facts.holders
    if job.rules.lock is None or not holders:
        return "What it waited for is over: it moves on in a moment."
    seen = [id_text(holder) for holder, may_see in holders if may_see]
    if len(holders) == 1:
        who = f"job {seen[0]} holds it" if seen else "another job holds it"
    elif len(seen) < len(holders):
        who = f"{len(holders)} jobs hold its places"
    else:
        who = f"jobs {listed(seen)} hold its {len(holders)} places"
    return f"It waits for lock {job.rules.lock!r} of queue {job.queue!r}: {who}."


# In a worker's hand.


def _running(job: StoredJob, leases: Leases, now: Instant) -> str:
    lease = leases.open.get(job.id)
    worker = leases.workers.get(lease.job.holder) if lease is not None else None
    if lease is None or worker is None:
        return f"Attempt {job.attempt} has just ended; the hall is storing that."
    if lease.hold is Hold.STOPPING:
        limit = span(1000 * (lease.rules.timeout_seconds or 0))
        left = _left(worker.deadline(lease), now)
        return f"Attempt {job.attempt} took longer than {limit}: worker {_called(worker)!r} must stop it within {left}."
    then = "others get the job" if attempts_left(job.attempt, job.forgiven, job.max_attempts) else "the job fails"
    return f"Worker {_called(worker)!r} {_grip(lease, worker, now, then)}."


def _grip(lease: Lease, worker: Worker, now: Instant, then: str) -> str:
    """How well this worker holds the job; `then` is what becomes of it otherwise."""
    attempt, end = f"attempt {lease.job.attempt}", worker.deadline(lease)
    if worker.session is None:
        left = _left(end if worker.gone_at is None else min(worker.gone_at, end), now)
        return f"has {attempt}, but its connection is lost: if it is not back within {left}, {then}"
    silent = now.mono - max(lease.since, worker.beat_at)
    ago = span(silent * 1000)
    if silent > lease.job.lease_seconds / 2:
        return f"has {attempt}, but has been silent for {ago}: if it stays so for {_left(end, now)} more, {then}"
    return f"runs {attempt}; its last sign of life came {ago} ago"


def _left(end: float, now: Instant) -> str:
    return span(max(end - now.mono, 0.0) * 1000)


# The end.


def _succeeded(facts: Circumstances, at: str) -> Iterator[str]:
    yield f"It succeeded at {at}, in attempt {facts.job.attempt}."


def _failed(facts: Circumstances, at: str) -> Iterator[str]:
    job = facts.job
    yield f"It failed at {at}, in attempt {job.attempt}{_fault(job)}."
    if attempts_left(job.attempt, job.forgiven, job.max_attempts):
        yield "Its worker allowed no further attempt; `retry` tries it all the same."
    elif job.max_attempts == 1:
        yield "It may be attempted once only; `retry` tries it once more."
    else:
        yield f"All of its {job.max_attempts} attempts are used up; `retry` gives it as many again."


def _cancelled(facts: Circumstances, at: str) -> Iterator[str]:
    yield f"It was cancelled at {at}{_fault(facts.job)}."
    if facts.job.fault is None:
        yield "`retry` lets it run all the same."
    elif all(state is not None for _, state, _ in facts.parents):
        yield "`retry` works once the jobs that it waits for are tried again."


def _expired(facts: Circumstances, at: str) -> Iterator[str]:
    yield f"It expired at {at}: no worker had started it by then."
    yield "`retry` lets it run all the same."


def _fault(job: StoredJob) -> str:
    return _because(msgspec.to_builtins(msgspec.json.decode(job.fault, type=Fault)) if job.fault else None)


ENDED = {
    State.SUCCEEDED: _succeeded,
    State.FAILED: _failed,
    State.CANCELLED: _cancelled,
    State.EXPIRED: _expired,
}


# Ready, and yet it does not run.


def unserved(keys: Sequence[LaneKey], leases: Leases, queues: frozenset[str] | None) -> list[list[str]]:
    """Of each of these lanes why no worker here may take its jobs; `queues` are those that the asker may know of."""
    crews = _here(leases)
    return [list(_nobody(key, crews, queues)) for key in keys]


def _here(leases: Leases) -> list[Crew]:
    """The crews that somebody is connected of."""
    crews = leases.hallway.crews.values()
    return [crew for crew in crews if any(member.session is not None for member in crew.members)]


def _ready(job: StoredJob, leases: Leases, queues: frozenset[str] | None) -> Iterator[str]:
    hallway = leases.hallway
    key = LaneKey(job.queue, job.kind, job.requires, job.share, job.priority)
    line = hallway.lines.get(job.queue)
    held = list(_held(line, leases))
    yield from held
    crews = _here(leases)
    fitting = [crew for crew in crews if crew.may_take(key)]
    workers = sorted(_present(fitting), key=_called)
    if not fitting:
        yield from _nobody(key, crews, queues)
    elif not any(worker.free > 0 for worker in workers):
        yield from _busy(workers, hallway.lanes.get(key))
    elif not held:
        yield "A worker is free for it: it starts in a moment."
    if line is not None and line.settings.state == DRAINED:
        yield f"Queue {line.name!r} is drained: it takes no new jobs, but still hands out those that it has."


def _held(line: QueueLine | None, leases: Leases) -> Iterator[str]:
    """What keeps the queue from handing out jobs."""
    if line is None:
        return
    settings, name = line.settings, f"Queue {line.name!r}"
    running = sum(lease.job.queue == line.name for lease in leases.open.values())
    if settings.state == PAUSED:
        yield f"{name} is paused: it hands out no jobs until somebody resumes it."
    elif settings.state == DOWN:
        yield f"{name} is down: it takes no jobs and hands out none until somebody resumes it."
    elif settings.max_running is not None and running >= settings.max_running:
        limit = _count(settings.max_running, "job")
        yield f"{name} runs at most {limit} at a time, and {running} {_be(running)} running."
    elif settings.max_per_second is not None and line.tokens < 1:
        yield f"{name} starts at most {_rate(settings.max_per_second)}, and has just done so."


def _nobody(key: LaneKey, every: list[Crew], queues: frozenset[str] | None) -> Iterator[str]:
    """No connected worker fits: name what stands against those that come closest, as far as one may know of them."""
    crews = [crew for crew in every if queues is None or crew.queues & queues]
    runs_kind = [crew for crew in crews if key.kind in crew.kinds or "*" in crew.kinds]
    here = [crew for crew in runs_kind if key.queue in crew.queues]
    for crew in here[:FEW]:
        requires: Labels = msgspec.json.decode(key.requires)
        why = " and ".join(misfits(crew.offers, requires))
        yield f"{_run(crew)} this kind, but cannot take this job: it requires {why}."
    if here:
        return
    yield f"No worker runs kind {key.kind!r} from queue {key.queue!r}: start one that does."
    for crew in runs_kind[:FEW]:
        known = crew.queues if queues is None else crew.queues & queues
        yield f"{_run(crew)} this kind, but only from {_plural('queue', known)}."
    for crew in [] if runs_kind else [crew for crew in crews if key.queue in crew.queues][:FEW]:
        yield f"{_run(crew)} only {_plural('kind', crew.kinds)} from this queue."


def _busy(workers: list[Worker], lane: Lane | None) -> Iterator[str]:
    asking = [worker for worker in workers if worker.credit > 0 and worker.mode == WORKING]
    asking = [worker for worker in asking if not worker.clogged and not worker.is_silent]
    jobs = _count(sum(len(worker.held) for worker in asking), "job")
    if len(asking) == 1:
        yield f"Worker {_called(asking[0])!r} could run it, but has no place free: it has {jobs} in hand."
    elif asking:
        yield f"{len(asking)} workers could run it, but have no place free: they have {jobs} in hand."
    for worker in [worker for worker in workers if worker not in asking][:FEW]:
        yield f"Worker {_called(worker)!r} could run it, but {_unwilling(worker)}."
    if lane is not None and lane.ready > 1:
        yield f"{lane.ready} jobs like it wait, this one among them; each share and kind gets its turn."


def _unwilling(worker: Worker) -> str:
    if worker.mode == PAUSED_WORKER:
        return f"is paused: `hirehall worker {_called(worker)} resume` lets it go on"
    if worker.mode != WORKING:
        return f"is {worker.mode}"
    if worker.is_silent:
        return "has lost a lease and said nothing since: it may be frozen, or cut off"
    return "does not read what the hall sends it" if worker.clogged else "asks for no jobs: its credit is 0"


# Words.


def _called(worker: Worker) -> str:
    """What people call it, as `workers` does."""
    return worker.name or worker.holder.rpartition("/")[2]


def _present(crews: Iterable[Crew]) -> list[Worker]:
    return [worker for crew in crews for worker in crew.members if worker.session is not None]


def _run(crew: Crew) -> str:
    names = sorted(map(_called, _present([crew])))
    many = len(names) > 1
    return f"Worker{'s' if many else ''} {listed(list(map(repr, names)))} run{'' if many else 's'}"


def _plural(word: str, names: Iterable[str]) -> str:
    shown = list(map(repr, sorted(names)))
    return f"{word}{'s' if len(shown) > 1 else ''} {listed(shown)}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _rate(per_second: float) -> str:
    if per_second < 1:
        return f"one job in {span(1000 / per_second)}"
    return f"{per_second:g} job{'' if per_second == 1 else 's'} a second"


def moment(ms: int | None) -> str:
    """Epoch milliseconds as people read a time, UTC."""
    return datetime.fromtimestamp((ms or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def span(ms: float) -> str:
    """A duration as people say it: the largest unit that fits, and the next."""
    seconds = max(round(ms / 1000), 0)
    for unit, size, below, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{seconds} s"


def listed(names: Sequence[str]) -> str:
    """Names in a row, the first few of many."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more
