"""Commands of those who hand in jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from hirehall.core.operations import APPLIED, DUPLICATE, NOT_FOUND, Change, Submit
from hirehall.errors import BadRequest, HallError, KeyConflict, NotFound, WrongState
from hirehall.model import SPEC_FIELDS, JobSpec, PartialSpec, State, StoredJob, id_number, id_text
from hirehall.ports import ByIds, Found, Search
from hirehall.service.answers import AfterCommit, AfterRead, Answer, job_view
from hirehall.service.scope import check_kind, check_queue
from hirehall.service.sessions import Session
from hirehall.wire import replies, requests
from hirehall.wire.body import check_body

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

MAX_IDS = 1_000
MAX_JOBS = 10_000
STATES = {state.word: state for state in State}


def submit(hall: Hall, session: Session, message: requests.Submit) -> AfterCommit:
    """One job, or `jobs`, all or nothing."""
    if message.jobs is UNSET:
        specs: list[JobSpec] = [message]
    else:
        specs = _merged(message, message.jobs)
    for spec in specs:
        check_queue(session, spec.queue)
        check_kind(session, spec.kind)
        check_body("payload", spec.payload)
    operation = hall.core.submit(specs, session.owner, session.owner, session.number)
    if message.jobs is UNSET:
        return AfterCommit(lambda: submitted(operation))
    return AfterCommit(lambda: _submitted_many(operation))


def _merged(outer: requests.Submit, inner: list[PartialSpec]) -> list[JobSpec]:
    """The jobs of a bulk submit: what one leaves out comes from the fields beside `jobs`."""
    if not 1 <= len(inner) <= MAX_JOBS:
        raise BadRequest(f"jobs has {len(inner)} entries: give 1 to {MAX_JOBS}")
    if outer.key is not None:
        raise BadRequest("a key names one job: give each entry of jobs its own")
    defaults = {field: getattr(outer, field) for field in SPEC_FIELDS}
    return [JobSpec(**(defaults | _given(spec))) for spec in inner]


def _given(spec: PartialSpec) -> dict[str, Any]:
    return {field: value for field in SPEC_FIELDS if (value := getattr(spec, field)) is not UNSET}


def submitted(operation: Submit) -> replies.Submitted:
    """The answer to a single submit; raises KeyConflict."""
    _check_conflict(operation)
    job, answer = operation.jobs[0], operation.ids[0]
    if answer in operation.duplicates:
        return replies.Submitted(id=id_text(answer), state=operation.duplicates[answer].word, duplicate=True)
    return replies.Submitted(id=id_text(answer), state=job.state.word)


def _submitted_many(operation: Submit) -> replies.SubmittedMany:
    _check_conflict(operation)
    return replies.SubmittedMany(
        ids=[id_text(job) for job in operation.ids], duplicates=[id_text(job) for job in operation.duplicates]
    )


def _check_conflict(operation: Submit) -> None:
    if operation.conflict is not None:
        raise KeyConflict(
            f"key {operation.conflict!r} already names a job with another kind or payload; nothing of this was stored:"
            " use another key, or the same job"
        )


def get(hall: Hall, session: Session, message: requests.Get) -> AfterRead:
    """The jobs named, as everything sent before it left them."""
    query = _by_ids(session, message.ids)
    asked = list(message.ids)
    return AfterRead(query, lambda jobs: _found(hall, jobs, asked))


def _found(hall: Hall, jobs: list[StoredJob], asked: list[str]) -> replies.Jobs:
    found = {id_text(job.id) for job in jobs}
    return replies.Jobs(jobs=views(hall, jobs), missing=[job for job in asked if job not in found])


def views(hall: Hall, jobs: list[StoredJob]) -> list[replies.JobView]:
    """Stored jobs for the wire, with the latest progress of those in hand."""
    return [job_view(job, hall.core.leases.open.get(job.id)) for job in jobs]


def wait(hall: Hall, session: Session, message: requests.Wait) -> AfterRead:
    """Answered when all are final, or with what is pending when the time is up."""
    if message.timeout_seconds is not None and not 0 <= message.timeout_seconds <= 86_400:
        raise BadRequest(f"timeout_seconds is {message.timeout_seconds}: give 0 to 86400, or none to wait on")
    return hall.waits.begin(session, message.ref, _by_ids(session, message.ids), message.timeout_seconds)


def _by_ids(session: Session, ids: list[str]) -> ByIds:
    if len(ids) > MAX_IDS:
        raise BadRequest(f"{len(ids)} ids at once: name at most {MAX_IDS}")
    return ByIds(list(dict.fromkeys(map(id_number, ids))), session.scope("read"))


def cancel(hall: Hall, session: Session, message: requests.Cancel) -> AfterCommit:
    """End a job wherever it is; `ids` are judged one by one."""
    ids = [message.id] if message.id is not None else message.ids
    if not 1 <= len(ids) <= MAX_IDS:
        raise BadRequest(f"name 1 to {MAX_IDS} jobs to cancel, as id or ids")
    if len(set(ids)) != len(ids):
        raise BadRequest("an id is named twice: name each job once")
    changes = hall.core.cancel([id_number(job) for job in ids], session.scope("admin"))
    if message.id is not None:
        return AfterCommit(lambda: _cancelled(changes[0], ids[0]))
    return AfterCommit(lambda: replies.Judged(refused=_refused(changes, ids)))


def _cancelled(change: Change, job: str) -> Answer:
    if change.answer not in (APPLIED, DUPLICATE):
        raise _refusal(change, job)
    return replies.Judged()


def _refused(changes: list[Change], ids: list[str]) -> list[replies.Refusal]:
    pairs = zip(changes, ids, strict=True)
    return [replies.Refusal(job, _refusal(change, job).code) for change, job in pairs if change.answer != APPLIED]


def _refusal(change: Change, job: str) -> HallError:
    if change.answer == NOT_FOUND:
        return NotFound(f"there is no job {job} that you may cancel")
    was = change.was.word if change.was is not None else "gone"
    return WrongState(f"job {job} is {was} already: there is nothing left to cancel")


def find(hall: Hall, session: Session, message: requests.Find) -> AfterRead:
    """A page of jobs, the newest first; `next` continues it as `before`."""
    if not 1 <= message.limit <= MAX_IDS:
        raise BadRequest(f"limit is {message.limit}: give 1 to {MAX_IDS}")
    if message.state is not None and message.state not in STATES:
        raise BadRequest(f"there is no state {message.state[:40]!r}: use one of {', '.join(STATES)}")
    state = STATES[message.state] if message.state is not None else None
    before = id_number(message.before) if message.before is not None else None
    query = Search(message.limit, before, message.queue, message.kind, state)
    return AfterRead(query, lambda found: _paged(hall, found))


def _paged(hall: Hall, found: Found) -> replies.Jobs:
    back_to = UNSET if found.looked_back_to is None else id_text(found.looked_back_to)
    following = None if found.next is None else id_text(found.next)
    return replies.Jobs(jobs=views(hall, found.jobs), next=following, looked_back_to=back_to)
