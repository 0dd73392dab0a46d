"""Who takes part: processes of every kind of worker and client, to be killed, frozen, stopped and replaced."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.system.hall_process import ROOT

HERE = Path(__file__).parent
NODE = shutil.which("node")
LEAVE_SECONDS = 20.0


class Place(NamedTuple):
    """Where everybody finds the hall and leaves what they have to say."""

    data: Path
    marks: Path
    log: Path


def raw(place: Place, name: str, credit: int, *options: str) -> list[str]:
    words = [str(place.data), str(place.marks), name, "--credit", str(credit), "--kind", "nap", *options]
    return [sys.executable, "-m", "tests.system.raw_worker", *words]


def agent(place: Place, name: str, credit: int, *options: str) -> list[str]:
    words = ["--data", str(place.data), "--name", name, "--concurrency", str(credit)]
    return [sys.executable, "-m", "tests.chaos.agent", *words, *options]


def scripts(place: Place, name: str, credit: int) -> list[str]:
    line = shlex.join([str(HERE / "nap.sh"), str(place.marks), name, str(behind())])
    return agent(place, name, credit, "--script", f"script={line}")


SORTS: dict[str, Callable[[Place, str], list[str]]] = {
    "raw": lambda place, name: raw(place, name, 16, "--wary"),
    "bulk": lambda place, name: raw(place, name, 16, "--bulk", "--unix"),
    "threads": lambda place, name: agent(place, name, 16, str(HERE / "nap_tasks.py")),
    "pool": lambda place, name: agent(place, name, 2, str(HERE / "nap_tasks.py"), "--pool", "process"),
    "scripts": lambda place, name: scripts(place, name, 2),
    "bash": lambda place, name: ["bash", str(ROOT / "examples" / "worker.sh")],
    "node": lambda place, name: [str(NODE), str(HERE / "worker.mjs")],
}
NAMELESS = frozenset({"bash"})  # its leases end with its connection, and so does it


def behind() -> int:
    """Hundredths of a second by which CLOCK_MONOTONIC is behind the time since boot: a machine may have slept."""
    return round(100 * (time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()))


class Actor:
    """A process with a part. Its name is never used again."""

    def __init__(self, name: str, sort: str, command: list[str], place: Place) -> None:
        self.name = name
        self.sort = sort
        self.thaw_at: float | None = None
        self.wanted = False  # its end was ordered
        more = {"CHAOS_NAME": name, "CHAOS_MARKS": str(place.marks), "CHAOS_BEHIND": str(behind())}
        more |= {"CHAOS_CREDIT": "8", "CHAOS_HERE": str(HERE), "HIREHALL_DATA": str(place.data)}
        more |= {"CHAOS_POOL": "process"} if sort == "pool" else {}
        more |= {"BASH_ENV": str(HERE / "cksum.sh")} if sort == "bash" else {}
        env = {**os.environ, **more}
        with place.log.open("ab") as log:
            nothing = subprocess.DEVNULL
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=nothing, stdout=log, stderr=log)

    @property
    def is_up(self) -> bool:
        """Whether something can be done to it."""
        return self.thaw_at is None and self.process.poll() is None

    @property
    def is_nameless(self) -> bool:
        return self.sort in NAMELESS

    def kill(self) -> None:
        """kill -9 of this process alone; what it has started sees to itself."""
        self.wanted = True
        self.process.kill()

    def stop(self) -> None:
        self.wanted = True
        self.process.terminate()

    def freeze(self, until: float) -> None:
        """It and all that it has started, itself first: as when a machine stands still."""
        self.thaw_at = until
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self.thaw_at = None
        self._signal_all(signal.SIGCONT)

    def children(self) -> list[psutil.Process]:
        """What it has started, however deep."""
        try:
            return list(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def close(self) -> None:
        """Leave nothing behind."""
        left = self.children()
        self.process.kill()
        for child in left:
            tell(child, signal.SIGKILL)
        self.process.wait()

    def _signal_all(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            for child in self.children():
                tell(child, number)


def tell(child: psutil.Process, number: signal.Signals) -> None:
    """Send it a signal, if it is still there."""
    with suppress(psutil.NoSuchProcess):  # it has ended in the meantime
        child.send_signal(number)
