"""Commands of those who do the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Raw

from hirehall.core import keeping
from hirehall.core.checks import check_labels, check_name, check_queue, check_seconds
from hirehall.core.keeping import Kept
from hirehall.core.operations import APPLIED, DAMAGED, DUPLICATE, NOT_FOUND, Change
from hirehall.core.workers import DRAINING, STOPPING, Worker
from hirehall.errors import BadRequest, HallError, NotFound, StaleLease, TooLarge
from hirehall.model import MAX_BODY, Fault, id_number, id_numbers, id_text
from hirehall.service import scope
from hirehall.service.answers import AfterCommit, AfterRow, Answer, damaged, error_line, rfc3339
from hirehall.service.sessions import Session
from hirehall.wire import replies, requests
from hirehall.wire.body import check_bodies
from hirehall.wire.forms import ReplyForm

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

DONE, TWICE = ReplyForm(replies.Judged()), ReplyForm(replies.Judged(duplicate=True))
LEAVING = {DRAINING: "draining", STOPPING: "stop"}  # what a worker is told that shall leave
MAX_CREDIT = 100_000
MAX_ERROR_BYTES = 65_536
MAX_NAMES = 1_000
MAX_PROGRESS = 1_024  # characters
MAX_ENTRY = 10_000  # characters of one line of a log: however JSON writes them, they fit into a chunk


def work(hall: Hall, session: Session, message: requests.Work) -> Answer:
    """Serve these queues and kinds from now on; again changes what is served."""
    for queue in message.queues:
        check_queue(queue)
        scope.check_queue(session, queue)
    for kind in message.kinds:
        check_name("kind", kind)
        scope.check_kind(session, kind)
    if not 1 <= len(message.kinds) <= MAX_NAMES or not 1 <= len(message.queues) <= MAX_NAMES:
        raise BadRequest(f"name 1 to {MAX_NAMES} kinds and queues to work on")
    check_labels(dict(message.offers))
    if not 0.5 <= message.lease_seconds <= 86_400:
        raise BadRequest(f"lease_seconds is {message.lease_seconds}: give 0.5 to 86400")
    check_credit(message.credit)
    hall.ending.check_open()
    if not session.works:
        session.works = True
        hall.events.told("join", worker=session.name or session.holder)
    if session.holder not in hall.core.leases.workers:
        hall.metrics.counts["workers_joined"] += 1
    worker = hall.core.leases.attach(session.number, session.holder)
    worker.name = session.name
    queues, kinds = frozenset(message.queues), frozenset(message.kinds)
    hall.core.leases.serve(worker, queues, kinds, message.offers, message.credit, message.lease_seconds)
    if worker.mode in LEAVING:  # it was away when somebody wanted it to leave
        session.put(replies.StopPush(replies.Stop("", 0, LEAVING[worker.mode])))
    return replies.Reply()


def credit(hall: Hall, session: Session, message: requests.Credit) -> Answer:
    """A new ceiling for the jobs that this worker holds."""
    check_credit(message.credit)
    if message.concurrency is not None:
        check_credit(message.concurrency)
    hall.core.leases.set_credit(_worker(hall, session), message.credit, message.concurrency)
    return replies.Reply()


def check_credit(wanted: int) -> None:
    """Raise BadRequest for a credit that nobody can have."""
    if not 0 <= wanted <= MAX_CREDIT:
        raise BadRequest(f"credit is {wanted}: give 0 to {MAX_CREDIT}")


def _worker(hall: Hall, session: Session) -> Worker:
    worker = hall.core.leases.workers.get(session.holder)
    if worker is None or worker.session != session.number or worker.crew is None:
        raise BadRequest("say what you work on first, with `work`")
    return worker


def progress(hall: Hall, session: Session, message: requests.Progress) -> Answer:
    """The last number and text of a running attempt; answered only when asked to, or refused. The text is also a line
    of the log, so that none is lost between two looks."""
    percent = None if message.percent is None else min(max(message.percent, 0.0), 100.0)
    text = message.text[:MAX_PROGRESS]
    lease = hall.core.leases.in_hand(session.holder, id_number(message.id), message.attempt)
    note = msgspec.json.encode({"percent": percent, "text": text, "at_ms": hall.core.now.wall_ms})
    hall.core.journal.progress(lease, note)
    if text:
        hall.core.journal.add(lease, _entry(hall, "progress", text))
    hall.events.progressed(lease.job, percent, text)
    return replies.Reply() if message.ref else None


def log(hall: Hall, session: Session, message: requests.Log) -> Answer:
    """More of an attempt's log; answered only when asked to, or refused."""
    check_name("stream", message.stream)
    lease = hall.core.leases.in_hand(session.holder, id_number(message.id), message.attempt)
    for piece in _pieces(message.text):
        hall.core.journal.add(lease, _entry(hall, message.stream, piece))
    return replies.Reply() if message.ref else None


