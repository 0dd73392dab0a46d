"""What a hall, or something that only seems one, may say to our client: nothing of it may surprise who uses it.

A session has a request of every sort open. Whatever comes, the session takes it or raises Broken, and whoever asked
gets one answer at most: a value or a HallError.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hirehall.client import verbs
from hirehall.client.asking import Ask
from hirehall.client.jobs import Handle, JobMaker
from hirehall.client.outcomes import Broken
from hirehall.client.session import Session
from hirehall.client.streams import EventStream, LogStream, Stream, TaskStream
from hirehall.client.submits import submit, submit_many
from hirehall.errors import HallError, Unavailable
from tests.wire import grammar
from tests.wire.bytes_cases import CHANGES, WORDS
from tests.wire.decoding import changed

ID = "0cee7dbba8007000"
GREETING = (
    b'{"ok":true,"ref":0,"server":"hirehall 0.1.0","hall":"a","protocol":1,"lease_seconds":30.0,"beat_seconds":10.0,'
    b'"durability":"full"}'
)
HONEST = (
    GREETING,
    b'{"ok":true,"ref":1,"id":"%s","state":"running"}' % ID.encode(),
    b'{"end":[{"id":"%s","state":"succeeded","result":[1,2.5],"error":null}]}' % ID.encode(),
    b'{"end":[{"id":"%s","state":"failed","result":null,"error":{"type":"E","message":"no"}}]}' % ID.encode(),
    b'{"ok":true,"ref":2,"ids":["%s"],"duplicates":[]}' % ID.encode(),
    b'{"ok":true,"ref":3,"jobs":[],"missing":["a"]}',
    b'{"error":{"code":"busy","message":"later"},"ref":4}',
    b'{"error":{"code":"what","message":""}}',
    b'{"event":"submit","seq":"19f-7","at":"2030-01-31T12:00:00Z","id":"a"}',
    b'{"log":{"id":"%s","attempt":1,"entries":[{"at":"","stream":"stdout","text":"x"}],"next":9,"ended":true}}'
    % ID.encode(),
    b'{"task":{"id":"t1","action":"cancel","state":"done","looked":1,"done":1,"refused":0}}',
    b'{"run":[{"id":"%s","attempt":1,"kind":"k","queue":"q","payload":1,"lease_seconds":30.0}]}' % ID.encode(),
    b'{"stop":{"id":"","attempt":0,"why":"shutdown"}}',
    b'{"set":{"credit":3}}',
)  # fmt: skip


class Asker:
    """Whoever asked."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.name, self.problems, self.taken = name, problems, 0

    def done(self) -> bool:
        return self.taken > 0

    def set_result(self, value: Any) -> None:
        self._took()

    def set_exception(self, error: Any) -> None:
        self._took()
        if not isinstance(error, HallError):
            self.problems.append(f"{self.name} was told {error!r}")

    def _took(self) -> None:
        self.taken += 1
        if self.taken > 1:
            self.problems.append(f"{self.name} was answered twice")


