"""The ends of a conversation with a hall: raw lines, Deputy's dialect, our Python client and agent without sockets.

Each says the same things in its own way, and tells what it heard in one form, so that a model can judge all alike.
"""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
from msgspec import Raw, Struct

from hirehall.client.jobs import Handle, JobMaker
from hirehall.client.session import Session
from hirehall.client.submits import submit
from hirehall.errors import HallError
from hirehall.runners.port import Success, success
from hirehall.wire.replies import Delivery
from tests.wire.stage import TOKEN, Peer, Stage

GREETING = 0  # the ref of the first command, whose answer nobody looks at


class Fault(Struct):
    code: str = ""
    message: str = ""


class Seen(Struct):
    """A job as `get` shows it."""

    id: str
    kind: str
    queue: str
    state: str
    attempt: int
    forgiven: int
    priority: int
    key: str | None
    payload: Raw = Raw(b"")
    result: Raw = Raw(b"")


class Count(Struct):
    state: str
    jobs: int


class Refusal(Struct):
    id: str
    code: str


class Answer(Struct):
    """What a reply says, as far as anybody here asks."""

    ok: bool = False
    ref: Any = None
    error: Fault | None = None
    id: str = ""
    state: str = ""
    duplicate: bool = False
    ids: list[str] = []
    duplicates: list[str] = []
    refused: list[Refusal] = []
    jobs: list[Seen] = []
    missing: list[str] = []
    counts: list[Count] = []


class Run(Struct):
    id: str
    attempt: int
    kind: str
    payload: Raw


class End(Struct):
    id: str
    state: str
    result: Raw


class Order(Struct):
    id: str
    attempt: int
    why: str


class Line(Answer):
    """One line from a hall, in either dialect."""

    run: list[Run] = []
    end: list[End] = []
    stop: Order | None = None


class DeputyLine(Struct):
    cmd: str = ""
    id: Raw = Raw(b"null")
    type: str = ""
    arg: Raw = Raw(b"")
    res: Raw = Raw(b"null")
    error: Any = None


class Ended(Struct):
    """How a job ended: its result as bytes, or as the value that a Python program gets."""

    id: str
    state: str
    result: Any = None


read_line = msgspec.json.Decoder(Line).decode
read_deputy_line = msgspec.json.Decoder(DeputyLine).decode


class Speaker:
    """One connection. What it heard since the last look stands in `answers`, `runs`, `ends` and `stops`."""

    is_deputy = False
    has_values = False  # it works with Python values: what a body says counts, not how it is written

    def __init__(self, stage: Stage, name: str, random: Random) -> None:
        self.stage, self.name, self.random = stage, name, random
        self.peer: Peer = stage.peer(name)
        self.refs = 0
        self.log: list[tuple[Speaker, bytes]] = []  # what its tale's sessions said, in order
        self.forget()

    def forget(self) -> None:
        self.answers: list[Answer] = []
        self.runs: list[Run] = []
        self.ends: list[Ended] = []
        self.stops: list[Order] = []

    def say(self, data: bytes) -> None:
        """In one piece, or in some."""
        self.log.append((self, data))
        pieces = self.random.choice((0, 0, 0, 1, 3))
        cuts = sorted(self.random.randrange(len(data) + 1) for _ in range(pieces))
        for start, end in pairwise((0, *cuts, len(data))):
            if start < end:
                self.peer.send(data[start:end])

    def take(self) -> bytes:
        """What came since the last look."""
        data, self.peer.out = bytes(self.peer.out), bytearray()
        if data and not data.endswith(b"\n"):
            self.stage.problem(f"{self.name} was told half a line: {data[-80:]!r}")
        return data

    def hear(self) -> None:
        raise NotImplementedError

    def ask(self, command: dict[str, Any], bodies: dict[str, bytes] | None = None) -> int:
        """Say it; the ref of its answer. `bodies` are fields that are JSON already."""
        raise NotImplementedError

    def finish(self, job: str, attempt: int, body: bytes) -> int:
        """A result."""
        return self.ask({"cmd": "done", "id": job, "attempt": attempt}, {"result": body})

    def begin(self) -> None:
        """The first command."""


class RawSpeaker(Speaker):
    """A program that writes its own lines."""

    def begin(self) -> None:
        self.say(self.random.choice((b'{"cmd":"ping","ref":0}\n', b'{"ref":0,"cmd":"beat"}\r\n')))

    def ask(self, command: dict[str, Any], bodies: dict[str, bytes] | None = None) -> int:
        self.refs += 1
        line = json.dumps(command, ensure_ascii=self.random.random() < 0.5).encode()[:-1]
        blank = self.random.choice((b"", b" ", b"\t"))
        for name, body in (bodies or {}).items():
            line += b',%s"%s"%s:%s%s' % (blank, name.encode(), blank, blank, body)
        self.say(b'%s,"ref":%d}%s' % (line, self.refs, self.random.choice((b"\n", b"\n", b"\r\n"))))
        return self.refs

    def hear(self) -> None:
        for raw in self.take().split(b"\n")[:-1]:
            line = read_line(raw)
            self.runs += line.run
            self.ends += [Ended(end.id, end.state, bytes(end.result)) for end in line.end]
            if line.stop is not None:
                self.stops.append(line.stop)
            elif not line.run and not line.end and line.ref != GREETING:
                self.answers.append(line)


