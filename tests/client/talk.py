"""A session and both sides of its wire, as plain bytes."""

from __future__ import annotations

import json
from typing import Any

from hirehall.client import submits, verbs
from hirehall.client.asking import Ask
from hirehall.client.jobs import Handle, JobMaker
from hirehall.client.session import Session
from hirehall.client.streams import Stream
from hirehall.errors import HallError

WELCOME = {"ok": True, "ref": 0, "hall": "h1", "protocol": 1}


class Box:
    """A waiter that keeps what it got."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: HallError | None = None
        self.answers = 0

    def done(self) -> bool:
        return bool(self.answers)

    def set_result(self, value: Any, /) -> None:
        self.answers += 1
        self.value = value

    def set_exception(self, error: Any, /) -> None:
        self.answers += 1
        self.error = error


class Talk:
    """A session, and both sides of its wire."""

    def __init__(self, **options: Any) -> None:
        self.session = Session(**options)
        self.maker: JobMaker[Handle] = JobMaker(Handle, self.session.followed)

    def open(self) -> Box:
        greeter = Box()
        self.hello = json.loads(self.session.greet(greeter))
        self.hear(WELCOME)
        return greeter

    def hear(self, *messages: dict[str, Any]) -> None:
        self.session.received(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.session.take_output().splitlines()]

    def ask(self, ask: Ask[Any]) -> Box:
        box = Box()
        self.session.ask(ask.command, box, ask.read, ask.repeat, ask.encode)
        return box

    def submit(self, kind: str = "echo", payload: Any = None, **options: Any) -> Box:
        return self.ask(submits.submit(self.maker, kind, payload, options))  # type: ignore[arg-type]

    def listen(self, stream: Stream[Any]) -> list[Any]:
        """What it puts, as it comes."""
        heard: list[Any] = []
        stream.put, stream.unread = heard.append, heard.__len__
        self.session.listen(stream)
        return heard

    def lose(self) -> None:
        """The connection breaks, and there is another one."""
        self.session.lost()
        self.open()

    def get(self, *ids: str) -> Box:
        return self.ask(verbs.get(ids))
