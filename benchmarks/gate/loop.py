"""The calibration loop: what any durable server must do for a job, and nothing else. The submits of a batch are
decoded, kept by SQLite in one transaction, synced and answered, without a server."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from benchmarks.gate.messages import WAVE, submits


class Batches(Struct, frozen=True):
    """What a slice of the loop is: about as much CPU time as one of the path takes."""

    count: int
    size: int  # jobs in each


WAVES = Batches(6, WAVE)
ALONE = Batches(200, 1)  # for jobs that have nothing under way beside them


class Submit(Struct):
    """A submit, its payload as raw as the hall leaves it."""

    kind: str
    queue: str
    payload: msgspec.Raw
    ref: int


class Kept(Struct):
    """The answer to it."""

    ok: bool
    ref: int
    id: str
    state: str


class Loop:
    """The loop on a file of its own, in WAL mode as the hall's."""

    def __init__(self, path: Path, batches: Batches) -> None:
        self._db = apsw.Connection(str(path))
        for name, value in (("journal_mode", "wal"), ("synchronous", "normal"), ("wal_autocheckpoint", 0)):
            self._db.pragma(name, value)
        self._db.execute(
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY, queue TEXT, kind TEXT, state INTEGER, payload BLOB)"
        )
        self._log = os.open(f"{path}-wal", os.O_RDWR)
        self._batches = batches
        self._lines = submits(batches.size).splitlines()
        self._decoder = msgspec.json.Decoder(Submit)
        self._last = 0

    def run(self) -> float:
        """One slice: the CPU seconds that it took for a job."""
        gc.disable()
        began = time.thread_time()
        for _ in range(self._batches.count):
            self._batch()
        used = time.thread_time() - began
        gc.enable()
        self._db.wal_checkpoint(None, apsw.SQLITE_CHECKPOINT_RESTART)  # as the hall: its log stays as long as it is
        return used / (self._batches.count * self._batches.size)

    def _batch(self) -> None:
        heard = [self._decoder.decode(line) for line in self._lines]
        first = self._last + 1
        self._last += len(heard)
        rows = [(first + at, job.queue, job.kind, 2, bytes(job.payload)) for at, job in enumerate(heard)]
        with self._db:
            self._db.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", rows)
        os.fdatasync(self._log)
        for at, job in enumerate(heard):
            msgspec.json.encode(Kept(True, job.ref, f"{first + at:016x}", "ready"))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        os.close(self._log)


@contextmanager
def loop_in(folder: Path, batches: Batches) -> Iterator[Loop]:
    """A loop whose file is in `folder`."""
    loop = Loop(folder / "loop.db", batches)
    try:
        yield loop
    finally:
        loop.close()
