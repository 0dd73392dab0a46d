"""A hall whose every answer a test decides: real sockets and lines, for what a real hall does rarely or slowly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from tests.worker.scripted_hall import Message, Peer, ScriptedHall

Answer = dict[str, Any] | Callable[[Message], dict[str, Any]]


class Puppet:
    """Answers each command from `answers`: fields of the reply, or a function that makes them. `heard` keeps what was
    asked, `pushes` what is said right behind the answer to a command."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.pushes: dict[str, list[Message]] = {}
        self.heard: list[Message] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._tasks: list[asyncio.Task[None]] = []
        self._hall = asyncio.run_coroutine_threadsafe(ScriptedHall().open(), self._loop).result(10)
        self._door = asyncio.run_coroutine_threadsafe(self._receive(), self._loop)

    @property
    def url(self) -> str:
        return self._hall.url

    def asked(self, cmd: str) -> list[Message]:
        """What was asked, without the refs."""
        return [
            {key: value for key, value in said.items() if key != "ref"} for said in self.heard if said["cmd"] == cmd
        ]

    async def _receive(self) -> None:
        while True:
            peer = await self._hall.peers.get()
            self._tasks.append(self._loop.create_task(self._serve(peer)))

    async def _serve(self, peer: Peer) -> None:
        await peer.greet()
        while (message := await peer.heard.get()) is not None:
            self.heard.append(message)
            answer = self.answers.get(message["cmd"], {})
            fields = answer(message) if callable(answer) else answer
            peer.say({"ok": True, "ref": message.get("ref"), **fields}, *self.pushes.get(message["cmd"], []))

    def close(self) -> None:
        async def end() -> None:
            self._door.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._hall.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def a_job(number: int, **fields: Any) -> Message:
    """A job as `find` and `get` show it."""
    return {"id": f"{number:016x}", "kind": "resize", "queue": "images", "state": "ready", "attempt": 0,
            "max_attempts": 5, "created_at": "2026-01-31T12:00:00.000Z", **fields}  # fmt: skip


def finds(jobs: list[Message]) -> Callable[[Message], dict[str, Any]]:
    """`find` as the hall does it, over `jobs`, which are the newest first."""

    def find(said: Message) -> dict[str, Any]:
        older = [job for job in jobs if said["before"] is None or job["id"] < said["before"]]
        page = older[: said["limit"]]
        return {"jobs": page, "next": page[-1]["id"] if len(page) < len(older) else None}

    return find
