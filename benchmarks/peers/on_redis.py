"""What the peers on Redis stand on: a Redis of their own, as Debian configures it, or with every write synced."""

from __future__ import annotations

from benchmarks.peers.peer import PORT, Peer
from benchmarks.servers import SAFEST, OnRedis

URL = f"redis://127.0.0.1:{PORT}/0"


class PeerOnRedis(OnRedis, Peer):
    setting = "Redis, as it comes"
    lost = "all since the last snapshot: minutes"


class Safest(PeerOnRedis):
    """Mixed in: what Redis calls the safest."""

    setting = "Redis, appendfsync always"
    lost = "nothing"
    is_durable = True
    options = SAFEST
