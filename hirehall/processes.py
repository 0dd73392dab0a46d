"""Processes of our own, for who shows or measures how they work together: begun, heard, and ended by their own ids,
whatever happens."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from hirehall.errors import Unavailable

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class Member:
    """One module of ours as a process; what it says on stderr is kept in `log`. Of the environment it gets nothing
    that begins with HIREHALL_, except what is `told`."""

    def __init__(self, name: str, *arguments: str, log: Path, told: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-m", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=Path(__file__).parents[1],  # `-m` looks there first: not into a stranger's folder
                env=environment() | dict(told or {}),
                start_new_session=True,  # Ctrl-C is for who started it; it hears of it from there
            )
        self.pid = self._process.pid
        self._heard = b""

    def ready(self) -> str:
        """The first line it says, which it says when it is ready. Raises Unavailable when it does not."""
        line = self.hear(START_SECONDS)
        if not line:
            self._process.kill()
            self._process.wait()
            raise Unavailable(f"the {self.name} did not start: {self.last_words()}")
        return line

    def tell(self, line: str) -> None:
        """A line for its stdin. Raises Unavailable when it has ended."""
        assert self._process.stdin is not None, "it is a pipe"
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            self.wait(STOP_SECONDS)
            self.check()

    def hear(self, seconds: float) -> str:
        """The next line it says; nothing when it ends, or the time is up, before that."""
        assert self._process.stdout is not None, "it is a pipe"
        line, self._heard = next_line(self._process.stdout, self._heard, seconds)
        return line

    def check(self, within: float = 0.0) -> None:
        """Raise Unavailable when it has ended, or ends `within` seconds: its sockets close a moment before."""
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(within)
            raise Unavailable(f"the {self.name} ended with status {status}: {self.last_words()}")

    def last_words(self) -> str:
        """The last line it said on stderr."""
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return lines[-1].removeprefix("hirehall: ") if lines else "it said nothing"

    def leave(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self, seconds: float = STOP_SECONDS) -> None:
        """Until it has ended; made to when it does not by itself."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None, "it is a pipe"
            with suppress(OSError):
                pipe.close()

    def end(self) -> None:
        """Ask, and wait."""
        self.leave()
        self.wait()


def environment() -> dict[str, str]:
    """This program's, without what leads to the hall of its user."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HIREHALL_")}


def next_line(stream: IO[bytes], heard: bytes, seconds: float) -> tuple[str, bytes]:
    """The line that `heard` and what comes then begin with, and what stands behind it."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while b"\n" not in heard:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                return "", heard
            piece = os.read(stream.fileno(), 4096)
            if not piece:
                return "", heard
            heard += piece
    line, _, rest = heard.partition(b"\n")
    return line.decode(errors="replace").strip(), rest


@contextmanager
def ends_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end this program as Ctrl-C does: with its processes. A second one does not disturb that."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
