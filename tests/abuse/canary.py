"""Somebody who works as everybody does, and notices how the hall is."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.abuse.peer import Message, Peer, greet, quantile
from tests.abuse.words import Words

BEAT_SECONDS = 0.01
JOBS_EVERY = 5  # beats
LEASE_SECONDS = 5.0  # a third of it without a beat would be noticed


class Canary:
    """A worker that holds one job all the time, beats, and does small jobs; a client that submits them. Each beat and
    job counts from when it was due: a hall that answers late cannot make it ask less."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.beats: list[float] = []
        self.jobs: list[float] = []
        self.held: Message = {}
        self.worker: Peer
        self.client: Peer

    async def arrive(self, url: str) -> None:
        self.worker = await greet(url, self.token, self._hear, worker="canary")
        self.client = await greet(url, self.token)
        await self.worker.ask(
            "work", kinds=["long", "short"], queues=["canary"], credit=100, lease_seconds=LEASE_SECONDS
        )
        await self.client.ask("submit", kind="long", queue="canary")
        while not self.held:
            await asyncio.sleep(0.005)

    def _hear(self, message: Message) -> None:
        for job in message.get("run", ()):
            lease = {"id": job["id"], "attempt": job["attempt"]}
            if job["kind"] == "long":
                assert not self.held, "its job was given out twice"
                self.held = lease
            else:
                self.jobs.append(time.monotonic() - job["payload"])
                self.worker.post({"cmd": "done", **lease})

    async def live(self) -> None:
        due, number = time.monotonic(), 0
        while True:
            due, number = due + BEAT_SECONDS, number + 1
            await asyncio.sleep(max(due - time.monotonic(), 0))
            self.worker.post({"cmd": "beat", "ref": 1}).add_done_callback(lambda _, due=due: self._beaten(due))
            if number % JOBS_EVERY == 0:
                self.client.post({"cmd": "submit", "kind": "short", "queue": "canary", "payload": due})

    def _beaten(self, due: float) -> None:
        self.beats.append(time.monotonic() - due)

    def marks(self) -> dict[str, Any]:
        """What it has felt since the last time."""
        beats, jobs = self.beats, self.jobs
        self.beats, self.jobs = [], []
        return {
            "beats": len(beats),
            "beat_p50_ms": quantile(beats, 0.5),
            "beat_p99_ms": quantile(beats, 0.99),
            "beat_worst_ms": quantile(beats, 1.0),
            "jobs": len(jobs),
            "job_p99_ms": quantile(jobs, 0.99),
        }

    async def leave(self) -> bool:
        """Whether its job was its own all the time."""
        return bool((await self.worker.ask("done", **self.held)).get("ok"))


async def canary(words: Words, *, url: str, token: str) -> None:
    bird = Canary(token)
    await bird.arrive(url)
    life = asyncio.ensure_future(bird.live())
    words.say(there=1)
    while await words.next() != "end":
        words.say(**bird.marks())
    life.cancel()
    words.say(kept=await bird.leave())
