"""Drafts and the files of jobs: what may be asked of a store."""

from __future__ import annotations

from collections.abc import Sequence

from hirehall.core import lifecycle
from hirehall.core.collecting import Collecting
from hirehall.core.file_names import check_digest, check_file_name
from hirehall.core.operations import Attach, Change, Commit
from hirehall.errors import BadRequest
from hirehall.model import MAX_FILES, FileName, Scope, State


def check_files(files: Sequence[FileName]) -> None:
    """Raise BadRequest unless a job may have all of these."""
    if len(files) > MAX_FILES:
        raise BadRequest(f"{len(files)} files: a job has at most {MAX_FILES}; pack some together")
    for file in files:
        check_file_name(file.name)
        check_digest(file.sha256)
    if len({file.name.casefold() for file in files}) != len(files):
        raise BadRequest("two files have the same name, capitals or not: each name once")


class Filing:
    """Adds to the collecting batch. Calls raise NextBatch when a job is taken in this one."""

    def __init__(self, collecting: Collecting) -> None:
        self._collecting = collecting

    def attach(self, attach: Attach) -> Attach:
        """A file for a job, or from it. Raises BadRequest for its name."""
        check_file_name(attach.name)
        if attach.sha256 is not None:
            check_digest(attach.sha256)
        self._collecting.touch([attach.job])
        self._collecting.batch.files.append(attach)
        self._collecting.batch.size += 1
        return attach

    def commit(self, jobs: list[int], scope: Scope) -> list[Commit]:
        """These drafts may run."""
        self._collecting.touch(jobs)
        changes = [Commit(lifecycle.COMMIT, job, State.READY, scope=scope) for job in jobs]
        for change in changes:
            self._collecting.add(change)
        return changes

    def discard(self, jobs: list[int], scope: Scope) -> list[Change]:
        """These drafts are not wanted."""
        self._collecting.touch(jobs)
        return [self._collecting.add(Change(lifecycle.DISCARD, job, None, scope=scope)) for job in jobs]
