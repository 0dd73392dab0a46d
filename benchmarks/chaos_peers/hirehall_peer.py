"""Hirehall, as it comes: the official client with a key on every job, the official worker."""

from __future__ import annotations

import json
from pathlib import Path

import hirehall
from benchmarks.chaos_peers.peer import Peer, Submit, mark
from benchmarks.contestant import python
from benchmarks.servers import OnHall


@hirehall.job(kind="mark")
def work(payload: int) -> None:
    """The job."""
    mark(payload)


class Hirehall(OnHall, Peer):
    name, setting = "Hirehall", "as it comes (SQLite)"

    def worker_command(self) -> list[str]:
        return python("-m", "hirehall", "work", __name__, "--data", "data", "--concurrency", "1")

    def client(self) -> Submit:
        access = json.loads(Path(self.folder, "data", "access.json").read_text())
        hall = hirehall.connect(access["url"], token=access["token"])
        return lambda number: [hall.submit("mark", number, key=str(number))].clear()