class DeputySpeaker(Speaker):
    """A program written for Deputy: no refs, CRLF, its own ids."""

    is_deputy = True

    def begin(self) -> None:
        """Its first command is one of its four."""

    def can_do(self, kind: str) -> None:
        self.say(b'{"cmd":"can_do","types":["%s"]}\r\n' % kind.encode())

    def do(self, id: bytes, kind: str, body: bytes | None) -> None:  # noqa: A002
        arg = b"" if body is None else b',"arg":' + body
        self.say(b'{"cmd":"do","id":%s,"type":"%s"%s}\r\n' % (id, kind.encode(), arg))

    def did(self, id: bytes, body: bytes) -> None:  # noqa: A002
        self.say(b'{"cmd":"did","res":%s,"id":%s}\r\n' % (body, id))

    def hear(self) -> None:
        data = self.take()
        if data.count(b"\n") != data.count(b"\r\n"):
            self.stage.problem(f"{self.name} was told a line without CRLF: {data[:200]!r}")
        for raw in data.split(b"\r\n")[:-1]:
            line = read_deputy_line(raw)
            theirs = bytes(line.id).decode()
            if line.cmd == "do":
                self.runs.append(Run(theirs, 0, line.type, line.arg))
            elif line.cmd == "did":
                self.ends.append(Ended(theirs, "failed" if line.error else "succeeded", bytes(line.res)))
            else:
                self.answers.append(read_line(raw))


class Slot:
    """Takes one answer."""

    def __init__(self, speaker: PythonSpeaker, ref: int) -> None:
        self.speaker, self.ref, self.taken = speaker, ref, 0

    def done(self) -> bool:
        return False

    def set_result(self, value: Any) -> None:
        self._note()
        if self.ref == GREETING:
            return
        if isinstance(value, Handle):
            value = Answer(ok=True, id=value.id, state=value.state or "", duplicate=value.duplicate)
        value.ref = self.ref
        self.speaker.answers.append(value)

    def set_exception(self, error: HallError) -> None:
        self._note()
        self.speaker.answers.append(Answer(ref=self.ref, error=Fault(error.code, error.message)))

    def _note(self) -> None:
        self.taken += 1
        if self.taken > 1:
            self.speaker.stage.problem(f"{self.speaker.name} was answered twice")


class PythonHandle(Handle):
    """A job that was submitted by a Python program."""

    __slots__ = ("speaker",)

    def _wake(self) -> None:
        try:
            value = self._value()
        except HallError:
            value = None
        self.speaker.ends.append(Ended(self.id, self.state or "", value))


class PythonSpeaker(Speaker):
    """Our client's and agent's own encoding and decoding: the sans-IO session that they share."""

    has_values = True

    def __init__(self, stage: Stage, name: str, random: Random) -> None:
        super().__init__(stage, name, random)
        self.session = Session(token=TOKEN, name=name, pushes=self)
        self.maker = JobMaker(self._handle, self.session.followed)

    def begin(self) -> None:
        self.say(self.session.greet(Slot(self, GREETING)))

    def _handle(self, id: str, state: str | None, duplicate: bool) -> PythonHandle:  # noqa: A002
        handle = PythonHandle(id, state, duplicate)
        handle.speaker = self
        return handle

    def ask(self, command: dict[str, Any], bodies: dict[str, bytes] | None = None) -> int:
        self.refs += 1
        fields = command | {name: Raw(body) for name, body in (bodies or {}).items()}
        self.session.ask(fields, Slot(self, self.refs), lambda _line, raw: read_line(raw))
        self.say(self.session.take_output())
        return self.refs

    def submit(self, kind: str, value: Any, options: dict[str, Any]) -> int:
        """As the client's `submit` does."""
        self.refs += 1
        ask = submit(self.maker, kind, value, options)  # type: ignore[arg-type]
        self.session.ask(ask.command, Slot(self, self.refs), ask.read, ask.repeat)
        self.say(self.session.take_output())
        return self.refs

    def finish(self, job: str, attempt: int, body: bytes) -> int:
        """As a job function's return value becomes a result."""
        outcome = success(msgspec.json.decode(body))
        assert isinstance(outcome, Success)
        return super().finish(job, attempt, outcome.result)

    def hear(self) -> None:
        if data := self.take():
            self.session.received(data)

    # What a session pushes.

    def opened(self, welcome: object) -> None:
        """Nothing to say first."""

    def run_jobs(self, jobs: list[Delivery]) -> None:
        self.runs += [Run(job.id, job.attempt, job.kind, job.payload) for job in jobs]

    def stop(self, order: Any) -> None:
        self.stops.append(Order(order.id, order.attempt, order.why))

    def adjust(self, setting: object) -> None:
        """Nobody sets anything here."""

    def refused(self, error: HallError) -> None:
        self.answers.append(Answer(error=Fault(error.code, error.message)))
