"""Drafts and the files of jobs: what a file may be called, and what may be asked of a store."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from hirehall.core import lifecycle
from hirehall.core.collecting import Collecting
from hirehall.core.operations import Attach, Change, Commit
from hirehall.errors import BadRequest
from hirehall.model import MAX_FILES, FileName, Scope, State

MAX_NAME = 255  # bytes
DIGITS = frozenset("0123456789abcdef")
NOT_EVERYWHERE = frozenset('/\\<>:"|?*')  # what Windows refuses, and what leads elsewhere
ESCAPED = re.compile("%[0-9A-Fa-f]{2}")  # decoded once more by somebody it would be another name
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories: control, format (it may turn text round), half a pair


def check_file_name(name: str) -> None:
    """Raise BadRequest unless it is one that every system can keep in a directory, and no way out of that."""
    if name in (".", "..") or not 1 <= len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME:
        raise BadRequest(f"file name {name[:80]!r}: use 1 to {MAX_NAME} bytes, and neither . nor ..")
    if any(letter in NOT_EVERYWHERE or unicodedata.category(letter) in HIDDEN for letter in name):
        raise BadRequest(f'file name {name[:80]!r}: it may hold none of / \\ < > : " | ? * and no control characters')
    if name[-1] in ". " or name[0] == " " or DEVICES.fullmatch(name) or ESCAPED.search(name):
        raise BadRequest(
            f"file name {name[:80]!r}: no space around it, no . at its end, no %-escape, and no device such as NUL"
        )
    if not unicodedata.is_normalized("NFC", name):
        raise BadRequest(f"file name {name[:80]!r}: write it in Unicode's normal form C")


def check_digest(sha256: str) -> None:
    """Raise BadRequest unless it is a sha256 in hex."""
    if len(sha256) != 64 or not DIGITS.issuperset(sha256):
        raise BadRequest(f"sha256 {sha256[:80]!r}: write it as 64 of the digits 0-9 a-f")


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
