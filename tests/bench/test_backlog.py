"""The first delivery after a restart, however its line arrives."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from hirehall.bench.backlog import await_delivery
from hirehall.bench.peers import Peer, Refused

OK = b'{"ok":true}\n'
RUN = b'{"run":[{"id":"0ca8abc2","attempt":1}]}\n'


@contextmanager
def heard(*pieces: bytes) -> Iterator[Peer]:
    """A peer of a hall that answers each request with the next piece, in one write."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as beside:
        beside.submit(answer, listener, (OK, *pieces))
        peer = Peer(f"hall://127.0.0.1:{listener.getsockname()[1]}", None)
        try:
            yield peer
        finally:
            peer.close()


def answer(listener: socket.socket, pieces: tuple[bytes, ...]) -> None:
    """One connection's worth."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as requests:
        for piece in pieces:
            requests.readline()
            connection.sendall(piece)
        requests.read()


@pytest.mark.parametrize("piece", [OK + RUN, RUN + OK])
def test_a_delivery_in_one_read_with_the_answer_is_not_lost(piece: bytes) -> None:
    with heard(piece) as peer:
        peer.sock.settimeout(5)
        await_delivery(peer, "bench-1")


def test_a_worker_that_is_refused_is_told_why() -> None:
    with (
        heard(b'{"error":{"code":"unavailable","message":"no room"}}\n') as peer,
        pytest.raises(Refused, match="no room"),
    ):
        await_delivery(peer, "bench-1")
