"""Looking at jobs until a deadline: what waiting with and without a bar share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from hirehall.client.jobs import JobInfo, Page, Waited
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Filters

MOST_IDS = 1_000  # in one request
PAGE = 1_000  # jobs in one request
PATIENCE_SECONDS = 2.0  # to search on where few jobs fit


class Deadline:
    """A moment until which to wait; None is for ever."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self, most: float | None = None) -> float | None:
        """Seconds until then, `most` at most."""
        if self._end is None:
            return most
        left = max(self._end - time.monotonic(), 0.0)
        return left if most is None else min(left, most)

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left() == 0.0


def look(hall: Hall, ids: Sequence[str], deadline: Deadline, most: float | None = None) -> Waited:
    """Wait for all of `ids`, but not longer than `most` seconds per request."""
    ended: list[JobInfo] = []
    pending: list[str] = []
    for some in pieces(ids):
        answer = hall.wait(some, deadline.left(most))
        ended += answer.jobs
        pending += answer.pending
    return Waited(ended, pending)


def pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """`ids` in lists that a request takes."""
    return (ids[start : start + MOST_IDS] for start in range(0, len(ids), MOST_IDS))


def newest(hall: Hall, filters: Filters, limit: int, before: str | None) -> Page:
    """As many pages as it takes, for a while."""
    jobs: list[JobInfo] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        page = hall.find(limit=min(limit - len(jobs), PAGE), before=before, **filters)
        jobs += page.jobs
        before = page.next
        if before is None or len(jobs) >= limit or time.monotonic() > until:
            return Page(jobs=jobs, next=before, looked_back_to=page.looked_back_to)
