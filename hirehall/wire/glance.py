"""What `overview` answers: the hall at a glance."""

from __future__ import annotations

from msgspec import Struct

from hirehall.model import Labels
from hirehall.wire.replies import Reply


class Flow(Struct, kw_only=True):
    """Jobs: a mean of the last ten seconds; how many came in and ended in each of the last 60 spans, this one last."""

    in_per_second: float
    out_per_second: float
    span_seconds: int
    into: list[int]
    out: list[int]


class RunTime(Struct):
    """Of attempts that ended in the last five to ten minutes, as far as buckets tell; null: there were none."""

    p50_seconds: float | None
    p95_seconds: float | None


class QueueGlance(Struct, kw_only=True):
    """A queue at a glance. `unserved`: ready jobs that no worker here may take."""

    queue: str
    state: str
    jobs: dict[str, int]  # by state
    workers: int
    unserved: int
    oldest_waiting_seconds: float | None
    flow: Flow
    run_time: RunTime


class Unserved(Struct, kw_only=True):
    """Ready jobs that no worker here may take. `why` says what stands against it, for the first few of a list."""

    queue: str
    kind: str
    requires: Labels
    jobs: int
    oldest_waiting_seconds: float | None
    why: list[str]


class Crews(Struct, kw_only=True):
    """Workers that are connected, those that may come back to what they hold, and places for jobs."""

    connected: int
    gone: int
    slots_used: int
    slots_free: int


class Storage(Struct, kw_only=True):
    """What the store takes on its disk, and how that does."""

    full: bool
    damaged: bool
    database_bytes: int
    log_bytes: int
    ballast_bytes: int
    free_bytes: int


class Glance(Struct, kw_only=True):
    """The hall at a glance. Who is limited to some queues sees these only, and no `storage`. `queues` are those with
    the most ready jobs, then the most running ones."""

    up_since: str
    ready: bool
    why: list[str]  # it is not ready
    jobs: dict[str, int]
    oldest_waiting_seconds: float | None
    flow: Flow
    run_time: RunTime
    workers: Crews
    unserved: list[Unserved]
    queues: list[QueueGlance]
    queues_left_out: int
    storage: Storage | None


class OverviewReply(Reply, kw_only=True):
    overview: Glance
