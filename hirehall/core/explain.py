"""Why a job is where it is, in sentences for people. Pure: what is stored comes in, what is in hand is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from hirehall.core.lanes import Crew, Lane
from hirehall.core.leases import Leases
from hirehall.core.matching import misfits
from hirehall.core.queues import DOWN, DRAINED, PAUSED, QueueLine
from hirehall.core.workers import WORKING, Lease, Worker
from hirehall.model import FINAL, Fault, Instant, Labels, LaneKey, State, StoredJob, id_text

FEW = 5  # things that are named before "and N more"


class Circumstances(Struct):
    """What the store knows of a job: itself, the jobs of its `after` with their states (None: gone), and the jobs that
    hold its lock."""

    job: StoredJob
    parents: Sequence[tuple[int, State | None]] = ()
    holders: Sequence[int] = ()


def explain(facts: Circumstances, leases: Leases, now: Instant) -> list[str]:
    """At least one sentence, the most important first."""
    job = facts.job
    if job.state is State.SCHEDULED:
        return [_scheduled(job, now)]
    if job.state is State.BLOCKED:
        return list(_blocked(facts))
    if job.state is State.RUNNING:
        return [_running(job, leases, now)]
    if job.state in FINAL:
        return [_ended(job)]
    return list(_ready(job, leases, now))


# Not its turn yet.


def _scheduled(job: StoredJob, now: Instant) -> str:
    when = f"{moment(job.wake_at)}, in {span((job.wake_at or 0) - now.wall_ms)}"
    last = _last_error(job)
    if last is None:
        return f"It is due at {when}."
    return f"Attempt {job.attempt} of {job.max_attempts + job.forgiven} {last}: it is tried again at {when}."


def _last_error(job: StoredJob) -> str | None:
    """How the last attempt ended, when it ended badly."""
    if not job.history:
        return None
    past = msgspec.json.decode(job.history)[-1]
    error = past.get("error") or {}
    how = {"release": "was given back", "timeout": "took too long", "lose": "was lost"}.get(past["how"], "failed")
    text = ": ".join(error[part] for part in ("type", "message") if error.get(part))
    return f"{how} ({text})" if text else how


def _blocked(facts: Circumstances) -> Iterator[str]:
    waiting = [(parent, state) for parent, state in facts.parents if state is not State.SUCCEEDED]
    if waiting:
        named = listed([f"{id_text(parent)} ({state.word if state else 'gone'})" for parent, state in waiting])
        count = "a job that has" if len(waiting) == 1 else f"{len(waiting)} jobs that have"
        yield f"It waits for {count} not succeeded yet: {named}."
    elif facts.job.rules.lock is not None:
        holders = [id_text(job) for job in facts.holders]
        who = f"job {holders[0]} holds" if len(holders) == 1 else f"jobs {listed(holders)} hold"
        yield f"It waits for lock {facts.job.rules.lock!r}, which {who}."


# In a worker's hand.


def _running(job: StoredJob, leases: Leases, now: Instant) -> str:
    lease = leases.open.get(job.id)
    worker = leases.workers.get(lease.job.holder) if lease is not None else None
    name = job.worker or "a worker without a name"
    if lease is None or worker is None:
        return f"Worker {name!r} has answered attempt {job.attempt}; the answer is being stored."
    silent = now.mono - max(lease.since, worker.beat_at)
    if worker.session is None or silent > lease.job.lease_seconds / 2:
        return _silent(job, name, lease, worker, now)
    return f"Worker {name!r} runs attempt {job.attempt}; it was last heard of {span(silent * 1000)} ago."


def _silent(job: StoredJob, name: str, lease: Lease, worker: Worker, now: Instant) -> str:
    silent = now.mono - max(lease.since, worker.beat_at)
    end = worker.deadline(lease) if worker.gone_at is None else min(worker.gone_at, worker.deadline(lease))
    how = "has lost its connection and" if worker.session is None else ""
    left = span(max(end - now.mono, 0.0) * 1000)
    return (
        f"Worker {name!r} keeps attempt {job.attempt} but {how} has been silent for {span(silent * 1000)};"
        f" in {left} others may have the job."
    ).replace("but  has", "but has")


# The end.


def _ended(job: StoredJob) -> str:
    at = moment(job.finished_at)
    if job.state is State.SUCCEEDED:
        return f"It succeeded at {at}, in attempt {job.attempt}."
    if job.state is State.EXPIRED:
        return f"It expired at {at}: no worker had started it by then."
    fault = msgspec.json.decode(job.fault, type=Fault) if job.fault else None
    why = f": {fault.type}: {fault.message}" if fault is not None else ""
    if job.state is State.CANCELLED:
        return f"It was cancelled at {at}{why}."
    left = job.max_attempts - (job.attempt - job.forgiven)
    tries = "its worker forbade another attempt" if left > 0 else f"all of its {job.max_attempts} attempts are used up"
    return f"It failed at {at} in attempt {job.attempt}, and {tries}{why}. `retry` tries it again."


# Ready, and yet it does not run.


def _ready(job: StoredJob, leases: Leases, now: Instant) -> Iterator[str]:
    hallway = leases.hallway
    key = LaneKey(job.queue, job.kind, job.requires, job.share, job.priority)
    line = hallway.lines.get(job.queue)
    if line is not None:
        yield from _held(line, sum(lease.job.queue == job.queue for lease in leases.open.values()))
    crews = [crew for crew in hallway.crews.values() if any(member.session is not None for member in crew.members)]
    fitting = [crew for crew in crews if crew.may_take(key)]
    if not fitting:
        yield from _nobody(key, crews)
        return
    workers = [worker for crew in fitting for worker in crew.members if worker.session is not None]
    yield from _busy(workers, hallway.lanes.get(key))


def _held(line: QueueLine, running: int) -> Iterator[str]:
    settings, name = line.settings, line.name
    if settings.state == PAUSED:
        yield f"Queue {name!r} is paused: it takes jobs and hands out none until someone resumes it."
    elif settings.state == DOWN:
        yield f"Queue {name!r} is down: it takes no jobs and hands out none until someone resumes it."
    elif settings.state == DRAINED:
        yield f"Queue {name!r} is drained: it takes no new jobs, but this one will still be handed out."
    if settings.max_running is not None and running >= settings.max_running:
        yield f"Queue {name!r} runs at most {settings.max_running} jobs at a time, and {running} are running."
    elif settings.max_per_second is not None and line.tokens < 1:
        yield f"Queue {name!r} starts at most {settings.max_per_second:g} jobs a second."


def _nobody(key: LaneKey, crews: list[Crew]) -> Iterator[str]:
    """No connected worker fits: name what stands against those that come closest."""
    requires: Labels = msgspec.json.decode(key.requires)
    runs_kind = [crew for crew in crews if key.kind in crew.kinds or "*" in crew.kinds]
    here = [crew for crew in runs_kind if key.queue in crew.queues]
    if here:
        for crew in here[:FEW]:
            why = "; ".join(misfits(crew.offers, requires))
            yield f"{_names(crew)} this kind, but not this job: {why}."
        return
    yield f"No worker runs kind {key.kind!r} from queue {key.queue!r}."
    if runs_kind:
        for crew in runs_kind[:FEW]:
            yield f"{_names(crew)} it, but from {_plural('queue', sorted(crew.queues))}."
    else:
        for crew in [crew for crew in crews if key.queue in crew.queues][:FEW]:
            yield f"{_names(crew)} only {_plural('kind', sorted(crew.kinds))} from this queue."


def _names(crew: Crew) -> str:
    names = sorted(worker.name or "without a name" for worker in crew.members if worker.session is not None)
    if len(names) == 1:
        return f"Worker {names[0]!r} runs"
    return f"Workers {listed([repr(name) for name in names])} run"


def _plural(word: str, names: list[str]) -> str:
    return f"{word}{'s' if len(names) > 1 else ''} {listed([repr(name) for name in names])}"


def _busy(workers: list[Worker], lane: Lane | None) -> Iterator[str]:
    if any(worker.free > 0 for worker in workers):
        ahead = max((lane.ready if lane is not None else 1) - 1, 0)
        yield "It waits for its turn." if not ahead else f"It waits for its turn among {ahead + 1} jobs like it."
        return
    asking = [worker for worker in workers if worker.credit > 0 and worker.mode == WORKING]
    if asking:
        held = sum(len(worker.held) for worker in asking)
        could = f"worker {asking[0].name!r} has" if len(asking) == 1 else f"{len(asking)} workers have"
        yield f"All places are taken: {could} {held} jobs in hand and no credit left."
    for worker in [worker for worker in workers if worker not in asking][:FEW]:
        asks = "asks for no jobs: its credit is 0" if worker.mode == WORKING else f"is {worker.mode}"
        yield f"Worker {worker.name!r} could run it, but {asks}."


# Words.


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
