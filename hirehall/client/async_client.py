"""The client for asyncio programs.

    async with hirehall.connect_async() as hall:
        job = await hall.submit("resize", {"file": "a.png"})
        print(await job.result(timeout_seconds=10))

Requests may be made without waiting for each other: what one loop turn asks for goes out in one write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, Unpack

from hirehall.client import verbs
from hirehall.client.asking import Ask
from hirehall.client.contact import Contact
from hirehall.client.jobs import Handle, LogPart
from hirehall.client.large import load, meant
from hirehall.client.limits import Limits, Waiter, wake
from hirehall.client.link import Link
from hirehall.client.streams import End, Event, EventStream, LogStream, Stream, TaskStream, Watched
from hirehall.client.submits import SubmitOptions, joined, submit, submit_many
from hirehall.errors import HallError, Unavailable
from hirehall.wire.large import Reference, reference
from hirehall.wire.replies import TaskView

T = TypeVar("T")
P = ParamSpec("P")


class AsyncJob(Handle):
    """A submitted job."""

    __slots__ = ("_hall", "_waiting")

    def __init__(self, hall: AsyncHall, id: str, state: str | None, duplicate: bool) -> None:  # noqa: A002
        super().__init__(id, state, duplicate)
        self._hall = hall
        self._waiting: list[Waiter] = []

    async def result(self, timeout_seconds: float | None = None) -> Any:
        """The job's result. Raises JobFailed, JobCancelled, JobExpired, or TimeoutError: then ask again if
        you like."""
        if self._outcome is None:
            await self._wait(timeout_seconds)
        value = self._value()
        return value if (place := reference(value)) is None else await self._hall.read_result(self.id, value, place)

    async def _wait(self, timeout_seconds: float | None) -> None:
        """On a future of one's own: who gives up waiting takes nothing from others."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        limits = self._hall.limits
        if timeout_seconds is not None:
            limits.add(waiter, timeout_seconds)
        self._waiting.append(waiter)
        try:
            if not self.is_followed:
                self._hall.follow(self)
            await waiter
        finally:
            self._waiting.remove(waiter)
            if timeout_seconds is not None:
                limits.leave(waiter, timeout_seconds)
        if self._outcome is None:
            raise TimeoutError(f"job {self.id} has not ended after {timeout_seconds} s")

    def _wake(self) -> None:
        for waiter in self._waiting:
            wake(waiter)


def _awaited(verb: Callable[P, Ask[T]]) -> Callable[Concatenate[AsyncHall, P], asyncio.Future[T]]:
    """The verb as a method: what it asks is under way before it is awaited."""

    @wraps(verb)
    def method(hall: AsyncHall, /, *args: P.args, **options: P.kwargs) -> asyncio.Future[T]:
        return hall.say(verb(*args, **options))

    return method


def _begins(verb: Callable[P, Ask[TaskView]]) -> Callable[Concatenate[AsyncHall, P], Coroutine[Any, Any, AsyncTask]]:
    """The verb as a method whose answer is a task to wait for."""

    @wraps(verb)
    async def method(hall: AsyncHall, /, *args: P.args, **options: P.kwargs) -> AsyncTask:
        return AsyncTask(hall, await hall.say(verb(*args, **options)))

    return method


class AsyncFeed(Generic[T]):
    """What the hall goes on telling: `async for`, and `close` it."""

    def __init__(self, hall: AsyncHall, stream: Stream[T]) -> None:
        self._hall = hall
        self._stream = stream
        self._box: asyncio.Queue[T | HallError | End] = asyncio.Queue()
        stream.put, stream.unread = self._box.put_nowait, self._box.qsize
        hall.listen(stream)

    def close(self) -> None:
        """Listen no more."""
        self._hall.ignore(self._stream)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        value = await self._box.get()
        if isinstance(value, End):
            self._box.put_nowait(value)
            raise StopAsyncIteration
        if isinstance(value, HallError):
            self._box.put_nowait(value)
            raise value
        return value

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncTask:
    """A change of many jobs that runs in the hall."""

    def __init__(self, hall: AsyncHall, view: TaskView) -> None:
        self._hall = hall
        self.id = view.id
        self.view = view

    def progress(self) -> AsyncFeed[TaskView]:
        """How far it has come, again and again, until it is done or stopped."""
        return AsyncFeed(self._hall, TaskStream(self.id))

    async def wait(self) -> TaskView:
        """Until it is done or stopped."""
        async with self.progress() as feed:
            async for self.view in feed:
                pass
        return self.view

    async def stop(self) -> None:
        """End it after the step under way; what was changed stays so."""
        await self._hall.say(verbs.stop_task(self.id))


