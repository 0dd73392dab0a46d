"""A real hall under fuzz: connections that say anything on its doors, while a canary's jobs keep their pace."""

from __future__ import annotations

import multiprocessing
import re
import socket
import struct
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import psutil
from msgspec import Struct

from hirehall.wire.codec import LineReader
from tests.system.hall_process import Hall
from tests.system.lines import Line, dial
from tests.wire import decoding, grammar
from tests.wire.bytes_cases import CORPUS

QUEUE = "canary"  # nothing that is thrown names it
PACE_SECONDS = 0.1
QUIET_SECONDS = 1.5  # before the fuzz, and after it
MOST_SECONDS = 0.2  # of the hall's own time, while the ninety-ninth of a hundred jobs waits for its result
MOST_DEAR = (
    3.0  # or as many of the dearest lines on this machine: one may stand before the submit, one before its result
)
DEAREST = b'{"cmd":"submit","jobs":[%s]}' % b",".join([b'{"requires":{"a":5e-324}}'] * 40_300)
MOST_WAIT_SECONDS = 2.0  # for it on any clock; the machine may have much else to do
MOST_GROWTH = 64 << 20  # bytes of the hall's memory
OPEN = 20  # connections that a fuzzer leaves open, with whatever was said last


class Found(Struct):
    """What a run came to; `quiet` and `loud` are seconds of the canary's jobs without and with the fuzz, `busy` the
    CPU seconds that the hall spent meanwhile."""

    problems: list[str]
    connections: int
    quiet: list[float]
    loud: list[float]
    busy: list[float]
    growth: int
    dearest: float  # CPU seconds that the dearest line takes here and now

    @property
    def p99(self) -> float:
        return percentile(self.loud, 0.99)

    @property
    def keeps_its_pace(self) -> bool:
        most = max(MOST_SECONDS, MOST_DEAR * self.dearest)
        return percentile(self.busy, 0.99) < most and self.p99 < MOST_WAIT_SECONDS


