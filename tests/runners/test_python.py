"""Python functions as jobs."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
import pytest

from hirehall import Context, Fail, Retry
from hirehall.model import MAX_BODY
from hirehall.runners.port import MAX_RESULT, Failure, Outcome, Released, Success
from hirehall.runners.python import PythonRunner, _run
from hirehall.runners.registry import Registry
from tests.runners.stage import Notes, a_job, outcome_of, run


def runner_of(function: Any, **options: Any) -> PythonRunner:
    registry = Registry()
    registry.job(kind="k", **options)(function)
    return PythonRunner(registry.functions.values())


def outcome(function: Any, payload: Any = None, **options: Any) -> Outcome:
    return run(runner_of(function), a_job(payload=payload, **options))


async def double_later(payload: int) -> int:
    await asyncio.sleep(0)
    return payload * 2


@pytest.mark.parametrize("function", [lambda payload: payload * 2, double_later])
def test_the_return_value_is_the_result(function: Any) -> None:
    assert outcome(function, 21) == Success(b"42")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_second_parameter_is_the_context(is_async: bool) -> None:
    def look(payload: Any, context: Context) -> list[Any]:
        return [context.id, context.attempt, context.kind, context.queue, context.meta]

    async def look_later(payload: Any, context: Context) -> list[Any]:
        return look(payload, context)

    ended = outcome(look_later if is_async else look, id="07", attempt=3, meta={"a": "b"})
    assert ended == Success(b'["07",3,"k","default",{"a":"b"}]')


@pytest.mark.parametrize("is_async", [False, True])
def test_an_exception_is_a_failure_with_type_message_and_trace_from_the_function_on(is_async: bool) -> None:
    def broken(payload: Any) -> None:
        raise ValueError("bad file")

    async def broken_later(payload: Any) -> None:
        broken(payload)

    ended = outcome(broken_later if is_async else broken)
    assert isinstance(ended, Failure)
    assert (ended.type, ended.message, ended.retry) == ("ValueError", "bad file", True)
    assert "in broken" in ended.trace
    assert "calls.py" not in ended.trace


def test_fail_is_for_good_unless_it_says_otherwise() -> None:
    def fail(payload: bool) -> None:
        raise Fail("no such customer", retry=payload)

    first, second = outcome(fail, False), outcome(fail, True)
    assert first == Failure("Fail", "no such customer", retry=False)
    assert second == Failure("Fail", "no such customer", retry=True)


def test_retry_says_when() -> None:
    def later(payload: Any) -> None:
        raise Retry("not there yet", delay_seconds=5)

    assert outcome(later) == Failure("Retry", "not there yet", retry=True, delay_seconds=5)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_function_that_wants_to_end_the_process_has_failed(error: BaseException) -> None:
    def leave(payload: Any) -> None:
        raise error

    ended = outcome(leave)
    assert isinstance(ended, Failure)
    assert ended.type == type(error).__name__


def test_an_exception_whose_text_raises_is_a_failure_too() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def odd(payload: Any) -> None:
        raise Odd

    ended = outcome(odd)
    assert isinstance(ended, Failure)
    assert ended.type.endswith("Odd")


def test_error_texts_can_go_over_the_wire() -> None:
    def broken(payload: Any) -> None:
        raise ValueError("\ud800 \0 " + "x" * 100_000)

    ended = outcome(broken)
    assert isinstance(ended, Failure)
    assert len(ended.message) < 20_000
    assert "\0" not in msgspec.json.decode(msgspec.json.encode(ended))["message"]


def test_a_result_that_is_no_json_fails_the_job() -> None:
    ended = outcome(lambda payload: object())
    assert isinstance(ended, Failure)
    assert (ended.type, ended.retry) == ("TypeError", False)
    assert "cannot be written as JSON" in ended.message


def test_half_a_character_in_a_result_fails_the_job() -> None:
    assert isinstance(outcome(lambda payload: "\ud800"), Failure)


def test_a_result_that_no_message_has_room_for_is_marked_and_one_that_is_too_large_fails_the_job() -> None:
    fits, large = outcome(lambda _: "x" * (MAX_BODY - 2)), outcome(lambda _: "x" * (MAX_BODY - 1))
    assert isinstance(fits, Success)
    assert isinstance(large, Success)
    assert (fits.has_files, large.has_files) == (False, True)
    ended = outcome(lambda payload: "x" * (MAX_RESULT - 1))
    assert isinstance(ended, Failure)
    assert (ended.type, ended.retry) == ("too_large", False)


@pytest.mark.parametrize("raw", [b'"\xff"', b"{", b"[" * 5000 + b"]" * 5000])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_payload_that_cannot_be_decoded_fails_its_job(raw: bytes, is_async: bool) -> None:
    async def later(payload: Any) -> None: ...

    ended = run(runner_of(later if is_async else lambda payload: None), a_job(raw=raw))
    assert isinstance(ended, Failure)
    assert (ended.type, ended.retry) == ("PayloadError", False)


@pytest.mark.parametrize("is_async", [False, True])
def test_progress_reaches_the_report_on_the_agents_thread(is_async: bool) -> None:
    def work(payload: Any, context: Context) -> None:
        context.progress(40, "page 4")
        context.progress(text="nearly")

    async def work_later(payload: Any, context: Context) -> None:
        work(payload, context)

    class ThreadNotes(Notes):
        def progress(self, percent: float | None, text: str) -> None:
            assert threading.current_thread() is threading.main_thread()
            super().progress(percent, text)

    async def main() -> list[Any]:
        notes, runner = ThreadNotes(), runner_of(work_later if is_async else work)
        await outcome_of(runner.start(a_job(), notes))
        await runner.close()
        return notes.progressed

    assert asyncio.run(main()) == [(40.0, "page 4"), (None, "nearly")]


def test_sync_functions_run_beside_each_other_and_beside_the_loop() -> None:
    barrier = threading.Barrier(5)

    async def main() -> list[Outcome]:
        runner = runner_of(lambda payload: barrier.wait(20) >= 0)
        executions = [runner.start(a_job(id=str(n)), Notes()) for n in range(4)]
        await asyncio.to_thread(barrier.wait, 20)
        outcomes = [await outcome_of(execution) for execution in executions]
        await runner.close()
        return outcomes

    assert asyncio.run(main()) == [Success(b"true")] * 4


def test_async_functions_share_a_loop_that_is_not_the_agents() -> None:
    async def where(payload: Any) -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert outcome(where) == Success(b'"hirehall-async-jobs"')


def test_a_sync_function_sees_that_it_is_to_stop() -> None:
    async def main() -> Outcome:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def patient(payload: Any, context: Context) -> None:
            loop.call_soon_threadsafe(begun.set)
            assert context.stopping.wait(20)
            raise RuntimeError("stopped half-way")

        runner = runner_of(patient)
        execution = runner.start(a_job(), Notes())
        await begun.wait()
        execution.stop("draining")
        assert not execution._call._context.stopping.is_set()  # type: ignore[attr-defined]
        execution.stop("cancelled")
        ended = await outcome_of(execution)
        await runner.close()
        return ended

    assert asyncio.run(main()) == Failure("Cancelled", "the job was stopped: it was cancelled")


def test_an_async_function_is_cancelled() -> None:
    async def main() -> tuple[Outcome, bool]:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        cleaned = threading.Event()

        async def patient(payload: Any) -> None:
            loop.call_soon_threadsafe(begun.set)
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.set()

        runner = runner_of(patient)
        execution = runner.start(a_job(), Notes())
        await begun.wait()
        execution.stop("draining")
        execution.stop("timeout")
        ended = await outcome_of(execution)
        await runner.close()
        return ended, cleaned.is_set()

    ended, cleaned = asyncio.run(main())
    assert ended == Failure("Timeout", "the job was stopped: it took longer than its timeout")
    assert cleaned


def test_an_async_function_that_cancels_itself_has_failed() -> None:
    async def odd(payload: Any) -> None:
        raise asyncio.CancelledError

    ended = outcome(odd)
    assert isinstance(ended, Failure)
    assert ended.type == "CancelledError"


def test_the_functions_own_timeout_stops_it() -> None:
    async def slow(payload: Any) -> None:
        await asyncio.Event().wait()

    ended = run(runner_of(slow, timeout_seconds=0.01), a_job())
    assert isinstance(ended, Failure)
    assert ended.type == "Timeout"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("why", "expected"), [("draining", Released), ("quit", Released), ("cancelled", Failure)])
def test_what_has_not_begun_never_does(is_async: bool, why: Any, expected: type) -> None:
    ran = []

    def note(payload: Any) -> None:
        ran.append(payload)

    async def note_later(payload: Any) -> None:
        ran.append(payload)

    async def main() -> Outcome:
        runner = runner_of(note_later if is_async else note)
        held = threading.Event()
        hold(runner, held, is_async)
        execution = runner.start(a_job(), Notes())
        execution.stop(why)
        held.set()
        ended = await outcome_of(execution)
        await runner.close()
        return ended

    assert isinstance(asyncio.run(main()), expected)
    assert ran == []


def hold(runner: PythonRunner, held: threading.Event, is_async: bool) -> None:
    """Occupy the thread that begins the calls until `held` is set."""
    if is_async:
        loop = asyncio.new_event_loop()
        loop.call_soon(held.wait, 20)
        runner._tasks._loop = loop
        threading.Thread(target=_run, args=(loop,), daemon=True).start()
    else:
        runner._threads._size = runner._threads._awake = 1
        threading.Thread(target=serve_later, args=(runner, held), daemon=True).start()


def serve_later(runner: PythonRunner, held: threading.Event) -> None:
    held.wait(20)
    runner._threads._serve()


def test_a_kind_without_a_function_fails() -> None:
    ended = run(runner_of(lambda payload: None), a_job(kind="other"))
    assert isinstance(ended, Failure)
    assert ended.type == "UnknownKind"


def test_a_burst_of_results_costs_the_loop_few_wake_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        runner, wakes = runner_of(lambda payload: payload), 0
        loop = asyncio.get_running_loop()
        original = loop.call_soon_threadsafe

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal wakes
            wakes += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        executions = [runner.start(a_job(payload=n), Notes()) for n in range(500)]
        for execution in executions:
            await outcome_of(execution)
        await runner.close()
        return wakes

    assert asyncio.run(main()) < 250


# Functions that do not heed a stop.


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_hangs_is_answered_without_it_and_what_it_says_later_is_dropped(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        free = threading.Event()
        came_back: asyncio.Event = asyncio.Event()

        def hang(payload: bool) -> str:
            assert not payload or free.wait(20)
            return "late"

        async def hang_the_loop(payload: bool) -> str:
            return hang(payload)

        registry = Registry()
        registry.job(kind="k", timeout_seconds=0.01)(hang_the_loop if is_async else hang)
        runner = PythonRunner(registry.functions.values(), give_up_seconds=0.01)
        runner.came_back = came_back.set  # type: ignore[method-assign]
        execution = runner.start(a_job(payload=True), Notes())
        ended = await outcome_of(execution)
        assert isinstance(ended, Failure)
        assert (ended.type, ended.retry) == ("Timeout", True)
        assert "still runs: it cannot be stopped" in ended.message
        assert "1 stuck in this worker" in caplog.text
        other = await outcome_of(runner.start(a_job(payload=False), Notes()))  # beside it: its place is free
        assert other == Success(b'"late"')
        free.set()
        await asyncio.wait_for(came_back.wait(), 20)
        await runner.close()

    asyncio.run(main())


def test_a_function_that_runs_on_without_its_lease_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    free = threading.Event()

    async def main() -> Outcome:
        begun, loop = asyncio.Event(), asyncio.get_running_loop()

        def hang(payload: Any) -> bool:
            loop.call_soon_threadsafe(begun.set)
            return free.wait(20)

        runner = runner_of(hang)
        execution = runner.start(a_job(lease_seconds=0.1, attempt=2), Notes())
        await begun.wait()
        execution.stop("lost")
        while "job 01 attempt 2 has lost its lease and still runs" not in caplog.text:
            await asyncio.sleep(0.005)
        free.set()
        return await outcome_of(execution)

    async def bounded() -> Outcome:
        return await asyncio.wait_for(main(), 20)

    assert asyncio.run(bounded()) == Success(b"true")


def test_a_function_that_heeds_its_stop_in_time_is_not_given_up() -> None:
    def heed(payload: Any, context: Context) -> str:
        assert context.stopping.wait(20)
        return "heeded"

    assert run(runner_of(heed, timeout_seconds=0.01), a_job()) == Success(b'"heeded"')
