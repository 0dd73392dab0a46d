"""What a contestant is: a server that can be killed, workers that are started again when they die, a client."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.contestant import Contestant

WORK_SECONDS = 0.04  # what one job takes
WORKERS = 2

Submit = Callable[[int], None]  # returns when job `number` has been acknowledged, raises when it was not


def mark(number: int) -> None:
    """What every job does, whoever runs it: a little work, then a line in the log of what was done."""
    time.sleep(WORK_SECONDS)
    log = os.open(os.environ["MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, b"%d\n" % number)
    os.close(log)


class Peer(Contestant):
    """One job server in one setting, to be killed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.marks.touch()

    @property
    def marks(self) -> Path:
        """Which jobs were done."""
        return self.folder / "marks"

    def extra(self) -> Mapping[str, str]:
        return {"MARKS": str(self.marks)}

    def client(self) -> Submit:
        """A client of its own, used by one thread, connected anew when it was cut off."""
        raise NotImplementedError

    def start(self) -> None:
        """Server and workers."""
        self.start_server()
        self.start_workers(WORKERS)

    def kill(self) -> None:
        """kill -9."""
        server = self._servers.pop()
        server.kill()
        server.wait()

    def restart(self) -> None:
        """What a supervisor does."""
        self.start_server()

    def look_after_workers(self) -> None:
        """A worker that has ended is started again, as a supervisor would."""
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        self.start_workers(WORKERS - len(self._workers))
