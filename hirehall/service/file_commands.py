"""Commands about drafts and files. Contents come through `Files`; what stands here gives them to jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hirehall.core.operations import DUPLICATE, Commit
from hirehall.core.operations import Attach as Operation
from hirehall.errors import NotFound
from hirehall.model import EVERYTHING, Direction, StoredFile, holder_text, id_number, id_text
from hirehall.ports import FilesOf as Query
from hirehall.service.answers import AfterCommit, AfterRead, file_view
from hirehall.service.change_commands import TAKEN, judged, numbers_of, refusal
from hirehall.service.sessions import Session
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall


class Attach(requests.Request, kw_only=True):
    """A file for a draft: a content that this token has uploaded, or that a job has which it may see."""

    id: str
    name: str
    sha256: str


class Detach(requests.Request, kw_only=True):
    """An input is taken from a draft."""

    id: str
    name: str


class AttachOutput(Attach, kw_only=True):
    """A file of an attempt, from the `worker` of this token that holds it; empty: the one that this session is."""

    attempt: int
    worker: str = ""


class FilesOf(requests.Request, kw_only=True):
    """The files of a job, for who may see it, and for a worker of this token that holds it."""

    id: str


class Attached(replies.Reply, kw_only=True):
    file: replies.FileView


class FileList(replies.Reply, kw_only=True):
    files: list[replies.FileView]


def attach(hall: Hall, session: Session, message: Attach) -> AfterCommit:
    """Input, while the job is a draft; a name that is there already names the new content."""
    job, filed = id_number(message.id), hall.files.filed(session, [message.sha256])
    operation = Operation(job, Direction.IN, message.name, message.sha256, filed, session.scope("admin"))
    hall.core.filing.attach(operation)
    return AfterCommit(lambda: _attached(operation))


def detach(hall: Hall, session: Session, message: Detach) -> AfterCommit:
    """As if it had never been attached."""
    job, filed = id_number(message.id), hall.files.filed(session, ())
    operation = Operation(job, Direction.IN, message.name, None, filed, session.scope("admin"))
    hall.core.filing.attach(operation)
    return AfterCommit(lambda: _detached(operation))


def _detached(operation: Operation) -> replies.Reply:
    if operation.refused is not None:
        raise operation.refused
    return replies.Reply()


def attach_output(hall: Hall, session: Session, message: AttachOutput) -> AfterCommit:
    """Output, as long as a result of this attempt would count."""
    holder = holder_text(session.identity.name, message.worker) if message.worker else session.holder
    job = id_number(message.id)
    operation = Operation(
        job, Direction.OUT, message.name, message.sha256, hall.files.filed(session, [message.sha256]),
        attempt=message.attempt, holder=holder,
    )  # fmt: skip
    hall.core.filing.attach(operation)
    return AfterCommit(lambda: _attached(operation))


def _attached(operation: Operation) -> Attached:
    if operation.refused is not None or operation.blob is None:
        raise operation.refused or NotFound()
    blob = operation.blob
    file = StoredFile(operation.direction, operation.name, blob.sha256, blob.md5, blob.bytes, operation.attempt)
    return Attached(file=file_view(file))


def files_of(hall: Hall, session: Session, message: FilesOf) -> AfterRead:
    """Where a download begins: who may not see the job learns no digest."""
    job = id_number(message.id)
    lease = hall.core.leases.open.get(job)
    is_held = lease is not None and session.may("work") and _is_ours(session, lease.job.holder)
    scope = EVERYTHING if is_held else session.scope("read")
    return AfterRead((Query(job, scope),), lambda files: _listed(message.id, files))


def _is_ours(session: Session, holder: str) -> bool:
    return holder == session.holder or holder.startswith(holder_text(session.identity.name, ""))


def _listed(job: str, files: list[StoredFile] | None) -> FileList:
    if files is None:
        raise NotFound(f"there is no job {job[:40]} that you may see")
    return FileList(files=list(map(file_view, files)))


def commit(hall: Hall, session: Session, message: requests.Commit) -> AfterCommit:
    """Drafts whose files are there go where their submits would have led; submitters may commit their own."""
    changes = hall.core.filing.commit(numbers_of(message), session.scope("admin"))
    if message.id is not None:
        return AfterCommit(lambda: _committed(changes[0]))
    return judged(message, changes)


def _committed(change: Commit) -> replies.Submitted:
    job = id_text(change.id)
    if change.answer not in TAKEN or change.target is None:
        raise refusal(change, job)
    if change.answer == DUPLICATE and change.was is not None:
        return replies.Submitted(id=job, state=change.was.word, duplicate=True)
    became = change.gated.became if change.gated is not None else None
    return replies.Submitted(id=job, state=(became or change.target).word)


def discard(hall: Hall, session: Session, message: requests.Discard) -> AfterCommit:
    """Drafts that are not wanted any more are forgotten, with their files."""
    return judged(message, hall.core.filing.discard(numbers_of(message), session.scope("admin")))
