"""A real hall for tests of job functions: in memory, in this process, gone afterwards.

    def test_resize(hall_server):                                   # the fixture comes with the package
        job = hall_server.client().submit("resize", {"file": "a.png"})
        hall_server.run_all("tasks.py")                             # or the functions themselves
        assert job.result()["width"] == 100

Without pytest: `with HallTestServer() as hall_server:`.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hirehall.app import Building
from hirehall.client.jobs import JobInfo
from hirehall.client.sync_client import Hall
from hirehall.config import settle
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import JobFunction, Registry, describe, load, registry
from hirehall.worker.agent import Agent

Work = str | Path | Callable[..., Any]  # a file of job functions, or one function, with @job above it or without

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.01
WAITING = ("running", "ready")


class HallTestServer:
    """A hall in a thread of its own, from `with` on. `url`, `http` and `token` are for clients in other processes."""

    def __init__(self) -> None:
        self.url = ""
        self.http = ""
        self.token = ""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hirehall-test-"))
            hall = stack.enter_context(_HallThread(Path(folder)))
            self.url, self.token = hall.building.url, hall.building.token
            self.http = hall.building.http or ""
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clients and workers first, the last one first."""
        self._stack.__exit__(kind, error, trace)

    def client(self) -> Hall:
        """A connected client, closed with the server."""
        return self._stack.enter_context(Hall(self.url, self.token, name="test"))

    def worker(
        self,
        *work: Work,
        concurrency: int = 10,
        queues: Sequence[str] = ("default",),
        offers: Mapping[str, Any] | None = None,
    ) -> WorkerThread:
        """A worker that runs these functions from now on, until it is left (it is a context) or with the server."""
        agent = Agent(
            [PythonRunner(functions_of(work))],
            url=self.url,
            token=self.token,
            name="test worker",
            concurrency=concurrency,
            queues=queues,
            offers=offers,
        )
        worker = WorkerThread(agent)
        self._stack.callback(worker.stop)
        return worker

    def run_all(
        self, *work: Work, queues: Sequence[str] = ("default",), timeout_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Run what is ready with these functions, and what that leads to, until nothing is ready or running. A job
        that is scheduled for later, a retry too, is left there. Raises TimeoutError, which says what is left."""
        deadline = time.monotonic() + timeout_seconds
        with Hall(self.url, self.token, name="test") as client, self.worker(*work, queues=queues):
            quiet = 0  # looks in a row that found nothing: a job may have moved between the two questions of one
            while quiet < 2:
                left = [job for state in WAITING for job in client.find(state=state).jobs]
                quiet = 0 if left else quiet + 1
                if left and time.monotonic() > deadline:
                    raise TimeoutError(f"after {timeout_seconds:g} s there is still {_listed(left)}")
                time.sleep(LOOK_SECONDS)


class WorkerThread:
    """A worker in a thread."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._loop = asyncio.new_event_loop()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="hirehall-test-worker", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        """Finish what runs and leave; what takes longer is abandoned. Raises what made working impossible."""
        for leave in (self._agent.drain, self._agent.quit):
            if not self._ended.done():
                self._tell(leave)
                self._thread.join(timeout_seconds)
        self._thread.join(timeout_seconds)
        self._ended.result(0)

    def _tell(self, leave: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(leave)
        except RuntimeError:  # it has ended in between
            return

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._agent.run())
        except BaseException as why:
            self._ended.set_exception(why)
        else:
            self._ended.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()


class _HallThread:
    """The hall and its loop."""

    def __init__(self, folder: Path) -> None:
        self._settings = settle({"data": str(folder), "tcp": "127.0.0.1:0", "store": "memory:"}, {})
        self._ready: Future[Building] = Future()
        self._thread = threading.Thread(target=self._run, name="hirehall-test-hall", daemon=True)
        self.building: Building

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as why:
            if self._ready.done():
                raise
            self._ready.set_exception(why)

    async def _serve(self) -> None:
        building = Building(self._settings)
        await building.open()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set_result(building)
        await self._stop.wait()
        await building.close()

    def __enter__(self) -> Self:
        self._thread.start()
        self.building = self._ready.result(PATIENCE_SECONDS)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_SECONDS)


def functions_of(work: Sequence[Work]) -> tuple[JobFunction, ...]:
    """All functions of files, and single ones as their @job describes them. Raises CannotLoad, or BadRequest for two
    of one kind."""
    mine = Registry()
    for piece in work:
        functions = load(str(piece)) if isinstance(piece, str | Path) else (_described(piece),)
        for function in functions:
            mine.add(function)
    return tuple(mine.functions.values())


def _described(call: Callable[..., Any]) -> JobFunction:
    known = (function for function in registry.functions.values() if function.call is call)
    return next(known, None) or describe(call, None, None)


def _listed(jobs: Sequence[JobInfo]) -> str:
    some = ", ".join(f"job {job.id} of kind {job.kind!r} ({job.state})" for job in jobs[:5])
    return some + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")
