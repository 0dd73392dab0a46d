"""A whole hall in one place for tests: the production door, service and store, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from hirehall.core.operations import Batch, Recovered
from hirehall.doors.connection import LineConnection
from hirehall.model import Instant, StoredJob
from hirehall.ports import ByIds, Search
from hirehall.service.access import ROLES, Tokens
from hirehall.service.hall import Hall
from hirehall.service.sessions import ANONYMOUS, Identity
from hirehall.stores.sqlite import SQLiteStore

START_MS = 1_800_000_000_000
TOKEN = "a-token-for-everything"
STEP_SECONDS = 0.9  # shorter than what the core takes for sleep
REST_TURNS = 3  # this many turns of the loop without a move are rest,
READING_TURNS = 100  # or this many while answers are being read; a test may hold one up
MOST_TURNS = 2_000


class StillLoop(asyncio.SelectorEventLoop):
    """Its time stands still until `pass_time`; a tiny step at every look lets nothing wait for ever."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__()

    def time(self) -> float:
        self.now += 1e-7
        return self.now

    def as_if_running(self, call: Callable[[], None]) -> None:
        """Make a call that belongs to a turn of the loop, without a turn."""
        asyncio._set_running_loop(self)
        try:
            call()
        finally:
            asyncio._set_running_loop(None)


class CountingStore(SQLiteStore):
    """In memory, with a database number that is always the same, so that ids are too."""

    batches = 0

    async def recover(self) -> Recovered:
        return msgspec.structs.replace(await super().recover(), database=7)

    async def apply(self, batch: Batch) -> None:
        self.batches += 1
        await super().apply(batch)


class Peer:
    """The other end of one connection, and the transport between: chunks go in, lines come out."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name
        self.out = bytearray()
        self.paused = self.gone = False
        self._inbox: deque[bytes] = deque()
        self._line = LineConnection(stage.hall, stage.connections)
        stage.loop.as_if_running(lambda: self._line.connection_made(self))  # type: ignore[arg-type]

    def send(self, chunk: bytes) -> None:
        self._inbox.append(chunk)
        self.stage.loop.as_if_running(self._deliver)

    def leave(self) -> None:
        """The connection breaks."""
        if not self.gone:
            self.gone = True
            self.stage.loop.as_if_running(lambda: self._line.connection_lost(None))

    @property
    def unread(self) -> int:
        return sum(map(len, self._inbox))

    def lines(self) -> list[Any]:
        """Everything said to this peer; a line that is no JSON object is a problem."""
        said = [self._read(line) for line in bytes(self.out).split(b"\n")[:-1]]
        if self.out and not self.out.endswith(b"\n"):
            self.stage.problem(f"{self.name} was told half a line")
        return said

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            said = json.loads(line, parse_int=lambda digits: int(digits) if len(digits) < 1_000 else digits)
        except ValueError as exc:
            said = exc
        if not isinstance(said, dict):
            self.stage.problem(f"{self.name} was told no JSON object: {line[:200]!r}")
            return {}
        return said

    def _deliver(self) -> None:
        while self._inbox and not self.paused and not self.gone:
            chunk = self._inbox.popleft()
            self.stage.moves += 1
            try:
                self._line.data_received(chunk)
            except Exception as exc:  # asyncio would log it and drop the connection
                self.stage.problem(f"{type(exc).__name__} escaped from data_received: {exc} (chunk {chunk[:200]!r})")

    # What asyncio calls a transport.

    def write(self, data: bytes) -> None:
        self.stage.moves += 1
        if b"the hall failed at this" in data:
            self.stage.problem(f"{self.name} met a mistake of the hall: {data[:200]!r}")
        if not self.gone:
            self.out += data

    def close(self) -> None:
        if not self.gone:
            self.gone = True
            self.stage.loop.call_soon(self._line.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.gone

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        if self.paused:
            self.paused = False
            self.stage.loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int) -> None:
        pass


class Stage:
    """Opens a hall, runs it, notes every problem."""

    def __init__(self, roles: frozenset[str] = ROLES) -> None:
        logging.getLogger("hirehall").setLevel(logging.CRITICAL)
        self.loop = StillLoop()
        self.loop.set_exception_handler(self._escaped)
        self.problems: list[str] = []
        self.moves = 0
        self.seconds = 100.0
        self.connections: set[LineConnection] = set()
        self.peers: dict[str, Peer] = {}
        self._run(self._open(roles))

    async def _open(self, roles: frozenset[str]) -> None:
        tokens = Tokens()
        tokens.add(TOKEN, Identity("local", ROLES))
        self.store = CountingStore()
        self.hall = Hall(self.store, tokens, Identity(ANONYMOUS, roles), self.clock, lambda: 0.5)
        await self.hall.start()

    def _run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    def clock(self) -> Instant:
        return Instant(self.seconds, START_MS + round(self.seconds * 1000))

    def problem(self, what: str) -> None:
        self.problems.append(what)

    def _escaped(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.problem(f"{context['message']}: {context.get('exception')!r}")

    def peer(self, name: str) -> Peer:
        if name not in self.peers:
            self.peers[name] = Peer(self, name)
        return self.peers[name]

    def settle(self) -> None:
        """Run until nothing moves any more."""
        self._run(self._rest())

    async def _rest(self) -> None:
        quiet = 0
        for _ in range(MOST_TURNS):
            before = self.moves, self.store.batches
            await asyncio.sleep(0)
            quiet = quiet + 1 if (self.moves, self.store.batches) == before else 0
            if quiet >= (READING_TURNS if self.hall._held_back.are_under_way else REST_TURNS):
                return
        self.problem("the hall does not come to rest")

    def turn(self, times: int) -> None:
        """Let the loop go round a few times, whatever happens."""

        async def go() -> None:
            for _ in range(times):
                await asyncio.sleep(0)

        self._run(go())

    def pass_time(self, seconds: float) -> None:
        while seconds > 0:
            step = min(seconds, STEP_SECONDS)
            seconds -= step
            self.seconds += step
            self.loop.now += step
            self.settle()

    def jobs(self) -> list[StoredJob]:
        """Every stored job with all that is kept of it."""
        ids = [job.id for job in self._run(self.store.read(Search(1_000_000, seconds=60.0))).jobs]
        return self._run(self.store.read(ByIds(ids, max_bytes=1 << 30)))

    def check_alive(self) -> None:
        """The hall works on, nobody is kept waiting for being read."""
        if self.hall.failed.done():
            self.problem(f"the hall failed: {self.hall.failed.result().message}")
        for peer in self.peers.values():
            if not peer.gone and (peer.paused or peer.unread):
                self.problem(f"{peer.name} is not read any more, {peer.unread} bytes wait")

    def close(self) -> None:
        """End everything, also a hall that no longer works."""
        if not self.problems:
            self._run(self.hall.finish())
        self._run(self.hall.close())
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.turn(1)
        self.loop.close()
