"""Who is hurt when: kills, freezes, clock jumps, full disks, broken connections, orderly ends, by the world's dice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sim.workers import SimWorker
    from tests.sim.world import World

JUMPS_MS = (-3_600_000, -500, 500, 3_600_000)


class Trouble:
    """Plans one world's accidents until it heals."""

    def __init__(self, world: World) -> None:
        self.world = world
        faults = world.faults
        every = {
            self.kill: faults.restart, self.freeze: faults.freeze, self.clock: faults.clock,
            self.worker: faults.worker, self.stall: faults.stall, self.shut_down: faults.shutdown,
            self.fill_disk: faults.full, self.storm: world.work.storms and 2.0,
        }  # fmt: skip
        for accident, mean in every.items():
            if mean:
                self._again(accident, mean)
        if faults.one_way:
            world.later(world.dice.uniform(0, faults.seconds), self.cast_away)

    def _again(self, accident: Callable[[], None], mean: float) -> None:
        def happen() -> None:
            if not self.world.healing:
                accident()
                self._again(accident, mean)

        self.world.later(self.world.dice.expovariate(1 / mean), happen)

    def kill(self) -> None:
        if self.world.hall_is_up:
            self.world.count("killed from outside")
            self.world.kill()

    def freeze(self) -> None:
        self.world.count("hall frozen")
        loop = self.world.hall_loop
        loop.frozen_until = max(loop.frozen_until, self.world.now + self.world.dice.choice((0.5, 3.0, 8.0)))

    def clock(self) -> None:
        self.world.jump_clock(self.world.dice.choice(JUMPS_MS))

    def worker(self) -> None:
        worker = self.world.dice.choice(self.world.workers)
        self.world.dice.choice(
            (
                worker.die,
                worker.reconnect,
                lambda: worker.reconnect(told=False),
                lambda: self.half_open(worker),
                lambda: worker.doze(self.world.dice.uniform(1.5, 6.0)),
            )
        )()

    def half_open(self, worker: SimWorker) -> None:
        if worker.link is not None:
            self.world.count("half-open connection")
            worker.link.deaf = True

    def cast_away(self) -> None:
        """For ever, whatever heals: it hears nothing, or nobody hears it."""
        if self.world.healing:
            return
        worker = self.world.workers.pop(0)
        self.world.castaways.append(worker)
        worker.cannot_hear = self.world.faults.one_way == "hear"
        worker.cannot_say = not worker.cannot_hear
        self.world.count("worker that cannot " + self.world.faults.one_way)
        if not self.world.workers:
            self.world.add_worker()

    def stall(self) -> None:
        """Somebody does not read for a while."""
        reading = [actor for actor in self.world.actors if actor.link is not None and actor.link.open]
        if reading and self.world.hall_is_up:
            self.world.dice.choice(reading).link.stall(self.world.dice.choice((0.3, 1.0, 4.0)))

    def shut_down(self) -> None:
        said = [client for client in self.world.clients if client.link is not None]
        if said and self.world.hall_is_up:
            self.world.dice.choice(said).say(cmd="shutdown", workers=self.world.dice.random() < 0.5)

    def fill_disk(self) -> None:
        self.world.count("disk full for a while")
        self.world.disk.is_full = True
        self.world.store.feel_disk()
        self.world.later(self.world.dice.choice((0.2, 1.0, 4.0)), self.make_room)

    def make_room(self) -> None:
        self.world.disk.is_full = False
        self.world.store.feel_disk()

    def storm(self) -> None:
        """Everybody submits under one key at one moment, some of them twice, and one perhaps something else."""
        key = f"k{self.world.dice.randrange(4)}"
        for client in self.world.clients:
            for _ in range(self.world.dice.choice((1, 2, 4))):
                client.submit_key(key, other=self.world.dice.random() < 0.1)
