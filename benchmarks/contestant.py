"""A job server beside others: its own processes on a folder and a port of its own, all put away at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UP_SECONDS = 30.0


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program_path() -> str:
    """Where programs are: Debian keeps some servers where only root looks, or nobody."""
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return os.pathsep.join((os.environ["PATH"], "/usr/sbin", *map(str, postgres)))


def python(*arguments: str) -> list[str]:
    """This Python, with these arguments."""
    return [sys.executable, *arguments]


class Contestant:
    """One job server in one setting. `folder` is its own, on a real disk."""

    name = ""
    setting = ""
    needs = ""  # a program that must be installed
    server_user: str | None = None  # as whom the server runs, where it refuses to be root

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.environment = {**os.environ, "PEER_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        self.environment.pop("HIREHALL_BALLAST", None)  # halls are taken as they come
        self.environment.update(self.extra())
        self._servers: list[subprocess.Popen[bytes]] = []
        self._workers: list[subprocess.Popen[bytes]] = []

    def extra(self) -> Mapping[str, str]:
        """What else its processes find in their environment."""
        return {}

    def server_command(self) -> list[str]:
        """How its server is started; empty when it has none."""
        return []

    def worker_command(self) -> list[str]:
        """How one worker is started."""
        raise NotImplementedError

    def start_server(self) -> None:
        """Start the server on what it finds, and wait until it answers."""
        if not (command := self.server_command()):
            return
        server = self.run(command, self.server_environment(), self.server_user)
        self._servers.append(server)
        deadline = time.monotonic() + UP_SECONDS
        while not self.answers():
            if server.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {self.last_words()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not answer: {self.last_words()}")
            time.sleep(0.02)

    def server_environment(self) -> Mapping[str, str]:
        """What the server finds in its environment."""
        return self.environment

    def answers(self) -> bool:
        """Whether the server can be connected to."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def start_workers(self, count: int) -> None:
        """Workers beside those that run."""
        self._workers += [self.run(self.worker_command()) for _ in range(count)]

    def stop_workers(self) -> None:
        """End them, with all that they have started."""
        _end(self._workers)

    def stop(self) -> None:
        """End every process of this contestant, with all that they have started."""
        self.stop_workers()
        _end(self._servers)

    def run(
        self, command: list[str], environment: Mapping[str, str] | None = None, user: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own; what it says goes to the log."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment or self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=user,
            )

    def run_to_end(self, command: list[str], user: str | None = None) -> None:
        """Run a process that makes something. Raises RuntimeError when it has failed."""
        if self.run(command, user=user).wait():
            raise RuntimeError(f"{' '.join(command)} failed: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the log."""
        return (self.folder / "log").read_text(errors="replace")[-600:].strip()


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """The last one started ends first."""
    while processes:
        process = processes[-1]
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        processes.pop()
