"""A real hall process in ten milliseconds: forked from a server that has imported the hall, and held at a gate until
strace has taken hold of it, so that what strace sees is the hall's own start and nothing of Python's.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from hirehall.__main__ import main
from hirehall.stores import wal
from tests.mutants import plant
from tests.system.hall_process import STOP_SECONDS, Hall
from tests.system.lines import Silence, readable

CONTEXT: Any = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["hirehall.app", "hirehall.cli.main", "hirehall.cli.serve", "uvloop", __name__])
SMALL_CHECKPOINT = 48  # pages: a run of a few hundred commits sees the log carried over and begun anew many times
SMALL_FULL = 160


class Forked:
    """What a hall's test needs of `subprocess.Popen`, for a child of the fork server."""

    def __init__(self, command: list[str], log: Path, mutant: str = "") -> None:
        self._gate, gate = CONTEXT.Pipe()
        out, said = CONTEXT.Pipe(duplex=False)
        self._child = CONTEXT.Process(target=live, args=(gate, said, str(log), command, mutant))
        self._child.start()
        gate.close()
        said.close()
        self.pid: int = self._child.pid
        self.stdout: IO[bytes] = os.fdopen(os.dup(out.fileno()), "rb", buffering=0)
        out.close()

    def begin(self) -> None:
        """Open the gate."""
        self._gate.send(True)
        self._gate.close()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def poll(self) -> int | None:
        return self._child.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._child.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("hall", timeout or 0.0)
        return code


def live(gate: Connection, said: Connection, log: str, command: list[str], mutant: str) -> None:
    """In the child: wait for the gate, then be `hirehall COMMAND`."""
    os.dup2(said.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    os.environ["UV_USE_IO_URING"] = "0"  # every call is one that strace can see
    wal.CHECKPOINT_PAGES, wal.FULL_PAGES = SMALL_CHECKPOINT, SMALL_FULL
    if mutant:
        plant(mutant, setattr)
    sys.argv = ["hirehall", *command]
    gate.recv()
    gate.close()
    main()


class ForkedHall(Hall):
    """A hall that starts in no time, under `strace` where `tracer` (its arguments) says so from its first call on."""

    def __init__(self, data: Path, *, mutant: str = "", tracer: list[str] | None = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.mutant = mutant
        self.tracer = tracer
        self.strace: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        """What stands behind `hirehall`."""
        command = self.command()
        return command[command.index("serve") :]

    def launch(self) -> Any:
        child = Forked(self.arguments(), self.log, self.mutant)
        if self.tracer is not None:
            self.attach(child.pid, self.tracer)
        child.begin()
        return child

    def attach(self, pid: int, tracer: list[str]) -> None:
        """Trace the process from now on; what comes back is traced already."""
        self.strace = subprocess.Popen(["strace", "-f", *tracer, "-p", str(pid)], stderr=subprocess.PIPE)
        assert self.strace.stderr is not None
        said = b""
        while b"attached" not in said:
            if not readable(self.strace.stderr, STOP_SECONDS):  # type: ignore[arg-type]
                raise Silence(f"strace does not attach: {said!r}")
            part = os.read(self.strace.stderr.fileno(), 4096)
            if not part:
                raise Silence(f"strace ended: {said!r}")
            said += part

    def ended(self, within: float = STOP_SECONDS) -> int:
        code = super().ended(within)
        if self.strace is not None:  # its record is whole when it has ended
            self.strace.communicate(timeout=STOP_SECONDS)
            self.strace = None
        return code


class ForkedCommand(ForkedHall):
    """Any other command, which ends by itself."""

    def __init__(self, data: Path, *words: str, tracer: list[str] | None = None) -> None:
        super().__init__(data, tracer=tracer)
        self.words = [*words, "--data", str(data)]

    def arguments(self) -> list[str]:
        return self.words

    def succeed(self) -> None:
        """Run it to its end."""
        try:
            self.process = self.launch()
            assert self.ended() == 0, self.log.read_text()
        finally:
            self.close()
