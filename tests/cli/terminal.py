"""A program in a terminal of its own: a size, keys, and what it drew."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Self

PATIENCE = 20.0  # seconds
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Terminal:
    """A line of shell in front of a person."""

    def __init__(self, line: str, cwd: Path, env: dict[str, str], columns: int = 80, lines: int = 24) -> None:
        self.raw = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        kept = {name: value for name, value in env.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
        self._process = subprocess.Popen(
            ["setsid", "-c", "bash", "-c", f"exec {line}"],
            cwd=cwd,
            env={**kept, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    @property
    def text(self) -> str:
        """What it wrote, without colours and movements."""
        return CODES.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def shows(self, word: str, within: float = PATIENCE) -> str:
        """Wait until it has shown `word`."""
        deadline = time.monotonic() + within
        while word not in self.text:
            assert self._read(deadline - time.monotonic()), f"no {word!r}: {self.text}"
        return self.text

    def pause(self, seconds: float = 0.2) -> None:
        """Look at what it shows for a moment."""
        self._read(seconds)

    def types(self, keys: str) -> None:
        """As if a person did; Ctrl-C is \\x03."""
        os.write(self._master, keys.encode())

    def ends(self, within: float = PATIENCE) -> int:
        """Wait for its end: the exit status."""
        deadline = time.monotonic() + within
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, seconds: float) -> bool:
        if seconds <= 0 or not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._master, 1 << 16)
        except OSError:  # Linux says so when the last program has closed the terminal
            return False
        self.raw += piece
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
        os.close(self._master)
