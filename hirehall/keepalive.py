"""Noticing that the other machine is gone: nobody says goodbye when the power fails or a cable is cut.

A peer that only waits sends nothing, so nothing fails: it would wait for ever, and the other end would keep its
connection for ever. So the kernel asks. It answers for a program that is busy or frozen, too: this is about machines.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, NamedTuple


class Patience(NamedTuple):
    """Seconds of silence before the first question, seconds between questions, and how many stay unanswered."""

    idle_seconds: int
    every_seconds: int
    times: int


CLIENT = Patience(10, 5, 3)  # a hall that comes back within it is noticed with the next question
HALL = Patience(30, 10, 3)

SETTINGS = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")  # what a system does not have keeps its default
SILENCE = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def keep_alive(sock: Any, patience: Patience) -> None:
    """Let the kernel ask over this socket (an event loop's stand-in will do), if it is a TCP one."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in zip(SETTINGS, patience, strict=True):
        if (setting := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, setting, value)


def is_silence(error: BaseException | None) -> bool:
    """Whether a connection ended because nothing came any more: then its peer has not closed it, and may live."""
    return isinstance(error, OSError) and error.errno in SILENCE
