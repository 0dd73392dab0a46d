"""What the core wants said to sessions: plain values, put into words by the service."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from hirehall.core.operations import Body, Claimed
from hirehall.model import State

CANCELLED, TIMED_OUT, LOST = "cancelled", "timeout", "lost"


class End(Struct, gc=False):
    """A job reached its end; with `results` so did those whose ids follow, each with its own of these. `follow` is the
    session that wants to hear it."""

    id: int
    state: State
    follow: int | None
    result: Body | None = None
    fault: bytes | None = None
    results: list[Body] | None = None

    @property
    def each(self) -> Iterator[End]:
        """This end for every single job."""
        if self.results is None:
            yield self
        else:
            for job, result in enumerate(self.results, self.id):
                yield End(job, self.state, self.follow, result)


class StopOrder(Struct):
    """A worker shall stop this attempt."""

    session: int
    holder: str
    id: int
    attempt: int
    why: str


class Effects(Struct):
    """Pushes by session number, in the order in which they came about."""

    runs: dict[int, list[Claimed]] = {}
    stops: list[StopOrder] = []
    ends: list[End] = []
    closes: list[int] = []  # sessions whose worker came back on another connection

    def run(self, session: int, jobs: list[Claimed]) -> None:
        """Deliver `jobs` to `session`."""
        self.runs.setdefault(session, []).extend(jobs)
