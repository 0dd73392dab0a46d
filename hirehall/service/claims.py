"""Workers that ask again and again instead of staying connected (long polls). Each has a session here, whatever becomes
of its connections: such a worker is silent between two requests, not gone, and only what it names in a beat lives on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from hirehall.core.checks import check_name
from hirehall.core.effects import LOST
from hirehall.core.keeping import drop_ended
from hirehall.core.workers import Worker
from hirehall.errors import BadRequest, Busy, Forbidden, HallError, Unavailable
from hirehall.model import id_text
from hirehall.service.asking import Asking, Push
from hirehall.service.commands import WORK
from hirehall.service.sessions import Identity
from hirehall.wire import requests
from hirehall.wire.replies import Beaten, Claimed, Delivery, RunPush, Stop, StopPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

LOOK_SECONDS = 10.0
IDLE_SECONDS = 60.0  # a worker that holds nothing and asks for nothing is forgotten after this
MAX_POLLERS = 10_000

_run = msgspec.json.Decoder(RunPush).decode


class Wish(Struct, frozen=True):
    """What a claim wants: up to `n` jobs of these sorts."""

    queues: tuple[str, ...]
    kinds: tuple[str, ...]
    offers: dict[str, Any]
    n: int
    lease_seconds: float

    def serves_as(self, other: Wish | None) -> bool:
        """Whether `work` need not be said again."""
        return other is not None and (self.queues, self.kinds, self.offers, self.lease_seconds) == (
            other.queues, other.kinds, other.offers, other.lease_seconds,
        )  # fmt: skip


class Poller:
    """One worker, by its token and its word."""

    def __init__(self, hall: Hall, identity: Identity, word: str) -> None:
        self._hall = hall
        self.session = Asking(hall, identity, self._heard, word)
        self.heard_at = hall.clock().mono
        self.is_claiming = False
        self._wish: Wish | None = None
        self._wanted = 0  # places of the claim under way that are not filled yet
        self._got: list[Delivery] = []
        self._arrived = asyncio.Event()
        self._stops: dict[tuple[str, int], Stop] = {}

    # What the hall says.

    def _heard(self, pushes: Sequence[Push]) -> None:
        for push in pushes:
            if isinstance(push, bytes):  # jobs: nothing else comes encoded to who does not watch or follow
                self._got += _run(push).run
                self._arrived.set()
            elif isinstance(push, StopPush):
                self._stops[push.stop.id, push.stop.attempt] = push.stop
        if not pushes:
            self._arrived.set()  # its session has ended, as whoever waits will find

    @property
    def _worker(self) -> Worker | None:
        return self._hall.core.leases.workers.get(self.session.holder)

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be missed without it."""
        worker = self._worker
        holds = worker is not None and any(lease.is_live for lease in worker.held.values())
        return (
            not (holds or self.is_claiming or self.session.is_asking)
            and self._hall.clock().mono - self.heard_at > IDLE_SECONDS
        )

    async def come_back(self) -> None:
        """What the hall knows this worker to hold stays its own: it has not asked since the hall started."""
        worker = self._worker
        if worker is not None and worker.held:
            held = [lease.job for lease in worker.held.values() if lease.is_live]
            await self.session.ask(requests.Keep(jobs=[requests.KeptJob(id_text(job.id), job.attempt) for job in held]))

    # Claiming.

    async def claim(self, wish: Wish, wait_seconds: float) -> Claimed:
        """Jobs, as soon as there are some; none when the time is up. Cancelled, it gives back what it got."""
        if self.is_claiming:
            raise Busy("this worker waits for jobs already: one claim at a time, or another `worker` for each")
        self.is_claiming = True
        try:
            await self._ask_for(wish)
            await self._first(wait_seconds)
            await self._stop_asking()
        except BaseException:
            await asyncio.shield(self._give_back())
            raise
        finally:
            self.is_claiming, self._wanted = False, 0
            self.heard_at = self._hall.clock().mono
        run, self._got = self._got, []
        stops, self._stops = list(self._stops.values()), {}
        return Claimed(run=run, stop=stops)

    async def _ask_for(self, wish: Wish) -> None:
        """`work` the first time, `credit` from then on: the leases at hand do not grow longer by a claim."""
        self._arrived.clear()
        if (worker := self._worker) is not None:
            drop_ended(self._hall.core.leases, worker)
        self._wanted = wish.n
        if not wish.serves_as(self._wish):
            await self.session.ask(
                requests.Work(
                    queues=wish.queues,
                    kinds=wish.kinds,
                    offers=wish.offers,
                    credit=self._ceiling,
                    lease_seconds=wish.lease_seconds,
                )
            )
            self._wish = wish
        else:
            await self.session.ask(requests.Credit(credit=self._ceiling))

    @property
    def _ceiling(self) -> int:
        """So many jobs may be in this worker's hands: those that are, and those that it waits for."""
        worker = self._worker
        return (0 if worker is None else len(worker.held) + worker.promised) + self._wanted

    async def _first(self, wait_seconds: float) -> None:
        if not self._got:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._arrived.wait()
            except TimeoutError:
                pass

    async def _stop_asking(self) -> None:
        """No credit any more; what was on its way then arrives before the second of two empty answers is judged."""
        full = len(self._got) >= self._wanted
        self._wanted = 0
        await self.session.ask(requests.Credit(credit=0))
        for _ in range(0 if full else 2):
            await self.session.ask(requests.Done(jobs=[]))

    async def _give_back(self) -> None:
        """Nobody hears the answer: what is in it was never begun."""
        if self.session.closed or not self._hall.is_listening:
            return
        try:
            self._wanted = 0
            if self._wish is not None:
                await self.session.ask(requests.Credit(credit=0))
            for _ in range(2):
                await self.session.ask(requests.Done(jobs=[]))
            await self.give_back(self._got)
        except HallError:
            return  # sent away meanwhile, and its jobs are taken from it
        finally:
            self._got = []

    async def give_back(self, jobs: Sequence[Delivery]) -> None:
        """These never reached the worker."""
        for job in jobs:
            try:
                await self.session.ask(requests.Release(id=job.id, attempt=job.attempt))
            except HallError:
                continue  # it is not in its hands any more

    # What the worker says of its jobs.

    async def ask(self, message: Any) -> Any:
        """Say something about jobs in hand. The places that answers give back are not filled again: `n` is what a claim
        wants, however many jobs end while it waits."""
        answered = answered_by(message)
        if self.is_claiming and self._wanted and answered:
            lower = requests.Credit(credit=max(self._ceiling - len(answered), 0))
            answer = await self.session.say([lower, message])
            await self.session.ask(requests.Credit(credit=self._ceiling))
        else:
            answer = await self.session.ask(message)
        for attempt in answered:
            self._stops.pop(attempt, None)
        return answer

    async def beat(self, jobs: list[requests.KeptJob]) -> Beaten:
        """The leases named run again in full; what is not in its hands any more, and what it shall stop."""
        beaten = await self.session.ask(requests.Beat(jobs=jobs))
        named = {(job.id, job.attempt) for job in jobs} | {("", 0)}
        beaten.stop = [stop for key, stop in self._stops.items() if key in named and stop.why != LOST]
        told = {stop.id for stop in beaten.stop}
        beaten.lost = [job for job in beaten.lost if job not in told]
        return beaten  # type: ignore[no-any-return]


