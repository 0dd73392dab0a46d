"""The blocking client; one connection may be shared by several threads.

    with hirehall.connect() as hall:
        job = hall.submit("resize", {"file": "a.png"})
        print(job.result(timeout_seconds=10))

One thread reads. Whoever asks writes, together with all that was asked while another thread was writing.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

from hirehall.client import verbs
from hirehall.client.address import Address
from hirehall.client.asking import Ask
from hirehall.client.backoff import full_jitter
from hirehall.client.blocking import Feed, Slot, Task
from hirehall.client.contact import Contact
from hirehall.client.jobs import Handle, LogPart
from hirehall.client.large import load, meant
from hirehall.client.outcomes import Broken
from hirehall.client.reach import CONNECT_SECONDS, FATAL, Unanswered, closed, silent, unreachable
from hirehall.client.session import Welcome
from hirehall.client.streams import Event, EventStream, LogStream, Stream, Watched
from hirehall.client.submits import SubmitOptions, joined, submit, submit_many
from hirehall.errors import HallError, Unavailable
from hirehall.keepalive import CLIENT, keep_alive
from hirehall.wire.large import Reference, reference
from hirehall.wire.replies import TaskView

if TYPE_CHECKING:
    from hirehall.client.tls import TlsSocket

    Wire = socket.socket | TlsSocket

T = TypeVar("T")
P = ParamSpec("P")
READ_BYTES = 1 << 18


class Job(Handle):
    """A submitted job."""

    __slots__ = ("_ended", "_hall")

    def __init__(self, hall: Hall, id: str, state: str | None, duplicate: bool) -> None:  # noqa: A002
        super().__init__(id, state, duplicate)
        self._hall = hall
        self._ended: threading.Event | None = None

    def result(self, timeout_seconds: float | None = None) -> Any:
        """The job's result. Raises JobFailed, JobCancelled, JobExpired, or TimeoutError: then ask again if
        you like."""
        if self._outcome is None:
            ended = self._hall.follow(self)
            if not ended.wait(timeout_seconds) and self._outcome is None:
                raise TimeoutError(f"job {self.id} has not ended after {timeout_seconds} s")
        value = self._value()
        return value if (place := reference(value)) is None else self._hall.read_result(self.id, value, place)

    def end_event(self) -> threading.Event:
        """Set when the outcome is here. Only under the hall's lock, like everything that settles a job."""
        if self._ended is None:
            self._ended = threading.Event()
        if self._outcome is not None:
            self._ended.set()
        return self._ended

    def _wake(self) -> None:
        if self._ended is not None:
            self._ended.set()


def _blocking(verb: Callable[P, Ask[T]]) -> Callable[Concatenate[Hall, P], T]:
    """The verb as a method that waits for the answer."""

    @wraps(verb)
    def method(hall: Hall, /, *args: P.args, **options: P.kwargs) -> T:
        return hall.say(verb(*args, **options)).take()

    return method


def _begins(verb: Callable[P, Ask[TaskView]]) -> Callable[Concatenate[Hall, P], Task]:
    """The verb as a method whose answer is a task to wait for."""

    @wraps(verb)
    def method(hall: Hall, /, *args: P.args, **options: P.kwargs) -> Task:
        return Task(hall, hall.say(verb(*args, **options)).take())

    return method


