"""Conformance: a store that was just opened, and which ones a hall refuses to open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from hirehall.errors import HallError, Unavailable
from hirehall.stores import sqlite_pages
from hirehall.stores.sqlite import SQLiteStore
from hirehall.stores.sqlite_backup import restore
from tests.stores.books import Books
from tests.stores.makers import SQLiteFile, StoreMaker

NOBODY = 65_534


def test_a_fresh_store_is_empty(books: Books) -> None:
    found = books.recover()
    assert (found.last_id, found.lanes, found.running, found.next_wake) == (0, [], [], None)
    assert books.all_jobs() == []


def test_a_store_says_what_its_commits_survive(books: Books, maker: StoreMaker) -> None:
    assert books.store.durability == ("fsync" if maker.survives else "none")


def test_only_a_store_that_outlives_its_hall_finds_its_jobs_again(books: Books, maker: StoreMaker) -> None:
    job = books.one()
    books.reopen()
    assert [found.id for found in books.all_jobs()] == ([job] if maker.survives else [])


# Refusals. Each names what is wrong and what to do, and leaves the store usable for who holds it.


@pytest.fixture
def file(tmp_path: Path) -> SQLiteFile:
    return SQLiteFile(tmp_path)


def refusal(file: SQLiteFile, runner: asyncio.Runner) -> str:
    with pytest.raises(HallError) as refused:
        runner.run(file.make().open())
    assert isinstance(refused.value, Unavailable)
    assert refused.value.message != Unavailable.__doc__
    return refused.value.message


def test_data_of_a_newer_hall_is_refused(file: SQLiteFile, runner: asyncio.Runner) -> None:
    books = Books(file.make, runner.run)
    job = books.one()
    file.outdate(books.store)
    books.close()
    assert "newer hirehall" in refusal(file, runner)
    assert "newer hirehall" in refusal(file, runner), "the lock was not given back"
    assert job


def test_a_second_hall_on_the_same_data_is_refused_until_the_first_closes(
    file: SQLiteFile, runner: asyncio.Runner
) -> None:
    first = Books(file.make, runner.run)
    job = first.one()
    assert "another hall" in refusal(file, runner)
    assert first.states(job) == ["ready"]
    first.close()
    second = Books(file.make, runner.run)
    assert second.states(job) == ["ready"]
    second.close()


def test_a_file_that_is_no_database_is_refused_and_stays_as_it_was(file: SQLiteFile, runner: asyncio.Runner) -> None:
    content = b"this is no database, only a text that is long enough to look like one" * 20
    path = Path(file.path)
    path.parent.mkdir()
    path.write_bytes(content)
    assert "restore it from a backup" in refusal(file, runner)
    assert path.read_bytes() == content


def test_a_directory_in_the_files_place_is_refused(file: SQLiteFile, runner: asyncio.Runner) -> None:
    Path(file.path).mkdir(parents=True)
    assert file.path in refusal(file, runner)


def test_a_file_in_the_directorys_place_is_refused(file: SQLiteFile, runner: asyncio.Runner) -> None:
    Path(file.path).parent.write_text("")
    assert "name another directory with --data" in refusal(file, runner)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Nothing is forbidden to root: be somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_directory_where_it_may_not_write_is_refused(file: SQLiteFile, runner: asyncio.Runner) -> None:
    directory = Path(file.path).parent
    directory.mkdir(mode=0o500)
    with as_somebody_else():
        assert "name another directory with --data" in refusal(file, runner)
    assert list(directory.iterdir()) == []


def test_a_database_of_another_program_is_refused_and_stays_as_it_was(file: SQLiteFile, runner: asyncio.Runner) -> None:
    Path(file.path).parent.mkdir()
    with apsw.Connection(file.path) as db:
        db.execute("CREATE TABLE accounts (name TEXT)")
    db.close()
    refusal(file, runner)
    other = apsw.Connection(file.path)
    assert [name for (name,) in other.execute("SELECT name FROM sqlite_schema")] == ["accounts"]
    other.close()


# Page checksums.


def plain_file(path: Path, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner) -> int:
    """A file as older versions made it, with one job."""
    with monkeypatch.context() as older:
        older.setattr(sqlite_pages, "has_checksums", lambda: False)
        books = Books(lambda: SQLiteStore(str(path)), runner.run)
        job = books.one()
        books.close()
    return job


def test_a_new_file_has_page_checksums_and_an_older_one_is_served_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    plain_file(tmp_path / "old.db", monkeypatch, runner)
    for path, is_checked in ((tmp_path / "new.db", True), (tmp_path / "old.db", False)):
        books = Books(lambda path=path: SQLiteStore(str(path)), runner.run)
        assert sqlite_pages.are_checked(books.store.db) is is_checked
        assert len(books.all_jobs()) == (0 if is_checked else 1)
        books.close()


def test_a_restored_file_has_page_checksums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    job = plain_file(tmp_path / "old.db", monkeypatch, runner)
    restore(tmp_path / "old.db", tmp_path / "data" / "hall.db", lambda done, total: None, 1)
    books = Books(lambda: SQLiteStore(str(tmp_path / "data" / "hall.db")), runner.run)
    assert sqlite_pages.are_checked(books.store.db)
    assert books.states(job) == ["ready"]
    books.close()


def test_a_file_with_checksums_is_refused_where_they_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    def make() -> SQLiteStore:
        return SQLiteStore(str(tmp_path / "hall.db"))

    Books(make, runner.run).close()
    monkeypatch.setattr(sqlite_pages, "has_checksums", lambda: False)
    with pytest.raises(Unavailable, match="install one of its wheels"):
        Books(make, runner.run)
