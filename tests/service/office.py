"""A hall in memory without sockets, and guests who talk to it: every answer is there as soon as one has asked.

The clock stands still at NOON until a test moves it, so that sentences about times are exact.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from hirehall.model import Instant
from tests.wire.stage import TOKEN, Peer, Stage

Message = dict[str, Any]
NOON_MS = 1_800_014_400_000  # 2027-01-15 12:00:00 UTC


class Office(Stage):
    """The hall, at noon."""

    def clock(self) -> Instant:
        return Instant(self.seconds, NOON_MS + round((self.seconds - 100.0) * 1000))

    def guest(self, name: str, token: str | None = TOKEN, worker: str = "") -> Guest:
        """A connection that has said hello; without a token it is anonymous."""
        guest = Guest(self, self.peer(f"{name}-{len(self.peers)}"))
        given = {"token": token} if token is not None else {}
        guest.ok("hello", name=name, **given, **({"worker": worker} if worker else {}))
        return guest

    def worker(self, name: str, **work: Any) -> Guest:
        """A worker that can come back, and takes anything from the default queue unless told otherwise."""
        guest = self.guest(name, worker=f"w-{name}")
        guest.ok("work", **{"kinds": ["*"], "credit": 1, **work})
        return guest

    def token(self, name: str, roles: list[str], **limits: Any) -> Guest:
        """A guest with a new token of these roles."""
        secret = self.guest("clerk").ok("token", do="create", name=name, roles=roles, **limits)["token"]
        return self.guest(name, secret)

    async def nothing(self) -> None:
        """A turn of the loop."""
        await asyncio.sleep(0)

    def restart(self) -> None:
        """Another run of the hall, on the store as it is: who was connected has to come again."""
        for peer in self.peers.values():
            peer.leave()
        self.seconds += 1.0
        self._run(self._open_again())

    async def _open_again(self) -> None:
        store, old = self.store, self.hall
        await old.finish()
        store.open = _opened  # type: ignore[method-assign]
        self.hall = type(old)(store, old.tokens, old.anonymous, self.clock, lambda: 0.5)
        await self.hall.start()


async def _opened() -> None:
    """The database in memory is open and stays so."""


class Guest:
    """One session: says commands, hears answers and pushes."""

    def __init__(self, office: Office, peer: Peer) -> None:
        self.office, self.peer = office, peer
        self._heard = 0  # lines that were read
        self._inbox: list[Message] = []
        self._refs = 0
        self.held: list[Message] = []  # for a test that plays a worker with several jobs

    def say(self, *commands: Message) -> None:
        """Write commands, all in one packet, and let the hall come to rest."""
        self.peer.send(b"".join(json.dumps(command).encode() + b"\n" for command in commands))
        self.office.settle()

    def ask(self, cmd: str, **fields: Any) -> Message:
        """The answer to one command. There must be exactly one, at once."""
        self._refs += 1
        self.say({"cmd": cmd, "ref": self._refs, **fields})
        return self.answer(self._refs)

    def answer(self, ref: object) -> Message:
        """The answer that carries this ref."""
        self._listen()
        found = [message for message in self._inbox if message.get("ref") == ref]
        assert len(found) == 1, f"{len(found)} answers to {ref}: {self._inbox}"
        self._inbox.remove(found[0])
        return found[0]

    def ok(self, cmd: str, **fields: Any) -> Message:
        """The answer to a command that must succeed."""
        answer = self.ask(cmd, **fields)
        assert answer.get("ok") is True, f"{cmd} was refused: {answer}"
        return answer

    def refused(self, cmd: str, **fields: Any) -> str:
        """`code: message` of a command that must be refused."""
        answer = self.ask(cmd, **fields)
        assert "error" in answer, f"{cmd} was not refused: {answer}"
        return f"{answer['error']['code']}: {answer['error']['message']}"

    def pushes(self, name: str) -> list[Any]:
        """What all pushes of this name held, since the last time."""
        self.office.settle()
        self._listen()
        found = [message for message in self._inbox if name in message and "ref" not in message]
        self._inbox = [message for message in self._inbox if message not in found]
        return [message[name] for message in found]

    def events(self) -> list[Message]:
        """Events heard since the last time."""
        self.office.settle()
        self._listen()
        found = [message for message in self._inbox if "event" in message]
        self._inbox = [message for message in self._inbox if "event" not in message]
        return found

    def since(self, seq: str) -> list[Message]:
        """Events from there on."""
        self.ok("watch", since=seq)
        return self.events()

    def clog(self) -> None:
        """This peer reads nothing more for now, and its side of the connection is full."""
        self.office.loop.as_if_running(self.peer._line.pause_writing)

    def unclog(self) -> None:
        """It reads again."""
        self.office.loop.as_if_running(self.peer._line.resume_writing)

    def runs(self) -> list[Message]:
        """Jobs that were delivered since the last time."""
        return [job for jobs in self.pushes("run") for job in jobs]

    def submit(self, kind: str = "saw", **fields: Any) -> str:
        """Submit one job; its id."""
        return str(self.ok("submit", kind=kind, **fields)["id"])

    def submit_many(self, jobs: Iterable[Message], **fields: Any) -> list[str]:
        """Submit in bulk; the ids."""
        return list(self.ok("submit", jobs=list(jobs), **{"kind": "saw", **fields})["ids"])

    def done(self, job: str, attempt: int = 1, **fields: Any) -> Message:
        return self.ok("done", id=job, attempt=attempt, **fields)

    def view(self, job: str) -> Message:
        return dict(self.ok("get", ids=[job])["jobs"][0])

    def state(self, job: str) -> str:
        return str(self.view(job)["state"])

    def why(self, job: str) -> list[str]:
        """What `explain` says, with the job's own id as JOB."""
        return list(self.ok("explain", id=job)["why"])

    def leave(self) -> None:
        self.peer.leave()
        self.office.settle()

    @property
    def last_ref(self) -> int:
        return self._refs

    @property
    def is_gone(self) -> bool:
        return self.peer.gone

    def _listen(self) -> None:
        lines = self.peer.lines()
        self._inbox += lines[self._heard :]
        self._heard = len(lines)
