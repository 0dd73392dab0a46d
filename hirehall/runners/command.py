"""Runs a command: PROTOCOL section 3, as far as scripts without the RQ dialect need it.

    stdin            the payload as JSON, then end of file; the same in the file HALL_PAYLOAD
    HALL_RESULT      a path: JSON written there is the result, and other text is the result as it is.
                     When nothing is written there, the result is what came on stdout: a text, without its
                     last line break, never parsed. More than MAX_RESULT of either fails the job: so much of
                     stdout is kept while it runs, and as JSON it takes a few times as much for a moment
    HALL_IN          a directory with its inputs
    HALL_OUT         a directory: what is left there becomes files of the job
    fd 3             lines `run TEXT` and `run 40% TEXT` are progress
    exit 0 / 75      succeeded / failed, try again; other: failed for good, unless the runner has `retry`
    cancel, timeout  SIGTERM to the group, 10 s, then SIGKILL to the whole tree
    lost             the same, but only a twentieth of the lease later: others may have the job soon

The payload is a file opened as stdin, not a pipe: a script that does not read it disturbs nobody. What a
script leaves running in its process group when it ends is killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hirehall.errors import BadRequest, HallError
from hirehall.model import MAX_BODY
from hirehall.runners import tree
from hirehall.runners.capture import Beginning, Capture
from hirehall.runners.exit_status import ending
from hirehall.runners.port import (
    MAX_RESULT,
    Failure,
    Outcome,
    Report,
    Success,
    Why,
    cut,
    fitting,
    lost_seconds,
    stopped,
    success,
)
from hirehall.runners.process import DRAIN_SECONDS, Process
from hirehall.runners.watcher import use_pidfds
from hirehall.runners.workspace import Workspace
from hirehall.wire.body import check_text
from hirehall.wire.replies import Delivery

GRACE_SECONDS = 10.0
TRY_AGAIN = 75  # EX_TEMPFAIL


class CommandRunner:
    """Runs one command for jobs of one kind, or of every kind with "*".

    `env` is added to the script's environment; `retry`: another attempt also after an ordinary failure.
    Raises BadRequest when there is no such command.
    """

    starts_processes = True

    def __init__(
        self,
        kind: str,
        argv: Sequence[str],
        *,
        url: str = "",
        env: Mapping[str, str] | None = None,
        retry: bool = False,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.argv = [find_program(argv), *argv[1:]]
        self.url = url
        self.env = dict(env or {})
        self.retry = retry
        self.grace_seconds = grace_seconds
        self._kind = kind
        self._running: set[CommandExecution] = set()
        use_pidfds()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Its one kind."""
        return (self._kind,)

    def start(self, job: Delivery, report: Report) -> CommandExecution:
        """Run the command for `job`."""
        execution = CommandExecution(self, job, report)
        self._running.add(execution)
        execution.outcome.add_done_callback(lambda _outcome: self._running.discard(execution))
        return execution

    async def close(self) -> None:
        """Kill what still runs and clean up after it."""
        left = [execution.outcome for execution in self._running]
        for execution in list(self._running):
            execution.stop("quit")
        if left:
            await asyncio.wait(left, timeout=DRAIN_SECONDS * 2)


