"""Files of jobs, there and back, with a real hall and real runners."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hirehall import Context, JobFailed, connect_async
from hirehall.client.files import files_of
from hirehall.client.jobs import JobInfo
from hirehall.runners.command import CommandRunner
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.port import MAX_RESULT, Runner
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import load, registry
from hirehall.service.files import Files as Keeper
from hirehall.testing import functions_of
from tests.worker.house import PATIENCE, House, eventually

LARGE = 3_000_000  # characters: no message has room for so many


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where workers make their directories."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def bases(place: Path) -> list[Path]:
    """The directories of workers; the hall has another one."""
    return list(place.glob(f"hirehall-{'?' * 16}"))


def left(place: Path) -> list[Path]:
    """The directories of attempts."""
    return [path for base in bases(place) for path in base.iterdir()]


def given(house: House, tmp_path: Path, **contents: bytes) -> list[dict[str, str]]:
    """Uploads, as a submit names them."""
    files = files_of(house.client)
    named = []
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        named.append({"name": name, "sha256": files.upload(path).sha256})
    return named


def outputs(house: House, job: str) -> dict[str, str]:
    """Names and digests of what its worker left."""
    return {file.name: file.sha256 for file in house.client.get([job])[0].files if file.direction == "out"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def turned(payload: Any, context: Context) -> list[str]:
    for name, path in context.files.items():
        (context.out / f"{name}.turned").write_bytes(path.read_bytes()[::-1])
    return sorted(context.files)


async def turned_later(payload: Any, context: Context) -> list[str]:
    return turned(payload, context)


TASKS = """
from hirehall import job

@job
def turned_elsewhere(payload, context):
    for name, path in context.files.items():
        (context.out / f"{name}.turned").write_bytes(path.read_bytes()[::-1])
    return sorted(context.files)

@job
def large_elsewhere(payload):
    return "x" * payload
"""
SCRIPT = """
cd "$HALL_IN"
for name in *; do rev < "$name" | tr -d '\\n' > "$HALL_OUT/$name.turned"; done
ls
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[ProcessRunner]:
    """Functions in processes of their own."""
    file = tmp_path / "tasks_with_files.py"
    file.write_text(TASKS)
    before = dict(registry.functions)
    load(str(file))
    yield ProcessRunner([registry.functions[kind] for kind in ("turned_elsewhere", "large_elsewhere")], [str(file)])
    registry.functions.clear()
    registry.functions.update(before)
    sys.path.remove(str(tmp_path))


def check_that_files_go_there_and_back(house: House, tmp_path: Path, place: Path, runner: Runner, kind: str) -> None:
    job = house.client.submit(kind, files=given(house, tmp_path, first=b"one", second=b"two"))
    house.hire(runner)
    assert job.result(timeout_seconds=PATIENCE) in (["first", "second"], "first\nsecond")
    assert outputs(house, job.id) == {"first.turned": sha256(b"eno"), "second.turned": sha256(b"owt")}
    fetched = files_of(house.client).download(job.id, "first.turned", tmp_path)
    assert fetched.read_bytes() == b"eno"
    eventually(lambda: not left(place))


@pytest.mark.parametrize("function", [turned, turned_later])
def test_a_function_reads_its_inputs_and_what_it_leaves_are_the_jobs_files(
    house: House, tmp_path: Path, place: Path, function: Callable[..., Any]
) -> None:
    runner = PythonRunner(functions_of([function]))
    check_that_files_go_there_and_back(house, tmp_path, place, runner, function.__name__)


def test_a_script_does_too(house: House, tmp_path: Path, place: Path) -> None:
    runner = CommandRunner("turned", ["sh", "-c", SCRIPT])
    check_that_files_go_there_and_back(house, tmp_path, place, runner, "turned")


@pytest.mark.slow
def test_a_function_in_a_process_of_its_own_does_too(
    house: House, tmp_path: Path, place: Path, elsewhere: ProcessRunner
) -> None:
    check_that_files_go_there_and_back(house, tmp_path, place, elsewhere, "turned_elsewhere")


def test_a_worker_that_has_left_leaves_no_directory(house: House, tmp_path: Path, place: Path) -> None:
    job = house.client.submit("turned", files=given(house, tmp_path, first=b"one"))
    agent = house.hire(PythonRunner(functions_of([turned])))
    job.result(timeout_seconds=PATIENCE)
    assert bases(place)
    house.order(agent, "drain")
    eventually(house.has_left)
    assert not bases(place)


