"""Programs as a person starts them: a line for the shell, a terminal's worth of output, a deadline on everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.system.lines import readable

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0  # seconds


def environment(home: Path, **more: str) -> dict[str, str]:
    """A newcomer's: a home of their own, `hirehall` and this Python in the PATH, nothing of ours."""
    shim = home / "bin" / "hirehall"
    if not shim.exists():
        shim.parent.mkdir(parents=True)
        shim.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m hirehall "$@"\n')
        shim.chmod(0o755)
    path = f"{shim.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HIREHALL_", "MAKE"))}
    return {**kept, "HOME": str(home), "PATH": path, **more}


class Program:
    """A line of shell as a process group of its own."""

    def __init__(self, line: str, cwd: Path, env: dict[str, str]) -> None:
        self.line = line
        self.said = b""
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def says(self, word: str, within: float = PATIENCE) -> str:
        """Wait until it has said `word`; all that it said so far."""
        stream = self._process.stdout
        assert stream is not None
        deadline = time.monotonic() + within
        while word.encode() not in self.said:
            assert readable(stream, max(deadline - time.monotonic(), 0)), f"no {word!r} in time: {self}"  # type: ignore[arg-type]
            piece = os.read(stream.fileno(), 1 << 16)
            assert piece, f"it ended without {word!r}: {self}"
            self.said += piece
        return self.said.decode(errors="replace")

    def ends(self, within: float = PATIENCE) -> tuple[int, str]:
        """Wait until it ends: its exit status, and all that it said."""
        rest, _ = self._process.communicate(timeout=within)
        self.said += rest
        return self._process.returncode, self.said.decode(errors="replace")

    def interrupt(self) -> None:
        """Ctrl-C: the whole foreground group hears it."""
        os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """kill -9, to the whole group, and see it dead."""
        os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()

    def close(self) -> None:
        """Leave nobody behind."""
        if self._process.poll() is None:
            self.interrupt()
            try:
                self._process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.communicate()
        elif self._process.stdout is not None:
            self._process.stdout.close()

    def __str__(self) -> str:
        return f"{self.line}\n{self.said.decode(errors='replace')}"


class Shell:
    """One newcomer: a home, a place in the file system, and the programs they started."""

    def __init__(self, home: Path, cwd: Path = ROOT, **more: str) -> None:
        self.home, self.cwd = home, cwd
        self.env = environment(home, **more)
        self.programs: list[Program] = []

    def start(self, line: str) -> Program:
        """Like a terminal of its own."""
        self.programs.append(Program(line, self.cwd, self.env))
        return self.programs[-1]

    def run(self, line: str, within: float = PATIENCE) -> tuple[int, str]:
        """Start it and wait for its end."""
        return self.start(line).ends(within)

    def close(self) -> None:
        """The last started first, as one closes terminals."""
        for program in reversed(self.programs):
            program.close()


def serve(shell: Shell) -> Program:
    """A hall that is ready, started as the README says."""
    hall = shell.start("hirehall serve")
    hall.says("ready")
    return hall
