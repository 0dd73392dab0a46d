"""One connection: requests in a row, fields behind a body, and peers that say much, or do not listen."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hirehall.doors.http import connection
from hirehall.doors.places import Places
from tests.doors.house import DEADLINE_SECONDS, until
from tests.doors.http.house import BOSS, Opening, Site, open_site

ASK = b"Host: HOST\r\nAuthorization: Bearer %s\r\n" % BOSS.encode()
CHUNKED = b"Host: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
JOB = b'e\r\n{"kind":"saw"}\r\n'


@contextlib.asynccontextmanager
async def deaf(house: Site, *sent: bytes) -> AsyncIterator[None]:
    """Somebody who says this and reads nothing; little fits between him and the hall."""
    assert house.door._entrance is not None
    house.door._entrance._listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    host, port = house.host.split(":")
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, (host, int(port)))
        for part in sent:
            await asyncio.get_running_loop().sock_sendall(peer, part.replace(b"HOST", house.host.encode()))
        yield


async def test_what_stands_behind_a_body_says_nothing_about_the_request(site: Opening) -> None:
    async with site as house:
        trailer = b"0\r\nAuthorization: Bearer %s\r\nX-Hirehall: 1\r\n\r\n" % BOSS.encode()
        heard = await house.raw(
            b"POST /api/v1/jobs HTTP/1.1\r\nConnection: close\r\n" + CHUNKED + b"\r\n" + JOB + trailer
        )
        assert heard.startswith(b"HTTP/1.1 401 ")
        assert house.hall.metrics.counts["submitted"] == 0
        known = b"POST /api/v1/jobs HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer %s\r\n" % BOSS.encode()
        heard = await house.raw(known + CHUNKED + b"\r\n" + JOB + b"0\r\nHost: evil.example\r\n\r\n")
        assert heard.startswith(b"HTTP/1.1 201 ")


ENDLESS = {"a field behind the body": b"0\r\nX: ", "more about a chunk": b"1;x=", "zeros before a size": b"0" * 15}


@pytest.mark.parametrize("begin", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("token", [b"", b"Authorization: Bearer %s\r\n" % BOSS.encode()], ids=["stranger", "known"])
async def test_nobody_talks_beside_a_body_without_end(site: Opening, begin: bytes, token: bytes) -> None:
    async with site as house:
        head = b"POST /api/v1/jobs HTTP/1.1\r\n" + token + CHUNKED + b"\r\n" + begin
        await house.raw(head, *[b"a" * 65_536] * 200)  # until it is closed
        assert house.hall.metrics.counts["submitted"] == 0


async def test_a_packet_may_hold_many_requests_and_a_part_of_another(site: Opening) -> None:
    async with site as house:
        ping = b"GET /api/v1/ping HTTP/1.1\r\n" + ASK + b"X-Padding: " + b"a" * 500 + b"\r\n\r\n"
        last = ping.replace(b"X-Padding", b"Connection: close\r\nX-Padding")
        sent = (ping * 60 + last).replace(b"HOST", house.host.encode())
        reader, writer = await asyncio.open_connection(*house.host.split(":"))
        house.writers.append(writer)
        writer.write(sent[:-500])
        heard = await reader.readline()
        writer.write(sent[-500:])
        heard += await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)
        assert heard.count(b"HTTP/1.1 200 ") == 61, heard[-300:]


async def test_who_offers_another_protocol_is_answered_in_this_one_and_comes_again(site: Opening) -> None:
    async with site as house:
        offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        ping = b"GET /api/v1/ping HTTP/1.1\r\n" + ASK
        heard = await house.raw(ping + offer + b"\r\n" + ping + b"\r\n")
        assert heard.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close\r\n" in heard
        assert heard.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("path", [b"/api/v1/events", b"/live?page=overview"])
async def test_a_stream_ends_with_its_connection_whatever_was_asked_behind_it(site: Opening, path: bytes) -> None:
    async with site as house:
        reader, writer = await asyncio.open_connection(*house.host.split(":"))
        house.writers.append(writer)
        ask = b"GET " + path + b" HTTP/1.1\r\n" + ASK + b"\r\nGET /api/v1/ping HTTP/1.1\r\n" + ASK + b"\r\n"
        writer.write(ask.replace(b"HOST", house.host.encode()))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        await until(lambda: len(house.hall.sessions) == 1)
        writer.transport.abort()
        await until(lambda: len(house.hall.sessions) == 0)


async def test_who_does_not_take_his_answers_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.2)
    places = Places()
    async with open_site(tmp_path, places=places) as house:
        await house.client().get("/ping")
        before = places.taken
        document = b"GET /api/v1/openapi.json HTTP/1.1\r\n" + ASK + b"\r\n"
        async with deaf(house, document * 8):
            await until(lambda: places.taken == before + 1)
            await until(lambda: places.taken == before)


async def test_who_does_not_take_his_last_answer_is_cut_off_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.2)
    places = Places()
    async with open_site(tmp_path, places=places) as house:
        await house.client().get("/ping")
        before = places.taken
        document = b"GET /api/v1/openapi.json HTTP/1.1\r\n" + ASK + b"Connection: close\r\n\r\n"
        async with deaf(house, document):
            await until(lambda: places.taken == before + 1)
            await until(lambda: places.taken == before)
