"""A call of SQLite's to the disk fails, any call: what was applied is there, what was not is not, or nobody knows."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirehall.core.operations import APPLIED
from hirehall.errors import HallError, StorageFull, StoreBroken, Unavailable
from hirehall.model import State
from hirehall.stores import wal
from hirehall.stores.sqlite import SQLiteStore
from tests.disk.failing_vfs import ERRORS, Faults, failing
from tests.disk.found import AtOnce
from tests.disk.power import MEMORY
from tests.stores.books import ANNA, Books, lane, spec

SMALL_CHECKPOINT, SMALL_FULL = 12, 40  # pages


class Told:
    """What the store has said."""

    def __init__(self) -> None:
        self.jobs: set[int] = set()
        self.ended: set[int] = set()
        self.trying: list[set[int]] = []  # what the batch that failed would have added, if it failed
        self.error: HallError | None = None


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(wal, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(wal, "CHECKPOINT_PAGES", SMALL_CHECKPOINT)
    monkeypatch.setattr(wal, "FULL_PAGES", SMALL_FULL)
    with tempfile.TemporaryDirectory(prefix="hall-store-", dir=MEMORY) as directory:
        yield Path(directory)


def script(books: Books, told: Told) -> None:
    """Jobs in, jobs out, with several checkpoints."""
    for turn in range(3):
        for size in (1, 4):
            batch = books.batch()
            filler = b'"' + b"x" * 1_500 * size + b'"'
            submit = books.add_submit(batch, *[spec(payload=filler) for _ in range(size)])
            told.trying = [{job.id for job in submit.jobs}]
            books.apply(batch)
            told.jobs |= told.trying.pop()
        for job in books.claimed(lane(), ANNA, ANNA, ANNA):
            books.succeed(job, result=b"%d" % turn)
            assert books.last.changes[0].answer == APPLIED
            told.ended.add(job)


def run(path: Path, faults: Faults) -> Told:
    """One life with one fault in it; whatever escapes that is no HallError fails the test."""
    told, loop = Told(), asyncio.new_event_loop()
    try:
        with failing(faults):
            try:
                store = SQLiteStore(str(path))
                books = Books(lambda: store, loop.run_until_complete)
                script(books, told)
            except (StorageFull, StoreBroken, Unavailable) as exc:
                told.error = exc
            faults.are_over = True  # SQLite closes without a word of them, which Python's files cannot imitate
            loop.run_until_complete(store.close())
    finally:
        loop.close()
    return told


def assert_all_is_there(path: Path, told: Told, faults: Faults) -> None:
    loop = asyncio.new_event_loop()
    store = SQLiteStore(str(path))
    try:
        loop.run_until_complete(store.open())
        loop.run_until_complete(store.recover())
        assert store.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = dict(store.db.execute("SELECT id, state FROM jobs"))
        where = f"{faults.kind} number {faults.number}"
        assert states.keys() >= told.jobs, f"jobs are lost after {where}"
        assert {job for job in told.ended if states[job] != State.SUCCEEDED} == set(), f"results are lost after {where}"
        more = states.keys() - told.jobs
        assert more in (set(), *told.trying), f"a batch is there in part after {where}"
        assert not (more and isinstance(told.error, StorageFull)), (
            f"a full disk was reported, a batch is there: {where}"
        )
    finally:
        loop.run_until_complete(store.close())
        loop.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ERRORS)
def test_a_call_to_the_disk_fails_whichever_it_is(kind: str, path: Path) -> None:
    for number in itertools.count(1):
        database = path / f"{number}.db"
        faults = Faults(kind, number)
        told = run(database, faults)
        if not faults.met:
            break
        assert told.error or kind not in ("log", "read"), f"{kind} number {number} was passed over"
        assert_all_is_there(database, told, faults)
        for file in path.iterdir():
            file.unlink()
    assert number > 1, "no such call was made"
