"""A hall as a process, crowds of peers as others, and what can be measured from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.system.hall_process import ROOT, Hall
from tests.system.lines import Line, Message, Silence, readable

Told = dict[str, Any]
ARRIVAL_SECONDS = 60.0
MIB = 1 << 20


class Crowd:
    """A process full of peers, and what it says."""

    def __init__(self, role: str, options: Told) -> None:
        command = [sys.executable, "-m", "tests.abuse.crowd", role, json.dumps(options)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._buffer = b""

    def hear(self, within: float = ARRIVAL_SECONDS) -> Told:
        """The next thing that it says."""
        out = self._process.stdout
        assert out is not None
        deadline = time.monotonic() + within
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not readable(out, left):  # type: ignore[arg-type]
                raise Silence(f"a crowd said nothing for {within} s")
            data = os.read(out.fileno(), 1 << 16)
            if not data:
                raise Silence(f"a crowd ended with {self._process.wait(10)}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return dict(json.loads(line))

    def tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word.encode() + b"\n")
        self._process.stdin.flush()

    def ask(self, word: str, within: float = ARRIVAL_SECONDS) -> Told:
        """What it says to a word."""
        self.tell(word)
        return self.hear(within)

    def end(self) -> Told:
        """Tell it to go; the last thing that it said."""
        last = heard = self.ask("end")
        while "over" not in heard:
            last, heard = heard, self.hear()
        self._process.wait(30)
        return last

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Scene:
    """One hall, and all the crowds around it."""

    def __init__(self, hall: Hall, stack: ExitStack) -> None:
        self.hall = hall
        self._stack = stack
        self._line: Line | None = None

    def crowd(self, role: str, **options: Any) -> Crowd:
        """Bring in a crowd; it may still be on its way."""
        crowd = Crowd(role, {"url": self.hall.access["url"], **options})
        self._stack.callback(crowd.close)
        return crowd

    def known(self, role: str, **options: Any) -> Crowd:
        """A crowd that has a token."""
        return self.crowd(role, token=self.hall.access["token"], **options)

    def canary(self) -> Crowd:
        """Somebody who works as everybody does; it is there."""
        canary = self.known("canary")
        canary.hear()
        return canary

    @property
    def line(self) -> Line:
        """A connection of the director's own."""
        if self._line is None:
            self._line = self.hall.session()
        return self._line

    def metrics(self) -> Message:
        return dict(self.line.ok("metrics")["metrics"])

    def begin_again(self) -> None:
        """kill -9 and start the hall; what the director knew of it is gone."""
        self._line = None
        self.hall.restart()

    def rss_mib(self) -> float:
        return float(psutil.Process(self.hall.pid).memory_info().rss / MIB)

    def cpu_seconds(self) -> float:
        times = psutil.Process(self.hall.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def scene(*options: str) -> Iterator[Scene]:
    """A hall of its own; at the end everybody has left and it stops as it should."""
    with tempfile.TemporaryDirectory(prefix="abuse-") as folder, ExitStack() as stack:
        hall = Hall(Path(folder), anonymous="submit", options=options)
        stack.callback(hall.close)
        hall.start()
        with ExitStack() as crowds:
            yield Scene(hall, crowds)
        assert hall.stop() == 0, "the hall did not end as it should"


def unharmed(alone: Told, beside: Told, most_ms: float) -> None:
    """The canary felt little: beside the crowd its p99 is under `most_ms`, more only as far as this machine is slow
    without a crowd, too."""
    assert beside["beats"] > 0, "the canary said nothing"
    for what in ("beat_p99_ms", "job_p99_ms"):
        assert beside[what] <= most_ms + 3 * alone[what], f"{what}: alone {alone}, beside {beside}"


def wait_for(crowd: Crowd, word: str, is_so: Any, within: float) -> Told:
    """Ask until the answer is as it should be."""
    deadline = time.monotonic() + within
    while not is_so(told := crowd.ask(word)):
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {within} s: {told}")
        time.sleep(0.1)
    return told
