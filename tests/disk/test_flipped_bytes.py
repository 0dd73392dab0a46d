"""A flipped byte in the store's files is noticed when it is read, or harmless: nothing wrong is ever told."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hirehall.cli.checks import store
from hirehall.core import lifecycle
from hirehall.core.operations import Change, LogChunk, ProgressNote
from hirehall.errors import Damaged, StoreBroken, Unavailable
from hirehall.model import State, id_text
from hirehall.ports import ByIds, Counts, LogRead, Search
from hirehall.stores import sqlite_pages
from hirehall.stores.sqlite import SQLiteStore
from hirehall.stores.sqlite_health import Health, health_of
from hirehall.stores.sqlite_pages import are_checked
from tests.stores.books import ANNA, Books, lane, spec
from tests.system.hall_process import Hall
from tests.system.jobs import submit
from tests.system.lines import Silence

FLIPS = 300
PAGE = 4096
NOTICED = (Damaged, StoreBroken, Unavailable)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped hall's file with jobs in every state, small and large, tags, locks, logs and pages that are free. It is
    large enough that most of its pages hold what is told: a flip in one that is free or empty is harmless."""
    path = tmp_path_factory.mktemp("whole") / "hall.db"
    with asyncio.Runner() as runner:
        books = Books(lambda: SQLiteStore(str(path)), runner.run)
        jobs = [books.one(f"kind-{n % 3}", payload=b'"%b"' % (b"%d" % n * 40), tags=["t"]) for n in range(120)]
        jobs += [books.one("big", payload=b'"' + b"y" * 9_000 + b'"', key=f"key-{n}") for n in range(60)]
        books.finish(*jobs[0:30:3], *jobs[120:125])
        books.start(*jobs[1:20:3])
        for job in jobs[-3:]:
            books.cancel(job)
            books.remove(job)
        books.one("locked", lock="l")
        books.one("later", delay_seconds=3_600.0)
        for job in jobs[1:20:3]:
            books.log(job, 1, b'{"text":"said"}')
        books.set_queue(max_running=7)
        assert are_checked(books.store.db)
        books.close()
    return path


@pytest.fixture(scope="module")
def truth(whole: Path) -> Any:
    return told(whole)


def told(path: Path) -> Any:
    """Everything that a hall on this file would tell, as plain data. Raises HallError."""
    return asyncio.run(_told(path))


async def _told(path: Path) -> Any:
    store = SQLiteStore(str(path))
    try:
        await store.open()
        found = await store.recover()
        jobs = (await store.read(Search(1_000, seconds=60.0))).jobs
        whole = await store.read(ByIds([job.id for job in jobs], max_bytes=1 << 30))
        logs = [await store.read(LogRead(job.id)) for job in jobs]
        tagged = (await store.read(Search(1_000, tag="t", seconds=60.0))).jobs
        keyed = (await store.read(Search(10, key="key-1", seconds=60.0))).jobs
        counts = await store.read(Counts())
        if store.is_damaged:  # lists pass over what is, and the hall says that there is some
            raise Damaged("some cannot be read")
        return msgspec.to_builtins([found, jobs, whole, logs, tagged, keyed, counts])
    finally:
        await store.close()


def copied(whole: Path, folder: Path) -> Path:
    """The file and its log, if there is one."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for end in ("", "-wal"):
        if Path(f"{whole}{end}").exists():
            shutil.copyfile(f"{whole}{end}", folder / f"hall.db{end}")
    return folder / "hall.db"


def flip(path: Path, offset: int, bit: int) -> None:
    """Turn one bit of one byte round."""
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def verdict(path: Path, truth: Any) -> str:
    try:
        return "harmless" if told(path) == truth else "WRONG"
    except NOTICED:
        return "noticed"


def test_any_byte_of_the_file_is_noticed_or_harmless(whole: Path, truth: Any, tmp_path: Path) -> None:
    """Seeded; the first page, and every page at least once, are among them."""
    dice = random.Random(20261122)
    pages = whole.stat().st_size // PAGE
    offsets = [page * PAGE + dice.randrange(PAGE) for page in range(pages)]
    offsets += [dice.randrange(200) for _ in range(40)]
    offsets += [dice.randrange(pages * PAGE) for _ in range(FLIPS - len(offsets))]
    seen = Counter(dict.fromkeys(("noticed", "harmless"), 0))
    for offset in offsets:
        path = copied(whole, tmp_path / "copy")
        flip(path, offset, dice.randrange(8))
        said = verdict(path, truth)
        assert said != "WRONG", f"a flip at byte {offset}, page {offset // PAGE + 1}, was told as if it were true"
        seen[said] += 1
    assert len(offsets) >= FLIPS
    assert seen["noticed"] > FLIPS * 0.8, seen


def test_without_page_checksums_the_same_flips_are_told_as_if_they_were_true(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the test above shows is the checksums' doing."""
    monkeypatch.setattr(sqlite_pages, "has_checksums", lambda: False)
    plain = tmp_path / "plain.db"
    with asyncio.Runner() as runner:
        books = Books(lambda: SQLiteStore(str(plain)), runner.run)
        books.submit(*[spec(payload=b'"' + b"y" * 3_000 + b'"')] * 20)
        books.close()
    truth, dice = told(plain), random.Random(1)
    seen = set()
    for _ in range(20):
        path = copied(plain, tmp_path / "copy")
        flip(path, dice.randrange(10 * PAGE, plain.stat().st_size), dice.randrange(8))
        seen.add(verdict(path, truth))
    assert "WRONG" in seen


