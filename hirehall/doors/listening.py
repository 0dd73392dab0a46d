"""Sockets that listen, and taking what comes in at them. The event loops' own servers do that too, but tell a door of a
connection only when its TLS handshake is over: too late to say that there is no room."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hirehall.errors import Unavailable
from hirehall.keepalive import HALL, keep_alive
from hirehall.model import LONGEST_SOCKET_PATH

log = logging.getLogger("hirehall")

BACKLOG = 4096  # asyncio's 100 costs seconds when thousands connect at once
AT_ONCE = 64  # taken in one turn of the loop: others want theirs
REST_SECONDS = 1.0  # after an accept that failed for want of descriptors or memory


async def tcp_sockets(host: str, port: int) -> list[socket.socket]:
    """One for each address of `host`. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            opened.append(socket.socket(family, kind, protocol))
            opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
            keep_alive(opened[-1], HALL)  # and this
            if family == socket.AF_INET6:
                opened[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened[-1].bind(address)
            opened[-1].listen(BACKLOG)
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


def unix_socket(path: Path) -> socket.socket:
    """One at `path`, for this user alone. Raises OSError, or Unavailable when it cannot be there."""
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise Unavailable(
            f"{path} is too long for a UNIX socket ({LONGEST_SOCKET_PATH} bytes at most): name another with --unix"
        )
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # from its first moment, only this user may connect
    try:
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _remove_stale(path: Path) -> None:
    """A hall that was killed leaves its socket behind; one that answers is alive."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Unavailable(f"{path} is there and is no socket: name another path with --unix")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
        else:
            raise Unavailable(f"a hall is listening on {path} already: stop it, or name another path with --unix")


class Listening:
    """Takes connections and hands each, with its peer's address, to `take`."""

    def __init__(self, sockets: list[socket.socket], take: Callable[[socket.socket, Any], None]) -> None:
        self.sockets = sockets
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._resting: dict[socket.socket, asyncio.TimerHandle] = {}
        for listener in sockets:
            listener.setblocking(False)
            self._begin(listener)

    def _begin(self, listener: socket.socket) -> None:
        self._resting.pop(listener, None)
        self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                taken, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                self._rest(listener, exc)
                return
            taken.setblocking(False)
            self._take(taken, address)

    def _rest(self, listener: socket.socket, why: OSError) -> None:
        """No descriptors, no memory: what waits would wake the loop again at once, for ever. It waits a little."""
        log.error("cannot take a connection: %s; trying again in a second", why.strerror or why)
        self._loop.remove_reader(listener)
        self._resting[listener] = self._loop.call_later(REST_SECONDS, self._begin, listener)

    def close(self) -> None:
        """Take nothing more; what was not taken is refused."""
        for timer in self._resting.values():
            timer.cancel()
        for listener in self.sockets:
            self._loop.remove_reader(listener)
            listener.close()
