"""Files of jobs, there and back, with a real hall and real runners."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hirehall import Context, JobFailed, connect_async
from hirehall.client.files import files_of
from hirehall.runners.command import CommandRunner
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.port import Runner
from hirehall.runners.python import PythonRunner
from hirehall.service.files import Files as Keeper
from hirehall.testing import functions_of
from tests.patience import eventually
from tests.worker.cargo import (
    SCRIPT,
    bases,
    given,
    left,
    outputs,
    sha256,
    turned,
    turned_later,
)
from tests.worker.house import PATIENCE, House

pytestmark = pytest.mark.usefixtures("place")


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
