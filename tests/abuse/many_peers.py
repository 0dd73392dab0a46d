"""Thousands who wait for work, and producers that have too much of it."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from functools import partial

from tests.abuse.peer import Message, Peer, few_at_once, greet, quantile
from tests.abuse.words import Words

AT_ONCE = 200
LINES = 200  # of a producer's write
MOST_UNSENT = 1 << 17  # bytes: a producer does not keep what the hall does not take


class Idlers:
    """Workers without work, of one process; each knows when the job came that it was given."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.runs: list[float] = []
        self.beats: list[float] = []
        self.pushes = 0

    async def join(self, url: str, token: str, name: str) -> None:
        peer: Peer = await greet(url, token, lambda message: self._hear(peer, message), worker=name)
        await peer.ask("work", kinds=["idle"], lease_seconds=120)
        self.peers.append(peer)

    def _hear(self, peer: Peer, message: Message) -> None:
        self.pushes += 1
        for job in message.get("run", ()):
            self.runs.append(time.monotonic() - job["payload"])
            peer.post({"cmd": "done", "id": job["id"], "attempt": job["attempt"]})

    async def beat(self, rate: float, seconds: float) -> None:
        """So many beats a second, of one after the other, each counted from when it was due."""
        due = time.monotonic()
        until = due + seconds
        at = 0
        while due < until:
            due, at = due + 1 / rate, at + 1
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            peer = self.peers[at % len(self.peers)]
            peer.post({"cmd": "beat", "ref": 1}).add_done_callback(
                lambda _, due=due: self.beats.append(time.monotonic() - due)
            )

    def told(self) -> dict[str, float]:
        runs, beats, pushes = self.runs, self.beats, self.pushes
        self.runs, self.beats, self.pushes = [], [], 0
        return {
            "here": sum(not peer.lost.done() for peer in self.peers),
            "pushes": pushes,
            "runs": len(runs),
            "run_p50_ms": quantile(runs, 0.5),
            "run_p99_ms": quantile(runs, 0.99),
            "beats": len(beats),
            "beat_p50_ms": quantile(beats, 0.5),
            "beat_p99_ms": quantile(beats, 0.99),
        }


async def idle(words: Words, *, url: str, token: str, count: int, name: str, rate: float, seconds: float) -> None:
    """Come, and wait. Told `beat`: beat for `seconds`; anything else: say what happened."""
    idlers = Idlers()
    began = time.monotonic()
    await few_at_once([partial(idlers.join, url, token, f"{name}-{at}") for at in range(count)], AT_ONCE)
    words.say(there=len(idlers.peers), seconds=round(time.monotonic() - began, 2))
    while (word := await words.next()) != "end":
        if word == "beat":
            await idlers.beat(rate, seconds)
        words.say(**idlers.told())


class Producer:
    """One connection that hands in `rate` jobs a second, whatever the answers; what cannot be written is let fall."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.offered = self.written = self.ok = self.refused = 0
        self.rest = b""

    def heard(self, data: bytes) -> None:
        data = self.rest + data
        whole, newline, self.rest = data.rpartition(b"\n")
        lines = whole.count(b"\n") + bool(newline)
        refused = whole.count(b'"error"')
        self.ok += lines - refused
        self.refused += refused

    async def push(self, transport: asyncio.Transport, rate: float, seconds: float) -> None:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate) - self.offered
            if due < LINES:
                await asyncio.sleep((LINES - due) / rate)
                continue
            self.offered += due
            room = (MOST_UNSENT - transport.get_write_buffer_size()) // len(self.line)
            take = max(min(due, room), 0)
            transport.write(self.line * take)
            self.written += take
            await asyncio.sleep(0)


class _Ears(asyncio.Protocol):
    def __init__(self, producer: Producer) -> None:
        self.producer = producer

    def data_received(self, data: bytes) -> None:
        self.producer.heard(data)


async def produce(words: Words, *, url: str, token: str, queue: str, count: int, rate: float, seconds: float) -> None:
    """`count` producers that together offer `rate` jobs a second; then the answers to what was written."""
    line = json.dumps({"cmd": "submit", "kind": "waits", "queue": queue, "payload": "x" * 40}).encode() + b"\n"
    producers = [Producer(line) for _ in range(count)]
    loop = asyncio.get_running_loop()
    pushing, transports = [], []
    for producer in producers:
        peer = await greet(url, token)
        assert peer.transport is not None
        peer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        peer.transport.set_protocol(_Ears(producer))
        transports.append(peer.transport)
        pushing.append(producer.push(peer.transport, rate / count, seconds))
    words.say(there=count)
    await words.next()
    began = loop.time()
    await asyncio.gather(*pushing)
    words.say(**_sums(producers), seconds=round(loop.time() - began, 2))
    while (sums := _sums(producers))["ok"] + sums["refused"] < sums["written"]:
        await asyncio.sleep(0.02)
    words.say(**sums, seconds=round(loop.time() - began, 2))
    await words.end()


def _sums(producers: list[Producer]) -> dict[str, int]:
    return {
        what: sum(getattr(producer, what) for producer in producers) for what in ("offered", "written", "ok", "refused")
    }
