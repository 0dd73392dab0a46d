"""Who sends too slowly, too much, or does not read."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from functools import partial

from tests.abuse.peer import Peer, connect, few_at_once, greet
from tests.abuse.words import Words

AT_ONCE = 200
SUBMIT = b'{"cmd":"submit","kind":"stray"}\n'


async def dribble(words: Words, *, url: str, token: str, count: int, every_seconds: float) -> None:
    """Lines that never end, a byte now and then; every second peer has said hello."""
    hello = partial(greet, url, token)
    peers: list[Peer] = await few_at_once([(hello, partial(connect, url))[at % 2] for at in range(count)], AT_ONCE)
    began = asyncio.get_running_loop().time()
    for peer in peers:
        peer.write(b'{"cmd":"ping","ref":"')
    words.say(there=len(peers))
    dribbling = asyncio.ensure_future(_bytes(peers, every_seconds))
    while await words.next() != "end":
        gone = [peer.lost.result() - began for peer in peers if peer.lost.done()]
        codes = Counter(peer.error for peer in peers if peer.lost.done())
        first, last = (round(min(gone), 1), round(max(gone), 1)) if gone else (0.0, 0.0)
        words.say(sent_away=len(gone), first_seconds=first, last_seconds=last, codes=codes)
    dribbling.cancel()


async def _bytes(peers: list[Peer], every_seconds: float) -> None:
    while True:
        for peer in peers:
            peer.write(b"x")
        await asyncio.sleep(every_seconds)


async def flood(words: Words, *, url: str, count: int) -> None:
    """As many connections as it can get, all kept open; each says one thing."""
    peers: list[Peer] = []
    began = time.monotonic()
    heard = Counter(await few_at_once([partial(_knock, url, peers)] * count, AT_ONCE))
    words.say(**{"ok": 0, "busy": 0, "refused": 0, "silent": 0, **heard}, seconds=round(time.monotonic() - began, 2))
    await words.end()


async def _knock(url: str, peers: list[Peer]) -> str:
    """What became of one of them."""
    try:
        peer = await connect(url)
    except OSError:
        return "refused"
    peers.append(peer)
    try:
        answer = await peer.ask("ping")
    except TimeoutError:
        return "silent"
    if "error" in answer:
        return str(answer["error"]["code"])
    return peer.error or "refused" if "lost" in answer else "ok"


async def long_lines(words: Words, *, url: str, token: str, count: int, line_bytes: int, piece: int) -> None:
    """Lines without an end, in pieces, and a command behind each."""
    words.say(there=count)
    began = time.monotonic()
    ends = await asyncio.gather(*[_long_line(url, token, line_bytes, piece) for _ in range(count)])
    codes = Counter(code for code, _ in ends)
    took = round(time.monotonic() - began, 2)
    words.say(codes=codes, most_sent=max(sent for _, sent in ends), seconds=took)
    await words.end()


async def _long_line(url: str, token: str, line_bytes: int, piece: int) -> tuple[str, int]:
    """The error that it got, and how much was taken from it."""
    peer = await greet(url, token)
    assert peer.transport is not None
    data, sent = b"x" * piece, 0
    until = time.monotonic() + 60
    while sent < line_bytes and not peer.lost.done() and time.monotonic() < until:
        if peer.transport.get_write_buffer_size() < 1 << 18:
            peer.write(data)
            sent += piece
        await asyncio.sleep(0)
    peer.write(b"\n" + SUBMIT)
    await asyncio.wait_for(peer.lost, 60)
    return peer.error or "closed", sent


async def deaf(words: Words, *, url: str, token: str, count: int, job: str, asks: int) -> None:
    """Peers that ask for a large job again and again and do not read, but for one: a byte a second."""
    hello = json.dumps({"cmd": "hello", "token": token}).encode() + b"\n"
    get = json.dumps({"cmd": "get", "ids": [job]}).encode() + b"\n"
    address = url.partition("://")[2].rpartition(":")
    socks = [await _ask_and_turn_away((address[0], int(address[2])), hello + get * asks) for _ in range(count + 1)]
    words.say(there=len(socks))
    reading = asyncio.ensure_future(_sip(socks[0]))
    await words.end()
    reading.cancel()
    for sock in socks:
        sock.close()


async def _ask_and_turn_away(address: tuple[str, int], said: bytes) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    await asyncio.wait_for(loop.sock_sendall(sock, said), 60)
    return sock


async def _sip(sock: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(sock, 1):
        await asyncio.sleep(1)
