"""One seeded world: a hall that is killed and frozen, clients, workers, a network, a disk, and the audit of it all."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from hirehall.core.lanes import Crew
from hirehall.model import FINAL, Instant, State
from hirehall.service.access import ROLES, Tokens, anonymous_identity
from hirehall.service.hall import Hall
from hirehall.service.sessions import Identity
from tests.sim.actors import SimClient, SimWatcher, SimWorker
from tests.sim.audit import Audit, Violation, is_ready_in
from tests.sim.disk import Disk, Queues, SimStore, rows, settings_of_queues
from tests.sim.loop import Killed, SimLoop, Timeline

Row = dict[str, Any]
Rows = dict[int, Row]
START_MS = 1_800_000_000_000
TROUBLE_SECONDS = 25.0
HEALING_SECONDS = 400.0
REST_SECONDS = 6.0  # for everybody to come back, and for a watcher to hear the rest
MAX_STEPS = 60_000


@dataclass
class Faults:
    """What goes wrong in this seed: each fault is off in about half of them."""

    drop: float
    double: float
    reorder: float
    delays: tuple[float, ...]
    kill: float  # at every effect boundary
    restart: float  # mean seconds between kills from outside
    freeze: float
    clock_jump: bool
    misbehave: float
    poison: int
    worker_trouble: float

    @staticmethod
    def roll(dice: random.Random) -> Faults:
        def maybe(value: Any, none: Any = 0.0) -> Any:
            return value if dice.random() < 0.5 else none

        return Faults(
            maybe(dice.uniform(0, 0.1)), maybe(dice.uniform(0, 0.2)), maybe(dice.uniform(0, 0.3)),
            maybe((0.001, 0.02, 0.7), (0.0005, 0.002)), maybe(0.004), maybe(6.0), maybe(8.0), maybe(True, False),
            maybe(0.3), maybe(2, 0), maybe(4.0),
        )  # fmt: skip


class World:
    """Build with a seed, call `run`; raises Violation."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.faults = Faults.roll(self.dice)
        self.timeline = Timeline()
        self.outside = SimLoop(self.timeline)
        self.audit = Audit(self)
        self.disk = Disk()
        self.seen: Counter[str] = Counter()
        self.hall_is_up = False
        self.healing = False
        self._compared: Rows = {}  # what the hall was last compared with
        self.max_running = self.dice.choice((None, 2))  # of the queue `double`
        self.watchers = [SimWatcher(self)] if self.dice.random() < 0.7 else []
        self._fingerprint = hashlib.sha256()
        self._jump_ms = 0
        self._trouble: list[BaseException] = []
        self.clients = [SimClient(self, f"c{n}", self.dice.randrange(4, 16)) for n in range(self.dice.randrange(1, 4))]
        self.workers = [
            SimWorker(self, f"w{n}", self.dice.choice((1, 1, 2, 5)), self.dice.choice(({}, {}, {"gpu": 1})))
            for n in range(self.dice.randrange(1, 5))
        ]

    @property
    def actors(self) -> list[SimClient | SimWorker | SimWatcher]:
        return [*self.clients, *self.workers, *self.watchers]

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

    def _guarded(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except BaseException as exc:
            self._trouble.append(exc)

    def count(self, what: str) -> None:
        """Something rare happened."""
        self.seen[what] += 1

    def boundary(self, where: str) -> None:
        """The hall is about to do something that others can see: the place to be killed."""
        self._fingerprint.update(f"{self.now:.6f} {where}\n".encode())
        if not self.healing and self.faults.kill and self.dice.random() < self.faults.kill:
            self.count(f"killed {where}")
            self.kill()
            raise Killed

    # The hall.

    def start_hall(self) -> None:
        self.hall_loop = SimLoop(self.timeline)
        self.store = SimStore(self.disk, self.dice, self.boundary, self._committed)
        self.hall_loop.within(self._build_hall)

    def _build_hall(self) -> None:
        tokens = Tokens()
        tokens.add("t", Identity("team", ROLES))
        self.hall = Hall(self.store, tokens, anonymous_identity(()), self.clock, self.dice.random)
        self.hall_loop.create_task(self._start(self.hall))

    async def _start(self, hall: Hall) -> None:
        await hall.start()
        self.audit.recovered(rows(self.store.db), settings_of_queues(self.store.db))
        self.hall_is_up = True

    def kill(self) -> None:
        """kill -9, or a power cut that also forgets what was not synced."""
        if self.hall_is_up and self.dice.random() < 0.5 and not self.store.db.in_transaction:
            self.disk.keep(self.store.db)
            self.count("killed, unsynced writes kept")
        self.hall_is_up = False
        self.hall_loop.kill()
        for actor in self.actors:
            if actor.link is not None:
                self.later(
                    self.dice.choice((0.01, 0.3)), lambda actor=actor, link=actor.link: self._notice(actor, link)
                )
        self.later(self.dice.choice((0.1, 1.0)), self.start_hall)

    def _notice(self, actor: Any, link: Any) -> None:
        if actor.link is link:
            actor.cut_off()

    def _committed(self, stored: Rows, queues: Queues) -> None:
        self._fingerprint.update(msgspec.msgpack.encode(sorted(stored.items())))
        try:
            self.audit.committed(stored, queues)
        except Violation as exc:
            self._trouble.append(exc)
            raise

    def check_priority(self, row: Row, waiting: Rows, now: Rows, before: Rows) -> None:
        """No job starts on a worker for which a more urgent one is waiting."""
        worker = self.hall.core.leases.workers.get(row["holder"])
        crew = worker.crew if worker is not None else None
        lanes = self.hall.core.hallway.by_number
        if crew is None or row["lane"] not in lanes:
            return
        priority = lanes[row["lane"]].key.priority
        for other in waiting.values():
            key = lanes[other["lane"]].key
            held = lanes[other["lane"]].line.room is not None
            fits = key.priority > priority and crew.may_take(key) and not held
            urgent = fits and not self.cut_in(other["lane"], now, before)
            self.audit.demand(not urgent, "larger priority first", started=row, waiting=other)

    def cut_in(self, lane: int, now: Rows, before: Rows) -> bool:
        """A job came back to this lane and was out again in one commit: it took the turn of the one that waits."""
        return any(
            row["lane"] == lane and row["state"] == State.RUNNING and number in before
            and not is_ready_in(before, number, lane) and before[number]["attempt"] < row["attempt"]
            for number, row in now.items()
        )  # fmt: skip

    # The run.

    def run(self) -> str:
        """Trouble, then healing, then the last look. The answer is a fingerprint of all that happened."""
        try:
            return self._run()
        finally:
            self.hall_loop.kill()

    def _run(self) -> str:
        self.start_hall()
        for actor in self.actors:
            self.later(self.dice.uniform(0, 0.5), actor.connect)
        self._plan_trouble()
        self._drive(self.now + TROUBLE_SECONDS)
        self._heal()
        for _ in range(2):  # a retry that was on its way may have begun a job anew
            self._drive(self.now + HEALING_SECONDS, until_done=True)
            self._drive(max(self.now, self.hall_loop.frozen_until) + REST_SECONDS)
        self.audit.healed()
        self._fingerprint.update(f"{self.now:.6f} {self.timeline.steps} {sorted(self.seen.items())}".encode())
        return self._fingerprint.hexdigest()

    def _drive(self, until: float, until_done: bool = False) -> None:
        while self.now < until and self.timeline.steps < MAX_STEPS and self.timeline.step():
            self._raise_trouble()
            self._check_idle()
            if until_done and self._all_done():
                return

    def _raise_trouble(self) -> None:
        for error in (
            *self._trouble,
            *(context.get("exception") for context in (*self.hall_loop.errors, *self.outside.errors)),
        ):
            if error is not None and not isinstance(error, Killed):
                raise error
        self._trouble.clear()
        if not self.hall_loop.dead and self.hall_is_up and self.hall.failed.done():
            raise Violation(f"the hall stopped: {self.hall.failed.result()!r}")

    def _check_idle(self) -> None:
        """No lost wake-up: whenever the hall rests, no free worker fits a ready job."""
        if not self.hall_is_up or self.hall._wants_commit or self.store.applying or self.hall_loop.dead:
            return
        for crew in self.hall.core.hallway.crews.values():
            self.audit.demand(not (crew.free and crew.has_ready), "G15 no lost wake-up", crew=sorted(crew.kinds))
            self._check_limited(crew)
        self._check_leases()
        if self.audit.durable is not self._compared:
            self._compared = self.audit.durable
            self._compare()

    def _compare(self) -> None:
        """After each commit what the hall has in hand is what is stored, and it has said all that it owes."""
        self.audit.rested()
        kept = self.store.db.execute("SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL").fetchone()
        self.audit.demand(self.hall.core._next_wake == kept[0], "the earliest stored time is known", kept=kept)
        ready = self.store.db.execute("SELECT lane, count(*) FROM jobs WHERE state = 2 GROUP BY lane")
        for number, jobs in ready:
            lane = self.hall.core.hallway.by_number.get(number)
            self.audit.demand(lane is not None and lane.ready == jobs, "G15 ready jobs are known", lane=number)
        for worker in self.hall.core.leases.workers.values():
            self.audit.demand(worker.promised == 0, "every promise is settled", worker=worker.holder)
        running = {job: row for job, row in self.audit.durable.items() if row["state"] == State.RUNNING}
        in_hand = self.hall.core.leases.open
        self.audit.demand(running.keys() == in_hand.keys(), "what runs is in hand", running=running, in_hand=in_hand)
        for job, lease in in_hand.items():
            same = (lease.job.attempt, lease.job.holder) == (running[job]["attempt"], running[job]["holder"])
            self.audit.demand(same, "G7 the lease in hand is the stored one", lease=lease, row=running[job])

    def _check_limited(self, crew: Crew) -> None:
        """Nor where a queue has limits: it hands out as many as they allow."""
        for line in self.hall.core.hallway.limited.values():
            running = sum(lease.job.queue == line.name for lease in self.hall.core.leases.open.values())
            has_room = line.hands_out and running < (line.settings.max_running or 0)
            waiting = [lane.key for lane in line.lanes if lane.ready > 0 and crew in lane.crews]
            lost = crew.free and has_room and waiting
            self.audit.demand(not lost, "G15 no lost wake-up of a queue with limits", running=running, waiting=waiting)

    def _check_leases(self) -> None:
        """No lease outlives its last beat by more than the second in which the hall looks."""
        if self.now < self.hall_loop.frozen_until + 3.0:
            return
        for worker in self.hall.core.leases.workers.values():
            gone_late = self.now - (worker.gone_at if worker.gone_at is not None else self.now)
            self.audit.demand(gone_late < 1.5, "a grace ends", worker=worker.holder, late=gone_late)
            for lease in worker.held.values():
                late = self.now - worker.deadline(lease)
                self.audit.demand(not lease.is_live or late < 1.5, "G12 an expired lease ends", lease=lease, late=late)

    def _all_done(self) -> bool:
        idle = not any(client.left > 0 or client.open_keys for client in self.clients)
        return idle and all(row["state"] in FINAL for row in self.audit.durable.values())

    def _plan_trouble(self) -> None:
        faults, dice = self.faults, self.dice
        if faults.restart:
            self.later(dice.expovariate(1 / faults.restart), self._trouble_kill)
        if faults.freeze:
            self.later(dice.expovariate(1 / faults.freeze), self._trouble_freeze)
        if faults.clock_jump:
            self.later(dice.uniform(1, TROUBLE_SECONDS), self._trouble_clock)
        if faults.worker_trouble:
            self.later(dice.expovariate(1 / faults.worker_trouble), self._trouble_worker)

    def _trouble_kill(self) -> None:
        if not self.healing:
            if self.hall_is_up:
                self.count("killed from outside")
                self.kill()
            self.later(self.dice.expovariate(1 / self.faults.restart), self._trouble_kill)

    def _trouble_freeze(self) -> None:
        if not self.healing:
            self.count("hall frozen")
            thaw = self.now + self.dice.choice((0.5, 3.0, 8.0))
            self.hall_loop.frozen_until = max(self.hall_loop.frozen_until, thaw)
            self.later(self.dice.expovariate(1 / self.faults.freeze), self._trouble_freeze)

    def _trouble_clock(self) -> None:
        self._jump_ms += self.dice.choice((-3_600_000, -500, 500, 3_600_000))
        self.count("wall clock jumped")

    def _trouble_worker(self) -> None:
        if self.healing:
            return
        worker = self.dice.choice(self.workers)
        self.dice.choice(
            (worker.die, worker.reconnect, lambda: worker.reconnect(told=False), lambda: self._half_open(worker))
        )()
        self.later(self.dice.expovariate(1 / self.faults.worker_trouble), self._trouble_worker)

    def _half_open(self, worker: SimWorker) -> None:
        if worker.link is not None:
            self.count("half-open connection")
            worker.link.deaf = True

    def _heal(self) -> None:
        """Faults off; a good worker comes, who takes everything; in half of the worlds half of the old ones stay and
        behave, the others die; clients say what they still must."""
        self.healing = True
        self._jump_ms += 7_200_000  # what a clock set back would make wait for hours is due now
        self.faults = Faults(0, 0, 0, (0.001,), 0, 0, 0, False, 0, 0, 0)
        stay = self.workers[: (len(self.workers) + 1) // 2] if self.dice.random() < 0.5 else []
        for worker in self.workers:
            if worker in stay:
                self.count("worker outlived the trouble")
                worker.behave()
            else:
                self._bury(worker)
        good = SimWorker(self, "good", 10, {"gpu": 1}, good=True)
        good.word = "good"
        self.workers = [*stay, good]
        good.connect()
        for client in self.clients:
            client.reconnect()

    def _bury(self, worker: SimWorker) -> None:
        worker.life += 1
        if worker.link is not None:
            worker.link.hang_up(told=False)
            worker.link = None
