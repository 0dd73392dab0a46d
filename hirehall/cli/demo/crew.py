"""The demo's three processes: started, watched, and ended by their own ids, whatever happens."""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

import hirehall
from hirehall.errors import Unavailable

SCRIPT = Path(__file__).with_name("checksum.sh")
TASKS = "hirehall.cli.demo.tasks"
START_SECONDS = 30.0
STOP_SECONDS = 10.0


class Crew:
    """A hall in `home` and its two workers. As a context: nobody is left behind."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._members: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, IO[bytes]] = {}

    def start(self) -> str:
        """All three; the hall's address. Raises Unavailable with the last words of who does not start."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready = self._hire("hall", "serve", "--data", str(self.home), "--tcp", "127.0.0.1:0")
        self._hire("Python worker", "work", TASKS, "--name", "python", "--data", str(self.home))
        command = f"checksum=sh {shlex.quote(str(SCRIPT))}"
        self._hire("script worker", "work", "--script", command, "--name", "script", "--data", str(self.home))
        return ready.split(" ready on ")[-1].split(" ")[0]

    def check(self) -> None:
        """Raise Unavailable when one of them has ended: nobody would do its work."""
        for name, process in self._members.items():
            if process.poll() is not None:
                raise Unavailable(f"the {name} ended with status {process.returncode}: {self._last_words(name)}")

    def _hire(self, name: str, *arguments: str) -> str:
        """Start one; the first line it says, which it says when it is ready."""
        log = self._logs[name] = (self.home / f"{name.replace(' ', '-')}.log").open("w+b")
        self._members[name] = process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "hirehall", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(hirehall.__file__).parents[1],  # `-m` looks there first: not into a stranger's folder
            env={name: value for name, value in os.environ.items() if not name.startswith("HIREHALL_")},
            start_new_session=True,  # Ctrl-C is ours; they hear of it from us
        )
        assert process.stdout is not None, "it is a pipe"
        line = first_line(process.stdout)
        if not line:
            process.kill()
            process.wait()
            raise Unavailable(f"the {name} did not start: {self._last_words(name)}")
        return line

    def _last_words(self, name: str) -> str:
        self._logs[name].seek(0)
        lines = self._logs[name].read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("hirehall: ") if lines else "it said nothing"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Workers first, so that they can say goodbye to the hall."""
        members = list(self._members.values())
        for group in (members[1:], members[:1]):
            end(group)
        for log in self._logs.values():
            log.close()


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask them to leave, and make them if they do not."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def first_line(stream: IO[bytes]) -> str:
    """What comes until the first line break; nothing when the stream ends, or the time is up, before it."""
    deadline = time.monotonic() + START_SECONDS
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not said.endswith(b"\n"):
            if not selector.select(max(deadline - time.monotonic(), 0)):
                return ""
            piece = os.read(stream.fileno(), 4096)
            if not piece:
                return ""
            said += piece
    return said.decode(errors="replace").strip()


@contextmanager
def ends_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does: with its processes."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
