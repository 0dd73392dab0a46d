"""How the blocking client waits: for one answer, for what goes on being told, for a task."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from hirehall.client import verbs
from hirehall.client.streams import End, Stream, TaskStream
from hirehall.errors import HallError
from hirehall.wire.replies import TaskView

if TYPE_CHECKING:
    from hirehall.client.sync_client import Hall

T = TypeVar("T")


class Slot(Generic[T]):
    """Takes one answer from the reading thread to the thread that asked."""

    __slots__ = ("_box",)

    def __init__(self) -> None:
        self._box: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def done(self) -> bool:
        return not self._box.empty()

    def set_result(self, value: T) -> None:
        self._box.put((value, None))

    def set_exception(self, error: BaseException) -> None:
        self._box.put((None, error))

    def take(self) -> T:
        """The answer, when it comes; raises the error it is."""
        value: T
        value, error = self._box.get()
        if error is not None:
            raise error
        return value


class Feed(Generic[T]):
    """What the hall goes on telling: iterate, `take` with a timeout, or `close` it. For one thread at a time."""

    def __init__(self, hall: Hall, stream: Stream[T]) -> None:
        self._hall = hall
        self._stream = stream
        self._box: SimpleQueue[T | HallError | End] = SimpleQueue()
        stream.put, stream.unread = self._box.put, self._box.qsize
        hall.listen(stream)

    def take(self, timeout_seconds: float | None = None) -> T:
        """The next one. Raises TimeoutError, StopIteration at the end, or the hall's refusal."""
        try:
            value = self._box.get(timeout=timeout_seconds)
        except Empty:
            raise TimeoutError(f"nothing came within {timeout_seconds} s") from None
        if isinstance(value, End):
            self._box.put(value)
            raise StopIteration
        if isinstance(value, HallError):
            self._box.put(value)
            raise value
        return value

    def close(self) -> None:
        """Listen no more."""
        self._hall.ignore(self._stream)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return self.take()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class Task:
    """A change of many jobs that runs in the hall."""

    def __init__(self, hall: Hall, view: TaskView) -> None:
        self._hall = hall
        self.id = view.id
        self.view = view

    def progress(self) -> Feed[TaskView]:
        """How far it has come, again and again, until it is done or stopped."""
        return Feed(self._hall, TaskStream(self.id))

    def wait(self) -> TaskView:
        """Until it is done or stopped."""
        with self.progress() as feed:
            for self.view in feed:
                pass
        return self.view

    def stop(self) -> None:
        """End it after the step under way; what was changed stays so."""
        self._hall.say(verbs.stop_task(self.id)).take()
