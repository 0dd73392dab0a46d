"""What must hold whenever the hall rests: nothing lies that could go, and what is in hand is what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hirehall.core.lanes import Crew

if TYPE_CHECKING:
    from tests.sim.world import World

LOOK_SECONDS = 0.25  # so often at leases when nothing moves


class Resting:
    """Looks at a hall between its turns; nothing twice when nothing has moved."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._demand = world.audit.demand
        self._next_look = 0.0
        self._compared = 0  # the commit after which the hall was last compared with the store

    def check(self) -> None:
        """After each step of the world: if a callback of the hall has run, and it has nothing more to do."""
        world = self._world
        if not world.hall_is_up or world.hall_loop.dead:
            return
        if not world.hall_loop.moved:
            if world.now >= self._next_look:  # a timer that was lost moves nothing either
                self._look_at_leases()
            return
        if world.hall.failed.done() or world.hall._wants_commit or not world.hall._wanted._waiters:  # type: ignore[attr-defined]
            return  # the commit loop is not at rest
        world.hall_loop.moved = False
        for crew in world.hall.core.hallway.crews.values():
            if crew.free:
                self._demand(not crew.has_ready, "G15 no lost wake-up", crew=sorted(crew.kinds))
                self._check_limited(crew)
        self._look_at_leases()
        if world.audit.ledger.commits != self._compared:
            self._compared = world.audit.ledger.commits
            self._compare()

    def _compare(self) -> None:
        """After each commit what the hall has in hand is what is stored, and it has said all that it owes."""
        world, ledger = self._world, self._world.audit.ledger
        core = world.hall.core
        world.audit.rested()
        kept = world.store.db.execute("SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL").fetchone()
        self._demand(core._next_wake == kept[0], "the earliest stored time is known", kept=kept)
        for number, jobs in ledger.ready.items():
            lane = core.hallway.by_number.get(number)
            self._demand(lane is not None and lane.ready == len(jobs), "G15 ready jobs are known", lane=number)
        for worker in core.leases.workers.values():
            self._demand(worker.promised == 0, "every promise is settled", worker=worker.holder)
        running = {job: row for rows in ledger.running.values() for job, row in rows.items()}
        in_hand = core.leases.open
        self._demand(running.keys() == in_hand.keys(), "what runs is in hand", running=running, in_hand=in_hand)
        for job, lease in in_hand.items():
            same = (lease.job.attempt, lease.job.holder) == (running[job]["attempt"], running[job]["holder"])
            self._demand(same, "G7 the lease in hand is the stored one", lease=lease, row=running[job])

    def _check_limited(self, crew: Crew) -> None:
        """Nor where a queue has limits: it hands out as many as they allow."""
        for line in self._world.hall.core.hallway.limited.values():
            if line.settings.max_running is None:
                continue
            running = sum(lease.job.queue == line.name for lease in self._world.hall.core.leases.open.values())
            has_room = line.hands_out and running < line.settings.max_running
            waiting = [lane.key for lane in line.lanes if lane.ready > 0 and crew in lane.crews]
            lost = crew.free and has_room and waiting
            self._demand(not lost, "G15 no lost wake-up of a queue with limits", running=running, waiting=waiting)

    def _look_at_leases(self) -> None:
        """No lease outlives its last beat by more than the second in which the hall looks."""
        world = self._world
        self._next_look = world.now + LOOK_SECONDS
        if world.now < world.hall_loop.frozen_until + 3.0:
            return
        for worker in world.hall.core.leases.workers.values():
            gone_late = world.now - (worker.gone_at if worker.gone_at is not None else world.now)
            self._demand(gone_late < 1.5, "a grace ends", worker=worker.holder, late=gone_late)
            for lease in worker.held.values():
                late = world.now - worker.deadline(lease)
                self._demand(not lease.is_live or late < 1.5, "G12 an expired lease ends", lease=lease, late=late)
