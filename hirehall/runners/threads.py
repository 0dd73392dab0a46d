"""The threads of sync functions: one for every call that may take its time, one for all that are quick.

A call of a kind whose last runs were quick joins the `shared` line. One thread takes from it until it is empty: a
burst of quick jobs costs one change of threads there and one back, not two for each. Every other call stands in the
`own` line, and a thread is woken or started for it, so that it waits for nobody. Should a quick one hang, those
behind it get threads of their own within milliseconds.

`submit`, `ended`, `give_up` and `close` are called on the agent's loop. There is no lock: the lines and the list of
resting threads are changed in single steps that the interpreter does not break off, and a thread looks at the lines
once more after it has said that it rests.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from time import perf_counter
from typing import Protocol

from hirehall.runners.port import Outcome

QUICK_SECONDS = 0.000_25  # a run as short as this is quick: handing it to another thread takes a good part of that
LOOK_SECONDS = 0.002  # how soon somebody looks whether the shared line moves
LEAST_TAKEN = int(LOOK_SECONDS / QUICK_SECONDS)  # of the shared line between two looks, where it moves as it should


class Run(Protocol):
    """What a thread does with one call."""

    is_given_up: bool

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
        self._resting: list[threading.Lock] = []  # each is released to wake its thread; the last one is the warmest
        self._size = 0
        self._open = 0  # calls whose end has not been heard
        self._joined = 0  # the shared line, ever
        self._taken = 0  # from it, when somebody looked last
        self._more = 1  # threads, should it move too slowly at the next look: each of them may meet a slow call
        self._look: asyncio.TimerHandle | None = None
        self._is_closed = False

    def submit(self, call: Run, pace: Pace) -> None:
        """Run it."""
        self._open += 1
        if not pace.is_quick:
            self._own.append((call, pace))
            self._one_more()
            return
        is_first = not self._shared  # else a thread is on its way to the line, and to this one
        self._shared.append((call, pace))
        self._joined += 1
        if is_first:
            self._one_more()
        elif self._look is None:
            self._look_soon()

    def ended(self) -> None:
        """The outcome of a call has been heard."""
        self._open -= 1

    def give_up(self) -> None:
        """A call does not end: its thread is no longer one of ours."""
        self._open -= 1
        self._size -= 1

    def close(self) -> None:
        """Each thread ends when it is free."""
        self._is_closed = True
        if self._look is not None:
            self._look.cancel()
        while self._wake_one():
            pass

    # Who runs it.

    def _one_more(self) -> None:
        """Wake a thread, or start one. Where all are awake and there are as many as calls, one of them is just about to
        rest, and looks at the lines before."""
        if not self._wake_one() and self._size < self._open:
            self._size += 1
            threading.Thread(target=self._serve, name=f"hirehall-job-{self._size}", daemon=True).start()

    def _wake_one(self) -> bool:
        try:
            self._resting.pop().release()
        except IndexError:
            return False
        return True

    def _look_soon(self) -> None:
        self._taken = self._joined - len(self._shared)
        self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._see_it_move)

    def _see_it_move(self) -> None:
        """Whoever stands in the shared line behind one that is not quick gets another thread."""
        self._look = None
        if not self._shared:
            self._more = 1
            return
        taken = self._joined - len(self._shared) - self._taken
        if taken >= LEAST_TAKEN:
            self._more = 1
        else:
            for _ in range(min(self._more, len(self._shared)) if taken else len(self._shared)):
                self._one_more()
            self._more *= 2
        self._look_soon()

    # In the threads.

    def _serve(self) -> None:
        woken = threading.Lock()
        woken.acquire()
        while (place := self._next()) is not None or self._rest(woken):
            if place is None:
                continue
            call, pace = place
            began = perf_counter()
            outcome = call.run()
            pace.note(perf_counter() - began)
            call.post(outcome)
            if call.is_given_up:
                return

    def _next(self) -> Place | None:
        """Those first that have a thread each: then nobody waits for a thread that has gone to the other line."""
        try:
            return self._own.popleft() if self._own else self._shared.popleft()
        except IndexError:
            return None

    def _rest(self, woken: threading.Lock) -> bool:
        """Wait to be woken; False at the end."""
        if self._is_closed:
            return False
        self._resting.append(woken)
        if self._own or self._shared or self._is_closed:  # since the last look
            try:
                self._resting.remove(woken)
            except ValueError:
                pass  # woken already
            else:
                return True
        woken.acquire()
        return True
