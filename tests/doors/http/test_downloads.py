"""Files over HTTP, on their way out."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from hirehall.doors.http import downloads
from tests.doors.house import until
from tests.doors.http.house import BOSS, Opening, error_of
from tests.doors.http.test_uploads import digest, drafted

LONG = bytes(range(256)) * 5_000
SIZE = len(LONG)


async def with_file(client: httpx.AsyncClient, data: bytes = LONG, name: str = "a.bin") -> str:
    """The address of a file."""
    job = await drafted(client)
    where = f"/jobs/{job}/files/{name}"
    assert (await client.put(where, content=data)).status_code == 200
    return where


async def test_a_download_is_the_file_and_nothing_that_a_browser_would_show(site: Opening) -> None:
    async with site as house:
        client = house.client()
        where = await with_file(client, b"<script>alert(1)</script>", "na%20me%20%C3%A4%27.html")
        got = await client.get(where)
        assert got.content == b"<script>alert(1)</script>"
        assert got.headers["content-type"] == "application/octet-stream"
        assert got.headers["content-disposition"] == (
            "attachment; filename=\"na me a'.html\"; filename*=UTF-8''na%20me%20%C3%A4%27.html"
        )
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["etag"] == f'"{hashlib.sha256(got.content).hexdigest()}"'
        assert got.headers["repr-digest"] == digest(got.content)
        head = await client.head(where)
        assert (head.content, head.headers["content-length"]) == (b"", "25")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=10-", 10, SIZE - 1), ("bytes=-7", SIZE - 7, SIZE - 1),
     ("bytes=5-9999999", 5, SIZE - 1), ("bytes=-99999999", 0, SIZE - 1), (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
     ("bytes=262143-524289", 262143, 524289)],
)  # fmt: skip
async def test_a_range_is_that_part(site: Opening, asked: str, first: int, last: int) -> None:
    async with site as house:
        client = house.client()
        got = await client.get(await with_file(client), headers={"range": asked})
        assert (got.status_code, got.headers["content-range"]) == (206, f"bytes {first}-{last}/{SIZE}")
        assert got.content == LONG[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=9-5", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"])
async def test_a_range_that_says_nothing_is_all_of_it(site: Opening, asked: str) -> None:
    async with site as house:
        client = house.client()
        got = await client.get(await with_file(client), headers={"range": asked})
        assert (got.status_code, got.content) == (200, LONG)


@pytest.mark.parametrize(("asked", "size"), [(f"bytes={SIZE}-", SIZE), ("bytes=-0", SIZE), ("bytes=0-", 0)])
async def test_a_range_behind_the_end_is_told_where_that_is(site: Opening, asked: str, size: int) -> None:
    async with site as house:
        client = house.client()
        got = await client.get(await with_file(client, LONG[:size]), headers={"range": asked})
        assert (got.status_code, got.headers["content-range"]) == (416, f"bytes */{size}")
        assert error_of(got).startswith("bad_request: ")


async def test_a_download_goes_on_only_with_the_same_file(site: Opening) -> None:
    async with site as house:
        client = house.client()
        where = await with_file(client)
        etag = (await client.head(where)).headers["etag"]
        same = await client.get(where, headers={"range": "bytes=5-", "if-range": etag})
        assert (same.status_code, same.content) == (206, LONG[5:])
        await client.put(where, content=LONG[::-1])
        other = await client.get(where, headers={"range": "bytes=5-", "if-range": etag})
        assert (other.status_code, other.content) == (200, LONG[::-1])


async def test_an_output_comes_before_an_input_of_the_same_name(site: Opening) -> None:
    async with site as house:
        client = house.client()
        where = await with_file(client, b"in")
        job = where.split("/")[2]
        await client.post(f"/jobs/{job}/commit")
        await client.post("/claim", json={"worker": "w", "kinds": ["saw"], "wait_seconds": 0})
        assert (await client.get(where)).content == b"in"
        await client.put(f"/jobs/{job}/outputs/a.bin", content=b"out", params={"worker": "w", "attempt": 1})
        await client.post(f"/jobs/{job}/done", json={"worker": "w", "attempt": 1})
        assert (await client.get(where)).content == b"out"
        assert (await client.get(where, params={"direction": "in"})).content == b"in"
        assert (await client.get(where, params={"direction": "up"})).status_code == 400


async def test_a_file_whose_bytes_are_gone_is_an_error_and_not_half_a_file(site: Opening) -> None:
    async with site as house:
        client = house.client()
        where = await with_file(client)
        blobs: Any = house.hall.blobs
        path = blobs._path(hashlib.sha256(LONG).hexdigest())
        path.write_bytes(LONG[: SIZE // 2])
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(where)
        path.unlink()
        gone = await client.get(where)
        assert (gone.status_code, error_of(gone)[:9]) == (404, "not_found")


async def test_a_download_ends_with_its_token_and_with_who_wants_it(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site as house:
        boss = house.client()
        where = await with_file(boss, b"\0" * (32 << 20))
        token = (await boss.post("/tokens", json={"name": "n", "roles": ["read"]})).json()["token"]
        reads: list[int] = []
        read = house.hall.files.read

        async def counted(sha256: str, offset: int, count: int) -> bytes:
            reads.append(offset)
            return await read(sha256, offset, count)

        monkeypatch.setattr(house.hall.files, "read", counted)
        with pytest.raises(httpx.RemoteProtocolError):
            await read_until(house.client(token), where, boss.delete("/tokens/n"))
        reads.clear()
        async with house.client().stream("GET", where) as answer:
            await anext(answer.aiter_raw())
        assert (await boss.get("/ping")).status_code == 200
        assert len(reads) < 100


async def read_until(client: httpx.AsyncClient, where: str, something: Awaitable[Any]) -> None:
    """Read the first part, do something, read the rest."""
    async with client.stream("GET", where) as answer:
        parts = answer.aiter_raw()
        await anext(parts)
        await something
        async for _ in parts:
            pass


async def test_who_never_reads_is_cut_off(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "CUT_SECONDS", 0.1)
    async with site as house:
        large = b"\0" * (32 << 20)
        where = await with_file(house.client(), large)
        reader, writer = await asyncio.open_connection(*house.host.split(":"), limit=1 << 10)
        house.writers.append(writer)
        head = f"GET /api/v1{where} HTTP/1.1\r\nHost: {house.host}\r\nAuthorization: Bearer {BOSS}\r\n\r\n"
        writer.write(head.encode())
        await reader.readuntil(b"\r\n\r\n")
        writing: Any = house.door._site
        connections = writing.result()._state.connections
        await until(lambda: len(connections) == 1)  # that of the client above
        received = 0
        with contextlib.suppress(ConnectionError):
            while data := await asyncio.wait_for(reader.read(1 << 20), 10):
                received += len(data)
        assert received < len(large)
