"""Workers and submitters for the tests: processes to be killed or frozen, and threads for timed waits."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.system.audit import Mark, read_marks
from tests.system.hall_process import ROOT
from tests.system.lines import Silence
from tests.system.raw_worker import RawWorker, Trade, append_to

LEAVE_SECONDS = 10.0


class Crew:
    """Worker processes on one hall, their side-effect log, and a pipe that says when jobs end."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.data = data
        self.folder = folder
        self.log = folder / "marks"
        self.ends = 0
        self._hired = 0
        self._ended, self._told = os.pipe()
        self._mark = append_to(self.log, self._told)
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._submitters: list[subprocess.Popen[bytes]] = []
        self.acks: list[Path] = []

    def hire(self, *options: str) -> str:
        """Start a worker process; its name, which is never used again."""
        self._hired += 1
        name = f"w{self._hired}"
        command = [str(self.data), str(self.log), name, *options]
        self._workers[name] = self._start("raw_worker", *command, stdout=self._told)
        return name

    def kill(self, name: str) -> float:
        """kill -9 a worker, and say so in the side-effect log when it is gone; the time of that."""
        self._workers[name].kill()
        return self.bury(name)

    def bury(self, name: str, within: float = LEAVE_SECONDS) -> float:
        """Wait until a worker is dead, and say so in the side-effect log."""
        self._workers.pop(name).wait(within)
        gone = time.monotonic()
        self._mark(Mark("-", 0, name, "killed", gone))
        return gone

    def freeze(self, name: str) -> float:
        os.kill(self._workers[name].pid, signal.SIGSTOP)
        return time.monotonic()

    def thaw(self, name: str) -> None:
        os.kill(self._workers[name].pid, signal.SIGCONT)

    def submit(self, prefix: str, count: int, *options: str) -> None:
        """Start a submitter process."""
        acks = self.folder / f"acks-{prefix}"
        self.acks.append(acks)
        self._submitters.append(self._start("raw_submitter", str(self.data), str(acks), prefix, str(count), *options))

    def await_submitters(self, within: float) -> None:
        """Wait until everything is submitted."""
        deadline = time.monotonic() + within
        for submitter in self._submitters:
            assert submitter.wait(deadline - time.monotonic()) == 0, self._complaint()

    def await_ends(self, count: int, within: float) -> None:
        """Wait until `count` jobs in all have ended."""
        deadline = time.monotonic() + within
        with selectors.DefaultSelector() as selector:
            selector.register(self._ended, selectors.EVENT_READ)
            while self.ends < count:
                if not selector.select(max(deadline - time.monotonic(), 0.0)):
                    raise Silence(f"{self.ends} of {count} jobs ended in time\n{self._complaint()}")
                self.ends += len(os.read(self._ended, 65536))

    def marks(self) -> list[Mark]:
        return read_marks([self.log])

    def dismiss(self) -> None:
        """SIGTERM to all workers; they must leave cleanly."""
        for worker in self._workers.values():
            worker.terminate()
        codes = {name: worker.wait(LEAVE_SECONDS) for name, worker in self._workers.items()}
        self._workers.clear()
        assert not any(codes.values()), f"workers left with {codes}\n{self._complaint()}"

    def close(self) -> None:
        for process in [*self._workers.values(), *self._submitters]:
            process.kill()
            process.wait()
        os.close(self._ended)
        os.close(self._told)

    def _start(self, program: str, *command: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr").open("ab") as errors:
            module = [sys.executable, "-m", f"tests.system.{program}"]
            return subprocess.Popen([*module, *command], cwd=ROOT, stdout=stdout, stderr=errors)

    def _complaint(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace")[-3000:]


class Hand:
    """A worker in a thread of the test: for jobs that are timed waits. What happened is in `marks`."""

    def __init__(self, data: Path, trade: Trade) -> None:
        self.name = trade.name
        self.marks: list[Mark] = []
        self._changed = threading.Condition()
        self._worker = RawWorker(data, trade, self._note)
        self._thread = threading.Thread(target=self._worker.run, name=trade.name, daemon=True)

    def start(self) -> Hand:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._worker.stopping.set()
        self._thread.join(LEAVE_SECONDS)
        assert not self._thread.is_alive(), f"{self.name} does not stop"

    def times(self, event: str) -> dict[str, float]:
        """When this happened, by job."""
        return {mark.id: mark.at for mark in self.marks if mark.event == event}

    def await_marks(self, event: str, count: int, within: float) -> None:
        """Wait until this has happened to `count` jobs."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.times(event)) >= count, within)
        assert enough, f"{self.name}: {len(self.times(event))} of {count} {event} in time"

    def _note(self, mark: Mark) -> None:
        with self._changed:
            self.marks.append(mark)
            self._changed.notify_all()
