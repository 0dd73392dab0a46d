"""Workers with work in their hands, whose hall is killed: half of them speak through the official client, half do it
by themselves, with a jitter like it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from functools import partial
from typing import Any

from hirehall.client.address import Address
from hirehall.client.backoff import full_jitter
from hirehall.client.link import Link
from hirehall.client.session import Session, Welcome
from hirehall.errors import HallError
from hirehall.wire.replies import Delivery, Stop, WorkerSetting
from tests.abuse.peer import Message, few_at_once, greet
from tests.abuse.words import Words

AT_ONCE = 200
WORK = {"kinds": ["storm"], "queues": ["storm"], "credit": 1, "lease_seconds": 30}


class Hand:
    """What both sorts have: one job, and what became of it."""

    def __init__(self) -> None:
        self.job = ""
        self.attempt = 0
        self.runs = 0
        self.back_at = 0.0  # when its `keep` was answered last
        self.kept = True
        self.done = False

    def take(self, job: str, attempt: int) -> None:
        self.runs += 1
        self.job, self.attempt = job, attempt

    def lease(self) -> Message:
        return {"id": self.job, "attempt": self.attempt}

    def came_back(self, reply: Message) -> None:
        self.back_at = time.monotonic()
        self.kept = self.kept and reply.get("kept") == [self.job]


class RawHand(Hand):
    """A worker of its own, as the protocol page says."""

    def __init__(self, url: str, token: str, name: str) -> None:
        super().__init__()
        self._url, self._token, self._name = url, token, name

    async def join(self) -> None:
        self._peer = await greet(self._url, self._token, self._hear, worker=self._name)
        await self._peer.ask("work", **WORK)
        self._living = asyncio.ensure_future(self._live())

    def _hear(self, message: Message) -> None:
        for job in message.get("run", ()):
            self.take(job["id"], job["attempt"])

    async def _live(self) -> None:
        while True:
            await self._peer.lost
            for delay in full_jitter(random.random):
                await asyncio.sleep(delay)
                try:
                    self._peer = await greet(self._url, self._token, self._hear, worker=self._name)
                except OSError:
                    continue
                reply = await self._peer.ask("keep", jobs=[self.lease()] if self.job else [])
                await self._peer.ask("work", **WORK)
                if reply.get("ok"):
                    self.came_back(reply)
                    break

    async def finish(self) -> None:
        self.done = bool((await self._peer.ask("done", **self.lease())).get("ok"))


class OfficialHand(Hand):
    """The official client's connection: its reconnecting and its jitter are what is tried. Implements its Pushes."""

    def __init__(self, url: str, token: str, name: str) -> None:
        super().__init__()
        host, _, port = url.partition("://")[2].rpartition(":")
        self._session = Session(token=token, worker=name, pushes=self)
        self._link = Link(self._session, lambda: Address(host=host, port=int(port), token=token))
        self._began = False

    async def join(self) -> None:
        await self._link.connect_patiently()

    def opened(self, _welcome: Welcome) -> None:
        if self._began:
            jobs = [self.lease()] if self.job else []
            self._ask({"cmd": "keep", "jobs": jobs}).add_done_callback(self._answered)
        self._began = True
        self._ask({"cmd": "work", **WORK})

    def _answered(self, reply: asyncio.Future[Any]) -> None:
        if reply.exception() is None:  # else the connection was lost again
            self.came_back(reply.result())

    def _ask(self, command: Message) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.exception())  # a lost connection answers nothing
        self._session.ask(command, answer, lambda _line, raw: json.loads(raw))
        self._link.wake()
        return answer

    def run_jobs(self, jobs: list[Delivery]) -> None:
        for job in jobs:
            self.take(job.id, job.attempt)

    def stop(self, order: Stop) -> None:
        self.kept = False

    def adjust(self, setting: WorkerSetting) -> None:
        """Nothing to set."""

    def refused(self, error: HallError) -> None:
        """It comes again."""

    async def finish(self) -> None:
        self.done = bool((await self._ask({"cmd": "done", **self.lease()})).get("ok"))


async def storm(words: Words, *, url: str, token: str, count: int, name: str) -> None:
    """Come and take a job each; told `back`: say how many have come back; told `done`: finish them all."""
    hands: list[RawHand | OfficialHand] = [
        (RawHand, OfficialHand)[at % 2](url, token, f"{name}-{at}") for at in range(count)
    ]
    await few_at_once([hand.join for hand in hands], AT_ONCE)
    words.say(there=count)
    while (word := await words.next()) != "end":
        if word == "done":
            await few_at_once([partial(hand.finish) for hand in hands], AT_ONCE)
        words.say(
            holding=sum(bool(hand.job) for hand in hands),
            runs=sum(hand.runs for hand in hands),
            back=sum(hand.back_at > 0 for hand in hands),
            last_back_at=max(hand.back_at for hand in hands),
            kept=sum(hand.kept for hand in hands),
            done=sum(hand.done for hand in hands),
        )
