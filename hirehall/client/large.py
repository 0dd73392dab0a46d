"""Results that were too large for a message: the hall has them as files of their jobs, and the result says where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hirehall.client.jobs import JobInfo
from hirehall.client.outcomes import UNREADABLE, Broken
from hirehall.errors import NotFound
from hirehall.wire.large import Reference, reference, referred
from hirehall.wire.replies import FileView

if TYPE_CHECKING:
    from hirehall.client.contact import Contact


def read_result(hall: Contact[Any], job: JobInfo) -> Any:
    """The result of a job that `get` or `wait` has shown, also where it lies in a file. Blocks. Raises as `load`."""
    place = reference(job.result)
    file = None if place is None else meant(place, [job])
    return job.result if file is None else load(hall, job.id, file)


def meant(place: Reference, found: Sequence[JobInfo]) -> FileView | None:
    """The output of this one job that it refers to; None where it is only a result that looks like a reference. Raises
    NotFound when the job is not there any more."""
    if not found:
        raise NotFound("the job has been removed, and with it the file that its result lies in: keep it longer")
    return referred(place, found[0].files)


def load(hall: Contact[Any], job: str, file: FileView) -> Any:
    """The result that lies in this file. Blocks. Raises WrongState where the hall has no HTTP door any more, Damaged,
    Unavailable, NotFound, and Broken for what cannot be decoded."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - these take long to load, and few need them

    from hirehall.client.files import files_of  # noqa: PLC0415

    with TemporaryDirectory(prefix="hirehall-") as folder:
        path = Path(folder) / "result"
        files_of(hall).fetch(job, file, path)
        try:
            return msgspec.json.decode(path.read_bytes())
        except UNREADABLE as why:
            raise Broken(f"the result of job {job}, {file.name!r}, cannot be read: {why}") from why