class CommandExecution:
    """One run of a command."""

    def __init__(self, runner: CommandRunner, job: Delivery, report: Report) -> None:
        self._loop = asyncio.get_running_loop()
        self._runner = runner
        self._job = job
        self._report = report
        self._why: Why | None = None
        self._stopped = asyncio.Event()
        self._now = asyncio.Event()  # no more patience
        self._process: Process | None = None
        self.outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._task = self._loop.create_task(self._run())

    def stop(self, why: Why) -> None:
        """Terminate it; at once and with everything it started when this process is about to exit."""
        if why == "draining" or self.outcome.done():
            return
        self._why = self._why or why
        self._stopped.set()
        if why == "lost":
            self._loop.call_later(lost_seconds(self._job), self._now.set)
        if why == "quit":
            self._now.set()
            if self._process is not None:  # now, not in the next loop turn: its job is given away in this one
                tree.signal_group(self._process.pid, signal.SIGKILL)

    async def _run(self) -> None:
        """Every way out of here gives an outcome."""
        try:
            outcome = await self._attempt()
        except HallError as why:
            outcome = Failure("CannotStart", str(why))
        except asyncio.CancelledError:
            outcome = stopped("quit", "the command")
        except Exception as why:  # mostly OSError: no more processes, no more disk
            outcome = Failure("CannotStart", f"cannot run {self._runner.argv[0]}: {why}")
        self.outcome.set_result(outcome)

    async def _attempt(self) -> Outcome:
        find_program(self._runner.argv)  # it may have gone since the start
        space = Workspace(self._job, self._report.folder)
        has_files = False
        try:
            process = await Process.start(self._runner.argv, space, self._environment(space), self._report)
            self._process = process
            try:
                await self._watch(process)
            finally:
                self._process = None
                await process.clean_up()
            outcome = await self._judge(process, space)
            has_files = isinstance(outcome, Success) and outcome.has_files
            return outcome
        finally:
            await asyncio.to_thread(space.remove, but_out=has_files)

    def _environment(self, space: Workspace) -> dict[str, str]:
        return space.environment(self._job, self._runner.url, self._runner.env)

    async def _watch(self, process: Process) -> None:
        """Until it has ended: by itself, by SIGTERM, or by SIGKILL."""
        await self._either(process.exited, self._stopped)
        if self._stopped.is_set():
            await self._end(process)

    async def _end(self, process: Process) -> None:
        process.family.remember()
        if not self._now.is_set():
            tree.signal_group(process.pid, signal.SIGTERM)
            await self._either(process.exited, self._now, self._runner.grace_seconds)
        await process.family.kill()
        await process.exited

    async def _either(
        self, ended: asyncio.Future[int], told: asyncio.Event, timeout_seconds: float | None = None
    ) -> None:
        word = self._loop.create_task(told.wait())
        waiting: set[asyncio.Future[Any]] = {ended, word}
        try:
            await asyncio.wait(waiting, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            word.cancel()

    async def _judge(self, process: Process, space: Workspace) -> Outcome:
        if self._why is not None:
            return stopped(self._why, "the command")
        code = process.exited.result()
        if code == 0:
            is_long = max(process.stdout.size, space.result_size) > MAX_BODY
            return (
                await asyncio.to_thread(_result, space, process.stdout) if is_long else _result(space, process.stdout)
            )
        retry = self._runner.retry or code == TRY_AGAIN
        return Failure("ExitStatus", _complaint(code, process.stderr), retry=retry)


def find_program(argv: Sequence[str]) -> str:
    """The path of the program to run. Raises BadRequest, which names it and the remedy."""
    if not argv or not argv[0]:
        raise BadRequest("there is no command to run: give the program and its arguments")
    name = argv[0]
    found = shutil.which(name)
    if found is not None:
        return str(Path(found).absolute())
    path = Path(name)
    if os.sep not in name:
        raise BadRequest(f"cannot run {name}: no program of that name in PATH; install it or give its path")
    if not path.exists():
        raise BadRequest(f"cannot run {path}: there is no such file; check the path")
    if path.is_dir():
        raise BadRequest(f"cannot run {path}: it is a directory; give the path of a program in it")
    raise BadRequest(f"cannot run {path}: it is not executable; run `chmod +x {path}`")


def _result(space: Workspace, stdout: Beginning) -> Outcome:
    written, has_files = space.read_result(), space.has_files
    if written is None:
        if stdout.size > MAX_RESULT:
            return Failure(
                "too_large",
                f"the script wrote {stdout.size} bytes to stdout: leave a large result as a file in HALL_OUT",
                retry=False,
            )
        return success(stdout.text.removesuffix("\n"), has_files)
    if len(written) <= MAX_RESULT and not _is_json(written):
        return success(written.decode("utf-8", "replace"), has_files)
    return fitting(_one_line(written), has_files)


def _is_json(written: bytes) -> bool:
    """A long one is only looked through: what it says could take many times as much memory."""
    try:
        if len(written) <= MAX_BODY:
            msgspec.json.decode(written)
        else:
            msgspec.json.decode(written, type=msgspec.Raw)
            check_text(written)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadRequest):
        return False
    return True


def _one_line(json: bytes) -> bytes:
    """JSON that may stand inside a line: a line break in JSON can only stand between tokens."""
    return json.replace(b"\r", b" ").replace(b"\n", b" ").strip()


def _complaint(code: int, stderr: Capture) -> str:
    said = stderr.tail()
    return cut(f"{ending(code)}: {said}" if said else ending(code))
