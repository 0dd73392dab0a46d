"""The official worker as real processes: `hirehall work` with a file of Python functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.system.hall_process import ROOT, Hall

TASKS = """
import time
from hirehall import job

@job
def nap(payload):
    time.sleep(payload["ms"] / 1000)
    return payload["ms"]

@job
def patient(payload, context):
    context.stopping.wait()

@job
def echo(payload):
    if not isinstance(payload, list):
        raise TypeError("echo takes a list")
    return payload
"""


class Agents:
    """Worker processes of one hall."""

    def __init__(self, hall: Hall, folder: Path) -> None:
        self._hall = hall
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._tasks = folder / "tasks.py"
        self._tasks.write_text(TASKS)

    def hire(self, name: str, *options: str) -> None:
        """Start one; it may still be on its way."""
        command = [sys.executable, "-m", "hirehall", "work", str(self._tasks), "--name", name, *options]
        with self.log.open("ab") as log:
            worker = subprocess.Popen([*command, "--data", str(self._hall.data)], cwd=ROOT, stdout=log, stderr=log)
        self._workers.append(worker)

    def codes(self, within: float) -> list[int]:
        """How each of them ended."""
        return [worker.wait(within) for worker in self._workers]

    @property
    def log(self) -> Path:
        return self._folder / "agents"

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        print(self.log.read_text()[-3000:] if self.log.exists() else "")
