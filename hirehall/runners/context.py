"""What a function may know about the job it runs, and say while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hirehall.runners.port import cut
from hirehall.wire.replies import Delivery

MAX_PROGRESS_TEXT = 1000  # characters


class Context:
    """The second argument of a job function, if it has one."""

    __slots__ = ("_job", "_report", "stopping")

    def __init__(self, job: Delivery, report: Callable[[float | None, str], None]) -> None:
        self._job = job
        self._report = report
        # Set when the result is of no use any more (cancelled, timed out, lease lost): a long function looks
        # at it now and then. An async function is cancelled instead.
        self.stopping = threading.Event()

    @property
    def id(self) -> str:
        """The job's id."""
        return self._job.id

    @property
    def attempt(self) -> int:
        """Which hand-out of the job this is: 1, 2, 3 ..."""
        return self._job.attempt

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self._job.kind

    @property
    def queue(self) -> str:
        """The queue it came through."""
        return self._job.queue

    @property
    def meta(self) -> dict[str, str]:
        """The short texts that its submitter sent along."""
        return self._job.meta

    def progress(self, percent: float | None = None, text: str = "") -> None:
        """Say how far the job is: 0 to 100, a text, or both. From any thread; cheap enough for a loop."""
        self._report(None if percent is None else float(percent), cut(str(text), MAX_PROGRESS_TEXT))
