"""Huey on SQLite. It has no server: the kill is for its consumer, the process that takes jobs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from huey import SqliteHuey

from benchmarks.chaos_peers.peer import Peer, Submit, mark
from benchmarks.contestant import python

IS_SYNCED = os.environ.get("HUEY_FSYNC") == "yes"
huey = SqliteHuey(filename=os.environ.get("HUEY_FILE", ":memory:"), fsync=IS_SYNCED)


@huey.task()
def work(number: int) -> None:
    """The job."""
    mark(number)


class Huey(Peer):
    name, setting = "Huey on SQLite", "as it comes (its consumer killed)"
    fsync = False

    def extra(self) -> Mapping[str, str]:
        own = {"HUEY_FILE": str(self.folder / "huey.db"), "HUEY_FSYNC": "yes" if self.fsync else "no"}
        return {**super().extra(), **own}

    def worker_command(self) -> list[str]:
        return python(
            "-m", "huey.bin.huey_consumer", "benchmarks.chaos_peers.huey_peer.huey", "--workers", "1", "--quiet"
        )

    def kill(self) -> None:
        self._workers[0].kill()
        self._workers[0].wait()

    def restart(self) -> None:
        self.look_after_workers()

    def client(self) -> Submit:
        own = SqliteHuey(filename=str(self.folder / "huey.db"), fsync=self.fsync)
        task = own.task(name="work")(work.func)
        task.task_class.__module__ = work.task_class.__module__
        return lambda number: [task(number)].clear()


class HueySynced(Huey):
    setting, fsync = "fsync=True (its consumer killed)", True
