"""Backup of a hall that works, and restore: everything that was answered before is there, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from hirehall.cli.main import run as run_command
from hirehall.client.files import Files
from hirehall.errors import StoreBroken
from hirehall.model import first_id, id_number
from hirehall.stores import sqlite_backup
from hirehall.stores.sqlite_backup import backup, restore
from hirehall.stores.sqlite_upgrade import SCHEMA_VERSION
from tests.system.crew import Crew
from tests.system.hall_process import Hall
from tests.system.lines import Line

OLD = Path(__file__).with_name("data") / "schema-1.db"
PATIENCE = 20.0  # seconds
FAR = 1 << 60  # an id that a clock far ahead gave out
KIND = "kind-0"

MakeHall = Callable[[str], Hall]
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def make_hall(tmp_path: Path) -> Iterator[MakeHall]:
    """A hall on a data directory of this name; not started."""
    halls: list[Hall] = []

    def make(name: str) -> Hall:
        halls.append(Hall(tmp_path / name))
        return halls[-1]

    yield make
    for hall in halls:
        hall.close()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `hirehall`; its status and what it said."""

    def run(*words: str | Path) -> tuple[int, str]:
        status = run_command([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def submit(line: Line, **fields: Any) -> str:
    return str(line.ok("submit", **{"kind": KIND, **fields})["id"])


def states(line: Line, *ids: str) -> list[str]:
    return [job["state"] for job in line.ok("get", ids=list(ids))["jobs"]]


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# While the hall works.


def test_a_backup_under_load_holds_every_job_that_was_answered_before_it_began(
    make_hall: MakeHall, command: Command, tmp_path: Path
) -> None:
    hall = make_hall("hall").start()
    crew = Crew(hall.data, tmp_path)
    file = tmp_path / "copy.db"
    try:
        crew.submit("load", 1_000, "--rate", "400", "--bulk", "5", "--longest", "1")
        crew.hire("--credit", "8")
        crew.await_ends(100, PATIENCE)
        answered = [json.loads(line)["id"] for line in crew.acks[0].read_text().splitlines()]
        status, said = command("backup", file, "--data", hall.data, "--json")
        assert status == 0
        crew.await_submitters(PATIENCE)
        crew.await_ends(1_000, PATIENCE)
    finally:
        crew.close()
    made = json.loads(said)
    assert len(answered) <= made["jobs"] < 1_000, "it was not made under load"
    assert made["bytes"] == file.stat().st_size
    assert command("restore", file, "--data", tmp_path / "second")[0] == 0
    second = make_hall("second").start().session()
    for start in range(0, len(answered), 500):
        assert second.ok("get", ids=answered[start : start + 500])["missing"] == []


def test_a_backup_shows_one_moment_though_the_hall_writes_between_its_pieces(
    make_hall: MakeHall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_backup, "PIECE_PAGES", 1)
    hall = make_hall("hall").start()
    line = hall.session()
    for number in range(10):
        submit(line, payload="x" * 3_000, key=f"k{number}")
    pieces = []

    def between(done: int, total: int) -> None:
        pieces.append(done)
        assert len(pieces) <= 50, "it begins again and again"
        submit(line)

    made = backup(hall.data / "hall.db", tmp_path / "copy.db", between)
    assert (made.jobs, pieces) == (10, list(range(1, len(pieces) + 1)))
    assert len(pieces) > 10


def test_a_backup_says_that_files_are_beside_it_and_with_their_copy_all_is_there(
    make_hall: MakeHall, command: Command, tmp_path: Path
) -> None:
    hall, plan = make_hall("hall").start(), tmp_path / "plan.bin"
    plan.write_bytes(b"a plan" * 50_000)
    assert "their files" not in command("backup", tmp_path / "none.db", "--data", hall.data)[1]
    sent = Files(hall.access["http"], hall.access["token"]).upload(plan)
    job = submit(hall.session(), files=[{"name": "plan", "sha256": sent.sha256}])
    status, said = command("backup", tmp_path / "copy.db", "--data", hall.data)
    assert status == 0
    assert f"copy {hall.data / 'blobs'} (contents: 1, 0.3 MiB)" in said
    shutil.copytree(hall.data / "blobs", tmp_path / "blobs", ignore=shutil.ignore_patterns("uploads"))
    hall.stop()
    second = make_hall("second")
    status, said = command("restore", tmp_path / "copy.db", "--data", second.data)
    assert f"1 of 1 contents of files are not in {second.data / 'blobs'}" in said
    shutil.copytree(tmp_path / "blobs", second.data / "blobs")
    assert "are not in" not in command("restore", tmp_path / "copy.db", "--data", second.data, "--force")[1]
    second.start()
    back = Files(second.access["http"], second.access["token"]).download(job, "plan", tmp_path / "second")
    assert back.read_bytes() == plan.read_bytes()


def test_a_backup_changes_nothing_of_the_halls(make_hall: MakeHall, command: Command, tmp_path: Path) -> None:
    hall = make_hall("hall").start()
    submit(hall.session())
    for end in (lambda: None, hall.kill, lambda: hall.start().stop()):
        end()
        before = contents(hall.data)
        status, said = command("backup", tmp_path / "copy.db", "--data", hall.data, "--force", "--json")
        assert (status, json.loads(said)["jobs"]) == (0, 1)
        assert contents(hall.data) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the log's index, where readers leave their marks."""
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.endswith("-shm")]
    return {path.name: path.read_bytes() for path in files}


def test_a_backup_is_one_file_for_its_owner_alone(make_hall: MakeHall, command: Command, tmp_path: Path) -> None:
    hall = make_hall("hall").start()
    submit(hall.session())
    (tmp_path / "backups").mkdir()
    file = tmp_path / "backups" / "copy.db"
    assert command("backup", file, "--data", hall.data)[0] == 0
    assert in_folder(file.parent) == {"copy.db"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_that_is_given_up_leaves_nothing(make_hall: MakeHall, tmp_path: Path) -> None:
    hall = make_hall("hall").start()
    (tmp_path / "backups").mkdir()

    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(hall.data / "hall.db", tmp_path / "backups" / "copy.db", interrupted)
    assert in_folder(tmp_path / "backups") == set()


def test_a_damaged_file_makes_no_backup(make_hall: MakeHall, tmp_path: Path) -> None:
    hall = make_hall("hall").start()
    for number in range(50):
        submit(hall.session(), payload="x" * 3_000, key=f"k{number}")
    hall.stop()
    database = hall.data / "hall.db"
    with database.open("r+b") as file:
        file.seek(database.stat().st_size // 4096 // 2 * 4096)
        file.write(os.urandom(4096))
    with pytest.raises(StoreBroken, match="damaged"):
        backup(database, tmp_path / "copy.db", lambda done, total: None)
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("there.db", "--force"),
        ("hall/hall.db", "the hall's own"),
        ("hall/hall.db-wal", "the hall's own"),
        (".", "directory"),
    ],
)
def test_a_backup_does_not_replace_what_is_there(
    make_hall: MakeHall, command: Command, tmp_path: Path, file: str, words: str
) -> None:
    hall = make_hall("hall").start()
    (tmp_path / "there.db").write_text("mine")
    status, said = command("backup", tmp_path / file, "--data", hall.data)
    assert (status, words in said) == (2, True)
    assert (tmp_path / "there.db").read_text() == "mine"
    assert states(hall.session(), submit(hall.session())) == ["ready"]


def test_where_there_is_no_hall_there_is_no_backup(command: Command, tmp_path: Path) -> None:
    status, said = command("backup", tmp_path / "copy.db", "--data", tmp_path / "nowhere")
    assert (status, "nowhere" in said) == (3, True)
    assert in_folder(tmp_path) == set()
    assert command("backup", tmp_path / "copy.db", "--store", "memory:")[0] == 2


# Restore.


@pytest.fixture
def copy(make_hall: MakeHall, tmp_path: Path) -> Path:
    """A backup of a hall that still runs: one job waits, one is running with a short lease, one has succeeded."""
    hall = make_hall("first").start()
    client, worker = hall.session(), hall.session(worker="w-1", name="ann")
    worker.ok("work", kinds=[KIND], credit=1, lease_seconds=0.5)
    submit(client, key="done")
    (job,) = worker.runs(1)
    worker.ok("done", id=job["id"], attempt=1, result=[1])
    submit(client, key="held")
    worker.runs(1)
    submit(client, key="waiting")
    backup(hall.data / "hall.db", tmp_path / "copy.db", lambda done, total: None)
    return tmp_path / "copy.db"


def test_a_restored_hall_goes_on_where_the_backup_was_made(
    make_hall: MakeHall, copy: Path, command: Command, tmp_path: Path
) -> None:
    status, said = command("restore", copy, "--data", tmp_path / "second", "--json")
    assert status == 0
    made = json.loads(said)
    assert made == {"file": str(tmp_path / "second" / "hall.db"), "version": SCHEMA_VERSION, "jobs": 3, "running": 1,
                    "kept": None, "contents": 0, "contents_missing": 0}  # fmt: skip
    line = make_hall("second").start().session(worker="w-2")
    done = line.ok("submit", kind=KIND, key="done")
    assert (done["duplicate"], done["state"]) == (True, "succeeded")
    line.ok("work", kinds=[KIND], credit=2)
    runs = {run["attempt"]: run["id"] for run in line.runs(2, within=PATIENCE)}
    assert runs.keys() == {1, 2}, "the running job's lease did not run out"
    assert runs[2] < runs[1]


def test_ids_go_on_behind_those_that_were_given_out_since_the_backup(
    make_hall: MakeHall, copy: Path, command: Command
) -> None:
    first = make_hall("first")  # started by `copy`: another handle on the same directory
    later = [submit(first.session()) for _ in range(3)]
    hall = make_hall("second").start()
    own = submit(hall.session())
    hall.stop()
    assert command("restore", copy, "--data", hall.data, "--force")[0] == 0
    new = submit(hall.start().session())
    assert new > max(*later, own)


def test_ids_go_on_even_behind_a_clock_that_was_ahead(make_hall: MakeHall, copy: Path, command: Command) -> None:
    hall = make_hall("second").start()
    hall.stop()
    db = apsw.Connection(str(hall.data / "hall.db"))
    db.execute("UPDATE meta SET value = ? WHERE name = 'last_id'", (FAR,))
    db.close()
    assert command("restore", copy, "--data", hall.data)[0] == 0
    assert id_number(submit(hall.start().session())) > FAR


def test_a_copy_gives_out_other_ids_than_the_hall_it_was_made_of(copy: Path, tmp_path: Path) -> None:
    now = time.time_ns() // 1_000_000
    for name in ("a", "b"):
        restore(copy, tmp_path / name / "hall.db", lambda done, total: None, now)
    numbers = [meta(path) for path in (copy, tmp_path / "a" / "hall.db", tmp_path / "b" / "hall.db")]
    assert numbers[0]["database"] not in {numbers[1]["database"], numbers[2]["database"]}
    assert numbers[1]["last_id"] >= first_id(now, 0) > numbers[0]["last_id"]


def meta(path: Path) -> dict[str, int]:
    db = apsw.Connection(str(path))
    try:
        return dict(db.execute("SELECT name, value FROM meta"))
    finally:
        db.close()


def test_nothing_is_restored_where_a_hall_runs(make_hall: MakeHall, copy: Path, command: Command) -> None:
    hall = make_hall("second").start()
    job = submit(hall.session())
    status, said = command("restore", copy, "--data", hall.data, "--force")
    assert (status, "stop it" in said) == (3, True)
    assert states(hall.session(), job) == ["ready"]
    assert not any("restore" in name for name in in_folder(hall.data))


def test_jobs_that_are_there_are_replaced_only_by_force_and_kept(
    make_hall: MakeHall, copy: Path, command: Command, tmp_path: Path
) -> None:
    hall = make_hall("second").start()
    job = submit(hall.session())
    hall.kill()  # what it wrote last is in the log only
    status, said = command("restore", copy, "--data", hall.data)
    assert (status, "--force" in said) == (2, True)
    status, said = command("restore", copy, "--data", hall.data, "--force", "--json")
    kept = Path(json.loads(said)["kept"])
    assert kept.name.startswith("hall.db.before-restore-")
    assert in_folder(hall.data) & {"hall.db-wal", "hall.db-shm"} == set()
    line = hall.start().session()
    assert line.ok("get", ids=[job])["missing"] == [job]
    third = make_hall("third")
    third.data.mkdir()
    shutil.copyfile(kept, third.data / "hall.db")
    assert states(third.start().session(), job) == ["ready"]


def test_a_damaged_file_is_replaced_by_force_and_its_log_does_not_get_into_the_new_one(
    make_hall: MakeHall, copy: Path, command: Command
) -> None:
    hall = make_hall("second").start()
    hall.stop()
    job = submit(hall.start().session())
    hall.kill()
    database = hall.data / "hall.db"
    database.write_bytes(b"nothing that could be read " * (database.stat().st_size // 27))
    status, said = command("restore", copy, "--data", hall.data)
    assert (status, "cannot be read" in said) == (2, True)
    assert command("restore", copy, "--data", hall.data, "--force")[0] == 0
    assert any(name.endswith("Z-wal") for name in in_folder(hall.data))
    line = hall.start().session()
    assert line.ok("get", ids=[job])["missing"] == [job]
    assert line.ok("submit", kind=KIND, key="done")["duplicate"] is True


@pytest.mark.parametrize("content", [b"a text that is long enough to look like a database" * 40, b"short", b""])
def test_what_is_no_backup_is_refused(command: Command, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "copy.db"
    file.write_bytes(content)
    status, said = command("restore", file, "--data", tmp_path / "second")
    assert (status, "copy.db" in said) == (3, True)
    assert not (tmp_path / "second" / "hall.db").exists()


def test_a_backup_of_a_newer_hall_is_refused(copy: Path, command: Command, tmp_path: Path) -> None:
    db = apsw.Connection(str(copy))
    db.pragma("user_version", SCHEMA_VERSION + 1)
    db.close()
    status, said = command("restore", copy, "--data", tmp_path / "second")
    assert (status, "newer hirehall" in said) == (3, True)
    assert not (tmp_path / "second" / "hall.db").exists()


def test_an_old_halls_file_is_backed_up_as_it_is_and_brought_up_to_date_by_the_hall_it_is_restored_to(
    make_hall: MakeHall, command: Command, tmp_path: Path
) -> None:
    shutil.copyfile(OLD, tmp_path / "old.db")
    status, said = command("backup", tmp_path / "copy.db", "--store", f"sqlite:{tmp_path / 'old.db'}", "--json")
    assert (status, json.loads(said)["version"]) == (0, 1)
    assert command("restore", tmp_path / "copy.db", "--data", tmp_path / "second")[0] == 0
    line = make_hall("second").start().session()
    assert len(line.ok("find", limit=100)["jobs"]) == 14
    line.ok("work", queues=["images"], kinds=["ready"], credit=1)
    assert line.runs(1)[0]["attempt"] == 1
