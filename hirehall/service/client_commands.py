"""Commands of those who hand in jobs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw

from hirehall.core.intake import Lot, alike
from hirehall.core.operations import Submit
from hirehall.errors import BadRequest, KeyConflict
from hirehall.model import (
    SPEC_FIELDS,
    WORDS,
    JobSpec,
    PartialSpec,
    StoredJob,
    id_created_ms,
    id_number,
    id_text,
    id_texts,
)
from hirehall.ports import ByIds, Found
from hirehall.service.answers import (
    AfterCommit,
    AfterRead,
    AfterRow,
    AfterSearch,
    error_line,
    job_view,
    rfc3339,
)
from hirehall.service.filters import search_of
from hirehall.service.scope import check_jobs
from hirehall.service.sessions import Session
from hirehall.wire import replies, requests
from hirehall.wire.body import check_bodies
from hirehall.wire.forms import ReplyForm

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

SUBMITTED = {state: ReplyForm(replies.Submitted(id="", state=word)) for state, word in WORDS.items()}
MAX_IDS = 1_000
MAX_JOBS = 10_000


def submit(hall: Hall, session: Session, message: requests.Submit) -> AfterCommit:
    """One job, or `jobs`, all or nothing."""
    if message.jobs is UNSET:
        operation = _submit(hall, session, [(message, [message.payload])])
        return AfterCommit(lambda: submitted(operation))
    operation = _submit(hall, session, _merged(message, message.jobs))
    return AfterCommit(lambda: _submitted_many(operation))


def _submit(hall: Hall, session: Session, lots: list[Lot], *, is_row: bool = False) -> Submit:
    check_jobs(session, [spec for spec, _ in lots])
    digests: list[str] = []
    for spec, payloads in lots:
        check_bodies("payload", payloads)
        if spec.files:
            if is_row:
                raise BadRequest("a submit with files stands by itself: another one's may be missing")
            digests += [file.sha256 for file in spec.files]
    hall.ending.check_open()
    filed = hall.files.filed(session, digests) if digests else None
    owner = session.owner
    return hall.core.submit(lots, owner, owner, session.number, filed)


def submit_row(hall: Hall, session: Session, row: list[requests.Submit]) -> AfterRow | None:
    """Several submits of one job each as one operation, where the fate of one cannot depend on what it names."""
    refs = [message.ref for message in row]
    if any(message.jobs is not UNSET or message.key is not None or message.after is not None for message in row):
        return None
    try:
        for message in row:
            message.ref = requests.NO_REF  # else no two would be alike
        operation = _submit(hall, session, alike(row), is_row=True)
    except Exception:
        for message, ref in zip(row, refs, strict=True):
            message.ref = ref
        raise
    return AfterRow(refs, lambda: _submitted_row(operation, refs))


def _merged(outer: requests.Submit, inner: list[PartialSpec]) -> list[Lot]:
    """The jobs of a bulk submit: what one leaves out comes from the fields beside `jobs`."""
    if not 1 <= len(inner) <= MAX_JOBS:
        raise BadRequest(f"jobs has {len(inner)} entries: give 1 to {MAX_JOBS}")
    if outer.key is not None:
        raise BadRequest("a key names one job: give each entry of jobs its own")
    defaults = {field: getattr(outer, field) for field in SPEC_FIELDS}
    lots: list[Lot] = []
    for spec, payloads in alike(inner):
        whole = JobSpec(**(defaults | _given(spec)))
        lots.append((whole, [outer.payload if payload is UNSET else payload for payload in payloads]))
    return lots


def _given(spec: PartialSpec) -> dict[str, Any]:
    return {field: value for field in SPEC_FIELDS if (value := getattr(spec, field)) is not UNSET}


def _submitted_row(operation: Submit, refs: list[Raw]) -> list[bytes]:
    """None of them had a key: all are new, or none is taken."""
    if operation.refused is not None:
        return [error_line(operation.refused, ref) for ref in refs]
    lines: list[bytes] = []
    for state, several in groupby(operation.jobs, lambda job: job.became or job.state):
        ids = [job.id for job in several]
        lines += SUBMITTED[state].lines(refs[len(lines) : len(lines) + len(ids)], ids)
    return lines


def submitted(operation: Submit) -> replies.Submitted:
    """The answer to a single submit; raises KeyConflict."""
    _check_conflict(operation)
    job, answer = operation.jobs[0], operation.ids[0]
    if answer in operation.duplicates:
        return replies.Submitted(id=id_text(answer), state=operation.duplicates[answer].word, duplicate=True)
    return replies.Submitted(id=id_text(answer), state=(job.became or job.state).word)


def _submitted_many(operation: Submit) -> replies.SubmittedMany:
    _check_conflict(operation)
    return replies.SubmittedMany(ids=id_texts(operation.ids), duplicates=[id_text(job) for job in operation.duplicates])


def _check_conflict(operation: Submit) -> None:
    if operation.refused is not None:
        raise operation.refused
    if operation.conflict is not None:
        raise KeyConflict(
            f"key {operation.conflict!r} already names a job with another kind or payload; nothing of this was stored:"
            " use another key, or the same job"
        )


def get(hall: Hall, session: Session, message: requests.Get) -> AfterRead:
    """The jobs named, as everything sent before it left them."""
    query = _by_ids(session, message.ids)
    asked = list(message.ids)
    return AfterRead((query,), lambda jobs: _found(hall, jobs, asked))


def _found(hall: Hall, jobs: list[StoredJob], asked: list[str]) -> replies.Jobs:
    found = {id_text(job.id) for job in jobs}
    return replies.Jobs(jobs=views(hall, jobs), missing=[job for job in asked if job not in found])


def views(hall: Hall, jobs: list[StoredJob]) -> list[replies.JobView]:
    """Stored jobs for the wire, with the latest progress of those in hand."""
    return [job_view(job, hall.core.leases.open.get(job.id)) for job in jobs]


def wait(hall: Hall, session: Session, message: requests.Wait) -> AfterRead | None:
    """Answered when all are final, or with what is pending when the time is up."""
    if message.timeout_seconds is not None and not 0 <= message.timeout_seconds <= 86_400:
        raise BadRequest(f"timeout_seconds is {message.timeout_seconds}: give 0 to 86400, or none to wait on")
    return hall.waits.begin(session, message.ref, _by_ids(session, message.ids), message.timeout_seconds)


def _by_ids(session: Session, ids: list[str]) -> ByIds:
    if len(ids) > MAX_IDS:
        raise BadRequest(f"{len(ids)} ids at once: name at most {MAX_IDS}")
    return ByIds(list(dict.fromkeys(map(id_number, ids))), session.scope("read"))


def find(hall: Hall, session: Session, message: requests.Find) -> AfterSearch:
    """A page of jobs, the newest first; `next` continues it as `before`."""
    if not 1 <= message.limit <= MAX_IDS:
        raise BadRequest(f"limit is {message.limit}: give 1 to {MAX_IDS}")
    query = search_of(session, message, message.limit, message.before)
    return AfterSearch(query, lambda found: _paged(hall, found))


def _paged(hall: Hall, found: Found) -> replies.Jobs:
    page = replies.Jobs(jobs=views(hall, found.jobs), next=None if found.next is None else id_text(found.next))
    if found.looked_back_to is not None:
        page.looked_back_to = rfc3339(id_created_ms(found.looked_back_to)) or ""
    return page
