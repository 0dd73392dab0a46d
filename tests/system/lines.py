"""A raw line client: JSON lines over a socket, a deadline on everything, and nothing of the server's code.

Replies are matched by `ref`; whatever arrives in between waits in `inbox` in its order. The last lines of the
dialogue are kept, so that a failure shows what was said.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Message = dict[str, Any]
PATIENCE = 20.0  # seconds that an answer may take before a test fails: a machine may have much else to do


class Silence(AssertionError):
    """The hall did not say what was expected in time."""


class Hangup(ConnectionError):
    """The hall closed the connection."""


class Line:
    """One blocking connection. Every wait has a deadline in seconds: `within`."""

    def __init__(self, sock: socket.socket, newline: bytes = b"\n") -> None:
        self.sock = sock
        self.newline = newline
        self.inbox: deque[Message] = deque()
        self._buffer = bytearray()
        self._dialogue: deque[str] = deque(maxlen=40)
        self._refs = 0

    def send(self, *messages: Message) -> None:
        """Write the messages in one packet."""
        self.send_bytes(b"".join(json.dumps(message).encode() + self.newline for message in messages))

    def send_bytes(self, data: bytes) -> None:
        """Write any bytes, a correct message or not."""
        self._note("C", data)
        self.sock.settimeout(PATIENCE)
        self.sock.sendall(data)

    def read(self, within: float = PATIENCE) -> Message:
        """The next message, those set aside first."""
        return self.inbox.popleft() if self.inbox else self._receive(time.monotonic() + within)

    def ask(self, cmd: str, **fields: Any) -> Message:
        """Send a request and return its reply, an error reply too."""
        ref = self.post(cmd, **fields)
        return self.answer(ref)

    def post(self, cmd: str, **fields: Any) -> int:
        """Send a request without waiting; the ref under which `answer` finds its reply."""
        self._refs += 1
        self.send({"cmd": cmd, "ref": self._refs, **fields})
        return self._refs

    def answer(self, ref: Any, within: float = PATIENCE) -> Message:
        """The reply that carries this ref."""
        return self._first(lambda message: "ref" in message and message["ref"] == ref, within, f"reply {ref}")

    def ok(self, cmd: str, **fields: Any) -> Message:
        """Send a request that must succeed."""
        reply = self.ask(cmd, **fields)
        assert reply.get("ok") is True, f"{cmd} was refused: {reply}\n{self.dialogue}"
        return reply

    def refusal(self, cmd: str, **fields: Any) -> str:
        """Send a request that must be refused, as a whole or for its only job; the error's code."""
        reply = self.ask(cmd, **fields)
        faults = [reply["error"]] if "error" in reply else reply.get("refused", [])
        assert faults, f"{cmd} was not refused: {reply}\n{self.dialogue}"
        return str(faults[0]["code"])

    def push(self, name: str, within: float = PATIENCE) -> Any:
        """What the next push of this name holds."""
        return self._first(lambda message: name in message and "ref" not in message, within, name)[name]

    def runs(self, count: int = 1, within: float = PATIENCE) -> list[Message]:
        """The next deliveries, exactly `count` of them, however many pushes they come in."""
        deadline = time.monotonic() + within
        jobs: list[Message] = []
        while len(jobs) < count:
            jobs += self.push("run", deadline - time.monotonic())
        assert len(jobs) == count, f"{len(jobs)} deliveries instead of {count}\n{self.dialogue}"
        return jobs

    def delivered(self) -> list[Message]:
        """Every delivery up to now: what stood before the answer to a `get`, which waits for a commit."""
        self.ok("get", ids=["0000000000000001"])
        found = [job for message in self.inbox for job in message.get("run", ())]
        self.inbox = deque(message for message in self.inbox if "run" not in message)
        return found

    def closed(self, within: float = PATIENCE) -> bool:
        """Does the hall hang up in time? Error replies before that are skipped."""
        deadline = time.monotonic() + within
        try:
            while True:
                self._receive(deadline)
        except (Hangup, ConnectionError):
            return True
        except Silence:
            return False

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dialogue(self) -> str:
        """The last lines in both directions."""
        return "\n".join(self._dialogue)

    def _first(self, fits: Any, within: float, what: str) -> Message:
        for place, message in enumerate(self.inbox):
            if fits(message):
                del self.inbox[place]
                return message
        deadline = time.monotonic() + within
        while True:
            message = self._receive(deadline, what)
            if fits(message):
                return message
            self.inbox.append(message)

    def _receive(self, deadline: float, what: str = "message") -> Message:
        while True:
            raw = self._cut()
            if raw is not None:
                self._note("S", raw)
                return dict(json.loads(raw))
            self._fill(deadline, what)

    def _cut(self) -> bytes | None:
        """One line off the buffer. Our own dialect: LF ends it, a CR before that is blank."""
        raw, found, rest = self._buffer.partition(b"\n")
        if not found:
            return None
        self._buffer = rest
        return bytes(raw)

    def _fill(self, deadline: float, what: str) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not readable(self.sock, left):
            raise Silence(f"no {what} in time\n{self.dialogue}")
        data = self.sock.recv(1 << 18)
        if not data:
            raise Hangup(f"the hall closed the connection instead of sending a {what}\n{self.dialogue}")
        self._buffer += data

    def _note(self, who: str, data: bytes) -> None:
        text = data[:300].decode(errors="replace").rstrip()
        self._dialogue.append(f"{who}: {text}{' ...' if len(data) > 300 else ''}")


def readable(sock: socket.socket, within: float) -> bool:
    """Wait until there is something to read."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(within))


def dial(url: str) -> socket.socket:
    """A socket to `hall://HOST:PORT` or `hall+unix:///PATH`."""
    parts = urlsplit(url)
    if parts.scheme == "hall+unix":
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(parts.path)
        return sock
    sock = socket.create_connection((parts.hostname, parts.port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_access(data: Path) -> Message:
    """The access file that a hall writes into its data directory."""
    return dict(json.loads((data / "access.json").read_text()))


def greet(data: Path, *, worker: str = "", name: str = "") -> Line:
    """A session with the token of the hall that serves this data directory."""
    access = read_access(data)
    line = Line(dial(access["url"]))
    hello = {"token": access["token"], "protocol": 1, "name": name}
    line.ok("hello", **hello, **({"worker": worker} if worker else {}))
    return line
