"""Something on a socket that greets like a hall, and then says whatever the seed wants."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path
from random import Random
from typing import Any

from tests.wire import hostile

GREETINGS = (
    *(hostile.GREETING for _ in range(6)),
    b"",
    b'{"ok":true,"ref":0,"protocol":"one"}',
    b'{"ok":true,"ref":0,"hall":"\xff"}',
    b'{"ok":true,"ref":0,"x":' + b"[" * 3_000,
    b'{"ok":true,"ref":1}',
)
CONNECTIONS = 6  # that get anything at all; later ones are closed at once


class Impostor:
    """Listens on a UNIX socket, in a thread of its own."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"impostor {seed}")
        self._folder = tempfile.TemporaryDirectory(prefix="im-")
        path = str(Path(self._folder.name) / "s")
        self.url = f"hall+unix://{path}"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen(64)
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(30.0)
        self._folder.cleanup()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with peer:
                if self.connections <= CONNECTIONS:
                    self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        peer.settimeout(0.2)
        try:
            peer.recv(65_536)
            peer.sendall(self._random.choice(GREETINGS) + b"\n")
            for _ in range(self._random.randint(0, 4)):
                peer.sendall(self._answers(peer.recv(65_536)))
        except OSError:
            return

    def _answers(self, asked: bytes) -> bytes:
        """To each line something, mostly with its ref; now and then half a line, a huge one, or none."""
        said = b"".join(self._answer(json.loads(line)) for line in asked.split(b"\n")[:-1])
        if self._random.random() < 0.05:
            return said + b"x" * 3_000_000 + b"\n"
        return said[: -self._random.randint(1, 30)] if self._random.random() < 0.1 else said

    def _answer(self, command: dict[str, Any]) -> bytes:
        dice, ref = self._random.random(), command.get("ref", 0)
        if dice < 0.35:
            job = {"ok": True, "ref": ref, "id": hostile.ID, "state": "running", "ids": [], "duplicates": []}
            return json.dumps(job).encode() + b"\n"
        if dice < 0.7:
            name, value = self._random.choice(hostile.NAMES), self._random.choice(hostile.STRANGE)
            return b'{"ok":true,"ref":%d,"%s":%s}\n' % (ref, name, value)
        if dice < 0.8:
            return self._random.choice(hostile.HONEST) + b"\n"
        return self._random.choice((hostile.made, hostile.spoiled, hostile.strange))(self._random) + b"\n"
