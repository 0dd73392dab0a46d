"""The client's half of the protocol without any I/O: requests to lines, lines to answers.

Rules:
- every request carries a `ref`; whoever asked is a Waiter, which gets exactly one answer, whatever happens;
- lines collect in `_out` until the shell takes them all for one write;
- until `hello` is answered only hello goes out; then whatever is still unanswered follows, in the order of
  asking;
- after a lost connection a request is said again when that cannot do it twice: it never left, or it only
  reads, or it is a submit with a key. The others end with Unknown;
- what goes on being told (streams) is asked for again from where it stopped.

A session is not thread-safe: the blocking client locks around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import Struct

from hirehall.client.jobs import Followed, Handle, OutcomeWaiter
from hirehall.client.lines import Line, LineBuffer, read_line
from hirehall.client.outcomes import UNREADABLE, Broken, ShutDown
from hirehall.client.reach import Unanswered
from hirehall.client.streams import END, EventStream, Stream
from hirehall.errors import HallError, TooLarge, Unknown, from_wire
from hirehall.model import MAX_MESSAGE
from hirehall.wire.body import encode_body
from hirehall.wire.replies import Delivery, ErrorBody, Stop, WorkerSetting

PROTOCOL = 1
HELLO_REF = 0

# Commands that change nothing, or the same thing again: safe to repeat when nobody knows whether they were
# heard.
READS = frozenset(
    {
        "get",
        "wait",
        "find",
        "counts",
        "queues",
        "workers",
        "log_of",
        "can",
        "kinds",
        "metrics",
        "overview",
        "explain",
        "ping",
        "watch",
    }
)

Read = Callable[[Line, bytes], Any]


class Waiter(Protocol):
    """Whoever asked. asyncio's and concurrent.futures' futures are waiters as they are."""

    def done(self) -> bool: ...

    def set_result(self, value: Any, /) -> None: ...

    def set_exception(self, error: Any, /) -> None: ...


class Pushes(Protocol):
    """Takes what comes without being asked for. All of it for a worker; a client has no use for it."""

    def opened(self, welcome: Welcome) -> None:
        """`hello` was answered: speak first, before anything else is said on this connection."""

    def run_jobs(self, jobs: list[Delivery]) -> None: ...

    def stop(self, order: Stop) -> None: ...

    def adjust(self, setting: WorkerSetting) -> None: ...

    def refused(self, error: HallError) -> None:
        """An error reply without a `ref`, to a line that was told and not asked."""


class Welcome(Struct):
    """The answer to `hello`."""

    server: str = ""
    hall: str = ""
    protocol: int = PROTOCOL
    lease_seconds: float = 30.0
    beat_seconds: float = 10.0
    durability: str = ""
    http: str | None = None


class Call(Struct):
    """One request that is not answered yet."""

    line: bytes
    waiter: Waiter
    read: Read
    repeat: bool
    in_order: bool


encode_plain = msgspec.json.Encoder().encode
_read_welcome = msgspec.json.Decoder(Welcome).decode


class Session:
    """One conversation with a hall, over as many connections as it takes."""

    def __init__(
        self, *, token: str | None = None, name: str = "", worker: str = "", pushes: Pushes | None = None
    ) -> None:
        self.token = token
        self._name = name
        self._worker = worker
        self._pushes = pushes
        self.is_open = False
        self.welcome: Welcome | None = None  # what the hall said last
        self.followed = Followed(self._ask_outcome)
        self._closed: HallError | None = None
        self._greeter: Waiter | None = None
        self._lines = LineBuffer()
        self._pending: dict[int, Call] = {}
        self._streams: dict[str, Stream[Any]] = {}
        self._out: list[bytes] = []
        self._next = HELLO_REF + 1
        self._unsent = self._next  # requests from this ref on have not been given to the shell yet

    # What goes out.

    def ask(
        self,
        command: dict[str, Any],
        waiter: Waiter,
        read: Read,
        repeat: bool = False,
        encode: Callable[[Any], bytes] = encode_body,
    ) -> None:
        """Send `command` (its `ref` is set here) and give the answer, as `read` makes it, to `waiter`. `encode` is
        `encode_plain` where nothing in it can be what JSON cannot say.

        Raises TooLarge, TypeError or ValueError for what JSON cannot say, or why the session has ended; then nothing
        is sent.
        """
        if self._closed is not None:
            raise self._closed
        command["ref"] = self._next
        line = encode(command)
        if len(line) > MAX_MESSAGE:
            raise TooLarge(f"the {command.get('cmd')} takes {len(line)} bytes: at most {MAX_MESSAGE} are accepted")
        self._pending[self._next] = Call(line, waiter, read, repeat, command.get("cmd") != "wait")
        self._next += 1
        if self.is_open:
            self._out.append(line)

    def tell(self, message: dict[str, Any]) -> None:
        """Send what needs no answer; dropped while there is no connection."""
        if self.is_open:
            self._out.append(encode_plain(message))

    def listen(self, stream: Stream[Any]) -> None:
        """Hear a stream from now on; one of the same key that was heard before ends."""
        before = self._streams.get(stream.key)
        self._ask_on(stream)
        if before is not None:
            before.put(END)
        self._streams[stream.key] = stream

    def ignore(self, stream: Stream[Any]) -> None:
        """Nobody listens any more."""
        if self._streams.get(stream.key) is stream:
            del self._streams[stream.key]
            farewell = stream.goodbye()
            if farewell is not None:
                self.tell(farewell)

    def _ask_on(self, stream: Stream[Any]) -> None:
        if not stream.is_asked:
            self.ask(stream.command(), stream, stream.read, repeat=True)
            stream.is_asked = True

    @property
    def is_over(self) -> bool:
        """Whether nothing will be said or heard any more."""
        return self._closed is not None

    @property
    def has_output(self) -> bool:
        """Whether there is something to write."""
        return bool(self._out)

    def take_output(self) -> bytes:
        """Everything collected so far, for one write."""
        lines, self._out = self._out, []
        self._unsent = self._next
        lines.append(b"")
        return b"\n".join(lines)

    def greet(self, greeter: Waiter) -> bytes:
        """A new connection: the first bytes to write. The hall's Welcome, or its refusal, goes to
        `greeter`."""
        self._lines = LineBuffer()
        self._greeter = greeter
        hello = {"cmd": "hello", "ref": HELLO_REF, "protocol": PROTOCOL, "name": self._name}
        hello |= {"token": self.token} if self.token else {}
        hello |= {"worker": self._worker} if self._worker else {}
        return encode_plain(hello) + b"\n"

    # What comes in.

    def received(self, data: bytes) -> None:
        """Act on whatever lines `data` completes. Raises Broken when that is not the protocol: drop the
        connection."""
        pending = self._pending
        for raw in self._lines.feed(data):
            if not raw or raw.isspace():
                continue
            line = read_line(raw)
            call = pending.pop(line.ref, None) if line.ref is not None else None
            if call is not None:
                _settle(call, line, raw)
            elif line.ref is None:
                self._pushed(line, raw)
            elif line.ref == HELLO_REF and self._greeter is not None:
                self._greeted(line, raw)
            else:
                raise Broken(f"the hall answered request {line.ref}, which is not open")

    def _pushed(self, line: Line, raw: bytes) -> None:
        if line.end is not None:
            self.followed.ended(line.end)
        if line.run is not None and self._pushes is not None:
            self._pushes.run_jobs(line.run)
        if line.event is not None:
            self._tell(EventStream.KEY, raw)
        if line.log is not None:
            self._tell(f"log {line.log.id}", raw)
        if line.task is not None:
            self._tell(f"task {line.task.id}", raw)
        if line.stop is not None and self._pushes is not None:
            self._pushes.stop(line.stop)
        elif line.stop is not None and line.stop.why == "shutdown":
            self.end(ShutDown())
        if line.set is not None and self._pushes is not None:
            self._pushes.adjust(line.set)
        if line.error is not None:
            self._refused(from_wire(line.error.code, line.error.message))

    def _tell(self, key: str, raw: bytes) -> None:
        stream = self._streams.get(key)
        if stream is not None:
            try:
                stream.heard(raw)
            except UNREADABLE as why:
                raise Broken(f"the hall sent news that cannot be read: {why}") from why

    def _refused(self, error: HallError) -> None:
        if self._greeter is not None:
            self._end_greeting(error)
        elif self._pushes is not None:
            self._pushes.refused(error)
        else:
            self._refuse_oldest(error)

    def _refuse_oldest(self, error: HallError) -> None:
        """A hall that could not read a request cannot repeat its `ref`; replies keep their order, so it is
        the oldest."""
        for ref, call in self._pending.items():
            if call.in_order:
                del self._pending[ref]
                _fail(call.waiter, error)
                return

    def _greeted(self, line: Line, raw: bytes) -> None:
        if line.error is not None:
            self._end_greeting(from_wire(line.error.code, line.error.message))
            return
        try:
            welcome = _read_welcome(raw)
        except UNREADABLE as why:
            raise Broken(f"the hall's answer to hello cannot be read: {why}") from why
        greeter, self._greeter = self._greeter, None
        self.is_open, self.welcome = True, welcome
        self._say_again()
        if self._pushes is not None:
            self._pushes.opened(welcome)
        if greeter is not None and not greeter.done():
            greeter.set_result(welcome)

    def _say_again(self) -> None:
        self._out = [call.line for call in self._pending.values()]
        self.followed.ask_all()
        for stream in self._streams.values():
            self._ask_on(stream)

    def _end_greeting(self, error: HallError) -> None:
        greeter, self._greeter = self._greeter, None
        if greeter is not None:
            _fail(greeter, error)

    # Ends.

    def lost(self, error: HallError | None = None) -> None:
        """The connection is gone. What may be said again stays; the rest ends with Unknown."""
        self.is_open = False
        self._out = []
        self._end_greeting(error or Unanswered())
        gone = [ref for ref, call in self._pending.items() if not self._stays(ref, call, error)]
        calls = [self._pending.pop(ref) for ref in gone]
        for call in calls:
            _fail(call.waiter, error or Unknown())

    def _stays(self, ref: int, call: Call, error: HallError | None) -> bool:
        """Not after an answer that could not be read: it would come again. A worker must `keep` before it
        says anything again, so it does that by itself."""
        return self._pushes is None and (ref >= self._unsent or (call.repeat and error is None))

    def end(self, error: HallError) -> None:
        """Nothing more will be said or heard: everything open ends with `error`, and so does every later
        request."""
        self._closed = error
        self.is_open = False
        self._out = []
        self._end_greeting(error)
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.end(error)
        calls, self._pending = self._pending, {}
        for call in calls.values():
            _fail(call.waiter, error)
        self.followed.fail(error)

    def _ask_outcome(self, job: str, handle: Handle) -> None:
        command = {"cmd": "wait", "ids": [job]}
        self.ask(command, OutcomeWaiter(self.followed, handle), OutcomeWaiter.read, repeat=True)


def _settle(call: Call, line: Line, raw: bytes) -> None:
    if line.error is not None:
        _fail(call.waiter, _error_of(line.error))
        return
    try:
        value = call.read(line, raw)
        if not call.waiter.done():
            call.waiter.set_result(value)
    except UNREADABLE as why:
        _broken(call.waiter, why)


def _error_of(body: ErrorBody) -> HallError:
    """A hall that can still say that it is unavailable is about to end."""
    return ShutDown(body.message) if body.code == ShutDown.code else from_wire(body.code, body.message)


def _fail(waiter: Waiter, error: HallError) -> None:
    if not waiter.done():
        waiter.set_exception(error)


def _broken(waiter: Waiter, why: Exception) -> NoReturn:
    error = Broken(f"the hall's answer cannot be read: {why}")
    _fail(waiter, error)
    raise error from why
