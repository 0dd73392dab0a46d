"""A started command: its pipes, its end, its tree.

Python can give a child only descriptors 0 to 2, and code between fork and exec is unsafe beside threads; so
/bin/sh puts the pipe at 3 and replaces itself by the command. Its text is the constant PLACE: nothing of the
job or of the argv is parsed by it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any, cast

from hirehall.runners import tree
from hirehall.runners.capture import Beginning, Capture, LogLines, ProgressLines
from hirehall.runners.port import MAX_RESULT, Report
from hirehall.runners.workspace import Workspace

PLACE = 'unset OLDPWD; exec "$@" 3>&0 <"$HALL_PAYLOAD"'
DRAIN_SECONDS = 1.0  # how long after its end a script's pipes may be held open by something it left behind


class Process(asyncio.SubprocessProtocol):
    """One run of a command."""

    def __init__(self, space: Workspace, progress: ProgressPipe, report: Report) -> None:
        loop = asyncio.get_running_loop()
        self.stdout = Beginning(MAX_RESULT)
        self.stderr = Capture()
        self.exited: asyncio.Future[int] = loop.create_future()
        self.pid = 0
        self.family: tree.Family
        self._mark = str(space.payload)
        self._open_pipes = 2
        self._pipes_closed: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._progress = progress
        self._report = report
        self._lines = {1: LogLines(), 2: LogLines()}

    @classmethod
    async def start(cls, argv: Sequence[str], space: Workspace, env: dict[str, str], report: Report) -> Process:
        """Start `argv`. Raises OSError."""
        progress = ProgressPipe(report)
        write_end = await progress.open()
        process = cls(space, progress, report)
        try:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: process,
                *("/bin/sh", "-c", PLACE, "sh", *argv),
                stdin=write_end,
                cwd=space.work,
                env=env,
                start_new_session=True,
            )
        except BaseException:
            progress.close()
            raise
        finally:
            os.close(write_end)
        return process

    # asyncio.SubprocessProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid()
        self.family = tree.Family(self.pid, "HALL_PAYLOAD", self._mark)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        (self.stdout if fd == 1 else self.stderr).feed(data)
        self._log(fd, self._lines[fd].feed(data))

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        self._log(fd, self._lines[fd].finish())
        self._open_pipes -= 1
        if not self._open_pipes and not self._pipes_closed.done():
            self._pipes_closed.set_result(None)

    def _log(self, fd: int, lines: str | None) -> None:
        if lines is not None:
            self._report.log("stdout" if fd == 1 else "stderr", lines)

    def process_exited(self) -> None:
        code = self._transport.get_returncode() if self._transport is not None else None
        if not self.exited.done():
            self.exited.set_result(-signal.SIGKILL if code is None else code)

    # Ends.

    async def clean_up(self) -> None:
        """After its end: kill what it left in its group, and take the last of its output."""
        if not self.exited.done():
            await self.family.kill()
        tree.signal_group(self.pid, signal.SIGKILL)
        last: set[asyncio.Future[Any]] = {self._pipes_closed, self._progress.ended}
        await asyncio.wait(last, timeout=DRAIN_SECONDS)
        self._progress.close()
        if self._transport is not None:
            self._transport.close()


class ProgressPipe(asyncio.Protocol):
    """Our end of fd 3."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lines = ProgressLines()
        self._transport: asyncio.BaseTransport | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> int:
        """Begin to read; the descriptor to give to the script."""
        read_end, write_end = os.pipe()
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.connect_read_pipe(lambda: self, os.fdopen(read_end, "rb", 0))
        except BaseException:
            os.close(write_end)
            raise
        return write_end

    def data_received(self, data: bytes) -> None:
        self._tell(self._lines.feed(data))

    def eof_received(self) -> None:
        self._tell(self._lines.finish())

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        """Read no more."""
        if self._transport is not None:
            self._transport.close()

    def _tell(self, words: list[tuple[float | None, str]]) -> None:
        for percent, text in words:
            self._report.progress(percent, text)
