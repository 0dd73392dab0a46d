"""A hall whose store is gone, while its workers and clients are not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import hirehall
from tests.chaos.house import first_answer, replaced
from tests.system.audit import find_jobs
from tests.system.hall_process import Hall
from tests.system.jobs import at_work, submit

pytestmark = pytest.mark.slow


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "hall")
    hall.data.mkdir(mode=0o700)
    try:
        yield hall.start()
    finally:
        hall.close()


def lose(hall: Hall, *names: str) -> None:
    """Kill it and remove these files of its store."""
    hall.kill()
    for name in names:
        (hall.data / name).unlink()


def refused(hall: Hall) -> str:
    """What it says when it does not start."""
    found = subprocess.run(hall.command(), capture_output=True, text=True, timeout=20, check=False)
    assert (found.returncode, found.stdout) == (78, ""), found.stderr
    return found.stderr


def test_a_hall_without_its_store_begins_without_jobs_and_says_so(hall: Hall) -> None:
    token = hall.access["token"]
    job = submit(hall.session())
    lose(hall, "hall.db", "hall.db-wal", "hall.db-shm")
    hall.start()
    line = hall.session()
    assert hall.access["token"] == token
    assert line.ok("get", ids=[job])["missing"] == [job]
    assert find_jobs(line) == {}
    assert "is gone, though a hall has run here before: this one begins without jobs" in hall.log.read_text()


def test_a_store_of_no_bytes_is_one_that_is_gone(hall: Hall) -> None:
    submit(hall.session())
    lose(hall, "hall.db-wal", "hall.db-shm")
    (hall.data / "hall.db").write_bytes(b"")
    hall.start()
    assert find_jobs(hall.session()) == {}
    assert "is gone, though a hall has run here before" in hall.log.read_text()


def test_a_first_start_says_nothing_of_the_kind(hall: Hall) -> None:
    assert "is gone" not in hall.log.read_text()


def test_the_log_of_a_store_that_is_gone_is_not_thrown_away(hall: Hall) -> None:
    job = submit(hall.session(), payload="kept")
    hall.kill()
    path = hall.data / "hall.db"
    path.rename(hall.data / "elsewhere")
    assert "put that file back beside it, or move the log away" in refused(hall)
    (hall.data / "elsewhere").rename(path)
    hall.start()
    assert find_jobs(hall.session()).keys() == {job}


def test_a_store_of_a_few_bytes_is_refused(hall: Hall) -> None:
    lose(hall, "hall.db-wal", "hall.db-shm")
    (hall.data / "hall.db").write_bytes(b"SQLite")
    found = subprocess.run(hall.command(), capture_output=True, text=True, timeout=20, check=False)
    assert found.returncode != 0
    assert "is no database" in found.stderr
    assert (hall.data / "hall.db").read_bytes() == b"SQLite"


def test_a_new_store_knows_nothing_of_what_workers_of_the_old_one_hold(hall: Hall) -> None:
    client = hall.session()
    job = submit(client, key="one")
    worker = at_work(hall, "default")
    assert worker.runs(1)[0]["id"] == job
    hall.kill()
    hall.data.rename(replaced(hall.data))
    hall.data.mkdir(mode=0o700)
    hall.start()
    worker = hall.session(worker="ann-default", name="ann")
    assert worker.ok("keep", jobs=[{"id": job, "attempt": 1}]) == {"ok": True, "ref": 2, "kept": [], "lost": [job]}
    for cmd in ("done", "fail", "release"):
        assert worker.refusal(cmd, id=job, attempt=1) == "not_found"
    again = submit(hall.session(), key="one")
    assert again != job
    assert find_jobs(hall.session()).keys() == {again}


def test_a_client_that_follows_a_job_of_the_old_store_hears_that_it_is_not_known(hall: Hall) -> None:
    with hirehall.connect(data=hall.data) as client:
        job = client.submit("k", key="one", follow=True)
        lose(hall, "hall.db", "hall.db-wal", "hall.db-shm")
        hall.start()
        with pytest.raises(hirehall.HallError, match=job.id):
            job.result(timeout_seconds=20)


def test_without_its_unix_socket_a_hall_is_reached_by_tcp_and_a_restart_makes_it_anew(hall: Hall) -> None:
    with hirehall.connect(data=hall.data) as before:
        Path(hall.unix).unlink()
        with hirehall.connect(data=hall.data) as after:
            job = after.submit("k", {"n": 1})
        assert before.get([job.id])[0].id == job.id
    hall.restart()
    first_answer(f"hall+unix://{hall.unix}")
