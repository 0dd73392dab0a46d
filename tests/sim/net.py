"""The simulated network: links that delay, drop, double, reorder, cut and go half-open, by the world's dice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hirehall.doors.connection import LineConnection

if TYPE_CHECKING:
    from tests.sim.world import World


class Link:
    """One connection between an actor and the hall, with the production door at the hall's end.

    The hall's end looks like an asyncio transport to the door; the actor's end is `send` and `hang_up`.
    """

    def __init__(self, world: World, actor: Any) -> None:
        self.world = world
        self.actor = actor
        self.hall = world.hall
        self.loop = world.hall_loop
        self.open = True
        self.deaf = False  # half-open: nothing arrives in either direction, and nobody is told
        self._paused = False
        self._unread: list[bytes] = []
        self._stalled: list[bytes] | None = None  # what the actor has not read
        world.links.append(self)
        self._to_hall = self._to_actor = world.now
        self.door = LineConnection(self.hall, set())
        self.loop.within(lambda: self.door.connection_made(self))  # type: ignore[arg-type]

    # The actor's end.

    def send(self, line: bytes) -> int:
        """One line towards the hall, through whatever the network does to it. How many are on their way."""
        faults, dice = self.world.faults, self.world.dice
        if self.actor.cannot_say:
            return 0
        if faults.drop and dice.random() < faults.drop:
            self.world.count("line dropped")
            return 0
        copies = 2 if faults.double and dice.random() < faults.double else 1
        for _ in range(copies):
            self._travel(line + b"\n")
        return copies

    def _travel(self, data: bytes) -> None:
        faults, dice = self.world.faults, self.world.dice
        delay = dice.choice(faults.delays)
        if faults.reorder and dice.random() < faults.reorder:
            self.world.count("line reordered")
            self.world.later(delay * 3, lambda: self._arrive(data))
            return
        for chunk in self._chunks(data):
            self._to_hall = max(self._to_hall, self.world.now + delay)
            self.world.at(self._to_hall, lambda chunk=chunk: self._arrive(chunk))

    def _chunks(self, data: bytes) -> list[bytes]:
        if self.world.faults.reorder or self.world.dice.random() > 0.1:
            return [data]
        cut = self.world.dice.randrange(1, len(data))
        return [data[:cut], data[cut:]]

    def _arrive(self, data: bytes) -> None:
        if not self.open or self.deaf or self.loop.dead:
            return
        if self._paused:
            self._unread.append(data)
        elif self.loop.frozen_until > self.world.now:
            self.world.at(self.loop.frozen_until, lambda: self._arrive(data))
        else:
            self.loop.within(lambda: self.door.data_received(data))

    def stall(self, seconds: float) -> None:
        """The actor does not read for so long; the hall's end notices at once."""
        if self._stalled is None:
            self.world.count("peer did not read")
            self._stalled = []
            self.loop.within(self.door.pause_writing)
            self.world.later(seconds, self._read_on)

    def _read_on(self) -> None:
        lines, self._stalled = self._stalled or [], None
        if self.open and not self.loop.dead:
            self._deliver(lines)
            self.world.when_thawed(self.loop, lambda: self.loop.within(self.door.resume_writing))

    def hang_up(self, told: bool = True) -> None:
        """The actor is gone; the hall hears of it (a FIN) or not (a power cut at the actor's machine)."""
        if told:
            self.world.later(self.world.dice.choice(self.world.faults.delays), self._lost)
        else:
            self.deaf = True

    def _lost(self) -> None:
        if self.open and not self.loop.dead:
            self.open = False
            self.loop.within(lambda: self.door.connection_lost(None))

    # The hall's end: what the door calls.

    def write(self, data: bytes) -> None:
        self.world.boundary("before send")
        lines = data.splitlines()
        for line in lines:
            self.world.audit.sent(self, line)
        if self.deaf:
            return
        if self._stalled is not None:
            self._stalled += lines
            return
        self._deliver(lines)

    def _deliver(self, lines: list[bytes]) -> None:
        self._to_actor = max(self._to_actor, self.world.now + self.world.dice.choice(self.world.faults.delays))
        self.world.at(self._to_actor, lambda: [self._hear(line) for line in lines])

    def _hear(self, line: bytes) -> None:
        if not self.deaf and self.actor.link is self and not self.actor.cannot_hear:
            self.actor.hear(line)

    def close(self) -> None:
        self.loop.call_soon(self._closed_by_hall)

    abort = close

    def _closed_by_hall(self) -> None:
        if self.open:
            self.open = False
            self.door.connection_lost(None)
            self.world.later(0.01, self._tell_closed)

    def _tell_closed(self) -> None:
        if not self.deaf and self.actor.link is self:
            self.actor.cut_off()

    def is_closing(self) -> bool:
        return not self.open

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self._stalled or ()))

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            unread, self._unread = self._unread, []
            for data in unread:
                self.loop.call_soon(self._arrive, data)
