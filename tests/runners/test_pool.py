"""Functions in processes of their own: real ones, each test with its own file of tasks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from hirehall.runners.pool import ProcessExecution, ProcessRunner
from hirehall.runners.port import Failure, Outcome, Released, Success, Why
from hirehall.runners.registry import Registry, load, registry
from tests.runners.stage import PATIENCE_SECONDS, Notes, a_job, outcome_of, until

pytestmark = pytest.mark.slow

TASKS = """
import asyncio, logging, os, re, signal, subprocess, sys, time
from hirehall import Context, Fail, job

@job
def double(payload):
    return payload * 2

@job
async def later(payload, context):
    context.progress(50, "half")
    await asyncio.sleep(0)
    return [payload, context.id, context.attempt]

@job
def whoami(payload):
    return os.getpid()

@job
def hang(payload):
    if payload:
        open(payload, "w").write(str(os.getpid()))
    while True:
        time.sleep(0.01)

@job
def hold_the_interpreter(payload):
    open(payload, "w").write(str(os.getpid()))
    re.match("(a+)+$", "a" * 60 + "b")  # years in C, without letting any other thread run

@job
def heed(payload, context):
    context.progress(1, "waiting")
    context.stopping.wait()
    return "heeded"

@job
def stubborn(payload, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-S", "-c", "import os, time; os.setsid(); time.sleep(1000)"])
    context.progress(1, f"{os.getpid()} {child.pid}")
    while True:
        time.sleep(0.01)

@job
def late(payload, context):
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    context.progress(1, "waiting")
    while not told:
        time.sleep(0.01)
    return "after all"

@job
async def hang_the_loop(payload, context):
    context.progress(1, "waiting")
    while True:
        time.sleep(0.01)

@job
def when_told(payload):
    while not os.path.exists(payload):
        time.sleep(0.01)
    return "finished"

@job
def die(payload):
    print("last words")
    if payload == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, payload))

@job
def chat(payload, context):
    print("printed")
    print("complaint", file=sys.stderr)
    logging.getLogger("mine").warning("logged")
    context.log("said")
    subprocess.run(["echo", "from a child"])
    os.write(1, b"no end")

@job
def fail(payload):
    raise Fail("no good")

@job
def odd_payload(payload):
    return None

@job(timeout_seconds=0.05)
def limited(payload):
    time.sleep(1000)
