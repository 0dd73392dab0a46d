"""How many calls run at once, and what becomes of those beyond."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from hirehall.runners.port import Outcome, Released
from hirehall.runners.threads import Pace, Threads
from tests.runners.test_threads import PATIENCE_SECONDS, Work, all_ended, quick


def a_while() -> None:
    """Long enough that others come in meanwhile, if they may: what lets go of the interpreter for nothing does not."""
    time.sleep(0.002)


class Crowd:
    """Counts who is in it, and how many were at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def visit(self, do: Callable[[], object] = lambda: None) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        do()
        with self._lock:
            self._now -= 1


class Heard(Work):
    """Work that keeps its outcome."""

    def post(self, word: Outcome, /) -> None:
        self.outcome = word
        super().post(word)

    @property
    def went_back(self) -> bool:
        return self.outcome == Released()


@pytest.mark.parametrize("pace", [quick, Pace])
def test_no_more_run_at_once_than_were_asked_for(pace: Callable[[], Pace]) -> None:
    async def main() -> int:
        threads, crowd, kind = Threads(), Crowd(), pace()
        threads.run_at_most(3)
        works = [Work(lambda: crowd.visit(a_while)) for _ in range(100)]
        for work in works:
            threads.submit(work, kind)
        await all_ended(threads, works)
        threads.close()
        return crowd.most

    assert asyncio.run(main()) == 3


def test_when_every_place_is_taken_by_slow_ones_those_behind_go_back_and_nothing_more_runs() -> None:
    async def main() -> None:
        threads, free, crowd = Threads(), threading.Event(), Crowd()
        threads.run_at_most(4)
        works = [Heard(lambda: crowd.visit(lambda: free.wait(PATIENCE_SECONDS))) for _ in range(60)]
        kind = quick()
        for work in works:
            threads.submit(work, kind)
        await all_ended(threads, works[4:])
        assert all(work.went_back for work in works[4:])
        free.set()
        await all_ended(threads, works[:4])
        assert not any(work.went_back for work in works[:4])
        assert crowd.most == 4
        threads.close()

    asyncio.run(main())


def test_after_fewer_places_as_many_finish_as_run_and_then_no_more_than_these() -> None:
    async def main() -> int:
        threads, free, kind = Threads(), threading.Event(), Pace()
        threads.run_at_most(6)
        begun = threading.Barrier(7)
        first = [Work(lambda: (begun.wait(PATIENCE_SECONDS), free.wait(PATIENCE_SECONDS))) for _ in range(6)]
        for work in first:
            threads.submit(work, kind)
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        threads.run_at_most(2)
        crowd = Crowd()
        later = [Work(lambda: crowd.visit(a_while)) for _ in range(50)]
        for work in later:  # they stand there when the six come free
            threads.submit(work, kind)
        free.set()
        await all_ended(threads, first)
        await all_ended(threads, later)
        threads.close()
        return crowd.most

    assert asyncio.run(main()) == 2


def test_the_place_of_a_call_that_was_given_up_is_free() -> None:
    async def main() -> None:
        threads, free = Threads(), threading.Event()
        threads.run_at_most(1)
        stuck, other = Work(lambda: free.wait(PATIENCE_SECONDS)), Work()
        threads.submit(stuck, Pace())
        while stuck.thread is None:
            await asyncio.sleep(0)
        threads.give_up(stuck)
        threads.submit(other, Pace())
        await all_ended(threads, [other])
        free.set()
        await stuck.ended.wait()
        threads.close()

    asyncio.run(main())
