"""The kernel asks machines that say nothing whether they are still there."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path
from typing import Any

import pytest

import hirehall
from hirehall.keepalive import CLIENT, HALL, Patience, is_silence, keep_alive
from tests.doors.house import DOORS, House, open_house


def asked(sock: Any) -> Patience | None:
    """How the kernel asks over this socket, if it does."""
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return None
    settings = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    return Patience(*(sock.getsockopt(socket.IPPROTO_TCP, setting) for setting in settings))


def at_the_door(house: House) -> list[Any]:
    """The hall's ends of its connections."""
    transports = [connection._transport for connection in house.door._connections]  # type: ignore[attr-defined]
    return [transport.get_extra_info("socket") for transport in transports]


async def test_the_kernel_asks_at_both_ends_of_a_tcp_connection(tmp_path: Path) -> None:
    async with open_house(DOORS["tcp"], tmp_path) as house:
        with await asyncio.to_thread(hirehall.connect, house.url) as client:
            assert asked(client._socket) == CLIENT
            async with hirehall.connect_async(house.url) as other:
                assert asked(other._connected()._wire._transport.get_extra_info("socket")) == CLIENT
                assert [asked(sock) for sock in at_the_door(house)] == [HALL, HALL]
            await asyncio.to_thread(client.close)


def test_other_sockets_than_those_of_tcp_are_left_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        keep_alive(ours, CLIENT)
        assert not ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    keep_alive(None, CLIENT)


@pytest.mark.parametrize(
    ("error", "silent"),
    [
        (TimeoutError(errno.ETIMEDOUT, "no answer"), True),
        (OSError(errno.EHOSTUNREACH, "no route"), True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), False),
        (BrokenPipeError(errno.EPIPE, "broken"), False),
        (None, False),
    ],
)
def test_only_a_connection_that_nobody_closed_has_fallen_silent(error: OSError | None, silent: bool) -> None:
    assert is_silence(error) is silent