def percentile(seconds: list[float], part: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


class Canary:
    """A client that hands in ten jobs a second, and the worker that does them."""

    def __init__(self, hall: Hall) -> None:
        self.asker, self.worker = Line(dial(hall.access["url"])), Line(dial(f"hall+unix://{hall.unix}"))
        for line in (self.asker, self.worker):
            line.ok("hello", token=hall.access["token"], protocol=1)
        self.worker.ok("work", queues=[QUEUE], kinds=["*"], credit=1)
        self._process = psutil.Process(hall.pid)
        self.busy: list[float] = []  # CPU seconds of the hall while a job waited for its end
        self.problems: list[str] = []
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        try:
            while True:
                (job,) = self.worker.runs(1, within=30.0)
                if job["payload"] == "over":
                    return
                self.worker.ok("done", id=job["id"], attempt=job["attempt"], result=job["payload"])
        except Exception as exc:
            self.problems.append(f"the canary's worker: {exc!r}"[:2_000])

    def sing(self, seconds: float) -> list[float]:
        """How long each job took."""
        took = []
        end = time.monotonic() + seconds
        self.busy = []
        while (began := time.monotonic()) < end and not self.problems:
            worked = self._worked()
            payload = [len(took), "\u2028 1.0", 1.0]
            job = self.asker.ok("submit", queue=QUEUE, kind="sing", payload=payload, follow=True)["id"]
            (ended,) = self.asker.push("end", within=30.0)
            took.append(time.monotonic() - began)
            self.busy.append(self._worked() - worked)
            if (ended["id"], ended["state"], ended["result"]) != (job, "succeeded", payload):
                self.problems.append(f"the canary heard {ended}")
            time.sleep(max(began + PACE_SECONDS - time.monotonic(), 0))  # its pace, not a wait for anything
        return took

    def _worked(self) -> float:
        return sum(self._process.cpu_times()[:2])

    def close(self) -> None:
        self.asker.ok("submit", queue=QUEUE, kind="sing", payload="over")
        self.thread.join(30.0)
        self.asker.close()
        self.worker.close()


def run(seconds: float, seed: int = 0) -> Found:
    """Start a hall, hear the canary alone, then with a fuzzer beside."""
    with tempfile.TemporaryDirectory() as folder:
        hall = Hall(Path(folder) / "data").start()
        try:
            return _in(hall, seconds, seed)
        finally:
            hall.close()


def _in(hall: Hall, seconds: float, seed: int) -> Found:
    canary = Canary(hall)
    quiet = canary.sing(QUIET_SECONDS)
    process = psutil.Process(hall.pid)
    before = process.memory_info().rss
    heard, tells = multiprocessing.Pipe(duplex=False)
    doors = (hall.access["url"], f"hall+unix://{hall.unix}")
    fuzzer = multiprocessing.get_context("spawn").Process(target=throw, args=(doors, seconds, seed, tells))
    fuzzer.start()
    try:
        heard.recv()  # it begins
        loud = canary.sing(seconds)
        busy = canary.busy
        connections = heard.recv() if heard.poll(30.0) else 0
        growth = process.memory_info().rss - before
        quiet += canary.sing(QUIET_SECONDS)
        canary.close()
    finally:
        fuzzer.kill()
        fuzzer.join()
    return Found(
        canary.problems + complaints(hall, connections, growth), connections, quiet, loud, busy, growth, dearest_line()
    )


def dearest_line() -> float:
    """What decoding it takes at most, beside whatever this machine does."""
    taken = []
    for _ in range(10):
        began = time.thread_time()
        LineReader().feed(DEAREST + b"\n")
        taken.append(time.thread_time() - began)
    return max(taken)


def complaints(hall: Hall, connections: int, growth: int) -> list[str]:
    """What the hall says of it, or should not have become."""
    said = hall.log.read_text(errors="replace")
    found = [f"the hall wrote {said[-3_000:]}"] if re.search(r"Traceback|Error|failed", said) else []
    if hall.process is None or hall.process.poll() is not None:
        found.append("the hall has ended")
    if growth > MOST_GROWTH:
        found.append(f"the hall grew by {growth >> 20} MiB")
    if not connections:
        found.append("the fuzzer did not get through")
    return found


# In a process of its own.


def throw(doors: tuple[str, ...], seconds: float, seed: int, tells: Connection) -> None:
    """One connection after the other; some stay open for a while. Tells that it begins, and how many there were."""
    random = Random(f"live {seed}")
    kept: list[socket.socket] = []
    connections = 0
    tells.send(0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connections += 1
        try:
            sock = dial(random.choice(doors))
            kept.append(sock)
            attack(sock, random)
        except OSError:  # the hall hung up, which it may
            pass
        while len(kept) > OPEN or (kept and random.random() < 0.6):
            leave(kept.pop(random.randrange(len(kept))), random)
    for sock in kept:
        leave(sock, random)
    tells.send(connections)


def attack(sock: socket.socket, random: Random) -> None:
    """Say something; listen to a part of the answers, or to none."""
    sock.settimeout(0.5)
    data = speech(random)
    for piece in range(0, len(data), size := random.choice((7, 1_000, 1 << 20))):
        sock.sendall(data[piece : piece + size])
        if random.random() < 0.02:
            break
    if random.random() < 0.5:
        sock.settimeout(0.005)
        sock.recv(random.choice((1, 65_536)))


def speech(random: Random) -> bytes:
    """Mostly a good beginning, so that somebody listens."""
    dice = random.random()
    first = random.choice((b"", b'{"cmd":"ping"}\n', b'{"cmd":"work","kinds":["saw"],"credit":3}\n'))
    if dice < 0.03:
        return first + decoding.edge(random)[0]
    if dice < 0.5:
        return first + b"".join(decoding.stream(random)[0] for _ in range(random.randint(1, 5)))
    if dice < 0.8:
        return first + b"".join(grammar.request(random).line + b"\n" for _ in range(random.randint(1, 30)))
    return random.choice(list(CORPUS.values()))


def leave(sock: socket.socket, random: Random) -> None:
    """Politely, with half a word, or with a reset."""
    way: Any = random.choice((None, None, socket.SHUT_WR, "reset"))
    try:
        if way == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif way is not None:
            sock.shutdown(way)
    except OSError:
        pass
    sock.close()
