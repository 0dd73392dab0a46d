"""Files of older halls: brought up to date when they are opened, and nothing in them is lost."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path

import apsw
import pytest

from hirehall.cli.main import run as run_command
from hirehall.core.lanes import lane_number
from hirehall.errors import HallError, Unavailable
from hirehall.model import LaneKey, State
from hirehall.stores import sqlite_upgrade
from hirehall.stores.sqlite_upgrade import SCHEMA_VERSION, STEPS
from tests.stores.books import BERT, START_MS, Books, spec
from tests.stores.makers import SQLiteFile
from tests.system.hall_process import Hall

OLD = {version: Path(__file__).with_name("data") / f"schema-{version}.db" for version in (1, 2)}
ENDED = ("succeeded", "failed", "cancelled", "expired")
HOLDER = "local/w-1"


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest) -> int:
    """An older version of the schema."""
    return int(request.param)


@pytest.fixture
def file(tmp_path: Path, old: int) -> SQLiteFile:
    """The data directory of an older hall."""
    file = SQLiteFile(tmp_path)
    Path(file.path).parent.mkdir()
    shutil.copyfile(OLD[old], file.path)
    return file


def version(file: SQLiteFile) -> int:
    db = apsw.Connection(file.path)
    try:
        return db.pragma("user_version")
    finally:
        db.close()


def schema(path: Path | str) -> set[tuple[str, str]]:
    db = apsw.Connection(str(path))
    try:
        return set(db.execute("SELECT name, sql FROM sqlite_schema"))
    finally:
        db.close()


def test_an_old_file_is_old(old: int) -> None:
    with OLD[old].open("rb") as file:
        header = file.read(100)
    assert int.from_bytes(header[60:64]) == old < SCHEMA_VERSION


def test_an_old_file_gets_the_schema_of_a_new_one(file: SQLiteFile, tmp_path: Path, runner: asyncio.Runner) -> None:
    fresh = SQLiteFile(tmp_path / "fresh")
    for each in (file, fresh):
        Books(each.make, runner.run).close()
    assert version(file) == version(fresh) == SCHEMA_VERSION
    assert schema(file.path) == schema(fresh.path)


def test_every_job_of_an_old_file_is_there_as_it_was(file: SQLiteFile, runner: asyncio.Runner) -> None:
    books = Books(file.make, runner.run)
    jobs = {job.kind: job for job in books.all_jobs() if job.kind != "ready"}
    assert {kind: job.state.word for kind, job in jobs.items()} == {
        **{state: state for state in ENDED}, "scheduled": "scheduled", "again": "scheduled", "running": "running",
    }  # fmt: skip
    done = jobs["succeeded"]
    assert (done.payload, done.result, done.key, done.rules.meta) == (b"[1, 2]", b'{"sum": 3}', "sum", {"trace": "abc"})
    tries = json.loads(jobs["failed"].history or b"")
    assert [(attempt["attempt"], attempt["error"]["type"]) for attempt in tries] == [
        (1, "ValueError"),
        (2, "ValueError"),
    ]
    held = jobs["running"]
    assert (held.worker, held.holder, held.attempt, held.rules.timeout_seconds) == ("render-01", HOLDER, 1, 3600.0)
    books.check_sums(file)
    books.close()


def test_lanes_and_counts_of_an_old_file_are_recovered_with_the_running_job(
    file: SQLiteFile, runner: asyncio.Runner
) -> None:
    books = Books(file.make, runner.run)
    found = books.recover()
    ready = {(key.queue, key.requires, key.priority): jobs for _, key, jobs in found.lanes}
    assert ready == {
        ("images", "{}", 5): 2, ("images", "{}", 0): 2, ("images", "{}", -1): 2, ("default", '{"gpu":1}', 0): 1,
    }  # fmt: skip
    assert [(row.kind, row.holder, row.attempt, row.lease_seconds) for row in found.running] == [
        ("running", HOLDER, 1, 30.0)
    ]
    books.close()


def test_work_goes_on_in_an_old_file(file: SQLiteFile, runner: asyncio.Runner) -> None:
    books = Books(file.make, runner.run)
    books.wall_ms = START_MS + 86_400_000
    lane = next(number for number, key, _ in books.recover().lanes if key.priority == 5)
    first = min(job.id for job in books.all_jobs() if job.kind == "ready" and job.priority == 5)
    assert books.claimed(lane, BERT) == [first]
    assert books.succeed_in_hand(first, holder=BERT).answer == "applied"
    (held,) = [job.id for job in books.all_jobs() if job.state is State.RUNNING]
    assert books.succeed(held, holder=HOLDER, in_hand=True, lane=books.lane_of(held)).answer == "applied"
    new = books.one("ready", queue="images")
    assert new > max(job.id for job in books.all_jobs() if job.id != new)
    again = books.submit(spec("scheduled", key="new-year", run_at="2060-01-01T00:00:00Z"))
    assert list(again.duplicates.values()) == [State.SCHEDULED]
    books.check_sums(file)
    books.reopen()
    assert Counter(books.states(first, held, new)) == {"succeeded": 2, "ready": 1}
    books.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(
    file: SQLiteFile, old: int, runner: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema(file.path)
    bad = tmp_path / "999.sql"
    bad.write_text("CREATE TABLE half_a_step (a); CREATE TABLE jobs (a);")
    monkeypatch.setattr(sqlite_upgrade, "STEPS", {**STEPS, SCHEMA_VERSION + 1: bad})
    with pytest.raises(HallError, match="table jobs already exists"):
        runner.run(file.make().open())
    monkeypatch.undo()
    assert (version(file), schema(file.path)) == (old, before)
    Books(file.make, runner.run).close()
    assert version(file) == SCHEMA_VERSION


def test_a_file_of_another_program_is_refused_whatever_its_version(tmp_path: Path, runner: asyncio.Runner) -> None:
    file = SQLiteFile(tmp_path)
    Path(file.path).parent.mkdir()
    db = apsw.Connection(file.path)
    db.execute("CREATE TABLE jobs (name TEXT)")
    db.pragma("user_version", 1)
    db.close()
    with pytest.raises(Unavailable, match="another program"):
        runner.run(file.make().open())
    assert {name for name, _ in schema(file.path)} == {"jobs"}


def test_the_lane_of_a_job_means_the_same_in_an_old_file(file: SQLiteFile, runner: asyncio.Runner) -> None:
    """Lane numbers are hashes: a hall that hashes otherwise would open a second lane beside the old one."""
    books = Books(file.make, runner.run)
    lanes = {number: key for number, key, _ in books.recover().lanes}
    assert {lane_number(LaneKey(*key)) for key in lanes.values()} == lanes.keys()
    books.close()


# `hirehall migrate show`.


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = run_command(["migrate", "show", *arguments])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_migrate_show_names_the_steps_and_touches_nothing(
    file: SQLiteFile, old: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(file.path).parent
    status, said = shown(capsys, "--data", str(folder), "--json")
    steps = [step for step in STEPS if step > old]
    assert status == 0
    assert json.loads(said) == {"file": file.path, "version": old, "latest": SCHEMA_VERSION, "steps": steps}
    assert f"{SCHEMA_VERSION:03}" in shown(capsys, "--store", f"sqlite:{file.path}")[1]
    assert Path(file.path).read_bytes() == OLD[old].read_bytes()
    assert [path.name for path in folder.iterdir()] == ["hall.db"]


def test_migrate_show_where_nothing_is_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = shown(capsys, "--data", str(tmp_path / "data"))
    assert (status, "not there yet" in said) == (0, True)
    assert list(tmp_path.iterdir()) == []


def test_migrate_show_refuses_what_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hall.db"
    path.write_bytes(b"a text that is long enough to look like a database" * 40)
    status, said = shown(capsys, "--data", str(tmp_path))
    assert (status, str(path) in said) == (3, True)


def test_migrate_show_works_while_a_hall_runs_and_after_it_was_killed(
    file: SQLiteFile, capsys: pytest.CaptureFixture[str]
) -> None:
    hall = Hall(Path(file.path).parent)
    try:
        hall.start()
        hall.session().ok("submit", kind="one")
        running = json.loads(shown(capsys, "--data", str(hall.data), "--json")[1])
        hall.kill()
        killed = json.loads(shown(capsys, "--data", str(hall.data), "--json")[1])
    finally:
        hall.close()
    assert running == killed
    assert (running["version"], running["steps"]) == (SCHEMA_VERSION, [])