# The log.

JOBS = 40  # one commit each


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """The files of a hall that was killed with all of its jobs in the log, and the jobs in their order."""
    folder = tmp_path_factory.mktemp("killed")
    with asyncio.Runner() as runner:
        books = Books(lambda: SQLiteStore(str(folder / "live.db")), runner.run)
        books.close()
        books.reopen()
        jobs = [books.one(payload=b"%d" % n) for n in range(JOBS)]
        path = copied(folder / "live.db", folder / "killed")
        books.close()
    return path, jobs


def kept(path: Path, jobs: list[int]) -> int:
    """How many of the jobs are there: the first ones, each as it was, and no other."""
    with asyncio.Runner() as runner:
        books = Books(lambda: SQLiteStore(str(path)), runner.run)
        found = books.all_jobs()[::-1]
        books.close()
    assert [(job.id, job.payload) for job in found] == [(job, b"%d" % n) for n, job in enumerate(jobs[: len(found)])]
    return len(found)


def test_a_log_that_is_whole_says_nothing(killed: tuple[Path, list[int]], tmp_path: Path) -> None:
    path = copied(killed[0], tmp_path / "copy")
    assert health_of(path) == Health(True, 0, None)
    assert kept(path, killed[1]) == JOBS
    assert health_of(path).lost_at_ms is None


def test_a_log_that_ends_early_is_what_a_crash_leaves(killed: tuple[Path, list[int]], tmp_path: Path) -> None:
    dice = random.Random(5)
    for _ in range(20):
        path = copied(killed[0], tmp_path / "copy")
        log = Path(f"{path}-wal")
        with log.open("r+b") as file:
            file.truncate(dice.randrange(log.stat().st_size))
        kept(path, killed[1])
        assert health_of(path).lost_at_ms is None


