"""A TCP proxy that stops passing bytes on: in one direction, in both, or after so many bytes.

What it has stopped it delivers late, when it is healed: bytes of another time, on connections that both ends may have
given up.
"""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress

from tests.partitions.cable import BOTH, IN, OUT

PIECE = 1 << 14


class Pipe:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        self.source, self.target, self.direction = source, target, direction


class Proxy:
    """Listens on `url` for a hall at `host` and `port`. A thread of its own moves the bytes."""

    def __init__(self, host: str, port: int) -> None:
        self._hall = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"hall://127.0.0.1:{self._listener.getsockname()[1]}"
        self._changed, self._change = socket.socketpair()
        self._stopped: set[str] = set()
        self._left: int | None = None  # bytes that still pass to the far end before everything stops
        self._pipes: list[Pipe] = []
        self._closing = self._forgetting = False
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def cut(self, direction: str) -> None:
        """Pass nothing on in this direction any more."""
        self._stopped = {OUT, IN} if direction == BOTH else {direction}
        self._wake()

    def stall_after(self, size: int) -> None:
        """Pass `size` bytes on to the far end, then nothing, in neither direction."""
        self._left = size
        self._wake()

    def hang_up(self) -> None:
        """Close every connection at both ends, as a router does that forgets, and pass nothing on from then on."""
        self._stopped = {OUT, IN}
        self._forgetting = True
        self._wake()

    def heal(self) -> None:
        self._stopped, self._left = set(), None
        self._wake()

    def close(self) -> None:
        self._closing = True
        self._wake()
        self._thread.join(5)
        for sock in {self._listener, self._changed, self._change, *(pipe.source for pipe in self._pipes)}:
            sock.close()

    def _wake(self) -> None:
        self._change.send(b".")

    def _run(self) -> None:
        while not self._closing:
            with selectors.DefaultSelector() as selector:
                self._register(selector)
                ready = [key.data for key, _ in selector.select()]
            for what in ready:
                if what == "changed":
                    self._changed.recv(PIECE)
                    self._forget()
                elif what == "connect":
                    self._accept()
                else:
                    self._move(what)

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self._changed, selectors.EVENT_READ, "changed")
        if not self._stopped:
            selector.register(self._listener, selectors.EVENT_READ, "connect")
        for pipe in self._pipes:
            if pipe.direction not in self._stopped:
                selector.register(pipe.source, selectors.EVENT_READ, pipe)

    def _accept(self) -> None:
        far, _ = self._listener.accept()
        try:
            near = socket.create_connection(self._hall, 5)
        except OSError:
            far.close()
            return
        self._pipes += [Pipe(near, far, OUT), Pipe(far, near, IN)]

    def _move(self, pipe: Pipe) -> None:
        if pipe not in self._pipes:
            return
        room = PIECE if self._left is None or pipe.direction == IN else min(PIECE, self._left)
        data = b""
        with suppress(OSError):
            data = pipe.source.recv(room)
            pipe.target.sendall(data)
        if not data:
            self._hang_up(pipe)
        elif self._left is not None and pipe.direction == OUT:
            self._left -= len(data)
            if self._left == 0:
                self._stopped = {OUT, IN}

    def _forget(self) -> None:
        if self._forgetting:
            self._forgetting = False
            for pipe in list(self._pipes):
                self._hang_up(pipe)

    def _hang_up(self, pipe: Pipe) -> None:
        ends = {pipe.source, pipe.target}
        self._pipes = [other for other in self._pipes if other.source not in ends]
        for sock in ends:
            sock.close()