def _pieces(text: str) -> Iterator[str]:
    """`text` in pieces that fit into a chunk, cut behind a line break where there is one."""
    while len(text) > MAX_ENTRY:
        at = text.rfind("\n", 0, MAX_ENTRY) + 1 or MAX_ENTRY
        yield text[:at]
        text = text[at:]
    yield text


def _entry(hall: Hall, stream: str, text: str) -> bytes:
    return msgspec.json.encode(replies.LogEntry(rfc3339(hall.core.now.wall_ms) or "", stream, text))


def done(hall: Hall, session: Session, message: requests.Done) -> AfterCommit:
    """A result gives the place back; many at once are judged each by itself."""
    if message.jobs is not UNSET:
        return _done_many(hall, session, message.jobs)
    (change,) = _succeeded(hall, session, [message])
    return AfterCommit(lambda: judged(*change.each))


def done_row(hall: Hall, session: Session, row: list[requests.Done]) -> AfterRow | None:
    """Several results of one job each."""
    if any(message.jobs is not UNSET for message in row) or len({message.id for message in row}) != len(row):
        return None
    changes = _succeeded(hall, session, row)
    refs = [message.ref for message in row]
    return AfterRow(refs, lambda: _lines(changes, refs))


def _done_many(hall: Hall, session: Session, jobs: list[requests.DoneJob]) -> AfterCommit:
    if len({job.id for job in jobs}) != len(jobs):
        raise BadRequest("a job is named twice: report each once")
    changes = _succeeded(hall, session, jobs)
    return AfterCommit(lambda: replies.Judged(refused=_refused(jobs, changes)))


def _succeeded(hall: Hall, session: Session, jobs: Sequence[requests.Done | requests.DoneJob]) -> list[Change]:
    results = [job.result for job in jobs]
    for job in jobs if max(map(len, results), default=0) > MAX_BODY else ():
        _check_size(job)
    check_bodies("result", results)
    numbers = id_numbers([job.id for job in jobs])
    told = list(zip(numbers, [job.attempt for job in jobs], results, strict=True))
    hall.core.leases.reserve(numbers)
    asked = hall.core.collecting.batch.size
    try:
        return hall.core.leases.succeed(session.holder, told)
    except Exception:
        if hall.core.collecting.batch.size == asked:  # the store is asked for none: each may be told by itself
            hall.core.collecting.untouch(numbers)
        raise


def _each(changes: Iterable[Change]) -> Iterator[Change]:
    """What was judged, for one job after the other."""
    return chain.from_iterable([change.each for change in changes])


def _check_size(job: requests.Done | requests.DoneJob) -> None:
    if len(job.result) > MAX_BODY:
        raise TooLarge(f"the result of job {job.id} has {len(job.result)} bytes: fail it, at most {MAX_BODY} are kept")


