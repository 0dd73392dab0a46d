"""The agent: comes to a hall, takes the work its runners can do, answers every job once.

What happens to one job is a row of small steps, none of which waits:

    run -> (its inputs come) -> _start -> Held.outcome_came -> (its files go) -> ended -> Answers.flush
        -> (the hall replies) -> _forget

Rules:
- credit is the ceiling of what the hall may put into the hand, the concurrency or more (ahead.py); a job fills its
  place until its answer is replied to;
- beats come from a timer of the agent's own loop, where no user code ever runs;
- when no beat was answered for too long every running job is stopped and its result never reported (see
  lease.py);
- after a reconnect: hello, keep with all that is in hand, answers not replied to, work.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from hirehall.client.address import Address, locate
from hirehall.client.lines import Line
from hirehall.client.link import Link
from hirehall.client.session import Session, Welcome
from hirehall.errors import BadRequest, HallError
from hirehall.runners.logs import job_logs
from hirehall.runners.port import Failure, Released, Runner, Success, Why, cut
from hirehall.wire.replies import Delivery, Stop, WorkerSetting
from hirehall.worker.ahead import Ahead, must_not_wait
from hirehall.worker.answers import AGAIN_SECONDS, PASSING, Answers
from hirehall.worker.asking import Asked, nothing, read_lost, release
from hirehall.worker.carrying import Carrier
from hirehall.worker.complaints import Complaints
from hirehall.worker.held import Clock, Held
from hirehall.worker.lease import Beats
from hirehall.worker.leaving import Leaving
from hirehall.worker.logs import JobLogs
from hirehall.worker.serving import Serving, by_kind

log = logging.getLogger("hirehall.worker")

WHYS: dict[str, Why] = {"cancelled": "cancelled", "timeout": "timeout", "lost": "lost", "draining": "draining"}


class Agent:
    """One worker process's part in a hall. `run` it on asyncio's own loop; on any, where no runner starts processes.

    `concurrency`: how many jobs it runs at once; it holds more only while they are quick (ahead.py).
    `lease_seconds`: how long the hall waits for a word of it before others get its jobs. `clock` replaces the event
    loop's for tests.
    """

    def __init__(
        self,
        runners: Sequence[Runner],
        *,
        url: str | None = None,
        token: str | None = None,
        data: str | os.PathLike[str] | None = None,
        ca: str | os.PathLike[str] | None = None,
        queues: Sequence[str] = ("default",),
        offers: Mapping[str, Any] | None = None,
        concurrency: int = 10,
        lease_seconds: float = 30.0,
        name: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = socket.gethostname() if name is None else name
        self.worker = secrets.token_hex(8)  # one word per process start: only it may keep what it holds
        self._runners = runners
        self._by_kind = by_kind(runners)
        self._serving = Serving(list(self._by_kind), queues, offers or {}, concurrency, lease_seconds)
        self._locate: Callable[[], Address] = partial(locate, url, token, data=data, ca=ca)
        self._given_clock = clock
        self._hand: dict[tuple[str, int], Held] = {}
        self._was_open = False
        self._quitting = False
        self._leaving: Leaving | None = None  # before it runs

    @property
    def is_idle(self) -> bool:
        """Whether it has no job in hand."""
        return not self._hand

    @property
    def starts_processes(self) -> bool:
        """Whether one of its runners does."""
        return any(runner.starts_processes for runner in self._runners)

    async def run(self) -> None:
        """Work until drained. Raises what makes working impossible: Unauthenticated, Forbidden,
        BadRequest."""
        self._begin(asyncio.get_running_loop())
        connecting = asyncio.ensure_future(self._link.connect_patiently(self._complaints.say))
        job_logs.install()
        try:
            await self._until_over(connecting)
        finally:
            job_logs.uninstall()
            connecting.cancel()
            self._beats.stop()
            self._logs.close()
            await self._link.close()
            for runner in self._runners:
                await runner.close()
            await self._carrier.close()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._clock: Clock = self._given_clock or loop
        self._complaints = Complaints(self._clock)
        self._ahead = Ahead(self._runners, self._serving, self._clock, self._say_credit)
        self._session = Session(name=self.name, worker=self.worker, pushes=self)
        lease = self._serving.lease_seconds
        self._beats = Beats(self._clock, lease, self._send_beat, self._fence, self._stop_running)
        gone = self._beats.hall_is_gone
        self._link = Link(self._session, self._locate, on_lost=self._lost, on_refused=gone, most_seconds=lease / 6)
        self._logs = JobLogs(self._session, self._link, self._clock, loop.call_soon)
        self._answers = Answers(self._session, self._link, self._clock, self._logs, self._ahead.ended, self._forget)
        self._carrier = Carrier(self.worker, lambda: self._session.is_open, loop)
        self._leaving = Leaving(self._session, self._clock, lease, self._ask, loop.create_future())
        if self._serving.is_draining:
            self._leaving.finish()

    async def _until_over(self, connecting: asyncio.Future[None]) -> None:
        assert self._leaving is not None, "run has begun"
        over = self._leaving.over
        ends: set[asyncio.Future[Any]] = {over, self._link.gone}
        await asyncio.wait({connecting, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            over.result()
        elif (why := self._link.gone.result()) is not None:
            raise why

    # The connection.

    def opened(self, welcome: Welcome) -> None:
        """Greeted: say what is in hand, then ask for more. No `credit` before `work`: it would be refused."""
        log.info("connected to hall %s as %s", welcome.hall, self.name)
        self._complaints.over()
        self._carrier.hall_is_at(self._link.address, welcome.http)
        self._ahead.reset()
        if self._was_open:
            self._keep()
            self._answers.say_again(self._hand.values())
        self._was_open = True
        self._work()
        self._beats.start(welcome.beat_seconds)
        self._leave_if_empty()

    def _keep(self) -> None:
        """All that is in hand; of two attempts at one job only the later can still be ours."""
        attempts = {held.id: held.attempt for held in sorted(self._hand.values(), key=attrgetter("attempt"))}
        jobs = [{"id": id, "attempt": attempt} for id, attempt in attempts.items()]  # noqa: A001
        taken = partial(self._kept, attempts, self._clock.time())
        self._ask({"cmd": "keep", "jobs": jobs}, taken, self._not_kept, read_lost)

    def _kept(self, attempts: dict[str, int], sent_at: float, lost: list[str]) -> None:
        self._beats.confirmed(sent_at)
        for id in lost:  # noqa: A001
            held = self._hand.get((id, attempts.get(id, 0)))
            if held is not None:
                held.stop("lost")

    def _not_kept(self, error: HallError) -> None:
        """Without it nobody knows what is ours: begin a new connection and say it again."""
        log.warning("the hall refused to let this worker keep its jobs: %s", error)
        self._link.drop()

    def _work(self) -> None:
        sent_at = self._clock.time()
        self._ask(self._serving.work(), lambda _reply: self._beats.confirmed(sent_at), self._no_work)

    def _no_work(self, error: HallError) -> None:
        if error.code in PASSING:
            self._clock.call_at(self._clock.time() + AGAIN_SECONDS, self._work_again)
        elif not self._serving.is_draining and self._leaving is not None:
            self._leaving.fail(error)

    def _work_again(self) -> None:
        if self._leaving is not None and self._session.is_open:
            self._work()

    def _lost(self) -> None:
        log.warning("lost the connection to the hall; connecting again")
        self._beats.closed()
        if self._serving.is_draining and self._leaving is not None:
            self._leaving.limit()

    def refused(self, error: HallError) -> None:
        """The hall had no use for a progress line: the job ended before."""
        log.debug("the hall refused a line: %s", error)

    def _send_beat(self, now: float) -> None:
        self._ask({"cmd": "beat"}, lambda _reply: self._beats.confirmed(now), self._beat_refused)

    def _beat_refused(self, error: HallError) -> None:
        log.warning("the hall refused a beat: %s", error)

    def _fence(self) -> None:
        """No beat was answered for too long. Whatever runs is stopped; what has ended already can still be
        told: the hall takes a result only of the attempt that it handed out last. A connection this silent is
        given up."""
        self._stop_running()
        self._beats.pause()
        self._link.drop()

    def _stop_running(self) -> None:
        running = [held for held in self._hand.values() if held.answer is None and not held.fenced]
        if running:
            log.warning("the hall has not answered in time: stopping %d jobs", len(running))
        for held in running:
            held.fenced = True
            held.stop("lost")

    def _ask(
        self,
        command: dict[str, Any],
        taken: Callable[[Any], None],
        refused: Callable[[HallError], None],
        read: Callable[[Line, bytes], Any] = lambda _line, _raw: None,
    ) -> None:
        """Ask while connected; the answer goes to one of the two. A lost connection is neither: `opened`
        follows it."""
        if self._session.is_open:
            self._session.ask(command, Asked(self._session, taken, refused), read)
            self._link.wake()

    # One job, step by step.

    def run_jobs(self, jobs: list[Delivery]) -> None:
        """A `run` push: into the hand, not twice; back at once when we are about to leave, or have slept over its
        lease."""
        for seconds in {job.lease_seconds for job in jobs}:
            self._beats.lease_is(seconds)
        begin = self._give_back if self._serving.is_draining or self._beats.have_failed else self._start
        hand, now, ahead = self._hand, self._clock.time(), self._ahead
        for job in jobs:
            key = (job.id, job.attempt)
            if key not in hand:
                held = hand[key] = Held(self, job.id, job.attempt, now)
                if must_not_wait(job) and ahead.is_too_much(len(hand)):
                    self._give_back(held, job)
                else:
                    begin(held, job)
        ahead.came(len(hand))

    def _give_back(self, held: Held, _job: Delivery) -> None:
        held.answer = Released()
        self.ended(held)

    def _start(self, held: Held, job: Delivery) -> None:
        if job.files and held.execution is None:
            self._fetch(held, job)
            return
        runner = self._by_kind.get(job.kind) or self._by_kind.get("*")
        try:
            if runner is None:
                raise BadRequest(f"this worker does not run kind {job.kind!r}")
            held.execution = runner.start(job, held)
        except Exception as why:
            held.answer = Failure(type(why).__name__, cut(str(why)))
            self.ended(held)
            return
        held.execution.outcome.add_done_callback(held.outcome_came)
        if job.timeout_seconds is not None and held.timer is None:
            self._limit(held, job.timeout_seconds)

    def _fetch(self, held: Held, job: Delivery) -> None:
        """Its inputs first, in the time that it has."""
        held.execution = self._carrier.fetch(held, job, partial(self._start, held, job))
        held.execution.outcome.add_done_callback(held.outcome_came)
        if job.timeout_seconds is not None:
            self._limit(held, job.timeout_seconds)

    def _limit(self, held: Held, timeout_seconds: float) -> None:
        """The hall orders the stop too; but it may be out of reach just then."""
        held.timer = self._clock.call_at(self._clock.time() + timeout_seconds, lambda: held.stop("timeout"))

    def progressed(self, held: Held, percent: float | None, text: str) -> None:
        """A running job said how far it is."""
        self._logs.add_progress(held, percent, text)

    def logged(self, held: Held, stream: str, text: str) -> None:
        """A running job wrote lines of its log."""
        self._logs.add(held, stream, text)

    def folder_of(self, held: Held) -> str:
        """Where a job has its files."""
        return self._carrier.folder_of(held)

    def carry(self, held: Held, success: Success) -> None:
        """A job has run, and left files."""
        held.execution = self._carrier.send(held, success)
        held.execution.outcome.add_done_callback(held.outcome_came)

    def ended(self, held: Held) -> None:
        """A job has its answer."""
        if held.place:
            self._carrier.clear(held)
        if not self._quitting:
            self._answers.add(held)

    def _forget(self, told: list[Held]) -> None:
        """The hall has heard these answers: the places are free."""
        hand = self._hand
        for held in told:
            hand.pop((held.id, held.attempt), None)
        self._logs.forget(told)
        if self._serving.is_draining:
            self._leave_if_empty()

    def stop(self, order: Stop) -> None:
        """A `stop` push. Without a job it means all of us."""
        if not order.id:
            self.quit() if order.why == "stop" else self.drain()
            return
        held = self._hand.get((order.id, order.attempt))
        if held is not None:
            held.stop(WHYS.get(order.why, "cancelled"))

    # Changes while it works. From the agent's loop.

    def adjust(self, setting: WorkerSetting) -> None:
        """A `set` push."""
        log.info("the hall sets the concurrency to %d", setting.credit)
        self.set_concurrency(setting.credit)

    def set_concurrency(self, concurrency: int) -> None:
        """Run this many jobs at once from now on. Fewer takes nothing back: what runs is finished."""
        self._serving.concurrency = max(concurrency, 0)
        if self._leaving is not None:
            self._ahead.reset()
        self._say_credit()

    def pause(self) -> None:
        """Take nothing more until `resume`; what runs is finished."""
        self._serving.is_paused = True
        self._say_credit()

    def resume(self) -> None:
        """Take work again."""
        self._serving.is_paused = False
        self._say_credit()

    def serve(self, *, queues: Sequence[str], offers: Mapping[str, Any]) -> None:
        """Take work from these queues, with these offers, from now on; what runs is finished."""
        self._serving.queues, self._serving.offers = list(queues), dict(offers)
        self._work_again()

    def _say_credit(self) -> None:
        if self._leaving is not None:
            self._ask(self._serving.say_credit(), nothing, self._ahead.refused)

    # Leaving.

    def drain(self) -> None:
        """Take nothing more, give back what has not begun, finish the rest, leave."""
        if self._serving.is_draining:
            return
        self._serving.is_draining = True
        if self._leaving is None:
            return
        log.info("draining: %d %s in hand", len(self._hand), "job" if len(self._hand) == 1 else "jobs")
        self._say_credit()
        for held in list(self._hand.values()):
            held.stop("draining")
        if not self._session.is_open:
            self._leaving.limit()
        self._leave_if_empty()

    def quit(self) -> None:
        """Leave at once: what runs is killed or abandoned, its jobs are given back."""
        self.drain()
        if self._quitting or self._leaving is None:
            return
        self._answers.flush()  # what has ended by now is told, not given back
        self._quitting = True
        for held in list(self._hand.values()):
            if held.answer is None:
                held.stop("quit")
                self._logs.tell(held)
                self._ask(release(held), nothing, self.refused)
        self._leaving.begin()

    def _leave_if_empty(self) -> None:
        if self._serving.is_draining and not self._hand and self._leaving is not None:
            self._leaving.begin()
