"""The threads of sync functions: one for every call that may take its time, one for all that are quick.

A call of a kind whose last runs were quick joins the `shared` line. One thread takes from it until it is empty: a
burst of quick jobs costs one change of threads there and one back, not two for each. Every other call stands in the
`own` line, and a thread is woken or started for it, so that it waits for nobody. Should a quick one hang, those
behind it get threads of their own within milliseconds.

`run_at_most` bounds the threads that are awake, and with them the calls that run. Calls beyond that stand in the lines
for as long as those move; what would not begin soon is given back (flow.py).

`submit`, `ended`, `give_up`, `run_at_most` and `close` are called on the agent's loop. The lines are changed in single
steps that the interpreter does not break off. Who is awake is changed under `_turn`, once for a burst of calls: a
thread that goes to rest looks at the lines under it, so that no call is left standing.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from time import perf_counter
from typing import Protocol

from hirehall.runners.flow import Flow
from hirehall.runners.port import Outcome, Released

QUICK_SECONDS = 0.000_25  # a run as short as this is quick: handing it to another thread takes a good part of that
LOOK_SECONDS = 0.002  # how soon somebody looks whether the shared line moves
LEAST_TAKEN = int(LOOK_SECONDS / QUICK_SECONDS)  # of the shared line between two looks, where it moves as it should
NOT_BEGUN = Released()


class Run(Protocol):
    """What a thread does with one call."""

    def run(self) -> Outcome: ...

    def post(self, word: Outcome, /) -> object: ...


class Pace:
    """Whether the runs of one kind are quick, as far as the last of them tell: one slow run weighs as much as many
    quick ones. Noted by any thread; a note that another one overwrites is no loss."""

    __slots__ = ("_score",)

    MOST = 64
    SLOW = 16

    def __init__(self) -> None:
        self._score = 0

    @property
    def is_quick(self) -> bool:
        """Whether the next one may be expected to be quick."""
        return self._score >= self.MOST // 2

    def note(self, seconds: float) -> None:
        """One took this long."""
        if seconds > QUICK_SECONDS:
            self._score = max(self._score - self.SLOW, 0)
        elif self._score < self.MOST:
            self._score += 1


Place = tuple[Run, Pace]


class Threads:
    """As many threads as calls were ever running at once, kept for later ones."""

    def __init__(self) -> None:
        self._own: deque[Place] = deque()
        self._shared: deque[Place] = deque()
        self._running: dict[Run, None] = {}  # who takes a call out, its thread or `give_up`, has the last word
        self._turn = threading.Lock()
        self._resting: list[threading.Lock] = []  # each is released to wake its thread; the last one is the warmest
        self._size = 0
        self._awake = 0
        self._limit: float = math.inf  # of those that are awake
        self._open = 0  # calls whose end has not been heard
        self._server: threading.Lock | None = None  # whose thread took from the shared line, and will come back to it
        self._came = 0  # into either line, ever
        self._joined = 0  # the shared line, ever
        self._taken = 0  # from it, when somebody looked last
        self._more = 1  # threads, should it move too slowly at the next look: each of them may meet a slow call
        self._helpers = 0  # woken by the last look
        self._flow = Flow()
        self._look: asyncio.TimerHandle | None = None
        self._due = 0.0  # when it was to be
        self._is_closed = False

    def submit(self, call: Run, pace: Pace) -> None:
        """Run it."""
        self._open += 1
        self._came += 1
        if not pace.is_quick:
            self._own.append((call, pace))
            if not self._one_more() and self._look is None:
                self._look_soon()
            return
        is_served = self._shared or self._server is not None  # or a thread is on its way to the line, and to this one
        self._shared.append((call, pace))
        self._joined += 1
        if (is_served or not self._one_more()) and self._look is None:
            self._look_soon()

    def run_at_most(self, places: int) -> None:
        """So many at once from now on."""
        self._limit = places
        for _ in range(self._waiting):
            if not self._one_more():
                break

    def ended(self) -> None:
        """The outcome of a call has been heard."""
        self._open -= 1

    def give_up(self, call: Run) -> None:
        """A call does not end: its thread is no longer one of ours, unless it has ended just now."""
        self._open -= 1
        if self._running.pop(call, self) is not self:
            with self._turn:
                self._size -= 1
                self._awake -= 1
            if self._waiting:
                self._one_more()

    def close(self) -> None:
        """Each thread ends when it is free."""
        self._is_closed = True
        if self._look is not None:
            self._look.cancel()
        with self._turn:
            self._awake += len(self._resting)
            while self._resting:
                self._resting.pop().release()

    @property
    def _waiting(self) -> int:
        return len(self._own) + len(self._shared)

    # Who runs it.

    def _one_more(self) -> bool:
        """Wake a thread, or start one. Where all are awake and there are as many as calls, one of them is just about to
        rest, and looks at the lines before."""
        with self._turn:
            if self._awake >= self._limit or (not self._resting and self._size >= self._open):
                return False
            self._awake += 1
            if self._resting:
                self._resting.pop().release()
                return True
            self._size += 1
        threading.Thread(target=self._serve, name=f"hirehall-job-{self._size}", daemon=True).start()
        return True

    def _look_soon(self) -> None:
        loop = asyncio.get_running_loop()
        self._taken = self._joined - len(self._shared)
        self._due = loop.time() + LOOK_SECONDS
        self._look = loop.call_at(self._due, self._see_it_move)

    def _see_it_move(self) -> None:
        """Whoever stands in a line behind one that is not quick gets another thread, or goes back."""
        self._look = None
        if not self._waiting:
            self._more, self._helpers = 1, 0
            self._flow.over()
            return
        taken = self._joined - len(self._shared) - self._taken
        by_helpers, self._helpers = self._helpers, 0  # each takes one call, also where all hang: that is no moving
        if taken - by_helpers >= LEAST_TAKEN:
            self._more = 1
        else:
            self._helpers = sum(self._one_more() for _ in range(min(self._more, len(self._shared))))
            self._more *= 2
        for _ in range(len(self._own)):
            if not self._one_more():
                break
        self._give_back()
        self._look_soon()

    def _give_back(self) -> None:
        """What stands behind too many, the last that came first. Only while every place is taken: else somebody is on
        his way to them."""
        if self._awake < self._limit:
            self._flow.over()
            return
        now = asyncio.get_running_loop().time()
        for _ in range(self._flow.too_many(now, now - self._due, self._came - self._waiting, self._waiting)):
            try:
                line = self._shared or self._own
                call, _pace = line.pop()
            except IndexError:  # it has begun after all
                return
            self._came -= 1
            self._joined -= line is self._shared
            call.post(NOT_BEGUN)

    # In the threads.

    def _serve(self) -> None:
        woken = threading.Lock()
        woken.acquire()
        running = self._running
        while True:
            place = self._next(woken)
            if place is None:
                if self._rest(woken):
                    continue
                return
            call, pace = place
            running[call] = None
            began = perf_counter()
            outcome = call.run()
            pace.note(perf_counter() - began)
            is_given_up = running.pop(call, self) is self
            call.post(outcome)
            if is_given_up or (self._awake > self._limit and not self._rest(woken)):
                return

    def _next(self, woken: threading.Lock) -> Place | None:
        """Those first that have a thread each: then nobody waits for a thread that has gone to the other line."""
        try:
            if self._own:
                self._leave(woken)
                return self._own.popleft()
            place = self._shared.popleft()
        except IndexError:
            return None
        self._server = woken
        return place

    def _leave(self, woken: threading.Lock) -> None:
        """This thread, `woken` by that, serves the shared line no more."""
        if self._server is woken:
            self._server = None

    def _rest(self, woken: threading.Lock) -> bool:
        """Wait to be woken; False at the end."""
        self._leave(woken)
        with self._turn:
            if self._is_closed:
                return False
            if self._waiting and self._awake <= self._limit:  # since the last look
                return True
            self._awake -= 1
            self._resting.append(woken)
        woken.acquire()
        return True