class AsyncHall(Contact[AsyncJob]):
    """A hall to `async with` or `await`. Without arguments: HIREHALL_URL, HIREHALL_DATA, or this machine's own.
    `reconnect_seconds`: how long to try after the connection was lost."""

    def _begin(self) -> None:
        self._link: Link | None = None
        self.limits = Limits()

    def _job(self, id: str, state: str | None, duplicate: bool) -> AsyncJob:  # noqa: A002
        return AsyncJob(self, id, state, duplicate)

    async def open(self) -> Self:
        """Connect. Raises Unavailable, Unauthenticated or Forbidden."""
        link = Link(self._session, self._locate, patience_seconds=self._patience)
        await link.connect()
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
        return self.say(submit(self._maker, kind, payload, options))

    async def submit_many(self, jobs: Iterable[Mapping[str, Any]], **defaults: Unpack[SubmitOptions]) -> list[AsyncJob]:
        """Hand in many jobs, the fields beside `jobs` being defaults. All or nothing per message of 1 MiB."""
        asks = submit_many(self._maker, jobs, defaults)
        return joined(await asyncio.gather(*map(self.say, asks), return_exceptions=True))

    get = _awaited(verbs.get)
    wait = _awaited(verbs.wait)
    find = _awaited(verbs.find)
    explain = _awaited(verbs.explain)
    log_of = _awaited(verbs.log_of)
    cancel = _awaited(verbs.cancel)
    retry = _awaited(verbs.retry)
    remove = _awaited(verbs.remove)
    change = _awaited(verbs.change)
    cancel_each = _awaited(verbs.cancel_each)
    retry_each = _awaited(verbs.retry_each)
    remove_each = _awaited(verbs.remove_each)
    change_each = _awaited(verbs.change_each)
    cancel_where = _begins(verbs.cancel_where)
    retry_where = _begins(verbs.retry_where)
    remove_where = _begins(verbs.remove_where)
    change_where = _begins(verbs.change_where)
    tasks = _awaited(verbs.tasks)
    task = _awaited(verbs.task)
    stop_task = _awaited(verbs.stop_task)
    counts = _awaited(verbs.counts)
    queues = _awaited(verbs.queues)
    queue = _awaited(verbs.queue)
    pause = _awaited(verbs.pause)
    resume = _awaited(verbs.resume)
    drain = _awaited(verbs.drain)
    workers = _awaited(verbs.workers)
    worker = _awaited(verbs.worker)
    can = _awaited(verbs.can)
    kinds = _awaited(verbs.kinds)
    metrics = _awaited(verbs.metrics)
    overview = _awaited(verbs.overview)
    shutdown = _awaited(verbs.shutdown)
    request = _awaited(verbs.request)

    def watch(self, **watched: Unpack[Watched]) -> AsyncFeed[Event]:
        """Events from now on, or from `since`, also after a reconnect; a new `watch` ends the one before. An event
        named `gap` says that some are missing: read again what you know."""
        return AsyncFeed(self, EventStream(watched))

    def follow_log(self, id: str, attempt: int | None = None, offset: int = 0) -> AsyncFeed[LogPart]:  # noqa: A002
        """An attempt's log (the latest one's unless named) as it grows, until the attempt has ended."""
        return AsyncFeed(self, LogStream(id, attempt, offset))

    def follow(self, job: AsyncJob) -> None:
        """See to it that the job's end is heard of."""
        if not job.is_followed:
            self._session.followed.ask(job)
            self._wake()

    async def read_result(self, id: str, value: Any, place: Reference) -> Any:  # noqa: A002
        """What lies in the file that a large result, `value`, refers to; `value` when it refers to none."""
        file = meant(place, await self.get([id]))
        return value if file is None else await asyncio.to_thread(load, self, id, file)

    def listen(self, stream: Stream[Any]) -> None:
        """Hear a stream until `ignore`."""
        link = self._connected()
        self._session.listen(stream)
        link.wake()

    def ignore(self, stream: Stream[Any]) -> None:
        """Hear it no more."""
        self._session.ignore(stream)
        self._wake()

    def say(self, ask: Ask[T]) -> asyncio.Future[T]:
        """Send a request; the future is its answer."""
        link = self._connected()
        future: asyncio.Future[T] = link.loop.create_future()
        self._session.ask(ask.command, future, ask.read, ask.repeat, ask.encode)
        link.wake()
        return future

    def _connected(self) -> Link:
        if self._link is None:
            raise Unavailable("not connected: use `async with hirehall.connect_async() as hall`")
        return self._link

    def _wake(self) -> None:
        if self._link is not None:
            self._link.wake()


connect_async = AsyncHall
