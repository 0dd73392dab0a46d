"""The core with a real store in memory, time as an argument."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Raw

from hirehall.core import keeping
from hirehall.core.dispatcher import Dispatcher
from hirehall.core.effects import Effects
from hirehall.core.intake import alike
from hirehall.core.operations import Batch, Change, Claimed
from hirehall.model import Instant, JobSpec, Offers, QueueSettings, State, StoredJob
from hirehall.ports import ByIds, Search
from hirehall.stores.sqlite import SQLiteStore

WORKER = "team/w1"
CLIENT, SESSION = 1, 2


class Rig:
    """A dispatcher, its store, and a clock that stands still until told."""

    def __init__(self) -> None:
        self.store = SQLiteStore()
        self.seconds = 1_000.0
        self.batches: list[Batch] = []

    async def start(self) -> Rig:
        await self.store.open()
        self.core = Dispatcher(await self.store.recover(), self.instant(), lambda: 0.5)
        return self

    async def restart(self) -> None:
        """A new core on the same jobs."""
        self.core = Dispatcher(await self.store.recover(), self.instant(), lambda: 0.5)

    def instant(self) -> Instant:
        return Instant(self.seconds, 1_800_000_000_000 + int(self.seconds * 1000))

    def submit(self, **spec: Any) -> int:
        """The id of a new job, which is stored with the next commit."""
        submit = self.core.submit(alike([JobSpec(**({"kind": "k", "payload": Raw(b"1")} | spec))]), "me", "me", CLIENT)
        return submit.jobs[0].id

    def set_queue(self, name: str = "default", **settings: Any) -> None:
        self.core.set_queue(name, QueueSettings(**settings))

    def submit_many(self, count: int, **spec: Any) -> list[int]:
        """One request for `count` equal jobs."""
        specs = [JobSpec(**({"kind": "k", "payload": Raw(b"1")} | spec)) for _ in range(count)]
        return [job.id for job in self.core.submit(alike(specs), "me", "me", CLIENT).jobs]

    def work(
        self,
        credit: int = 1,
        lease_seconds: float = 30.0,
        holder: str = WORKER,
        session: int = SESSION,
        kinds: tuple[str, ...] = ("k",),
        queues: tuple[str, ...] = ("default",),
        offers: Offers | None = None,
    ) -> None:
        worker = self.core.leases.attach(session, holder)
        self.core.leases.serve(worker, frozenset(queues), frozenset(kinds), offers or {}, credit, lease_seconds)

    def succeed(self, job: int, attempt: int = 1, holder: str = WORKER) -> None:
        """The worker reports a result."""
        self.core.leases.reserve((job,))
        self.core.leases.succeed(holder, [(job, attempt, b"1")])

    def succeed_many(self, jobs: list[int], holder: str = WORKER) -> list[Change]:
        """The worker reports the first attempts of all of these at once, each with its id as the result."""
        self.core.leases.reserve(jobs)
        return self.core.leases.succeed(holder, [(job, 1, b"%d" % job) for job in jobs])

    async def commit(self) -> Effects:
        """Commit as long as the core wants it; what sessions shall hear. Every batch is kept in `batches`."""
        merged = Effects()
        while self.core.wants_commit:
            batch = self.core.seal()
            await self.store.apply(batch)
            self.batches.append(batch)
            effects = self.core.settle(batch)
            for session, jobs in effects.runs.items():
                merged.runs.setdefault(session, []).extend(jobs)
            merged.stops += effects.stops
            merged.ends += effects.ends
        return merged

    async def after(self, seconds: float, beats: bool = False) -> Effects:
        """Let time pass in steps of half a second, as ticks do."""
        merged, until = Effects(), self.seconds + seconds
        while self.seconds < until:
            self.seconds += 0.5
            self.core.turn(self.instant())
            if beats:
                keeping.beat(self.core.leases, SESSION, WORKER)
            self.core.tick()
            effects = self.core.effects()
            committed = await self.commit()
            merged.stops += effects.stops + committed.stops
            merged.ends += committed.ends
            for session, jobs in committed.runs.items():
                merged.runs.setdefault(session, []).extend(jobs)
        return merged

    async def running(self, **spec: Any) -> Claimed:
        self.work()
        self.submit(**spec)
        return (await self.commit()).runs[SESSION][0]

    async def store_ids(self) -> list[int]:
        """Every job that is stored, the newest first."""
        return [job.id for job in (await self.store.read(Search(1_000))).jobs]

    async def row(self, job: int) -> StoredJob:
        return (await self.store.read(ByIds([job])))[0]

    async def state(self, job: int) -> State:
        return (await self.row(job)).state


Scenario = Callable[[Rig], Coroutine[Any, Any, None]]


def on_a_rig(scenario: Scenario) -> Callable[[], None]:
    async def play() -> None:
        await scenario(await Rig().start())

    def test() -> None:
        asyncio.run(play())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test
