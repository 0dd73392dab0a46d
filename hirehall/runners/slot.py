"""The agent's side of one child process of the pool: its channel, its output, its end."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
from collections.abc import Sequence
from typing import cast

from msgspec import Raw, structs

from hirehall.errors import Unavailable
from hirehall.runners import spawn, tree
from hirehall.runners.capture import LogLines
from hirehall.runners.channel import (
    Begin,
    Failed,
    Frames,
    GaveBack,
    Halt,
    Logged,
    Progressed,
    Ready,
    Start,
    Succeeded,
    Unable,
    decode_word,
    frame,
)
from hirehall.runners.exit_status import ending
from hirehall.runners.port import Failure, Outcome, Report, Success, Why
from hirehall.runners.process import DRAIN_SECONDS
from hirehall.runners.registry import CannotLoad
from hirehall.wire.replies import Delivery

log = logging.getLogger("hirehall.worker")

CHILD = "hirehall.runners.child"
MARK = "HIREHALL_POOL_PROCESS"
NOTHING = Raw(b"null")


class Slot(asyncio.SubprocessProtocol):
    """One child process. `is_doomed`: it was told to die and takes no more jobs."""

    def __init__(self, mark: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._mark = mark
        self._lines = {1: LogLines(), 2: LogLines()}
        self._frames = Frames()
        self._channel: asyncio.Transport | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._report: Report | None = None
        self._outcome: asyncio.Future[Outcome] | None = None
        self._pipes_closed: asyncio.Future[None] = self._loop.create_future()
        self._open_pipes = 2
        self._burying: asyncio.Task[None] | None = None
        self.buried: asyncio.Future[None] = self._loop.create_future()  # it has exited, and nothing of it is left here
        self.family: tree.Family
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self.is_doomed = False

    @classmethod
    async def start(cls, files: Sequence[str]) -> Slot:
        """Start a process that loads `files`; `ready` says when it has. Raises OSError."""
        ours, theirs = socket.socketpair()
        slot = cls(secrets.token_hex(8))
        try:
            with theirs:
                await slot._spawn(theirs.fileno())
            slot._channel, _ = await slot._loop.create_unix_connection(lambda: _Ear(slot), sock=ours)
        except BaseException:
            ours.close()
            raise
        slot._say(frame(Begin(list(files), os.environ.get("PYTHONPATH"), logging.root.level)))
        return slot

    async def _spawn(self, number: int) -> None:
        await self._loop.subprocess_exec(
            lambda: self,
            *spawn.command(CHILD, str(number)),
            stdin=asyncio.subprocess.DEVNULL,
            env=spawn.environment(**{MARK: self._mark}),
            pass_fds=(number,),
            start_new_session=True,  # Ctrl-C is the agent's; and its group can be killed as one
        )

    # What it does.

    def run(self, job: Delivery, report: Report) -> asyncio.Future[Outcome]:
        """Let it run `job`. Its death is an outcome too."""
        self._report = report
        outcome = self._outcome = self._loop.create_future()
        if self.exited.done():
            self._end(_death(self.exited.result()))
        else:
            self._say(frame(Start(structs.replace(job, payload=NOTHING), report.folder), bytes(job.payload)))
        return outcome

    def halt(self, why: Why) -> None:
        """Tell it that what runs is to stop."""
        self._say(frame(Halt(why)))

    def terminate(self) -> None:
        """SIGTERM to its group; it is of no more use."""
        self.is_doomed = True
        self.family.remember()
        tree.signal_group(self.family.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its group, now."""
        self.is_doomed = True
        tree.signal_group(self.family.pid, signal.SIGKILL)

    async def kill_family(self) -> None:
        """SIGKILL to it and to all that it started."""
        self.is_doomed = True
        await self.family.kill()

    def _say(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.write(data)

    # What it says.

    def heard(self, data: bytes) -> None:
        """Bytes came through the channel."""
        for head, body in self._frames.feed(data):
            word = decode_word(head)
            if isinstance(word, Ready | Unable):
                self._begun(word)
            elif isinstance(word, Progressed):
                self._progress(word)
            elif isinstance(word, Logged):
                self._log(word.stream, word.text)
            else:  # a turn later: what was printed before this word is in the pipes by now, and read in this turn
                self._loop.call_soon(self._end, _outcome(word, body))

    def _begun(self, word: Ready | Unable) -> None:
        if self.ready.done():
            return
        if isinstance(word, Ready):
            self.ready.set_result(None)
        else:
            self.ready.set_exception(CannotLoad(word.message))

    def _end(self, outcome: Outcome) -> None:
        if self._outcome is not None and not self._outcome.done():
            for fd, lines in self._lines.items():
                self._print(fd, lines.finish())
            self._outcome.set_result(outcome)
            self._report = None

    def _progress(self, word: Progressed) -> None:
        if self._report is not None:
            self._report.progress(word.percent, word.text)

    def _log(self, stream: str, text: str) -> None:
        if self._report is not None:
            self._report.log(stream, text)
        else:  # while it loads its files, or from a thread that a function has left behind
            log.info("process %d: %s", self.family.pid, text)

    # asyncio.SubprocessProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.family = tree.Family(self._transport.get_pid(), MARK, self._mark)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._print(fd, self._lines[fd].feed(data))

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        self._print(fd, self._lines[fd].finish())
        self._open_pipes -= 1
        if not self._open_pipes:
            self._pipes_closed.set_result(None)

    def _print(self, fd: int, lines: str | None) -> None:
        if lines is not None:
            self._log("stdout" if fd == 1 else "stderr", lines)

    def process_exited(self) -> None:
        assert self._transport is not None, "it was connected"
        code = self._transport.get_returncode()
        self.exited.set_result(-signal.SIGKILL if code is None else code)
        self._burying = self._loop.create_task(self._bury())

    async def _bury(self) -> None:
        """Its last words belong to its job; something it has started may hold the pipes open, but not for long."""
        await asyncio.wait({self._pipes_closed}, timeout=DRAIN_SECONDS)
        death = _death(self.exited.result())
        if not self.ready.done():
            self.ready.set_exception(Unavailable(death.message))
        self._end(death)
        for transport in (self._channel, self._transport):
            if transport is not None:
                transport.close()
        self.buried.set_result(None)


class _Ear(asyncio.Protocol):
    """Our end of the channel."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def data_received(self, data: bytes) -> None:
        self._slot.heard(data)


def _outcome(word: Succeeded | Failed | GaveBack, body: bytes) -> Outcome:
    if isinstance(word, Succeeded):
        return Success(body, word.has_files)
    return word.failure if isinstance(word, Failed) else word.released


def _death(code: int) -> Failure:
    return Failure("ProcessDied", f"the process that ran the function ended: {ending(code)}")
