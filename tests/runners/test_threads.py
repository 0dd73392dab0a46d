"""Which thread runs a call: one of its own, or one that it shares with other quick ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from hirehall.runners.port import Outcome, Success
from hirehall.runners.threads import QUICK_SECONDS, Pace, Threads

PATIENCE_SECONDS = 20.0


class Work:
    """A call that notes its thread."""

    is_given_up = False

    def __init__(self, do: Callable[[], object] = lambda: None) -> None:
        self._do = do
        self._loop = asyncio.get_running_loop()
        self.thread: threading.Thread | None = None
        self.ended = asyncio.Event()

    def run(self) -> Outcome:
        self.thread = threading.current_thread()
        self._do()
        return Success(b"1")

    def post(self, word: Outcome, /) -> None:
        self._loop.call_soon_threadsafe(self.ended.set)


def quick() -> Pace:
    """The pace of a kind whose runs were quick until now."""
    pace = Pace()
    for _ in range(Pace.MOST):
        pace.note(0.0)
    assert pace.is_quick
    return pace


async def all_ended(threads: Threads, works: list[Work]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        for work in works:
            await work.ended.wait()
            threads.ended()


def test_a_kind_is_quick_after_many_quick_runs_and_not_because_of_one_slow_one() -> None:
    pace = Pace()
    assert not pace.is_quick
    pace.note(0.0)
    assert not pace.is_quick
    for _ in range(Pace.MOST):
        pace.note(QUICK_SECONDS / 2)
    pace.note(QUICK_SECONDS * 100)
    assert pace.is_quick
    for _ in range(4):
        pace.note(QUICK_SECONDS * 2)
    assert not pace.is_quick


def test_a_burst_of_quick_calls_wakes_one_thread_which_runs_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirehall.runners.threads.LOOK_SECONDS", 3600.0)
    woken: list[Threads] = []

    async def main() -> None:
        threads, pace, works = Threads(), quick(), [Work() for _ in range(50)]
        with monkeypatch.context() as nobody_comes:
            nobody_comes.setattr(threads, "_one_more", lambda: woken.append(threads))
            for work in works:
                threads.submit(work, pace)
        threads._one_more()
        await all_ended(threads, works)
        assert len({work.thread for work in works}) == 1
        threads.close()

    asyncio.run(main())
    assert len(woken) == 1


def test_calls_that_may_take_their_time_wait_for_nobody() -> None:
    async def main() -> None:
        threads, meeting = Threads(), threading.Barrier(8)
        works = [Work(lambda: meeting.wait(PATIENCE_SECONDS)) for _ in range(8)]
        for work in works:
            threads.submit(work, Pace())
        await all_ended(threads, works)
        threads.close()

    asyncio.run(main())


def test_those_behind_a_quick_one_that_hangs_get_threads_of_their_own() -> None:
    async def main() -> None:
        threads, pace, free = Threads(), quick(), threading.Event()
        hung = Work(lambda: free.wait(PATIENCE_SECONDS))
        meeting = threading.Barrier(4)
        behind = [Work(lambda: meeting.wait(PATIENCE_SECONDS)) for _ in range(4)]
        for work in (hung, *behind):
            threads.submit(work, pace)
        await all_ended(threads, behind)
        assert not hung.ended.is_set()
        free.set()
        await all_ended(threads, [hung])
        threads.close()

    asyncio.run(main())


def test_a_call_beside_a_quick_one_that_hangs_does_not_wait_for_it() -> None:
    async def main() -> None:
        threads, free = Threads(), threading.Event()
        hung = Work(lambda: free.wait(PATIENCE_SECONDS))
        threads.submit(hung, quick())
        while not hung.thread:
            await asyncio.sleep(0)
        for pace in (quick(), Pace()):
            other = Work()
            threads.submit(other, pace)
            await all_ended(threads, [other])
        free.set()
        await all_ended(threads, [hung])
        threads.close()

    asyncio.run(main())


def test_threads_are_kept_for_later_calls_and_end_at_the_end() -> None:
    async def main() -> None:
        threads, seen = Threads(), set[threading.Thread | None]()
        for pace in (quick(), Pace()) * 20:
            work = Work()
            threads.submit(work, pace)
            await all_ended(threads, [work])
            seen.add(work.thread)
        (thread,) = seen
        threads.close()
        assert thread is not None
        await asyncio.to_thread(thread.join, PATIENCE_SECONDS)
        assert not thread.is_alive()

    asyncio.run(main())


def test_when_all_calls_of_a_quick_kind_hang_at_once_all_have_begun_after_a_few_looks() -> None:
    """Where as many threads rest: each that is woken takes one call, and nobody comes back for the next."""

    class Counted(Threads):
        looks = 0

        def _see_it_move(self) -> None:
            self.looks += 1
            super()._see_it_move()

    async def main() -> None:
        threads, calls = Counted(), 100
        for pace in (Pace(), quick()):
            meeting = threading.Barrier(calls)
            works = [Work(partial(meeting.wait, PATIENCE_SECONDS)) for _ in range(calls)]
            for work in works:
                threads.submit(work, pace)
            await all_ended(threads, works)
        assert threads.looks < calls / 4
        threads.close()

    asyncio.run(main())
