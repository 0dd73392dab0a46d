"""G21: after the first error of its disk a store says nothing more, and copies nothing from a log that may be lost."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from hirehall.errors import StoreBroken
from hirehall.stores.sqlite import SQLiteStore
from hirehall.stores.wal import Wal
from tests.stores.books import Books, spec


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hall.db"


@pytest.fixture
def books(path: Path) -> Iterator[Books]:
    with asyncio.Runner() as runner:
        books = Books(lambda: SQLiteStore(str(path)), runner.run)
        books.one()
        yield books


def broken(*_: object) -> None:
    raise OSError(errno.EIO, "broken disk")


def test_a_failed_sync_breaks_the_store_and_its_log_stays_as_it_is(
    books: Books, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(StoreBroken, match="broken disk"):
        books.one()
    monkeypatch.undo()
    before, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    books.close()
    assert path.read_bytes() == before, "closing carried the log over, though nobody knows what of it is on the disk"
    assert Path(f"{path}-wal").read_bytes() == log


def test_an_error_of_a_checkpoint_in_the_background_breaks_the_store(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(wal: Wal) -> None:
        raise apsw.IOError("broken disk")

    monkeypatch.setattr(Wal, "_run_checkpoint", fails)
    with pytest.raises(StoreBroken, match="broken disk"):
        store_much(books)
    books.close()


def store_much(books: Books) -> None:
    """Enough for several checkpoints."""
    for _ in range(20):
        books.submit(*[spec(payload=b'"' + b"x" * 500_000 + b'"')] * 4)