def fail(hall: Hall, session: Session, message: requests.Fail) -> AfterCommit:
    """A failure; another attempt follows unless none is left or the worker says so."""
    check_seconds("delay_seconds", message.delay_seconds)
    error = message.error
    fault = Fault(error.type[:128], _cut(error.message), _cut(error.trace))
    number = id_number(message.id)
    hall.core.leases.reserve([number])
    change = hall.core.leases.fail(session.holder, number, message.attempt, fault, message.retry, message.delay_seconds)
    return AfterCommit(lambda: judged(change))


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= MAX_ERROR_BYTES
        else f"{text[: MAX_ERROR_BYTES // 2]}\n...\n{text[-MAX_ERROR_BYTES // 2 :]}"
    )


def release(hall: Hall, session: Session, message: requests.Release) -> AfterCommit:
    """Given back, forgiven: this attempt does not count."""
    check_seconds("delay_seconds", message.delay_seconds)
    number = id_number(message.id)
    hall.core.leases.reserve([number])
    change = hall.core.leases.release(session.holder, number, message.attempt, message.delay_seconds, message.begun)
    return AfterCommit(lambda: judged(change))


def judged(change: Change) -> replies.Judged:
    """The store's word on one answer; raises why it was refused."""
    if change.answer not in (APPLIED, DUPLICATE):
        raise refusal(change)
    return replies.Judged(duplicate=True) if change.answer == DUPLICATE else replies.Judged()


def _lines(changes: list[Change], refs: list[Raw]) -> list[bytes]:
    if all(change.answer == APPLIED for change in changes):
        return DONE.lines(refs)
    return [
        error_line(refusal(change), ref)
        if change.answer not in (APPLIED, DUPLICATE)
        else (DONE if change.answer == APPLIED else TWICE).lines([ref])[0]
        for change, ref in zip(_each(changes), refs, strict=True)
    ]


def refusal(change: Change) -> HallError:
    """Why an answer was refused."""
    job = id_text(change.id)
    if change.answer == DAMAGED:
        return damaged(change)
    if change.answer == NOT_FOUND:
        return NotFound(f"there is no job {job if change.id >= 0 else 'of that id'}")
    state = change.was.word if change.was is not None else "elsewhere"
    return StaleLease(
        f"job {job} is {state} at attempt {change.row_attempt}: this worker's attempt {change.attempt} does not hold it"
    )


def _refused(jobs: list[requests.DoneJob], changes: list[Change]) -> list[replies.Refusal]:
    if all(change.answer == APPLIED for change in changes):
        return []
    return [
        replies.Refusal(job.id, refusal(change).code)
        for job, change in zip(jobs, _each(changes), strict=True)
        if change.answer not in (APPLIED, DUPLICATE)
    ]


def beat(hall: Hall, session: Session, message: requests.Beat) -> Answer:
    """Every lease of this session runs again in full, or those that it names."""
    if message.jobs is not UNSET:
        named = [(id_number(job.id), job.attempt) for job in message.jobs]
        lost = keeping.extend(hall.core.leases, session.holder, named)
        return replies.Beaten(lost=[job.id for job in message.jobs if id_number(job.id) in lost])
    keeping.beat(hall.core.leases, session.number, session.holder)
    return replies.Reply() if message.ref else None


def keep(hall: Hall, session: Session, message: requests.Keep) -> AfterCommit:
    """After a reconnect: all that this worker holds."""
    if not session.named_worker:
        raise BadRequest("only a worker that named itself in hello can keep: send `worker`, a random word per process")
    named = {id_number(job.id): job.attempt for job in message.jobs}
    answer = hall.core.leases.come_back(session.number, session.holder, list(named.items()))
    return AfterCommit(lambda: _kept(answer, message.jobs))


def _kept(answer: Kept, jobs: list[requests.KeptJob]) -> replies.Kept:
    kept = {*answer.kept, *(change.id for change in answer.asked if change.answer == APPLIED)}
    return replies.Kept(
        kept=[job.id for job in jobs if id_number(job.id) in kept],
        lost=[job.id for job in jobs if id_number(job.id) not in kept],
    )
