"""Huey on Redis and on SQLite, with results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from huey import RedisHuey, SqliteHuey
from huey.api import Result

from benchmarks.contestant import python
from benchmarks.peers.on_redis import PeerOnRedis, Safest
from benchmarks.peers.peer import FOLDER, ONE_OR_MORE, PATIENCE, PAYLOAD, PORT, THREADS, Client, Peer, Threads

if os.environ.get("HUEY_ON") == "sqlite":
    huey = SqliteHuey(filename=str(FOLDER / "huey.db"))
else:
    huey = RedisHuey(host="127.0.0.1", port=PORT)


@huey.task()
def noop(payload: Any) -> bool:
    """The job. A result that is None is not kept."""
    return True


class HueyClient(Threads):
    def await_all(self, submitted: list[Result]) -> None:
        for result in submitted:
            result.get(blocking=True, timeout=PATIENCE, backoff=1, max_delay=0.001)


class HueyPeer(Peer):
    known = "the job's result"
    packages: tuple[str, ...] = ("huey",)
    poll = 0.1

    def worker_command(self) -> list[str]:
        flags = ["-w", str(max(self.widths)), "-k", "thread", "-d", str(self.poll), "-m", str(self.poll), "-q"]
        return python("-m", "huey.bin.huey_consumer", "benchmarks.peers.huey_peer.huey", *flags)

    def client(self) -> Client:
        return HueyClient(lambda: lambda: noop(PAYLOAD), self.widths)


class HueyRedis(PeerOnRedis, HueyPeer):
    name = "Huey on Redis"
    client_is = "one enqueue at a time"
    worker_is = "1 process, 1 thread"
    packages = ("huey", "redis")


class HueyRedisSafest(Safest, HueyRedis):
    client_is, worker_is = ONE_OR_MORE, f"1 process, {THREADS} threads"


class HueySqlite(HueyPeer):
    name, setting = "Huey on SQLite", "as it comes: fsync per commit"
    lost = "nothing"
    is_durable = syncs_itself = True
    client_is = ONE_OR_MORE
    worker_is = f"1 process, {THREADS} threads, look every ms"
    poll = 0.001

    def extra(self) -> Mapping[str, str]:
        return {**super().extra(), "HUEY_ON": "sqlite"}