def test_inputs_may_have_any_name_that_a_file_may_have(house: House, tmp_path: Path) -> None:
    names = ["a b ü.txt", "x" * 255, "part", "-rf", "first.part", "first"]
    content = given(house, tmp_path, one=b"1", two=b"2")
    files = [{"name": name, "sha256": content[number % 2]["sha256"]} for number, name in enumerate(names)]

    def read(payload: Any, context: Context) -> dict[str, str]:
        return {name: path.read_text() for name, path in context.files.items()}

    job = house.client.submit("read", files=files)
    house.hire(PythonRunner(functions_of([read])))
    assert job.result(timeout_seconds=PATIENCE) == {name: "12"[number % 2] for number, name in enumerate(names)}


def test_a_function_that_asks_for_a_directory_and_leaves_nothing_has_no_files(house: House, place: Path) -> None:
    def look(payload: Any, context: Context) -> int:
        return len(list(context.out.iterdir()))

    job = house.client.submit("look")
    house.hire(PythonRunner(functions_of([look])))
    assert job.result(timeout_seconds=PATIENCE) == 0
    assert outputs(house, job.id) == {}
    eventually(lambda: not left(place))


def test_what_a_function_left_before_it_failed_goes(house: House, place: Path) -> None:
    def fail(payload: Any, context: Context) -> None:
        (context.out / "half").write_text("of it")
        raise ValueError("no more")

    job = house.client.submit("fail", max_attempts=1)
    house.hire(PythonRunner(functions_of([fail])))
    with pytest.raises(JobFailed, match="no more"):
        job.result(timeout_seconds=PATIENCE)
    assert house.client.get([job.id])[0].files == []
    eventually(lambda: not left(place))


def test_the_asyncio_client_sends_files_too(house: House, tmp_path: Path) -> None:
    path = tmp_path / "first"
    path.write_bytes(b"one")
    house.hire(PythonRunner(functions_of([turned])))

    async def main() -> Any:
        async with connect_async(house.server.url, house.server.token) as hall:
            sent = await asyncio.to_thread(files_of(hall).upload, path)
            job = await hall.submit("turned", files=[{"name": "first", "sha256": sent.sha256}])
            return await job.result(PATIENCE)

    assert asyncio.run(main()) == ["first"]


# What cannot be sent.


