"""The blocking client; one connection may be shared by several threads.

    with hirehall.connect() as hall:
        job = hall.submit("resize", {"file": "a.png"})
        print(job.result(timeout_seconds=10))

One thread reads. Whoever asks writes, together with all that was asked while another thread was writing.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack

from hirehall.client import verbs
from hirehall.client.address import Address, locate
from hirehall.client.backoff import full_jitter
from hirehall.client.jobs import Handle, JobInfo, JobMaker, Waited
from hirehall.client.outcomes import Broken
from hirehall.client.reach import CONNECT_SECONDS, FATAL, silent, unreachable
from hirehall.client.session import Session, Welcome
from hirehall.client.verbs import Ask, SubmitOptions
from hirehall.errors import HallError, Unavailable

if TYPE_CHECKING:
    from hirehall.client.tls import TlsSocket

    Stream = socket.socket | TlsSocket

T = TypeVar("T")
READ_BYTES = 1 << 18


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
        return self._value()

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


class Hall:
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
        self._locate: Callable[[], Address] = partial(locate, url, token, data=data, ca=ca)
        self._patience = reconnect_seconds
        self._session = Session(name=name)
        self._maker: JobMaker[Job] = JobMaker(partial(Job, self), self._session.followed)
        self._lock = threading.Lock()  # guards the session and `_writing`
        self._writing = False
        self._closing = threading.Event()
        self._socket, self.welcome = self._connect()
        self._reader = threading.Thread(target=self._read_on, name="hirehall-reader", daemon=True)
        self._reader.start()

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
        return self._ask(verbs.submit(self._maker, kind, payload, options)).take()

    def submit_many(self, jobs: Iterable[Mapping[str, Any]], **defaults: Unpack[SubmitOptions]) -> list[Job]:
        """Hand in many jobs, the fields beside `jobs` being defaults. All or nothing per message of 1 MiB."""
        slots = [self._ask(ask) for ask in verbs.submit_many(self._maker, jobs, defaults)]
        return verbs.joined(list(map(_taken, slots)))

    def get(self, ids: Sequence[str]) -> list[JobInfo]:
        """What the hall knows about these jobs; those it does not know are left out."""
        return self._ask(verbs.get(ids)).take()

    def wait(self, ids: Sequence[str], timeout_seconds: float | None = None) -> Waited:
        """Returns when all of them have ended, or after `timeout_seconds`."""
        return self._ask(verbs.wait(ids, timeout_seconds)).take()

    def find(self, **filters: Any) -> list[JobInfo]:
        """The newest jobs by queue, kind and state; `limit` and `before` page through them."""
        return self._ask(verbs.find(filters)).take()

    def cancel(self, id: str) -> None:  # noqa: A002
        """Stop a job. Raises WrongState when it has ended."""
        return self._ask(verbs.cancel(id)).take()

    def request(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Any command of the protocol; the reply's fields."""
        return self._ask(verbs.anything(command)).take()

    def job(self, id: str) -> Job:  # noqa: A002
        """A handle on a job that was submitted elsewhere."""
        return Job(self, id, None, False)

    def follow(self, job: Job) -> threading.Event:
        """See to it that the job's end is heard of; the event is set when it is."""
        with self._lock:
            if not self._session.followed.has(job):
                self._session.followed.ask(job)
            ended = job.end_event()
        self._write()
        return ended

    # Asking and writing.

    def _ask(self, ask: Ask[T]) -> Slot[T]:
        slot: Slot[T] = Slot()
        with self._lock:
            self._session.ask(ask.command, slot, ask.read, ask.repeat)
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

    def _take_output(self) -> tuple[Stream, bytes] | None:
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
        _hang_up(self._socket)
        self._socket.close()
        if self._closing.is_set():
            return False
        started = time.monotonic()
        for delay in full_jitter():
            if self._closing.wait(delay):
                return False
            try:
                self._socket, self.welcome = self._connect()
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

    def _connect(self) -> tuple[Stream, Welcome]:
        """Connect and greet, once. Raises Unavailable, or the hall's refusal."""
        address = self._locate()
        try:
            sock = _open(address)
            try:
                return sock, self._greet(sock, address)
            except BaseException:
                sock.close()
                with self._lock:
                    self._session.lost()
                raise
        except TimeoutError:
            raise silent(address) from None
        except OSError as why:
            raise unreachable(address, why) from why

    def _greet(self, sock: Stream, address: Address) -> Welcome:
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
        return greeted.take()


def _hang_up(sock: Stream) -> None:
    """End a connection for every thread that uses it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _open(address: Address) -> Stream:
    if not address.path:
        sock = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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


def connect(
    url: str | None = None,
    token: str | None = None,
    *,
    name: str = "",
    data: str | os.PathLike[str] | None = None,
    ca: str | os.PathLike[str] | None = None,
    reconnect_seconds: float = 60.0,
) -> Hall:
    """A connected hall. Without arguments: HIREHALL_URL, HIREHALL_DATA, or this machine's own."""
    return Hall(url, token, name=name, data=data, ca=ca, reconnect_seconds=reconnect_seconds)