def answered_by(message: Any) -> list[tuple[str, int]]:
    """The attempts whose places this gives back."""
    if isinstance(message, requests.Done) and message.jobs:
        return [(job.id, job.attempt) for job in message.jobs]
    ends = isinstance(message, requests.Done | requests.Fail | requests.Release)
    return [(message.id, message.attempt)] if ends else []


class Claims:
    """All workers that poll."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._pollers: dict[tuple[str, str], Poller] = {}
        self._look: asyncio.TimerHandle | None = None

    async def of(self, identity: Identity, word: str) -> Poller:
        """The worker of this token and word, who has come back when the hall knew it. Raises HallError."""
        if WORK.isdisjoint(identity.roles):  # or anybody could make workers that nobody needs
            raise Forbidden("this needs the role work; the token does not have it")
        check_name("worker", word)
        if "/" in word:
            raise BadRequest("worker is a random word without a slash")
        key = (identity.name, word)
        poller = self._pollers.get(key)
        if poller is None or poller.session.closed:
            if len(self._pollers) >= MAX_POLLERS:
                raise Busy(f"{MAX_POLLERS} workers poll already: try again in a moment")
            poller = self._pollers[key] = Poller(self._hall, identity, word)
            self._look_soon()
            await poller.come_back()
        poller.heard_at = self._hall.clock().mono  # not forgotten before it has said what it came for
        return poller

    def _look_soon(self) -> None:
        if self._look is None and self._pollers:
            self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._forget_idle)

    def _forget_idle(self) -> None:
        self._look = None
        for key, poller in list(self._pollers.items()):
            if poller.session.closed or poller.is_idle:
                poller.session.leave()
                del self._pollers[key]
        self._look_soon()

    def close(self) -> None:
        """The hall ends; what these workers hold stays theirs."""
        if self._look is not None:
            self._look.cancel()
        for poller in self._pollers.values():
            poller.session.leave(Unavailable("the hall goes down: claim again when it is back"))
        self._pollers.clear()
