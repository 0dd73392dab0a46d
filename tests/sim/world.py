"""One seeded world: a hall that is killed and frozen, clients, workers, a network, a disk, and the audit of it all."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec

from hirehall.errors import HallError
from hirehall.model import Instant
from hirehall.service import events
from hirehall.service.access import ROLES, Tokens, anonymous_identity
from hirehall.service.hall import Hall
from hirehall.service.sessions import Identity
from hirehall.stores import sqlite_search
from tests.sim.actors import Actor, SimWatcher
from tests.sim.audit import Audit, Violation
from tests.sim.clients import SimClient
from tests.sim.disk import Changed, Disk, Queues, SimStore, rows, settings_of_queues
from tests.sim.faults import Faults, Work
from tests.sim.liveness import Liveness
from tests.sim.loop import Killed, SimLoop, Timeline
from tests.sim.net import Link
from tests.sim.resting import Resting
from tests.sim.trouble import JUMPS_MS, Trouble
from tests.sim.workers import SimWorker

START_MS = 1_800_000_000_000
HEALING_SECONDS = 900.0  # for clients that still want to say something; jobs have bounds of their own
LATE_LINES_SECONDS = 3.0  # what was said in the trouble has arrived
REST_SECONDS = 8.0  # for everybody to come back, and for a watcher to hear the rest
FEW_EVENTS = 40
MAX_STEPS = 120_000


class World:
    """Build with a seed, call `run`; raises Violation."""

    def __init__(self, seed: int) -> None:
        self.dice = dice = random.Random(seed)
        self.faults = Faults.roll(dice)
        self.work = Work.roll(dice)
        self.network_lied = self.faults.network_lies
        self.timeline = Timeline()
        self.outside = SimLoop(self.timeline)
        self.audit = Audit(self)
        self.disk = Disk()
        self.seen: Counter[str] = Counter()
        self.hall_is_up = False
        self.healing = False
        self.lives = 0
        self.lost_lines = 0
        self.links: list[Link] = []  # with the hall that lives
        self.guest_token = ""
        self.down_ms = (0, 0)  # wall clock: when the hall was away the last time
        self.max_running = dice.choice((None, 2))  # of the queue `double`
        self.rate, self.max_waiting = dice.choice((2.0, 5.0, 20.0)), dice.choice((1, 3))  # of the queue `narrow`
        self._fingerprint = hashlib.sha256()
        self._jump_ms = self._highest_jump_ms = 0
        self._trouble: list[BaseException] = []
        self._resting = Resting(self)
        self._liveness: Liveness | None = None
        self.castaways: list[SimWorker] = []
        self._populate()

    def _populate(self) -> None:
        dice = self.dice
        jobs = 3 + int(self.faults.seconds / 2)
        clients = dice.randrange(1, 4)
        self.watchers = [SimWatcher(self)] if dice.random() < 0.7 else []
        self.clients = [SimClient(self, f"c{n}", dice.randrange(3, 3 + jobs)) for n in range(clients)]
        self.workers: list[SimWorker] = []
        for _ in range(dice.randrange(1, 5)):
            self.add_worker()
        if self.work.guest:
            self.clients[-1].is_guest = clients > 1
            self.workers[-1].is_guest = True

    def add_worker(self) -> None:
        dice, name = self.dice, f"w{len(self.workers) + len(self.castaways)}"
        worker = SimWorker(self, name, dice.choice((1, 1, 2, 5)), dice.choice(({}, {}, {"gpu": 1})))
        self.workers.append(worker)
        if self.lives:
            worker.connect()

    @property
    def actors(self) -> list[Actor]:
        return [*self.clients, *self.workers, *self.castaways, *self.watchers]

    # Time and chance.

    @property
    def now(self) -> float:
        return self.timeline.now

    def wall_ms(self) -> int:
        return START_MS + int(self.now * 1000) + self._jump_ms

    def clock(self) -> Instant:
        return Instant(self.now, self.wall_ms())

    def later(self, delay: float, action: Callable[[], Any]) -> None:
        self.outside.call_later(delay, self._guarded, action)

    def at(self, when: float, action: Callable[[], Any]) -> None:
        self.outside.call_at(when, self._guarded, action)

    def when_thawed(self, loop: SimLoop, action: Callable[[], Any]) -> None:
        """Now, or when that hall is not frozen any more."""
        self.at(max(self.now, loop.frozen_until), lambda: None if loop.dead else action())

    def _guarded(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except BaseException as exc:
            self._trouble.append(exc)

    def jump_clock(self, by_ms: int) -> None:
        self.count("wall clock jumped")
        self._jump_ms += by_ms
        self._highest_jump_ms = max(self._highest_jump_ms, self._jump_ms)

    def chance(self, fault: str) -> bool:
        """Whether this fault happens now."""
        odds: float = getattr(self.faults, fault)
        return odds > 0 and self.dice.random() < odds

    def count(self, what: str) -> None:
        """Something rare happened."""
        self.seen[what] += 1

    def boundary(self, where: str) -> None:
        """The hall is about to do something that others can see: the place to be killed."""
        self._fingerprint.update(f"{self.now:.6f} {where}\n".encode())
        if self.chance("kill"):
            self.count(f"killed {where}")
            self.kill()
            raise Killed

    # The hall, and its supervisor.

    def start_hall(self) -> None:
        self.lives += 1
        self.links.clear()
        self.hall_loop = SimLoop(self.timeline)
        self.store = SimStore(self)
        if self.lives > 1 and self.faults.clock and self.dice.random() < 0.3:
            self.jump_clock(self.dice.choice(JUMPS_MS))
        self.hall_loop.within(self._build_hall)

    def _build_hall(self) -> None:
        tokens = Tokens()
        tokens.add("t", Identity("team", ROLES))
        self.hall = Hall(self.store, tokens, anonymous_identity(()), self.clock, self.dice.random)
        self.hall_loop.create_task(self._reporting(self._start(self.hall)))

    async def _reporting(self, what: Coroutine[Any, Any, None]) -> None:
        """A task tells nobody of its failure."""
        try:
            await what
        except Exception as exc:
            self._trouble.append(exc)
            raise

    async def _start(self, hall: Hall) -> None:
        if self.faults.early >= self.lives * 2:
            return self._die_early()
        try:
            await hall.start()
        except HallError:
            self.count("hall could not start")
            return self._gone(0.5)
        self.down_ms = (self.down_ms[0], self.wall_ms())
        self.audit.ledger.recovered(rows(self.store.db), settings_of_queues(self.store.db))
        if self.faults.early >= self.lives:
            return self._die_early()
        self._watch_for_sleep(hall)
        self.hall_is_up = True
        hall.failed.add_done_callback(lambda _: self._stop(hall))
        await hall.ending.over.wait()
        self.count("hall ended in order")
        self._stop(hall)
        return None

    def _die_early(self) -> None:
        self.count("killed before the first commit")
        self.kill()

    def _watch_for_sleep(self, hall: Hall) -> None:
        forgive = hall.core.leases.forgive

        def forgiven(lost_seconds: float) -> None:
            if hall.core.leases.open:
                self.count("sleep gave leases their time back")
            forgive(lost_seconds)

        hall.core.leases.forgive = forgiven  # type: ignore[method-assign]

    def _stop(self, hall: Hall) -> None:
        if self.hall_is_up:
            self.hall_is_up = False
            self.down_ms = (self.wall_ms(), self.wall_ms())
            self.hall_loop.create_task(self._reporting(self._close(hall)))

    async def _close(self, hall: Hall) -> None:
        """As a process does that stops, because it was told to or because its store failed."""
        if hall.failed.done() and not self.store.harmed:
            raise Violation(f"the hall stopped: {hall.failed.result()!r}")
        await hall.finish()
        for link in list(self.links):
            link.door.close()
        self.store.leave(forgets=self.dice.random() < 0.5)
        await hall.close()
        self._gone(0.01)

    def _gone(self, seconds: float) -> None:
        """Nothing of this hall runs any more, once what it said last is on its way; another one will start."""
        loop = self.hall_loop
        self.later(seconds, loop.kill)
        self.later(seconds + self.dice.choice((0.1, 1.0)), self.start_hall)

    def kill(self) -> None:
        """kill -9, or a power cut that also forgets what was not synced."""
        forgets = self.dice.random() < 0.5
        if self.store.unsynced and not forgets:
            self.count("killed, unsynced writes kept")
        self.store.leave(forgets)
        self.down_ms = (self.wall_ms(), self.wall_ms())
        self.hall_is_up = False
        self.hall_loop.kill()
        for actor in self.actors:
            if actor.link is not None:
                self.later(
                    self.dice.choice((0.01, 0.3)), lambda actor=actor, link=actor.link: self._notice(actor, link)
                )
        self.later(self.dice.choice((0.1, 1.0)), self.start_hall)

    def _notice(self, actor: Actor, link: Link) -> None:
        if actor.link is link:
            actor.cut_off()

    def committed(self, changed: Changed, queues: Queues, at: Instant) -> None:
        """The store of the hall is durable again."""
        self._fingerprint.update(msgspec.msgpack.encode(sorted(changed.items())))
        self.count("commit")
        try:
            self.audit.ledger.committed(changed, queues, at)
        except Violation as exc:
            self._trouble.append(exc)
            raise

    # The run.

    def run(self) -> str:
        """Trouble, then healing, then the last look. The answer is a fingerprint of all that happened."""
        few = FEW_EVENTS if self.work.forgetful else events.KEPT_EVENTS
        with (
            mock.patch.object(events, "KEPT_EVENTS", few),
            mock.patch.object(events, "SLACK_EVENTS", min(few, events.SLACK_EVENTS)),
            mock.patch.object(sqlite_search, "time", SimpleNamespace(monotonic=lambda: self.timeline.now)),
        ):
            try:
                return self._run()
            finally:
                self.hall_loop.kill()

    def _run(self) -> str:
        self.start_hall()
        for actor in self.actors:
            self.later(self.dice.uniform(0, 0.5), actor.connect)
        if self.work.lanes:
            self.later(1.0, self.clients[0].submit_lanes)
        Trouble(self)
        self._drive(self.now + self.faults.seconds)
        self._heal()
        for _ in range(2):  # a retry that was on its way may have begun a job anew
            self._drive(self.now + HEALING_SECONDS, self._all_done)
            self.audit.demand(self._all_done(), "clients are answered", left=[one.open_keys for one in self.clients])
            self._drive(max(self.now, self.hall_loop.frozen_until) + REST_SECONDS, self._is_settled)
        if not self.store.unsynced:
            self.audit.ledger.compare(rows(self.store.db))
        self.audit.healed()
        self._fingerprint.update(f"{self.now:.6f} {self.timeline.steps} {sorted(self.seen.items())}".encode())
        return self._fingerprint.hexdigest()

    def _drive(self, until: float, is_enough: Callable[[], bool] = lambda: False) -> None:
        while self.now < until and self.timeline.steps < MAX_STEPS and self.timeline.step():
            if self._trouble or self.hall_loop.errors or self.outside.errors:
                self._raise_trouble()
            self._resting.check()
            if self._liveness is not None:
                self._liveness.check()
            if is_enough():
                return

    def _raise_trouble(self) -> None:
        for error in (
            *self._trouble,
            *(context.get("exception") for context in (*self.hall_loop.errors, *self.outside.errors)),
        ):
            if error is not None and not isinstance(error, Killed):
                raise error
        self._trouble.clear()
        self.hall_loop.errors.clear()

    def _all_done(self) -> bool:
        if self.now < self._healed_at + LATE_LINES_SECONDS or not self.hall_is_up:
            return False
        idle = not any(client.left > 0 or client.open_keys for client in self.clients)
        return idle and not self.audit.ledger.open

    def _is_settled(self) -> bool:
        """Nothing more is to be heard: a violation of the last look would stay one."""
        if (
            not self._all_done()
            or self.store.applying
            or self.hall.ending.begun
            or self.now < self.hall_loop.frozen_until
        ):
            return False
        last = self.hall.events.text(self.hall.events.next)
        if any(watcher.since != last or not watcher.watching for watcher in self.watchers):
            return False
        in_hand = self.hall.core.leases.workers
        seen = [(in_hand.get(f"team/{one.word}"), one.credit) for one in self.workers]
        return all(worker is not None and worker.free == credit for worker, credit in seen)

    def _heal(self) -> None:
        """Faults off; a good worker comes, who takes everything; in half of the worlds half of the old ones stay and
        behave, the others die; clients say what they still must."""
        self.healing, self._healed_at = True, self.now
        self._jump_ms = self._highest_jump_ms + 7_200_000  # what a clock set back would make wait for hours is due now
        self.faults = Faults()
        self.disk.is_full = False
        self.store.feel_disk()
        willing = [worker for worker in self.workers if not (worker.was_ordered or worker.is_guest)]
        stay = willing[: (len(self.workers) + 1) // 2] if self.dice.random() < 0.5 else []
        for worker in self.workers:
            if worker in stay:
                self.count("worker outlived the trouble")
                worker.behave()
            else:
                self._bury(worker)
        good = SimWorker(self, "good", 100 if self.work.lanes else 10, {"gpu": 1}, good=True)
        self.workers = [*stay, good]
        good.connect()
        for client in self.clients:
            client.reconnect()
        self._liveness = Liveness(self)

    def _bury(self, worker: SimWorker) -> None:
        worker.life += 1
        if worker.link is not None:
            worker.link.hang_up(told=False)
            worker.link = None
