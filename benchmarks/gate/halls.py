"""A hall of the gate's own, in its process group, and what it has used of the CPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hirehall.bench.gauge import used_by
from hirehall.bench.peers import Peer
from hirehall.client.address import Access
from hirehall.processes import START_SECONDS, STOP_SECONDS, environment, next_line

ROOT = Path(__file__).resolve().parents[2]
HIREHALL = ("hirehall",)  # what is run as a module; a test puts a slower one in its place


class Hall:
    """One that listens, and what its process uses."""

    def __init__(self, folder: Path, pid: int) -> None:
        access = msgspec.json.decode((folder / "access.json").read_bytes(), type=Access)
        assert access.url is not None, "it listens on TCP"
        self.url, self.token = access.url, access.token
        self._pid = pid

    def cpu_seconds(self) -> float:
        """What its process has used since it began."""
        return used_by(self._pid)

    def peer(self, worker: str = "") -> Peer:
        """A connection that has said hello."""
        return Peer(self.url, self.token, worker)


@contextmanager
def hall_in(folder: Path, program: Sequence[str] = HIREHALL) -> Iterator[Hall]:
    """A hall whose data is in `folder`; it has ended afterwards."""
    serve = [*program, "serve", "--data", str(folder), "--tcp", "127.0.0.1:0", "--unix", f"{folder}/s"]
    said = folder / "serve.log"
    with said.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *serve],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env=environment() | {"HIREHALL_BALLAST": "1"},
        )
    assert process.stdout is not None
    try:
        if not next_line(process.stdout, b"", START_SECONDS)[0]:
            raise RuntimeError(f"the hall did not start: {said.read_text(errors='replace')}")
        yield Hall(folder, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
