"""Files of jobs inside a SQLite transaction: attached, carried, dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw
import msgspec

from hirehall.core import lifecycle
from hirehall.core.judging import judge
from hirehall.core.operations import APPLIED, Attach, Change, Filed, NewJob, Submit
from hirehall.errors import BadRequest, Damaged, HallError, NotFound, StaleLease, TooLarge, WrongState
from hirehall.model import (
    MAX_BODY,
    MAX_FILES,
    Blob,
    Direction,
    InputFile,
    Scope,
    State,
    StoredFile,
    id_text,
    read_rules,
)
from hirehall.ports import FilesOf, Unnamed
from hirehall.stores.sqlite_refs import ADD_BLOB, ADD_FILE, ADD_KEPT, let_go
from hirehall.stores.sqlite_row import FIND_ROW, Row
from hirehall.stores.sqlite_work import Work

IN, OUT = Direction.IN, Direction.OUT
SET_RULES = "UPDATE jobs SET rules = ? WHERE id = ?"
KNOWN = (
    "SELECT lower(hex(md5)), blobs.bytes, jobs.owner, jobs.queue FROM blobs JOIN files USING (sha256)"
    " JOIN jobs ON jobs.id = files.job WHERE sha256 = ? AND jobs.owner = coalesce(?, jobs.owner)"
)
FILES = (
    "SELECT direction, name, lower(hex(sha256)), lower(hex(md5)), files.bytes, attempt FROM files JOIN blobs"
    " USING (sha256) WHERE job = ? ORDER BY direction, name"
)
KEPT = "SELECT bytes FROM kept WHERE owner = ?"


# What comes.


def attach_files(work: Work) -> None:
    """Every file of the batch, each by itself."""
    for one in work.batch.files:
        try:
            _attach(work, one)
        except HallError as exc:
            one.refused = exc


def _attach(work: Work, one: Attach) -> None:
    row = _row(work, one)
    if work.closed is not None:
        raise work.closed
    if one.sha256 is None:
        _detach(work, one)
        return
    blob = one.filed.known.get(one.sha256) or _known(work.db, one.sha256, one.filed.scope)
    attempt = 0 if one.direction is IN else row.attempt
    others = [file for file in _files(work.db, row.id) if _is_of(file, one.direction, attempt)]
    same = sum(file.bytes for file in others if file.name == one.name)
    others = [file for file in others if file.name != one.name]
    if any(file.name.casefold() == one.name.casefold() for file in others):
        raise BadRequest(f"file name {one.name!r}: the job has one that differs in capitals only; choose another")
    if len(others) >= MAX_FILES:
        raise TooLarge(f"job {id_text(row.id)} has {MAX_FILES} files: that is as many as a job may have; pack some")
    if one.direction is IN:
        _carried(row.payload, [*others, StoredFile(IN, one.name, one.sha256, blob.md5, blob.bytes, 0)])
    _check_quota(work.db, row.owner, blob.bytes - same, one.filed)
    values = (row.id, int(one.direction), attempt)
    let_go(work.db, work.released, "job = ? AND direction = ? AND attempt = ? AND name = ?", (*values, one.name))
    if one.direction is OUT:
        let_go(work.db, work.released, "job = ? AND direction = ? AND attempt < ?", values)
    _keep(work.db, row.id, row.owner, one.direction, attempt, one.name, blob)
    rules = read_rules(row.rules)
    if not rules.has_files:
        rules = msgspec.structs.replace(rules, has_files=True)
        work.db.execute(SET_RULES, (msgspec.json.encode(rules), row.id))
    one.blob = blob


def _detach(work: Work, one: Attach) -> None:
    """An input that is not wanted any more. Raises NotFound."""
    if not any(file.direction is IN and file.name == one.name for file in _files(work.db, one.job)):
        raise NotFound(f"job {id_text(one.job)} has no file {one.name!r}")
    values = (one.job, int(IN), one.name)
    let_go(work.db, work.released, "job = ? AND direction = ? AND name = ?", values)


def _row(work: Work, one: Attach) -> Row:
    """The job, when it takes this file. Raises HallError."""
    job = id_text(one.job)
    if one.job in work.aside:
        raise Damaged(f"job {job} cannot be read, so it takes no files: the hall's disk is damaged")
    work.spot.job = one.job
    found = work.db.execute(FIND_ROW, (one.job,)).fetchone()
    row = None if found is None else Row.of(found)
    if row is None or (one.direction is IN and not one.scope.allows(row.owner, row.queue)):
        raise NotFound(f"there is no job {job} that you may give files")
    if one.direction is IN and row.state is not State.DRAFT:
        raise WrongState(f"job {job} is {row.state.word}: only a draft takes files; submit another with `draft`")
    if one.direction is OUT and not _holds(one, row):
        raise StaleLease(
            f"job {job} is {row.state.word} at attempt {row.attempt}: this worker's attempt {one.attempt} adds no files"
        )
    return row


def _holds(one: Attach, row: Row) -> bool:
    """Whether a result of this attempt would count now."""
    return judge(Change(lifecycle.SUCCEED, row.id, State.SUCCEEDED, one.attempt, one.holder), row) == APPLIED


def _known(db: apsw.Connection, sha256: str, scope: Scope) -> Blob:
    """A content that a job within `scope` names already. Raises NotFound."""
    for md5, size, owner, queue in db.execute(KNOWN, (bytes.fromhex(sha256), scope.owner)):
        if scope.allows(owner, queue):
            return Blob(sha256, md5, size)
    raise NotFound(f"there is no content with sha256 {sha256} that you may name: upload it first")


def _check_quota(db: apsw.Connection, owner: str, more: int, filed: Filed) -> None:
    used = db.execute(KEPT, (owner,)).get or 0
    if filed.quota is not None and more > 0 and used + more > filed.quota:
        raise TooLarge(
            f"files of {owner!r} take {used} bytes, and with this {used + more}: at most {filed.quota} are kept for a"
            " token (--files-quota); remove jobs that have ended"
        )


def _keep(db: apsw.Connection, job: int, owner: str, direction: Direction, attempt: int, name: str, blob: Blob) -> None:
    sha256 = bytes.fromhex(blob.sha256)
    db.execute(ADD_BLOB, (sha256, bytes.fromhex(blob.md5), blob.bytes))
    db.execute(ADD_FILE, (job, int(direction), attempt, name, sha256, blob.bytes, owner))
    db.execute(ADD_KEPT, (owner, blob.bytes))


def file_submit(work: Work, submit: Submit, fresh: Sequence[NewJob]) -> None:
    """The files of new jobs, all or none. Raises HallError."""
    filed = submit.filed
    assert filed is not None, "the caller looks"
    named = [(job, file) for job in fresh for file in job.spec.files or ()]
    contents = {
        sha256: filed.known.get(sha256) or _known(work.db, sha256, filed.scope)
        for sha256 in dict.fromkeys(file.sha256 for _, file in named)
    }
    if named:
        _check_quota(work.db, fresh[0].owner, sum(contents[file.sha256].bytes for _, file in named), filed)
    carried = {
        job.id: _carried(
            bytes(job.payload),
            [InputFile(file.name, file.sha256, contents[file.sha256].bytes) for file in job.spec.files],
        )
        for job in fresh
        if job.spec.files
    }
    for job in fresh:
        if job.id in carried:
            files = None if job.state is State.DRAFT else carried[job.id]
            job.rules = msgspec.json.encode(msgspec.structs.replace(read_rules(job.rules), has_files=True, files=files))
    for job, file in named:
        _keep(work.db, job.id, job.owner, IN, 0, file.name, contents[file.sha256])


def _carried(payload: bytes, files: Iterable[InputFile | StoredFile]) -> list[InputFile]:
    """What a worker hears of these. Raises TooLarge when that and the payload do not fit into a line."""
    said = [InputFile(file.name, file.sha256, file.bytes) for file in files]
    size = len(payload) + len(msgspec.json.encode(said))
    if size > MAX_BODY:
        raise TooLarge(f"the payload and the names of its files take {size} bytes together: at most {MAX_BODY} fit")
    return said


def inputs(db: apsw.Connection, job: int) -> list[InputFile]:
    """What the worker of this job gets."""
    return [InputFile(file.name, file.sha256, file.bytes) for file in _files(db, job) if file.direction is IN]


# What goes.


def attempt_ended(work: Work, change: Change, row: Row, target: State) -> None:
    """Drop what belongs to an attempt whose result cannot count any more."""
    if target is State.RUNNING or (change.step is lifecycle.LOSE and target is State.READY):
        return
    last = row.attempt - (target is State.SUCCEEDED)
    let_go(work.db, work.released, "job = ? AND direction = ? AND attempt <= ?", (row.id, int(OUT), last))


# What is read.


def _files(db: apsw.Connection, job: int) -> list[StoredFile]:
    return [StoredFile(Direction(direction), *rest) for direction, *rest in db.execute(FILES, (job,))]


def _is_of(file: StoredFile, direction: Direction, attempt: int) -> bool:
    return file.direction is direction and file.attempt == attempt


def shown_files(db: apsw.Connection, job: int, state: State, attempt: int) -> list[StoredFile]:
    """Inputs, and the outputs of the attempt that has succeeded."""
    return [
        file
        for file in _files(db, job)
        if file.direction is IN or (state is State.SUCCEEDED and file.attempt == attempt)
    ]


def files_of(db: apsw.Connection, query: FilesOf) -> list[StoredFile] | None:
    """None: there is no such job within the scope."""
    row = db.execute("SELECT state, attempt, owner, queue FROM jobs WHERE id = ?", (query.job,)).fetchone()
    if row is None or not query.scope.allows(row[2], row[3]):
        return None
    return shown_files(db, query.job, State(row[0]), row[1])


def unnamed(db: apsw.Connection, query: Unnamed) -> list[str]:
    """In the order of the question."""
    is_named = "SELECT EXISTS (SELECT 1 FROM blobs WHERE sha256 = ?)"
    return [name for name in query.sha256s if not db.execute(is_named, (bytes.fromhex(name),)).get]
