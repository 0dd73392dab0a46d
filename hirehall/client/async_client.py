"""The client for asyncio programs.

    async with hirehall.connect_async() as hall:
        job = await hall.submit("resize", {"file": "a.png"})
        print(await job.result(timeout_seconds=10))

Requests may be made without waiting for each other: what one loop turn asks for goes out in one write.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Generator, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from hirehall.client import verbs
from hirehall.client.address import locate
from hirehall.client.jobs import Handle, JobInfo, JobMaker, Waited
from hirehall.client.link import Link
from hirehall.client.session import Session, Welcome
from hirehall.client.verbs import Ask, SubmitOptions
from hirehall.errors import Unavailable

T = TypeVar("T")


class AsyncJob(Handle):
    """A submitted job."""

    __slots__ = ("_ended", "_hall")

    def __init__(self, hall: AsyncHall, id: str, state: str | None, duplicate: bool) -> None:  # noqa: A002
        super().__init__(id, state, duplicate)
        self._hall = hall
        self._ended: asyncio.Future[None] | None = None

    async def result(self, timeout_seconds: float | None = None) -> Any:
        """The job's result. Raises JobFailed, JobCancelled, JobExpired, or TimeoutError: then ask again if
        you like."""
        if self._outcome is None:
            await self._wait(timeout_seconds)
        return self._value()

    async def _wait(self, timeout_seconds: float | None) -> None:
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        self._hall.follow(self)
        await asyncio.wait({self._ended}, timeout=timeout_seconds)
        if self._outcome is None:
            raise TimeoutError(f"job {self.id} has not ended after {timeout_seconds} s")

    def _wake(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


class AsyncHall:
    """A connection to a hall. `reconnect_seconds`: how long to try after the connection was lost."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        name: str = "",
        data: str | os.PathLike[str] | None = None,
        ca: str | os.PathLike[str] | None = None,
        reconnect_seconds: float = 60.0,
    ) -> None:
        self._locate = partial(locate, url, token, data=data, ca=ca)
        self._patience = reconnect_seconds
        self._session = Session(name=name)
        self._maker: JobMaker[AsyncJob] = JobMaker(partial(AsyncJob, self), self._session.followed)
        self._link: Link | None = None
        self.welcome: Welcome | None = None

    async def open(self) -> Self:
        """Connect. Raises Unavailable, Unauthenticated or Forbidden."""
        link = Link(self._session, self._locate, patience_seconds=self._patience)
        self.welcome = await link.connect()
        self._link = link
        return self

    async def close(self) -> None:
        """Write what is left and leave."""
        if self._link is not None:
            await self._link.close()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.open().__await__()

    async def __aenter__(self) -> Self:
        return self if self._link is not None else await self.open()

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    def submit(self, kind: str, payload: Any = None, **options: Unpack[SubmitOptions]) -> asyncio.Future[AsyncJob]:
        """Hand in one job; await it for its handle. It is asked for at once, so many may be under way."""
        return self._ask(verbs.submit(self._maker, kind, payload, options))

    async def submit_many(self, jobs: Iterable[Mapping[str, Any]], **defaults: Unpack[SubmitOptions]) -> list[AsyncJob]:
        """Hand in many jobs, the fields beside `jobs` being defaults. All or nothing per message of 1 MiB."""
        asks = verbs.submit_many(self._maker, jobs, defaults)
        return verbs.joined(await asyncio.gather(*map(self._ask, asks), return_exceptions=True))

    def get(self, ids: Sequence[str]) -> Awaitable[list[JobInfo]]:
        """What the hall knows about these jobs; those it does not know are left out."""
        return self._ask(verbs.get(ids))

    def wait(self, ids: Sequence[str], timeout_seconds: float | None = None) -> Awaitable[Waited]:
        """Answered when all of them have ended, or after `timeout_seconds`."""
        return self._ask(verbs.wait(ids, timeout_seconds))

    def find(self, **filters: Any) -> Awaitable[list[JobInfo]]:
        """The newest jobs by queue, kind and state; `limit` and `before` page through them."""
        return self._ask(verbs.find(filters))

    def cancel(self, id: str) -> Awaitable[None]:  # noqa: A002
        """Stop a job. Raises WrongState when it has ended."""
        return self._ask(verbs.cancel(id))

    def request(self, command: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
        """Any command of the protocol; the reply's fields."""
        return self._ask(verbs.anything(command))

    def job(self, id: str) -> AsyncJob:  # noqa: A002
        """A handle on a job that was submitted elsewhere."""
        return AsyncJob(self, id, None, False)

    def follow(self, job: AsyncJob) -> None:
        """See to it that the job's end is heard of."""
        if not self._session.followed.has(job):
            self._session.followed.ask(job)
            self._wake()

    def _ask(self, ask: Ask[T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._link is None:
            raise Unavailable("not connected: use `async with hirehall.connect_async() as hall`")
        self._session.ask(ask.command, future, ask.read, ask.repeat)
        self._link.wake()
        return future

    def _wake(self) -> None:
        if self._link is not None:
            self._link.wake()


def connect_async(
    url: str | None = None,
    token: str | None = None,
    *,
    name: str = "",
    data: str | os.PathLike[str] | None = None,
    ca: str | os.PathLike[str] | None = None,
    reconnect_seconds: float = 60.0,
) -> AsyncHall:
    """A hall to `async with` or `await`. Without arguments: HIREHALL_URL, HIREHALL_DATA, or this machine's
    own."""
    return AsyncHall(url, token, name=name, data=data, ca=ca, reconnect_seconds=reconnect_seconds)