def leave(*, what: str, out: Path) -> None:
    """One thing that is no file."""
    if what == "link":
        (out / "thing").symlink_to("/etc/passwd")
    elif what == "directory":
        (out / "thing").mkdir()
    elif what == "pipe":
        os.mkfifo(out / "thing")
    elif what == "large":
        with (out / "thing").open("wb") as file:
            file.truncate((1 << 30) + 1)
    elif what == "many":
        for number in range(65):
            (out / f"thing {number}").touch()
    else:
        (out / what).touch()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("link", "'thing', which is a link"),
        ("directory", "'thing', which is a directory"),
        ("pipe", "'thing', which is a pipe"),
        ("large", "'thing' with 1073741825 bytes: a file has at most 1073741824"),
        ("many", "66 files: 64 at most"),
        ("a:b", "file name 'a:b': it may hold none of"),
        ("a%2fb", "no %-escape"),
        ("NUL", "no device such as NUL"),
        ("\udcff", "no control characters"),
    ],
)
def test_what_is_no_file_fails_the_job_and_nothing_of_it_is_sent(
    house: House, place: Path, what: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    begin = Keeper.begin
    monkeypatch.setattr(Keeper, "begin", lambda *args: begun.append(args) or begin(*args))

    def work(payload: str, context: Context) -> None:
        (context.out / "a good one").touch()
        leave(what=what, out=context.out)

    job = house.client.submit("work")
    house.hire(PythonRunner(functions_of([work])))
    with pytest.raises(JobFailed) as failed:
        job.result(timeout_seconds=PATIENCE)
    assert words in str(failed.value)
    shown = house.client.get([job.id])[0]
    assert (shown.attempt, shown.files, begun) == (1, [], [])
    eventually(lambda: not left(place))


def test_a_directory_that_a_script_has_replaced_by_a_link_is_not_followed(house: House, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    line = f'rmdir "$HALL_OUT"; ln -s {tmp_path} "$HALL_OUT"'
    job = house.client.submit("script")
    house.hire(CommandRunner("script", ["sh", "-c", line]))
    with pytest.raises(JobFailed, match="one no more"):
        job.result(timeout_seconds=PATIENCE)


def test_an_input_that_comes_damaged_fails_the_attempt_and_another_may_get_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, pieces = Keeper.read, 0

    async def read_wrongly(keeper: Keeper, sha256: str, offset: int, count: int) -> bytes:
        nonlocal pieces
        pieces += 1
        piece = await read(keeper, sha256, offset, count)
        return piece.swapcase() if pieces == 1 else piece

    job = house.client.submit("turned", files=given(house, tmp_path, first=b"one"), backoff={"base_seconds": 0.01})
    monkeypatch.setattr(Keeper, "read", read_wrongly)
    house.hire(PythonRunner(functions_of([turned])))
    assert job.result(timeout_seconds=PATIENCE) == ["first"]
    shown = house.client.get([job.id])[0]
    assert shown.attempt == 2
    assert "came with the sha256" in shown.history[0]["error"]["message"]


# Large results.


def large(payload: int) -> str:
    return "x" * payload


def shown(house: House, job: str) -> JobInfo:
    return house.client.get([job])[0]


@pytest.mark.parametrize("kind", ["large", "large_elsewhere", "script", "result_file"])
def test_a_large_result_is_a_file_and_both_clients_read_it(
    house: House, kind: str, place: Path, elsewhere: ProcessRunner
) -> None:
    count = 'head -c $(cat "$HALL_PAYLOAD") /dev/zero | tr "\\0" x'
    house.hire(
        PythonRunner(functions_of([large])),
        elsewhere,
        CommandRunner("script", ["sh", "-c", count]),
        CommandRunner("result_file", ["sh", "-c", f'(printf \\"; {count}; echo \\") > "$HALL_RESULT"']),
    )
    job = house.client.submit(kind, LARGE)
    assert job.result(timeout_seconds=PATIENCE) == "x" * LARGE
    digest = sha256(b'"' + b"x" * LARGE + b'"')
    assert shown(house, job.id).result == {"$file": "result.json", "sha256": digest, "bytes": LARGE + 2}
    assert outputs(house, job.id) == {"result.json": digest}

    async def main() -> Any:
        async with connect_async(house.server.url, house.server.token) as hall:
            return await hall.job(job.id).result(PATIENCE)

    assert asyncio.run(main()) == "x" * LARGE
    eventually(lambda: not left(place))


def test_a_large_result_beside_files_takes_a_name_that_none_of_them_has(house: House) -> None:
    def work(payload: Any, context: Context) -> list[str]:
        for name in ("Result.json", "result-1.json"):
            (context.out / name).write_text(name)
        return ["x" * LARGE]

    job = house.client.submit("work")
    house.hire(PythonRunner(functions_of([work])))
    assert job.result(timeout_seconds=PATIENCE) == ["x" * LARGE]
    assert sorted(outputs(house, job.id)) == ["Result.json", "result-1.json", "result-2.json"]


def test_a_result_that_only_looks_like_a_reference_is_what_it_is(house: House) -> None:
    looks = {"$file": "result.json", "sha256": "0" * 64, "bytes": 3}

    def work(payload: Any, context: Context) -> Any:
        (context.out / "result.json").write_text("[1]")
        return payload

    house.hire(PythonRunner(functions_of([work])))
    for payload in (looks, {**looks, "more": 1}, {"$file": 1}):
        assert house.client.submit("work", payload).result(timeout_seconds=PATIENCE) == payload


def test_a_result_that_no_worker_should_hold_in_memory_fails_the_job(house: House) -> None:
    job = house.client.submit("large", MAX_RESULT, max_attempts=2)
    house.hire(PythonRunner(functions_of([large])))
    with pytest.raises(JobFailed, match="leave a file"):
        job.result(timeout_seconds=PATIENCE)
    assert shown(house, job.id).attempt == 1


# While it lasts.


class Brake:
    """Holds what the hall does with contents until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, deed: str) -> None:
        self.is_held = threading.Event()
        self.go = threading.Event()
        do = getattr(Keeper, deed)

        async def held(keeper: Keeper, *args: Any) -> Any:
            self.is_held.set()
            await asyncio.to_thread(self.go.wait, PATIENCE)
            return await do(keeper, *args)

        monkeypatch.setattr(Keeper, deed, held)


@pytest.fixture
def slow_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brake]:
    brake = Brake(monkeypatch, "write")
    yield brake
    brake.go.set()


@pytest.fixture
def slow_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brake]:
    brake = Brake(monkeypatch, "read")
    yield brake
    brake.go.set()


def test_the_lease_lives_while_files_are_sent(house: House, slow_up: Brake) -> None:
    job = house.client.submit("large", LARGE, max_attempts=1)
    house.hire(PythonRunner(functions_of([large])), lease_seconds=0.5)
    assert slow_up.is_held.wait(PATIENCE)
    end = time.monotonic() + 1.5  # three leases
    eventually(lambda: time.monotonic() > end)
    assert shown(house, job.id).state == "running"
    slow_up.go.set()
    assert job.result(timeout_seconds=PATIENCE) == "x" * LARGE


def test_a_job_is_cancelled_while_its_files_are_sent_and_its_place_is_free(house: House, slow_up: Brake) -> None:
    house.hire(PythonRunner(functions_of([large])), concurrency=1)
    job = house.client.submit("large", LARGE)
    assert slow_up.is_held.wait(PATIENCE)
    house.client.cancel(job.id)
    assert house.client.submit("large", 3).result(timeout_seconds=PATIENCE) == "xxx"
    assert (shown(house, job.id).state, shown(house, job.id).files) == ("cancelled", [])


def test_the_time_of_a_job_runs_while_its_files_are_sent(house: House, slow_up: Brake) -> None:
    house.hire(PythonRunner(functions_of([large])))
    job = house.client.submit("large", LARGE, timeout_seconds=0.3, max_attempts=1)
    with pytest.raises(JobFailed, match="longer than its timeout"):
        job.result(timeout_seconds=PATIENCE)


def test_a_job_that_is_cancelled_while_its_inputs_come_never_begins(
    house: House, slow_down: Brake, tmp_path: Path, place: Path
) -> None:
    begun = []

    def work(payload: Any, context: Context) -> None:
        begun.append(context.id)

    job = house.client.submit("work", files=given(house, tmp_path, first=b"one"))
    house.hire(PythonRunner(functions_of([work])), concurrency=1)
    assert slow_down.is_held.wait(PATIENCE)
    house.client.cancel(job.id)
    later = house.client.submit("work")
    later.result(timeout_seconds=PATIENCE)
    slow_down.go.set()
    assert begun == [later.id]
    eventually(lambda: not left(place))


def test_a_worker_that_drains_gives_back_what_has_not_begun_and_sends_what_has_run(
    house: House, slow_up: Brake, slow_down: Brake, tmp_path: Path
) -> None:
    slow_up.go.set()
    inputs = given(house, tmp_path, first=b"one")
    slow_up.go.clear()
    slow_up.is_held.clear()
    ran = house.client.submit("large", LARGE)
    waits = house.client.submit("turned", files=inputs)
    agent = house.hire(PythonRunner(functions_of([large, turned])))
    assert slow_up.is_held.wait(PATIENCE)
    assert slow_down.is_held.wait(PATIENCE)
    house.order(agent, "drain")
    eventually(lambda: shown(house, waits.id).state == "ready")
    assert shown(house, waits.id).forgiven == 1
    assert not house.has_left()
    slow_up.go.set()
    slow_down.go.set()
    assert ran.result(timeout_seconds=PATIENCE) == "x" * LARGE
    eventually(house.has_left)


def test_a_worker_that_is_told_to_stop_leaves_at_once_also_while_it_sends(
    house: House, slow_up: Brake, place: Path
) -> None:
    job = house.client.submit("large", LARGE)
    agent = house.hire(PythonRunner(functions_of([large])))
    assert slow_up.is_held.wait(PATIENCE)
    house.order(agent, "stop")
    eventually(house.has_left)
    found = shown(house, job.id)
    assert (found.state, found.forgiven, found.files) == ("ready", 1, [])
    assert not bases(place)
