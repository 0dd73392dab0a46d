"""SQLite's own file calls, one of which fails: thousands of faults a minute, each at the Nth call of a kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import apsw

from hirehall.stores import sqlite_pages

REAL = "unix"
NAME = "failing"
ERRORS = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "read": apsw.SQLITE_IOERR_READ,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "size": apsw.SQLITE_IOERR_FSTAT,
    "delete": apsw.SQLITE_IOERR_DELETE,
    "full": apsw.SQLITE_FULL,
    "open": apsw.SQLITE_CANTOPEN,
    "log": 0,  # our own fdatasync of the log: an OSError
}


class Faults:
    """Makes call `number` of `kind` fail, from 1; `met` once it did."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind, self.number = kind, number
        self.calls = 0
        self.are_over = False

    @property
    def met(self) -> bool:
        return self.calls >= self.number

    def at(self, kind: str) -> None:
        if kind != self.kind or self.are_over:
            return
        self.calls += 1
        if self.calls != self.number:
            return
        if kind == "log":
            raise OSError(5, os.strerror(5))
        code = ERRORS[kind]
        error = apsw.exception_for(code)
        error.extendedresult = code
        raise error


class File(apsw.VFSFile):
    """A file that asks before each call whether it shall fail."""

    def __init__(self, name: Any, flags: list[int], faults: Faults) -> None:
        self.faults = faults
        super().__init__(REAL, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:
        self.faults.at("write")
        self.faults.at("full")
        super().xWrite(data, offset)

    def xRead(self, amount: int, offset: int) -> bytes:
        self.faults.at("read")
        return super().xRead(amount, offset)

    def xSync(self, flags: int) -> None:
        self.faults.at("sync")
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:
        self.faults.at("truncate")
        super().xTruncate(size)

    def xFileSize(self) -> int:
        self.faults.at("size")
        return super().xFileSize()


class FailingVFS(apsw.VFS):
    """The machine's own, with those files in it."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        super().__init__(NAME, REAL)

    def xOpen(self, name: Any, flags: list[int]) -> File:
        self.faults.at("open")
        return File(name, flags, self.faults)

    def xDelete(self, name: str, sync: bool) -> None:
        self.faults.at("delete")
        super().xDelete(name, sync)


@contextmanager
def failing(faults: Faults) -> Iterator[None]:
    """Every database that is opened inside stands on those files, without checksums; so does the log's own sync."""
    before = apsw.vfs_names()[0]  # the default is the first
    vfs = FailingVFS(faults)
    apsw.set_default_vfs(NAME)
    fdatasync = os.fdatasync

    def sync(fd: int) -> None:
        faults.at("log")
        fdatasync(fd)

    try:
        # The checksums' VFS is loaded once in a process, and would stand on this one for ever.
        with mock.patch.object(os, "fdatasync", sync), mock.patch.object(sqlite_pages, "has_checksums", bool):
            yield
    finally:
        apsw.set_default_vfs(before)
        vfs.unregister()
