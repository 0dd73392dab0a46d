"""What `backup --salvage` reads of a damaged file, and that a hall goes on with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirehall.cli.checks import store
from hirehall.errors import StoreBroken
from hirehall.model import id_text
from hirehall.stores.sqlite import SQLiteStore
from hirehall.stores.sqlite_backup import backup, restore
from hirehall.stores.sqlite_pages import are_checked
from hirehall.stores.sqlite_salvage import salvage
from tests.disk.test_beside_damage import BAD, File, leaf, lost, many, of_bad_one, said
from tests.disk.test_flipped_bytes import PAGE, flip
from tests.stores.books import START_MS, Books, lane


def quiet(done: int, of: int) -> None:
    """Nobody looks at the bar."""


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def restored(path: Path, runner: asyncio.Runner) -> Books:
    """A hall's store on what was saved."""
    restore(path, path.parent / "new" / "hall.db", quiet, START_MS)
    return Books(lambda: SQLiteStore(str(path.parent / "new" / "hall.db")), runner.run)


@pytest.mark.parametrize("index_too", [False, True])
def test_every_job_but_those_of_the_damaged_page_is_saved(
    tmp_path: Path, runner: asyncio.Runner, index_too: bool
) -> None:
    file = File(tmp_path / "hall.db", runner)
    jobs = many(file.books)
    root = int(file.books.store.db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs_ready'").get)
    books = file.damage(leaf)
    bad = lost(books, jobs)
    books.close()
    if index_too:
        flip(file.path, (root - 1) * PAGE + PAGE // 2, 1)
    with pytest.raises(StoreBroken, match="salvage"):
        backup(file.path, tmp_path / "plain", quiet)
    assert store(file.path).level == "problem"
    saved = salvage(file.path, tmp_path / "saved", quiet)
    assert store(tmp_path / "saved").level == "ok"
    assert (saved.jobs, saved.lost) == (len(jobs) - len(bad), len(bad))
    assert saved.lost_ids == ([] if index_too else [id_text(job) for job in sorted(bad)])
    books = restored(tmp_path / "saved", runner)
    assert are_checked(books.store.db)
    assert [job.id for job in books.all_jobs()][::-1] == [job for job in jobs if job not in bad]
    assert books.claimed(lane(), "team/anna") == [jobs[0]]
    books.close()


def test_a_lock_whose_holder_is_lost_goes_to_the_next_one(tmp_path: Path, runner: asyncio.Runner) -> None:
    file = File(tmp_path / "hall.db", runner)
    holder = file.books.one("p", payload=BAD, lock="l")
    waiter, other = (file.books.one("w", lock="l", tags=["t"]) for _ in range(2))
    file.books.start(holder)
    file.books.store.db.execute("VACUUM")  # what a change has left behind looks the same
    file.damage(of_bad_one).close()
    saved = salvage(file.path, tmp_path / "saved", quiet)
    assert saved.lost_ids == [id_text(holder)]
    books = restored(tmp_path / "saved", runner)
    books.sweep_all()
    assert sorted(books.states(waiter, other)) == ["blocked", "ready"]
    assert {job.id for job in books.page(tag="t")} == {waiter, other}
    books.close()


def test_any_damage_leaves_nothing_wrong_in_what_is_saved(tmp_path: Path, runner: asyncio.Runner) -> None:
    """Seeded flips anywhere behind the schema: what is saved is as it was, and a file that a hall takes."""
    file = File(tmp_path / "hall.db", runner)
    jobs = many(file.books)
    file.books.start(jobs[0])
    said(file.books, jobs[0], 60)
    truth = {job.id: job.payload for job in file.books.all_jobs()}
    file.books.close()
    whole, dice = file.path.read_bytes(), random.Random(20261122)
    for turn in range(25):
        path = tmp_path / f"{turn}.db"
        path.write_bytes(whole)
        for _ in range(2):
            flip(path, dice.randrange(PAGE, len(whole)), dice.randrange(8))
        try:
            saved = salvage(path, tmp_path / f"{turn}.saved", quiet)
        except StoreBroken:
            continue  # the schema
        found = Books(lambda at=turn: SQLiteStore(str(tmp_path / f"{at}.saved")), runner.run)
        kept = {job.id: job.payload for job in found.all_jobs()}
        found.close()
        assert kept.items() <= truth.items()
        assert len(kept) == saved.jobs == len(truth) - saved.lost, turn