"""

Play = Callable[[ProcessRunner], Awaitable[None]]


def played(tmp_path: Path, play: Play, tasks: str = TASKS, **options: Any) -> None:
    file = tmp_path / f"tasks_{abs(hash(tmp_path))}.py"
    file.write_text(tasks)
    before, path = dict(registry.functions), list(sys.path)

    async def main() -> None:
        runner = ProcessRunner(load(str(file)), [str(file)], **options)
        try:
            await asyncio.wait_for(play(runner), PATIENCE_SECONDS)
        finally:
            await runner.close()
            await until(lambda: not runner._slots)

    try:
        asyncio.run(main())
    finally:
        registry.functions.clear()
        registry.functions.update(before)
        sys.path[:] = path
        sys.modules.pop(file.stem, None)


def begin(runner: ProcessRunner, kind: str, payload: Any = None, **fields: Any) -> tuple[ProcessExecution, Notes]:
    notes = Notes()
    return runner.start(a_job(kind, payload, **fields), notes), notes


async def ends(runner: ProcessRunner, kind: str, payload: Any = None, **fields: Any) -> Outcome:
    return await outcome_of(begin(runner, kind, payload, **fields)[0])


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_functions_of_both_kinds_run_in_one_process_that_is_reused(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        assert await ends(runner, "double", 21) == Success(b"42")
        execution, notes = begin(runner, "later", {"a": "ü"}, id="07", attempt=3)
        assert await outcome_of(execution) == Success('[{"a":"ü"},"07",3]'.encode())
        assert notes.progressed == [(50.0, "half")]
        first = await ends(runner, "whoami")
        assert first == await ends(runner, "whoami")
        assert isinstance(first, Success)
        assert int(first.result) != os.getpid()

    played(tmp_path, play)


def test_a_large_payload_and_a_large_result_pass_and_odd_ones_fail_their_job_only(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        text = "x" * 400_000
        assert await ends(runner, "double", text) == Success(b'"' + b"x" * 800_000 + b'"')
        large = await ends(runner, "double", "x" * 900_000)
        assert large == Success(b'"' + b"x" * 1_800_000 + b'"', has_files=True)
        unreadable = await outcome_of(runner.start(a_job("double", raw=b'"\xff\n'), Notes()))
        assert isinstance(unreadable, Failure)
        assert unreadable.type == "PayloadError"
        assert await ends(runner, "fail") == Failure("Fail", "no good", retry=False)

    played(tmp_path, play)


def test_of_four_in_parallel_the_hung_one_is_killed_by_its_timeout_and_the_others_finish(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        go = tmp_path / "go"
        note = tmp_path / "pid"
        hung, _ = begin(runner, "hang", str(note))
        others = [begin(runner, "when_told", str(go), id=str(n))[0] for n in range(3)]
        pid = int(await until(lambda: note.exists() and note.read_text()))
        hung.stop("timeout")
        assert await outcome_of(hung) == Failure("Timeout", "the function was stopped: it took longer than its timeout")
        assert not alive(pid)
        assert not any(other.outcome.done() for other in others)
        go.touch()
        assert [await outcome_of(other) for other in others] == [Success(b'"finished"')] * 3
        assert len(runner._slots) == 3

    played(tmp_path, play)


def test_a_function_that_hangs_is_killed_by_its_own_timeout(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        ended = await ends(runner, "limited")
        assert isinstance(ended, Failure)
        assert ended.type == "Timeout"
        assert await ends(runner, "double", 1) == Success(b"2")

    played(tmp_path, play)


def test_a_function_that_heeds_its_stop_keeps_its_process(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, notes = begin(runner, "heed")
        await asyncio.wait_for(notes.came.wait(), PATIENCE_SECONDS)
        execution.stop("draining")
        execution.stop("cancelled")
        assert await outcome_of(execution) == Success(b'"heeded"')
        assert len(runner._idle) == 1

    played(tmp_path, play)


def test_a_function_that_heeds_nothing_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, notes = begin(runner, "stubborn")
        await asyncio.wait_for(notes.came.wait(), PATIENCE_SECONDS)
        pids = [int(word) for word in notes.progressed[0][1].split()]
        assert all(map(alive, pids))
        execution.stop("cancelled")
        ended = await outcome_of(execution)
        assert isinstance(ended, Failure)
        assert ended.type == "Cancelled"
        await until(lambda: not any(map(alive, pids)))

    played(tmp_path, play, heed_seconds=0.05, grace_seconds=0.05)


@pytest.mark.parametrize("whys", [("lost", "lost"), ("timeout", "lost")])
def test_a_function_that_heeds_nothing_is_dead_before_others_can_have_its_job(tmp_path: Path, whys: list[Why]) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, notes = begin(runner, "stubborn", lease_seconds=0.5)
        await asyncio.wait_for(notes.came.wait(), PATIENCE_SECONDS)
        for why in whys:
            execution.stop(why)
        assert isinstance(await outcome_of(execution), Failure)
        await until(lambda: not any(map(alive, map(int, notes.progressed[0][1].split()))))

    played(tmp_path, play, heed_seconds=1000, grace_seconds=1000)


def test_a_process_that_was_told_to_end_is_not_used_again_although_its_function_ended(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, notes = begin(runner, "late")
        await asyncio.wait_for(notes.came.wait(), PATIENCE_SECONDS)
        execution.stop("cancelled")
        assert await outcome_of(execution) == Success(b'"after all"')
        assert runner._idle == []
        assert await ends(runner, "double", 1) == Success(b"2")

    played(tmp_path, play, heed_seconds=0.05, grace_seconds=1000)


def test_an_async_function_that_blocks_its_loop_is_killed(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, notes = begin(runner, "hang_the_loop")
        await asyncio.wait_for(notes.came.wait(), PATIENCE_SECONDS)
        execution.stop("timeout")
        ended = await outcome_of(execution)
        assert isinstance(ended, Failure)
        assert ended.type == "Timeout"

    played(tmp_path, play, heed_seconds=0.05)


@pytest.mark.parametrize(
    ("how", "words"),
    [("SIGSEGV", "killed by SIGSEGV"), ("SIGKILL", "killed by SIGKILL (out of memory?)"), ("exit", "exit status 3")],
)
def test_a_process_that_dies_fails_its_job_only_and_says_how(tmp_path: Path, how: str, words: str) -> None:
    async def play(runner: ProcessRunner) -> None:
        go = tmp_path / "go"
        other, _ = begin(runner, "when_told", str(go))
        execution, notes = begin(runner, "die", how)
        ended = await outcome_of(execution)
        assert ended == Failure("ProcessDied", f"the process that ran the function ended: {words}")
        assert "last words\n" in notes.text_of("stdout")
        go.touch()
        assert await outcome_of(other) == Success(b'"finished"')
        assert await ends(runner, "double", 1) == Success(b"2")

    played(tmp_path, play)


def test_what_a_function_prints_and_logs_is_in_its_jobs_log_before_its_outcome(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        for _ in range(3):
            execution, notes = begin(runner, "chat")
            await outcome_of(execution)
            assert notes.text_of("stdout").startswith("printed\nfrom a child\n")
            assert notes.text_of("stderr") == "complaint\n"
            assert notes.text_of("log") == "WARNING mine: logged\nsaid\n"

    played(tmp_path, play)


@pytest.mark.parametrize(("why", "expected"), [("draining", Released), ("quit", Released), ("cancelled", Failure)])
def test_what_has_not_begun_never_does(tmp_path: Path, why: Any, expected: type) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, _ = begin(runner, "hang", str(tmp_path / "note"))
        execution.stop(why)
        assert isinstance(await outcome_of(execution), expected)
        assert not (tmp_path / "note").exists()

    played(tmp_path, play)


def test_when_the_worker_quits_its_functions_are_killed_at_once(tmp_path: Path) -> None:
    async def play(runner: ProcessRunner) -> None:
        execution, notes = begin(runner, "stubborn")
        await asyncio.wait_for(notes.came.wait(), PATIENCE_SECONDS)
        execution.stop("quit")
        ended = await outcome_of(execution)
        assert isinstance(ended, Failure)
        assert ended.type == "Draining"

    played(tmp_path, play, heed_seconds=1000, grace_seconds=1000)


def test_a_file_that_does_not_load_in_the_process_fails_the_job_with_its_error(tmp_path: Path) -> None:
    async def main() -> Outcome:
        file = tmp_path / "broken.py"
        file.write_text("import nonsense_module\n")
        functions = Registry()
        functions.job(kind="k")(lambda payload: payload)
        runner = ProcessRunner(functions.functions.values(), [str(file)])
        try:
            return await ends(runner, "k")
        finally:
            await runner.close()

    ended = asyncio.run(main())
    assert isinstance(ended, Failure)
    assert "broken.py: ModuleNotFoundError: No module named 'nonsense_module'" in ended.message


AGENT = """
import asyncio, sys
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.registry import load
from tests.runners.stage import Notes, a_job

async def main():
    runner = ProcessRunner(load(sys.argv[1]), [sys.argv[1]])
    runner.start(a_job(sys.argv[3], sys.argv[2]), Notes())
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["hang", "hold_the_interpreter"])
def test_a_process_dies_with_its_agent_although_its_function_never_returns(tmp_path: Path, kind: str) -> None:
    if kind == "hold_the_interpreter" and sys.platform != "linux":
        return  # other systems cannot
    file, note = tmp_path / "tasks.py", tmp_path / "note"
    file.write_text(TASKS)
    root = Path(__file__).parents[2]
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(file), str(note), kind], cwd=root)
    try:
        pid = int(asyncio.run(until(lambda: note.exists() and note.read_text())))
        agent.send_signal(signal.SIGKILL)
        agent.wait(PATIENCE_SECONDS)
        asyncio.run(until(lambda: not alive(pid)))
    finally:
        agent.kill()
        agent.wait()
