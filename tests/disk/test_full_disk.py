"""G20: on a full disk new jobs are refused, results and removes go through, nothing that was answered is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hirehall.cli import checks
from tests.disk.small_disk import MIB, HallOnDisk, SmallDisk
from tests.system.jobs import view
from tests.system.lines import Hangup, Line, Message

DISK_MIB, BALLAST_MIB = 32, 4
PAYLOAD = "x" * 100_000
NORMAL_SECONDS = 10.0  # what G20 promises
PATIENCE = 60.0

Start = Callable[..., HallOnDisk]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        disk = SmallDisk(tmp_path / "disk", DISK_MIB)
    except OSError as exc:
        pytest.skip(f"{exc}: this needs root, and unshare and nsenter")
    yield disk
    disk.close()


@pytest.fixture
def start(disk: SmallDisk) -> Iterator[Start]:
    halls: list[HallOnDisk] = []

    def started(ballast: int = BALLAST_MIB) -> HallOnDisk:
        halls.append(HallOnDisk(disk, "--ballast", str(ballast)))
        halls[-1].start()
        return halls[-1]

    yield started
    for hall in halls:
        hall.close()


def fill_with_jobs(line: Line) -> list[str]:
    """Submit until the hall takes no more; the ids of what was answered."""
    ids: list[str] = []
    while "error" not in (reply := bulk(line)):
        ids += reply["ids"]
    assert reply["error"]["code"] == "storage_full", reply
    assert "free some space" in reply["error"]["message"]
    return ids


def bulk(line: Line) -> Message:
    ref = line.post("submit", kind="k", queue="big", jobs=[{"payload": PAYLOAD}] * 8)
    return line.answer(ref, PATIENCE)


def until(line: Line, cmd: str, **fields: Any) -> float:
    """Say it until it is taken; the seconds that this took."""
    began = time.monotonic()
    while "error" in (reply := line.ask(cmd, **fields)):
        assert reply["error"]["code"] == "storage_full", reply
        assert time.monotonic() - began < PATIENCE, reply
    return time.monotonic() - began


def is_full(line: Line) -> bool:
    return bool(line.ok("metrics")["metrics"]["storage_full"])


def go_on(line: Line, worker: Line, ids: list[str]) -> None:
    """Everything but submits: deliveries, results, releases, failures, cancels, removes, settings, beats."""
    worker.ok("work", queues=["big"], kinds=["*"], credit=4)
    first, second, third, _ = worker.runs(4, PATIENCE)
    worker.ok("beat")
    worker.ok("done", id=first["id"], attempt=first["attempt"], result=PAYLOAD)
    worker.ok("fail", id=second["id"], attempt=second["attempt"], error={"type": "E", "message": "m"})
    worker.ok("release", id=third["id"], attempt=third["attempt"])
    assert view(line, first["id"])["result"] == PAYLOAD
    line.ok("cancel", ids=[ids[-1]])
    line.ok("remove", ids=[ids[-1]])
    line.ok("queue", queue="big", max_running=100)
    worker.ok("work", queues=["nowhere"], kinds=["*"], credit=0)
    worker.ok("bye")


def go_on_and_fill(line: Line, worker: Line, ids: list[str]) -> None:
    go_on(line, worker, ids)
    fill_with_jobs(line)


def found(line: Line, ids: list[str]) -> list[Message]:
    return [job for at in range(0, len(ids), 8) for job in line.ok("get", ids=ids[at : at + 8])["jobs"]]


def check_all_are_there(line: Line, ids: list[str], but: int = 0) -> None:
    jobs = found(line, ids)
    assert len(jobs) == len(ids) - but
    assert {len(job["payload"]) for job in jobs} == {len(PAYLOAD)}


@pytest.mark.parametrize("is_taken", [False, True], ids=["little-is-left", "nothing-is-left"])
def test_jobs_fill_the_disk_and_removing_some_makes_room(disk: SmallDisk, start: Start, is_taken: bool) -> None:
    hall = start()
    assert hall.ballast == BALLAST_MIB * MIB
    line, worker = hall.session(), hall.session(worker="w-1")
    twin = line.ok("submit", kind="k", queue="other", key="twin")["id"]
    ids = fill_with_jobs(line)
    assert hall.ballast == BALLAST_MIB * MIB, "low water comes first"
    assert is_full(line)
    assert line.refusal("submit", kind="k") == "storage_full"
    assert line.refusal("submit", kind="k", jobs=[{}, {}]) == "storage_full"
    again = line.ok("submit", kind="k", queue="other", key="twin")
    assert (again["id"], again["duplicate"]) == (twin, True)
    if is_taken:
        disk.fill()  # and nobody gives that back
        hall.restart()
        line, worker = hall.session(), hall.session(worker="w-1")
        assert hall.ballast == 0
    go_on(line, worker, ids)
    check_all_are_there(line, ids, but=1)
    for at in range(0, len(ids) - 8, 8):
        line.ok("cancel", ids=ids[at : at + 8])
        line.ok("remove", ids=ids[at : at + 8])
    assert until(line, "submit", kind="k") < NORMAL_SECONDS
    assert not is_full(line)
    assert hall.ballast == BALLAST_MIB * MIB
    assert [word in hall.log.read_text() for word in ("is full: no new jobs", "has space again")] == [True, True]


def test_somebody_else_fills_the_disk_and_the_ballast_is_used_and_made_again(disk: SmallDisk, start: Start) -> None:
    hall = start()
    line, worker = hall.session(), hall.session(worker="w-1")
    ids = [job for _ in range(4) for job in bulk(line)["ids"]]
    disk.fill()
    assert disk.free == 0
    go_on(line, worker, ids)
    ids += fill_with_jobs(line)
    hall.restart()  # killed, and started on a full disk
    line, worker = hall.session(), hall.session(worker="w-2")
    assert is_full(line)
    finding = checks.hall(hall.data, None, None, str(hall.data))
    assert (finding.level, "its disk is full" in finding.found) == ("problem", True)
    go_on(line, worker, ids[:-1])
    check_all_are_there(line, ids, but=2)
    disk.clear()
    assert until(line, "submit", kind="k") < NORMAL_SECONDS
    assert hall.ballast == BALLAST_MIB * MIB
    assert bulk(line)["ok"]
    assert hall.stop() == 0


def test_a_hall_starts_on_a_disk_that_was_filled_meanwhile(disk: SmallDisk, start: Start) -> None:
    hall = start()
    ids = bulk(hall.session())["ids"]
    for end in (hall.kill, hall.stop):
        end()
        disk.fill()
        hall.start()
        line, worker = hall.session(), hall.session(worker="w-1")
        assert line.refusal("submit", kind="k") == "storage_full"
        go_on(line, worker, ids)
        ids.pop()
        disk.clear()
        assert until(line, "submit", kind="k") < NORMAL_SECONDS


def test_without_a_ballast_a_full_disk_ends_the_hall_and_what_was_answered_is_there(
    disk: SmallDisk, start: Start
) -> None:
    """The control: what the tests above show is the ballast's doing."""
    hall = start(0)
    line, worker = hall.session(), hall.session(worker="w-1")
    ids = [job for _ in range(4) for job in bulk(line)["ids"]]
    disk.fill()
    with pytest.raises(Hangup):
        go_on_and_fill(line, worker, ids)
    assert hall.ended(PATIENCE) == 74
    disk.clear()
    line = hall.start().session()
    assert len(found(line, ids)) >= len(ids) - 1


def test_a_small_disk_gives_a_quarter_at_most(disk: SmallDisk, start: Start) -> None:
    hall = start(128)
    assert hall.ballast == DISK_MIB * MIB // 4
    assert hall.session().ok("submit", kind="k")