def test_a_flip_in_the_log_loses_what_is_behind_it_and_doctor_says_so(
    killed: tuple[Path, list[int]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(20261122)
    size = Path(f"{killed[0]}-wal").stat().st_size
    lost = 0
    offsets = [dice.randrange(32) for _ in range(15)] + [dice.randrange(size) for _ in range(45)]
    for offset in offsets:
        path = copied(killed[0], tmp_path / "copy")
        flip(Path(f"{path}-wal"), offset, dice.randrange(8))
        before = store(path)
        caplog.clear()
        jobs = kept(path, killed[1])
        after = store(path)
        if jobs == JOBS:
            continue  # it was in what is not read
        lost += 1
        where = f"a flip at byte {offset} of the log: {jobs} of {JOBS} jobs are left"
        assert (before.level, after.level) == ("problem", "problem"), where
        assert "are lost" in caplog.text, where
        caplog.clear()
        kept(path, killed[1])
        assert caplog.text == "", "it is said once"
    assert lost > len(offsets) // 2


# A hall goes on without the jobs that were damaged.


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[tuple[Books, dict[str, int]]]:
    """One of two jobs of each sort is damaged: its payload stands on a page of its own, of which a byte is flipped."""
    path = tmp_path / "data" / "hall.db"
    with asyncio.Runner() as runner:
        books = Books(lambda: SQLiteStore(str(path)), runner.run)
        jobs = damage_of_each_sort(books)
        books.close()
        raw = path.read_bytes()
        for name in [name for name in jobs if name.startswith("bad")]:
            flip(path, page_full_of(raw, name.encode()) * PAGE + PAGE // 2, 3)
        books.store = SQLiteStore(str(path))
        runner.run(books.store.open())
        yield books, jobs
        books.close()


def page_full_of(raw: bytes, name: bytes) -> int:
    """A page that holds nothing but part of this payload."""
    return next(at for at in range(len(raw) // PAGE) if name * 300 in raw[at * PAGE : (at + 1) * PAGE])


def damage_of_each_sort(books: Books) -> dict[str, int]:
    def one(name: str, **fields: Any) -> int:
        return books.one(payload=b'"' + name.encode() * 2_000 + b'"', **fields)

    jobs = {name: one(name, key=name) for name in ("bad-running", "running")}
    books.start(*jobs.values())
    return jobs | {
        name: one(name, **fields)
        for name, fields in {
            "bad-ready": {"key": "bad-ready"}, "ready": {"key": "ready"}, "bad-later": {"delay_seconds": 1.0},
            "later": {"delay_seconds": 1.0},
        }.items()
    }  # fmt: skip


def test_a_damaged_job_is_not_shown_and_the_error_names_it(damaged: tuple[Books, dict[str, int]]) -> None:
    books, jobs = damaged
    for name, job in jobs.items():
        if name.startswith("bad"):
            with pytest.raises(Damaged, match=id_text(job)):
                books.read(job)
        else:
            assert books.job(job).payload == b'"' + name.encode() * 2_000 + b'"'


def test_a_damaged_running_job_keeps_no_hall_from_starting(damaged: tuple[Books, dict[str, int]]) -> None:
    books, jobs = damaged
    assert [job.id for job in books.recover().running] == [jobs["running"]]


def test_claims_pass_a_damaged_job_and_say_that_its_lane_has_one_less(damaged: tuple[Books, dict[str, int]]) -> None:
    books, jobs = damaged
    claim = books.claim(lane(), ANNA, ANNA)
    assert [row.id for row in claim.rows] == [jobs["ready"]]
    assert books.last.aside == [lane()]
    assert books.claim(lane(), ANNA).rows == []
    assert books.last.aside == [], "it is said once"


def test_changes_of_a_damaged_job_are_refused_and_others_go_on(damaged: tuple[Books, dict[str, int]]) -> None:
    books, jobs = damaged
    batch = books.batch()
    for job in (jobs["bad-running"], jobs["running"]):
        batch.changes.append(
            Change(lifecycle.SUCCEED, job, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), result=b"1")
        )
    batch.notes.append(ProgressNote(jobs["bad-running"], 1, b"{}"))
    batch.logs.append(LogChunk(jobs["bad-running"], 1, b"{}"))
    books.apply(batch)
    assert [change.answer for change in batch.changes] == ["damaged", "applied"]
    assert books.cancel(jobs["bad-ready"]).answer == "damaged"
    assert books.last.aside == [lane()]
    assert books.states(jobs["running"]) == ["succeeded"]


def test_a_sweep_passes_a_damaged_job_and_is_not_due_because_of_it(damaged: tuple[Books, dict[str, int]]) -> None:
    books, jobs = damaged
    books.pass_time(1)
    swept = books.sweep()
    assert [moved.id for moved in swept.moved] == [jobs["later"]]
    assert swept.next_wake is None


def test_a_submit_that_names_a_damaged_job_is_refused(damaged: tuple[Books, dict[str, int]]) -> None:
    books, jobs = damaged
    assert isinstance(books.submit(spec(key="bad-ready")).refused, Damaged)
    assert isinstance(books.submit(spec(after=[id_text(jobs["bad-ready"])])).refused, Damaged)
    assert books.submit(spec(key="new")).refused is None


def test_a_hall_on_a_damaged_file_serves_what_is_sound(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "data")
    try:
        line = hall.start().session()
        bad, sound = (submit(line, payload=name * 2_000) for name in ("bad-job", "sound-job"))
        assert hall.stop() == 0
        raw = (hall.data / "hall.db").read_bytes()
        flip(hall.data / "hall.db", page_full_of(raw, b"bad-job") * PAGE + 999, 0)
        line, worker = hall.start().session(), hall.session(worker="w-1")
        error = line.ask("get", ids=[bad])["error"]
        assert (error["code"], bad in error["message"]) == ("damaged", True)
        worker.ok("work", kinds=["*"], credit=5)
        (run,) = worker.runs()
        assert (run["id"], run["payload"]) == (sound, "sound-job" * 2_000)
        worker.ok("done", id=sound, attempt=1, result=1)
        assert line.refusal("cancel", ids=[bad]) == "damaged"
        assert f"job {bad} cannot be read" in hall.log.read_text()
        hall.stop()
        flip(hall.data / "hall.db", 18, 4)
        with pytest.raises(Silence, match="restore it from a backup"):
            hall.start()
    finally:
        hall.close()
