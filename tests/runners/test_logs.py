"""What a job function logs becomes its job's log, and nobody else's."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hirehall import Context
from hirehall.runners.logs import WAITING_CHARACTERS, LogLine, Tap, job_logs
from hirehall.runners.port import Outcome, Success
from hirehall.runners.python import Inbox, PythonRunner
from hirehall.runners.registry import Registry
from tests.runners.stage import Notes, a_job, outcome_of

logger = logging.getLogger("users.module")


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    job_logs.install()
    logging.root.setLevel(logging.INFO)
    yield
    logging.root.setLevel(logging.WARNING)
    job_logs.uninstall()


def heard(*functions: Any) -> list[list[tuple[str, str]]]:
    """Run each function as a job, all at once; what each one logged."""

    async def main() -> list[list[tuple[str, str]]]:
        registry = Registry()
        for n, function in enumerate(functions):
            registry.job(kind=str(n))(function)
        runner = PythonRunner(registry.functions.values())
        notes = [Notes() for _ in functions]
        started = [runner.start(a_job(str(n), id=str(n)), note) for n, note in enumerate(notes)]
        for execution in started:
            assert isinstance(await outcome_of(execution), Success)
        await runner.close()
        return [note.logged for note in notes]

    return asyncio.run(main())


def test_records_of_a_function_are_lines_with_level_and_logger() -> None:
    def work(payload: Any) -> None:
        logger.info("page %d of %d", 4, 10)
        logger.debug("below the level")

    assert heard(work) == [[("log", "INFO users.module: page 4 of 10")]]


def test_functions_side_by_side_keep_their_lines_apart() -> None:
    barrier = threading.Barrier(2)

    def one(payload: Any) -> None:
        barrier.wait(20)
        logger.info("one")

    def two(payload: Any) -> None:
        barrier.wait(20)
        logger.info("two")

    async def three(payload: Any) -> None:
        await asyncio.sleep(0)
        logger.info("three")
        await asyncio.to_thread(logger.info, "and its thread")

    said = [[text.partition(": ")[2] for _, text in lines] for lines in heard(one, two, three)]
    assert said == [["one"], ["two"], ["three", "and its thread"]]


def test_the_context_can_log_too() -> None:
    def work(payload: Any, context: Context) -> None:
        context.log("plain \0 text")

    assert heard(work) == [[("log", "plain \ufffd text")]]


def test_outside_a_job_nothing_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    def work(payload: Any) -> None:
        logger.info("inside")

    logger.warning("before")
    assert len(heard(work)[0]) == 1
    logger.warning("after")


def test_a_record_that_cannot_be_shown_is_named_and_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [job_logs])  # pytest's own raises

    class Odd:
        def __str__(self) -> str:
            raise RuntimeError

    def work(payload: Any) -> None:
        logger.info("number %d", "no number")
        logger.info("%s", Odd())
        logger.info("fine")

    first, second, third = (text for _, text in heard(work)[0])
    assert "cannot be shown" in first
    assert "cannot be shown" in second
    assert third.endswith("fine")


def test_an_exception_is_logged_with_its_traceback() -> None:
    def work(payload: Any) -> None:
        try:
            raise ValueError("bad page")
        except ValueError:
            logger.exception("passed over")

    ((_, text),) = heard(work)[0]
    assert text.startswith("ERROR users.module: passed over\nTraceback")
    assert text.endswith("ValueError: bad page")


def test_a_function_that_never_stops_logging_is_cut_short_and_says_so() -> None:
    posted: list[LogLine] = []
    tap = Tap(posted.append)
    for _ in range(WAITING_CHARACTERS):
        tap.say("log", "xx")
    assert len(posted) < WAITING_CHARACTERS
    for line in posted:
        tap.heard(line)
    tap.say("log", "last")
    assert "lines left out here" in posted[-2].text
    assert posted[-1].text == "last"


def test_a_flood_of_lines_leaves_the_loop_its_turns() -> None:
    """The beats are sent by the loop that hears the lines."""

    async def main() -> tuple[Outcome, int]:
        registry, turns = Registry(), 0

        @registry.job(kind="k")
        def flood(payload: Any, context: Context) -> None:
            while not context.stopping.is_set():
                context.log("x" * 100)

        runner = PythonRunner(registry.functions.values())
        execution = runner.start(a_job(), Notes())
        while turns < 20:
            await asyncio.sleep(0.001)
            turns += 1
        execution.stop("cancelled")
        ended = await outcome_of(execution)
        await runner.close()
        return ended, turns

    assert asyncio.run(main())[1] == 20


def test_the_loop_hears_what_was_there_when_its_turn_began_and_not_what_comes_meanwhile() -> None:
    class Talker:
        heard = 0

        def hear(self, _word: Any) -> None:
            self.heard += 1
            assert self.heard < 100, "the loop never gets away"
            inbox.put(self, None)  # type: ignore[arg-type]

    loop = asyncio.new_event_loop()
    inbox, talker = Inbox(loop), Talker()
    inbox.put(talker, None)  # type: ignore[arg-type]
    inbox._empty()
    loop.close()
    assert talker.heard == 1
