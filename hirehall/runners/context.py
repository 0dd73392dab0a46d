"""What a function may know about the job it runs, and say while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from hirehall.runners.folder import IN, OUT, made
from hirehall.runners.logs import MAX_LINE, STREAM, Say, unheard
from hirehall.runners.port import Placed, cut
from hirehall.wire.replies import Delivery

MAX_PROGRESS_TEXT = 1000  # characters


class Context:
    """The second argument of a job function, if it has one."""

    __slots__ = ("_job", "_out", "_place", "_report", "_say", "stopping")

    def __init__(
        self,
        job: Delivery,
        report: Callable[[float | None, str], None],
        say: Say = unheard,
        place: Placed | None = None,
    ) -> None:
        self._job = job
        self._place = place
        self._out: Path | None = None
        self._report = report
        self._say = say
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

    @property
    def files(self) -> Mapping[str, Path]:
        """The inputs that its submitter sent along, by their names. They go when the function has ended."""
        return {file.name: Path(self._folder, IN, file.name) for file in self._job.files}

    @property
    def out(self) -> Path:
        """A directory: the files that the function leaves there are the job's, once it has succeeded. Raises OSError
        when it cannot be made."""
        if self._out is None:
            self._out = made(self._folder, OUT)
        return self._out

    @property
    def _folder(self) -> str:
        return "" if self._place is None else self._place.folder

    @property
    def has_out(self) -> bool:
        """Whether it has asked for that."""
        return self._out is not None

    def progress(self, percent: float | None = None, text: str = "") -> None:
        """Say how far the job is: 0 to 100, a text, or both. From any thread; cheap enough for a loop."""
        self._report(None if percent is None else float(percent), cut(str(text), MAX_PROGRESS_TEXT))

    def log(self, text: str) -> None:
        """A line of the job's log, from any thread. `logging` inside the function does the same, with level and name.

        What `print` writes goes there only with `--pool process`: threads of one process share its stdout, which
        stays the worker's own.
        """
        self._say(STREAM, cut(str(text), MAX_LINE))