class Hall(Contact[Job]):
    """A connection to a hall, for any number of threads. Without arguments: HIREHALL_URL, HIREHALL_DATA, or this
    machine's own. `reconnect_seconds`: how long to try after the connection was lost."""

    def _begin(self) -> None:
        self._lock = threading.Lock()  # guards the session and `_writing`
        self._writing = False
        self._closing = threading.Event()
        self._socket = self._connect()
        self._reader = threading.Thread(target=self._read_on, name="hirehall-reader", daemon=True)
        self._reader.start()

    def _job(self, id: str, state: str | None, duplicate: bool) -> Job:  # noqa: A002
        return Job(self, id, state, duplicate)

    def close(self) -> None:
        """Write what is left and leave."""
        self._write()
        self._closing.set()
        _hang_up(self._socket)
        if threading.current_thread() is not self._reader:
            self._reader.join(CONNECT_SECONDS)
        self._end(Unavailable("this connection to the hall is closed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, kind: str, payload: Any = None, **options: Unpack[SubmitOptions]) -> Job:
        """Hand in one job. Raises Unknown when nobody can tell whether it arrived: repeat it with the same
        key."""
        return self.say(submit(self._maker, kind, payload, options)).take()

    def submit_many(self, jobs: Iterable[Mapping[str, Any]], **defaults: Unpack[SubmitOptions]) -> list[Job]:
        """Hand in many jobs, the fields beside `jobs` being defaults. All or nothing per message of 1 MiB."""
        slots = [self.say(ask) for ask in submit_many(self._maker, jobs, defaults)]
        return joined(list(map(_taken, slots)))

    get = _blocking(verbs.get)
    wait = _blocking(verbs.wait)
    find = _blocking(verbs.find)
    explain = _blocking(verbs.explain)
    log_of = _blocking(verbs.log_of)
    cancel = _blocking(verbs.cancel)
    retry = _blocking(verbs.retry)
    remove = _blocking(verbs.remove)
    change = _blocking(verbs.change)
    cancel_each = _blocking(verbs.cancel_each)
    retry_each = _blocking(verbs.retry_each)
    remove_each = _blocking(verbs.remove_each)
    change_each = _blocking(verbs.change_each)
    cancel_where = _begins(verbs.cancel_where)
    retry_where = _begins(verbs.retry_where)
    remove_where = _begins(verbs.remove_where)
    change_where = _begins(verbs.change_where)
    tasks = _blocking(verbs.tasks)
    task = _blocking(verbs.task)
    stop_task = _blocking(verbs.stop_task)
    counts = _blocking(verbs.counts)
    queues = _blocking(verbs.queues)
    queue = _blocking(verbs.queue)
    pause = _blocking(verbs.pause)
    resume = _blocking(verbs.resume)
    drain = _blocking(verbs.drain)
    workers = _blocking(verbs.workers)
    worker = _blocking(verbs.worker)
    can = _blocking(verbs.can)
    kinds = _blocking(verbs.kinds)
    metrics = _blocking(verbs.metrics)
    overview = _blocking(verbs.overview)
    shutdown = _blocking(verbs.shutdown)
    request = _blocking(verbs.request)

    def watch(self, **watched: Unpack[Watched]) -> Feed[Event]:
        """Events from now on, or from `since`, also after a reconnect; a new `watch` ends the one before. An event
        named `gap` says that some are missing: read again what you know."""
        return Feed(self, EventStream(watched))

    def follow_log(self, id: str, attempt: int | None = None, offset: int = 0) -> Feed[LogPart]:  # noqa: A002
        """An attempt's log (the latest one's unless named) as it grows, until the attempt has ended."""
        return Feed(self, LogStream(id, attempt, offset))

    def follow(self, job: Job) -> threading.Event:
        """See to it that the job's end is heard of; the event is set when it is."""
        with self._lock:
            if not job.is_followed:
                self._session.followed.ask(job)
            ended = job.end_event()
        self._write()
        return ended

    def read_result(self, id: str, value: Any, place: Reference) -> Any:  # noqa: A002
        """What lies in the file that a large result, `value`, refers to; `value` when it refers to none."""
        file = meant(place, self.get([id]))
        return value if file is None else load(self, id, file)

    def listen(self, stream: Stream[Any]) -> None:
        """Hear a stream until `ignore`."""
        with self._lock:
            self._session.listen(stream)
        self._write()

    def ignore(self, stream: Stream[Any]) -> None:
        """Hear it no more."""
        with self._lock:
            self._session.ignore(stream)
        self._write()

    # Asking and writing.

    def say(self, ask: Ask[T]) -> Slot[T]:
        """Send a request; whoever takes from the slot waits for its answer."""
        slot: Slot[T] = Slot()
        with self._lock:
            self._session.ask(ask.command, slot, ask.read, ask.repeat, ask.encode)
        self._write()
        return slot

    def _write(self) -> None:
        """Write until nothing is left, unless another thread does."""
        while (taken := self._take_output()) is not None:
            sock, data = taken
            try:
                sock.sendall(data)
            except BaseException as why:  # half a line may be out: the reader will see the end, and connects again
                _hang_up(sock)
                if not isinstance(why, OSError):
                    raise
            finally:
                self._writing = False

    def _take_output(self) -> tuple[Wire, bytes] | None:
        with self._lock:
            if self._writing or not self._session.has_output:
                return None
            self._writing = True
            return self._socket, self._session.take_output()

    # Reading and connecting, in the reading thread.

    def _read_on(self) -> None:
        while True:
            data = self._read()
            if not data and not self._come_back():
                return
            with self._lock:
                try:
                    self._session.received(data)
                except Broken as why:
                    self._session.lost(why)
                    self._socket.close()
                must_write = self._session.has_output and not self._writing
            if must_write:  # not from here: a hall that waits for us to read would never take it
                threading.Thread(target=self._write, name="hirehall-writer", daemon=True).start()

    def _read(self) -> bytes:
        try:
            return self._socket.recv(READ_BYTES)
        except OSError:
            return b""

    def _come_back(self) -> bool:
        """Connect again after a loss; False when this is the end."""
        with self._lock:
            self._session.lost()
            is_over = self._session.is_over
        _hang_up(self._socket)
        self._socket.close()
        if is_over or self._closing.is_set():
            return False
        started = time.monotonic()
        for delay in full_jitter():
            if self._closing.wait(delay):
                return False
            try:
                self._socket = self._connect()
            except FATAL as why:
                return self._end(why)
            except HallError as why:
                if time.monotonic() - started > self._patience:
                    return self._end(Unavailable(f"{why} (tried for {self._patience:g} s)"))
            else:
                return True
        return False

    def _end(self, why: HallError) -> bool:
        with self._lock:
            self._session.end(why)
        return False

    def _connect(self) -> Wire:
        """Connect and greet, once. Raises Unavailable, or the hall's refusal."""
        address = self._locate()
        try:
            sock = _open(address)
            try:
                self._greet(sock, address)
            except BaseException:
                sock.close()
                with self._lock:
                    self._session.lost()
                raise
            return sock
        except TimeoutError:
            raise silent(address) from None
        except Unanswered:
            raise closed(address) from None
        except OSError as why:
            raise unreachable(address, why) from why

    def _greet(self, sock: Wire, address: Address) -> None:
        greeted: Slot[Welcome] = Slot()
        with self._lock:
            self._session.token = address.token
            hello = self._session.greet(greeted)
        sock.sendall(hello)
        while not greeted.done():
            data = sock.recv(READ_BYTES)
            with self._lock:
                if data:
                    self._session.received(data)
                else:
                    self._session.lost()
        sock.settimeout(None)
        greeted.take()


def _hang_up(sock: Wire) -> None:
    """End a connection for every thread that uses it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _open(address: Address) -> Wire:
    if not address.path:
        sock = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock, CLIENT)
        return _secured(sock, address) if address.tls else sock
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(CONNECT_SECONDS)
    try:
        sock.connect(address.path)
    except OSError:
        sock.close()
        raise
    return sock


def _secured(sock: socket.socket, address: Address) -> TlsSocket:
    from hirehall.client.tls import TlsSocket, context_for  # noqa: PLC0415 - it costs time to load, and few need it

    try:
        return TlsSocket(sock, context_for(address), address.host)
    except BaseException:
        sock.close()
        raise


def _taken(slot: Slot[T]) -> T | BaseException:
    try:
        return slot.take()
    except HallError as why:
        return why


connect = Hall
