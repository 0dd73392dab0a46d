"""What a contestant is: a server that can be killed, workers that are started again when they die, a client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
WORK_SECONDS = 0.04  # what one job takes
WORKERS = 2
UP_SECONDS = 20.0

Submit = Callable[[int], None]  # returns when job `number` has been acknowledged, raises when it was not


def mark(number: int) -> None:
    """What every job does, whoever runs it: a little work, then a line in the log of what was done."""
    time.sleep(WORK_SECONDS)
    log = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, b"%d\n" % number)
    os.close(log)


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Peer:
    """One job server in one setting. `folder` is its own, on a real disk."""

    name = ""
    setting = ""
    needs = ""  # a program that must be installed

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        self.marks.touch()
        self.port = free_port()
        self.environment = {**os.environ, "MARKS": str(self.marks), "PEER_PORT": str(self.port), **self.extra()}
        self.environment["PYTHONPATH"] = os.pathsep.join((str(HERE), str(HERE.parents[1])))
        self._server: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []

    def extra(self) -> dict[str, str]:
        """What else its processes find in their environment."""
        return {}

    def server_command(self) -> list[str]:
        """How its server is started; empty when it has none."""
        return []

    def worker_command(self) -> list[str]:
        """How one worker is started."""
        raise NotImplementedError

    def client(self) -> Submit:
        """A client of its own, used by one thread, connected anew when it was cut off."""
        raise NotImplementedError

    def start(self) -> None:
        """Server and workers."""
        self.start_server()
        self._workers = [self._run(self.worker_command()) for _ in range(WORKERS)]

    def start_server(self) -> None:
        """Start the server on what it finds, and wait until it answers."""
        if command := self.server_command():
            self._server = self._run(command)
            deadline = time.monotonic() + UP_SECONDS
            while not self.answers():
                assert self._server.poll() is None, f"{self.name} ended: see {self.folder / 'log'}"
                assert time.monotonic() < deadline, f"{self.name} does not answer"
                time.sleep(0.02)

    def answers(self) -> bool:
        """Whether the server can be connected to."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """kill -9."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def restart(self) -> None:
        """What a supervisor does."""
        self.start_server()

    def look_after_workers(self) -> None:
        """A worker that has ended is started again, as a supervisor would."""
        self._workers = [
            worker if worker.poll() is None else self._run(self.worker_command()) for worker in self._workers
        ]

    def stop(self) -> None:
        """End every process of this peer, with all that they have started."""
        for process in [*self._workers, *([self._server] if self._server else [])]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )


def python(*arguments: str) -> list[str]:
    """This Python, with these arguments."""
    return [sys.executable, *arguments]