class Client:
    """A session with a request of every sort open."""

    def __init__(self, is_worker: bool) -> None:
        self.problems: list[str] = []
        self.pushed: list[Any] = []
        self.handles: list[Handle] = []
        self.session = Session(token="t", name="n", pushes=self if is_worker else None)  # type: ignore[arg-type]
        self.maker = JobMaker(self._handle, self.session.followed)
        self.askers: list[Asker] = []
        self.session.greet(self._asker("hello"))
        for name, ask in self._asks():
            self.session.ask(ask.command, self._asker(name), ask.read, ask.repeat)
        for stream in (EventStream({}), LogStream(ID), TaskStream("t1")):
            self._listen(stream)

    def _handle(self, id: str, state: str | None, duplicate: bool) -> Handle:  # noqa: A002
        handle = Handle(id, state, duplicate)
        self.handles.append(handle)
        return handle

    def _asker(self, name: str) -> Asker:
        self.askers.append(Asker(name, self.problems))
        return self.askers[-1]

    def _asks(self) -> list[tuple[str, Ask[Any]]]:
        asks: list[tuple[str, Ask[Any]]] = [("submit", submit(self.maker, "k", 1, {"follow": True}))]
        asks += [("submit_many", ask) for ask in submit_many(self.maker, [{"kind": "k"}], {"follow": True})]
        return asks + [(name, call()) for name, call in VERBS.items()]

    def _listen(self, stream: Stream[Any]) -> None:
        stream.put = self.pushed.append
        self.session.listen(stream)

    def hear(self, pieces: list[bytes]) -> list[str]:
        """What is wrong after these bytes came."""
        try:
            for piece in pieces:
                self.session.received(piece)
                self.session.take_output()
        except Broken as why:
            self.session.lost(why)
        except Exception as exc:
            return [f"{type(exc).__name__} escaped from the session: {exc}"]
        return self.problems + self._outcomes() + self._end()

    def _outcomes(self) -> list[str]:
        """A job's end is a value or a HallError."""
        found = []
        for handle in self.handles:
            try:
                if handle.is_ended:
                    handle._value()
            except HallError:
                continue
            except Exception as exc:
                found.append(f"{type(exc).__name__} is what a job's end gives: {exc}")
        return found

    def _end(self) -> list[str]:
        """Nobody waits for ever."""
        try:
            self.session.end(Unavailable("over"))
        except Exception as exc:
            return [f"{type(exc).__name__} escaped from the end: {exc}"]
        return [f"{asker.name} was never answered" for asker in self.askers if not asker.taken]

    # What a session pushes.

    def opened(self, welcome: object) -> None:
        self.pushed.append(welcome)

    run_jobs = stop = adjust = refused = opened


VERBS: dict[str, Any] = {
    "get": lambda: verbs.get([ID]),
    "wait": lambda: verbs.wait([ID]),
    "find": verbs.find,
    "explain": lambda: verbs.explain(ID),
    "log_of": lambda: verbs.log_of(ID),
    "cancel": lambda: verbs.cancel(ID),
    "cancel_each": lambda: verbs.cancel_each([ID]),
    "cancel_where": lambda: verbs.cancel_where(kind="k"),
    "tasks": verbs.tasks,
    "counts": verbs.counts,
    "queues": verbs.queues,
    "queue": lambda: verbs.queue("q"),
    "workers": verbs.workers,
    "can": lambda: verbs.can("k"),
    "kinds": verbs.kinds,
    "metrics": verbs.metrics,
    "request": lambda: verbs.request({"cmd": "ping"}),
}
REFS = len(VERBS) + 7


def talk(random: Random) -> bytes:
    """What this hall says; mostly it greets first."""
    lines = [GREETING] if random.random() < 0.85 else [reply_to(random, 1)]
    lines += [random.choice((honest, made, made, spoiled, strange))(random) for _ in range(random.randint(1, 6))]
    data = b"".join(line + random.choice((b"\n", b"\n", b"\n", b"\r\n")) for line in lines)
    return changed(data, random) if random.random() < 0.15 else data


def honest(random: Random) -> bytes:
    return random.choice(HONEST)


def reply_to(random: Random, refs: int) -> bytes:
    return grammar.reply(random, refs)


def made(random: Random) -> bytes:
    return grammar.reply(random, REFS)


def spoiled(random: Random) -> bytes:
    data = bytearray(random.choice((honest, made))(random))
    random.choice(CHANGES)(data, random)
    return bytes(data).replace(b"\n", b" ")


NAMES = (
    b"jobs", b"id", b"ids", b"log", b"task", b"queue", b"queues", b"counts", b"workers", b"metrics", b"why", b"tasks",
    b"kinds", b"can", b"ok", b"seq", b"end", b"run", b"protocol", b"lease_seconds", b"refused",
)  # fmt: skip
STRANGE = (
    b"null", b"1", b'"x"', b"[]", b"{}", b"[1]", b'[{"id":1}]', b"9" * 4_301, b"[" * 2_000, b"1e999", b'{"id":"a"}',
    b"[[[]]]", b'"\\ud800"', *(word.replace(b"\n", b"") for word in WORDS),
)  # fmt: skip


def strange(random: Random) -> bytes:
    """An answer whose ref is right, and whose fields are anything."""
    return b'{"ok":true,"ref":%d,"%s":%s}' % (random.randrange(REFS), random.choice(NAMES), random.choice(STRANGE))


def case(data: bytes, random: Random) -> list[str]:
    """These bytes, in some pieces, to a client or to a worker."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 4))))
    pieces = [data[start:end] for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True)]
    return Client(is_worker=random.random() < 0.4).hear(pieces)
