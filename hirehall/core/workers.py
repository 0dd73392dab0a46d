"""Workers and the leases in their hands."""

from __future__ import annotations

import math
from collections.abc import Collection
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from hirehall.core.operations import Claimed
from hirehall.core.timers import Timer
from hirehall.model import GRACE_SECONDS, Rules

if TYPE_CHECKING:
    from hirehall.core.lanes import Crew


WORKING, PAUSED, DRAINING, STOPPING = "working", "paused", "draining", "stopping"  # what a person wants of a worker


class Hold(Enum):
    """What a worker has of a job that fills one of its places."""

    OPEN = "open"  # the lease: exclusive, expiring
    STOPPING = "stopping"  # timed out: the worker may still report, for a little while
    LOST = "lost"  # expired: a result counts until someone else gets the job
    OVER = "over"  # ended without the worker: only the place is still filled


_LIVE = (Hold.OPEN, Hold.STOPPING)


class Lease(Struct, gc=False, eq=False):
    """One attempt in a worker's hand. `since` is monotonic seconds: when it was given or last named alive."""

    job: Claimed
    rules: Rules
    since: float
    ends_at: float = math.inf  # monotonic seconds: open, it times out then; stopping, its last moment to report
    hold: Hold = Hold.OPEN
    progress: bytes | None = None
    unsaved: bool = False  # the store has an older progress than this
    lines: list[bytes] | None = None  # of its log, not in a batch yet
    line_bytes: int = 0

    @property
    def is_live(self) -> bool:
        """Whether the worker may still report on it as its holder."""
        return self.hold in _LIVE


class Worker:
    """One worker process, or one anonymous session that works. It outlives its connection for a short grace.

    `credit` is a ceiling on `len(held) + promised`: jobs in its hand, and places that the next answers will fill.
    """

    __slots__ = (
        "beat_at",
        "clogged",
        "concurrency",
        "credit",
        "crew",
        "gone_at",
        "held",
        "holder",
        "is_deputy",
        "is_silent",
        "lease_seconds",
        "mode",
        "name",
        "promised",
        "session",
        "watch",
        "watch_at",
    )  # fmt: skip

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.name = ""
        self.session: int | None = None
        self.crew: Crew | None = None
        self.credit = 0
        self.concurrency: int | None = None  # how many jobs it runs at once, where its credit is above that
        self.lease_seconds = 30.0
        self.promised = 0
        self.held: dict[int, Lease] = {}
        self.beat_at = 0.0
        self.gone_at: float | None = None  # when the grace of a closed connection ends
        self.is_silent = False  # a lease of its ran out: nothing more until it says something
        self.clogged = False  # it does not read: nothing more until it does
        self.mode = WORKING
        self.is_deputy = False  # its open connection is its lease; its lost jobs go to the end of their lane
        self.watch: Timer | None = None  # will look at its leases,
        self.watch_at = 0.0  # at this time

    @property
    def free(self) -> int:
        """How many more jobs it may be given now."""
        if self.session is None or self.clogged or self.is_silent or self.mode != WORKING:
            return 0
        return self.credit - len(self.held) - self.promised

    def grace_ends(self, now: float, is_silent: bool) -> float:
        """Until when others wait for what it holds, its connection gone: as long as its leases last when nobody has
        closed it, for then it may still be at work."""
        ends = [self.deadline(lease) for lease in self.held.values() if lease.is_live] if is_silent else []
        return max([now + GRACE_SECONDS, *ends])

    def deadline(self, lease: Lease) -> float:
        """When something happens to this lease of its own, monotonic seconds."""
        if lease.hold is Hold.STOPPING:
            return lease.ends_at
        return min(max(lease.since, self.beat_at) + lease.job.lease_seconds, lease.ends_at)

    def unwatch(self) -> None:
        """Nobody looks at its leases until `Leases.watch`."""
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None

    def forgive(self, lost_seconds: float) -> None:
        """Nothing of it gets older by time that was lost."""
        self.beat_at += lost_seconds
        if self.gone_at is not None:
            self.gone_at += lost_seconds
        for lease in self.held.values():
            lease.since += lost_seconds
            lease.ends_at += lost_seconds


def slots(workers: Collection[Worker]) -> tuple[int, int]:
    """Places of these workers that are filled, and those that a job could have now."""
    return sum(len(one.held) + one.promised for one in workers), sum(max(one.free, 0) for one in workers)
