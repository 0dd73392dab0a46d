"""Deputy's clients and workers, written from its README: JSON values ended by CRLF, and only by CRLF."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from tests.system.lines import PATIENCE, Hangup, Silence, readable

Message = dict[str, Any]
NOTHING = object()


class Deputy:
    """One connection of Deputy's: a client, a worker, or both."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self._text = b""
        self._said: list[str] = []

    def can_do(self, *types: str) -> None:
        self.send({"cmd": "can_do", "types": list(types)})

    def do(self, id: Any, type: str, arg: Any = NOTHING) -> None:  # noqa: A002
        job = {"cmd": "do", "id": id, "type": type}
        self.send(job if arg is NOTHING else {**job, "arg": arg})

    def did(self, id: Any, res: Any = NOTHING) -> None:  # noqa: A002
        job = {"cmd": "did", "id": id}
        self.send(job if res is NOTHING else {**job, "res": res})

    def send(self, *messages: Message) -> None:
        """Write the messages in one packet."""
        self.send_bytes(b"".join(json.dumps(message).encode() + b"\r\n" for message in messages))

    def send_bytes(self, data: bytes) -> None:
        self._said.append(f"D: {data[:200]!r}")
        self.sock.sendall(data)

    def read(self, within: float = PATIENCE) -> Message:
        """The next value. A line feed alone does not end one."""
        deadline = time.monotonic() + within
        while b"\r\n" not in self._text:
            left = deadline - time.monotonic()
            if left <= 0 or not readable(self.sock, left):
                raise Silence(f"nothing in time; unread {self._text[:200]!r}\n{self.dialogue}")
            data = self.sock.recv(1 << 16)
            if not data:
                raise Hangup(f"the hall closed the connection\n{self.dialogue}")
            self._text += data
        raw, _, self._text = self._text.partition(b"\r\n")
        self._said.append(f"S: {raw[:200]!r}")
        return dict(json.loads(raw))

    def expect(self, cmd: str, within: float = PATIENCE) -> Message:
        """The next value, which must be this command; with exactly the fields that Deputy's have."""
        message = self.read(within)
        assert message.get("cmd") == cmd, f"{cmd} expected\n{self.dialogue}"
        fields = {
            "do": {"cmd", "id", "type", "arg"},
            "did": {"cmd", "id", "res"},
            "metrics": {"cmd", "metrics"},
        }
        assert set(message) <= fields[cmd], f"{message} has fields that Deputy does not know"
        return message

    def metrics(self) -> dict[str, int]:
        """Ask for the numbers; every error reply to an earlier line must be skipped by the caller."""
        self.send({"cmd": "metrics"})
        return dict(self.expect("metrics")["metrics"])

    def waiting(self) -> list[Message]:
        """Everything that was sent up to now: what stands before the answer to `metrics`."""
        self.send({"cmd": "metrics"})
        messages = []
        while (message := self.read()).get("cmd") != "metrics":
            messages.append(message)
        return messages

    def hurt(self) -> None:
        """Read the error reply that a bad line costs."""
        message = self.read()
        assert "error" in message, f"an error reply expected\n{self.dialogue}"

    def close(self) -> None:
        self.sock.close()

    @property
    def dialogue(self) -> str:
        return "\n".join(self._said[-30:])


def serve(worker: Deputy, answer: Any = "ok") -> Message:
    """Do one job."""
    job = worker.expect("do")
    worker.did(job["id"], answer)
    return job
