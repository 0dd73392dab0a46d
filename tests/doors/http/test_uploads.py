"""Files over HTTP, on their way in: straight to a job, as a content, and in parts that may break off."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hirehall.doors import unfinished
from hirehall.doors.http import uploads
from hirehall.model import MAX_FILE
from hirehall.service.sessions import Identity
from tests.doors.house import until
from tests.doors.http.house import BOSS, Opening, Site, error_of

TEXT = b"hello\n"
LONG = bytes(range(256)) * 5_000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def drafted(client: httpx.AsyncClient, **more: Any) -> str:
    answer = await client.post("/jobs", json={"kind": "saw", "draft": True, **more})
    assert answer.status_code == 201, answer.text
    job: str = answer.json()["id"]
    return job


async def names(client: httpx.AsyncClient, job: str) -> list[str]:
    return [file["name"] for file in (await client.get(f"/jobs/{job}/files")).json()["files"]]


def left(house: Site) -> list[str]:
    """Uploads under way, as they stand on the disk."""
    blobs: Any = house.hall.blobs
    return [path.name for path in blobs._uploads.glob("*")] if blobs._uploads.exists() else []


async def in_parts(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 100_000):
        yield data[at : at + 100_000]


# Straight to a job.


async def test_a_draft_gets_its_files_and_runs_with_them(site: Opening) -> None:
    async with site as house:
        client = house.client()
        job = await drafted(client)
        put = await client.put(f"/jobs/{job}/files/a.bin", content=LONG, headers={"repr-digest": digest(LONG)})
        md5 = hashlib.md5(LONG, usedforsecurity=False).hexdigest()
        told = {"direction": "in", "name": "a.bin", "sha256": sha256(LONG), "md5": md5, "bytes": len(LONG)}
        assert (put.status_code, put.json()) == (200, {"ok": True, "file": told})
        await client.put(f"/jobs/{job}/files/b.txt", content=in_parts(LONG))  # chunked: no length
        await client.put(f"/jobs/{job}/files/empty")
        assert await names(client, job) == ["a.bin", "b.txt", "empty"]
        assert (await client.delete(f"/jobs/{job}/files/b.txt")).status_code == 200
        assert (await client.post(f"/jobs/{job}/commit")).json()["state"] == "ready"
        run = (await client.post("/claim", json={"worker": "w", "kinds": ["saw"], "wait_seconds": 0})).json()["run"]
        assert [file["name"] for file in run[0]["files"]] == ["a.bin", "empty"]
        late = await client.put(f"/jobs/{job}/files/late", content=TEXT)
        assert (late.status_code, error_of(late)[:11]) == (409, "wrong_state")
        assert left(house) == []


async def test_a_content_that_is_here_is_named_by_a_submit(site: Opening) -> None:
    async with site as house:
        client = house.client()
        stored = await client.put(f"/contents/{sha256(TEXT)}", content=TEXT)
        assert stored.json()["bytes"] == len(TEXT)
        made = await client.post("/jobs", json={"kind": "saw", "files": [{"name": "a", "sha256": sha256(TEXT)}]})
        assert await names(client, made.json()["id"]) == ["a"]
        other = await drafted(client)
        attached = await client.post(f"/jobs/{other}/files", json={"name": "b", "sha256": sha256(TEXT)})
        assert attached.json()["file"]["sha256"] == sha256(TEXT)
        assert (await client.post(f"/jobs/{other}/discard")).json()["ok"] is True
        unknown = {"kind": "saw", "files": [{"name": "a", "sha256": sha256(b"?")}]}
        assert (await client.post("/jobs", json=unknown)).status_code == 404


async def test_outputs_come_from_the_worker_that_holds_the_attempt(site: Opening) -> None:
    async with site as house:
        client = house.client()
        job = (await client.post("/jobs", json={"kind": "saw"})).json()["id"]
        await client.post("/claim", json={"worker": "w1", "kinds": ["saw"], "wait_seconds": 0})
        where = f"/jobs/{job}/outputs/plan.pdf"
        stranger = await client.put(where, content=TEXT, params={"worker": "w2", "attempt": 1})
        assert (stranger.status_code, error_of(stranger)[:11]) == (409, "stale_lease")
        early = await client.put(where, content=TEXT, params={"worker": "w1", "attempt": 2})
        assert early.status_code == 409
        assert (await client.put(where, content=TEXT, params={"worker": "w1", "attempt": 1})).status_code == 200
        again = {"worker": "w1", "attempt": 1, "name": "copy.pdf", "sha256": sha256(TEXT)}
        assert (await client.post(f"/jobs/{job}/outputs", json=again)).status_code == 200
        assert await names(client, job) == []
        await client.post(f"/jobs/{job}/done", json={"worker": "w1", "attempt": 1})
        assert await names(client, job) == ["copy.pdf", "plan.pdf"]


async def test_two_who_upload_the_same_content_keep_it_once_and_need_not_know_of_each_other(site: Opening) -> None:
    async with site as house:
        house.hall.tokens.add("second", Identity("second", frozenset({"submit"})))
        clients = [house.client(), house.client("second")]
        jobs = [await drafted(client) for client in clients]
        puts = zip(clients, jobs, strict=True)
        await asyncio.gather(*(client.put(f"/jobs/{job}/files/a", content=in_parts(LONG)) for client, job in puts))
        blobs: Any = house.hall.blobs
        assert [path.name for path in blobs._directory.glob("??/*")] == [sha256(LONG)]
        await clients[0].post(f"/jobs/{jobs[0]}/discard")
        got = await clients[1].get(f"/jobs/{jobs[1]}/files/a")
        assert got.content == LONG
        assert (await clients[1].get(f"/jobs/{jobs[0]}/files/a")).status_code == 404
        stolen = await clients[1].get(f"/jobs/{jobs[0]}/files")
        assert stolen.status_code == 404


# What is refused.


@pytest.mark.parametrize(
    "name",
    ["..", "%2e%2e", "%2E%2E%2Fx", "%252e%252e", "..%5cx", "a%5Cb", "a%00b", "a%0ab", "C:", "C%3a%5cx", "a.", "a%20",
     "%2Fetc%2Fpasswd", "x" * 256, "%C3%A4" * 128, "NUL", "a%CC%88", "%E2%80%AEa", "%ff", "A.TXT", "../../jobs", "%2e"],
)  # fmt: skip
async def test_a_name_with_a_trick_is_refused_and_changes_nothing(site: Opening, name: str) -> None:
    async with site as house:
        client = house.client()
        job = await drafted(client)
        await client.put(f"/jobs/{job}/files/a.txt", content=TEXT)
        for method, length in (("PUT", len(TEXT)), ("GET", 0), ("DELETE", 0)):
            head = (
                f"{method} /api/v1/jobs/{job}/files/{name} HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer {BOSS}\r\n"
            )
            sent = f"{head}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode() + TEXT[:length]
            status = int((await house.raw(sent)).split(b" ", 2)[1])
            assert 400 <= status < 500, f"{method} {name}: {status}"
        assert await names(client, job) == ["a.txt"]
        assert left(house) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"repr-digest": digest(b"other")}, 400),
        ({"content-digest": digest(b"other")}, 400),
        ({"repr-digest": digest(TEXT), "content-digest": digest(b"other")}, 400),
        ({"repr-digest": "md5=:AAAA:"}, 400),
        ({"repr-digest": f"sha-256=:{'A' * 43}:"}, 400),
        ({"repr-digest": sha256(TEXT)}, 400),
        ({"content-length": str(MAX_FILE + 1)}, 413),
        ({"content-length": "9" * 17}, 413),
        ({"content-type": "application/json"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-range": "bytes 0-5/6"}, 400),
    ],
)  # fmt: skip
async def test_what_is_not_as_declared_or_too_much_is_refused_and_nothing_stays(
    site: Opening, headers: dict[str, str], status: int
) -> None:
    async with site as house:
        client = house.client()
        job = await drafted(client)
        given = {"authorization": f"Bearer {BOSS}", "content-length": str(len(TEXT)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        said = await house.raw(f"PUT /api/v1/jobs/{job}/files/a HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n{head}\r\n".encode() + TEXT)  # fmt: skip  # noqa: E501
        assert int(said.split(b" ", 2)[1]) == status, said
        assert await names(client, job) == []
        assert left(house) == []


async def test_more_than_the_quota_is_named_as_that(site: Opening) -> None:
    async with site as house:
        house.hall.files.quota = len(LONG) + 1
        client = house.client()
        job = await drafted(client)
        assert (await client.put(f"/jobs/{job}/files/a", content=LONG)).status_code == 200
        over = await client.put(f"/jobs/{job}/files/b", content=in_parts(LONG[1:]))
        assert over.status_code == 413
        assert "--files-quota" in error_of(over)
        assert await names(client, job) == ["a"]


async def test_nobody_uploads_for_a_role_that_may_not(site: Opening) -> None:
    async with site as house:
        job = await drafted(house.client())
        for role, path in (("work", f"/jobs/{job}/files/a"), ("submit", f"/jobs/{job}/outputs/a?worker=w&attempt=1")):
            refused = await house.client(role).put(path, content=TEXT)
            assert (refused.status_code, error_of(refused)[:9]) == (403, "forbidden")
        assert left(house) == []
        blobs: Any = house.hall.blobs
        assert not blobs._directory.exists(), "it is said before the bytes have come"


# Broken off.


async def half_sent(house: Site, path: str, data: bytes, times: int = 2) -> asyncio.StreamWriter:
    """Who has said that `times` as much comes."""
    _, writer = await asyncio.open_connection(*house.host.split(":"))
    house.writers.append(writer)
    head = f"PUT /api/v1{path} HTTP/1.1\r\nHost: {house.host}\r\nAuthorization: Bearer {BOSS}\r\n"
    writer.write(f"{head}Content-Length: {times * len(data)}\r\n\r\n".encode() + data)
    await writer.drain()
    return writer


async def test_an_upload_that_breaks_off_goes_on_from_where_it_was(site: Opening) -> None:
    async with site as house:
        client = house.client()
        begun = await client.post("/uploads", json={"size": 2 * len(LONG), "sha256": sha256(LONG * 2)})
        assert begun.status_code == 201
        where = f"/uploads/{begun.json()['upload']}"
        writer = await half_sent(house, f"{where}?offset=0", LONG)
        async with asyncio.timeout(10):
            while (await client.get(where)).json()["received"] < uploads.PIECE * 4:
                await asyncio.sleep(0)
        writer.write(LONG[:5])  # less than a piece
        await writer.drain()
        writer.close()
        async with asyncio.timeout(10):
            while int((await client.head(where)).headers["upload-offset"]) < len(LONG) + 5:
                await asyncio.sleep(0)
        unfinished_ = await client.post(f"{where}/finish")
        assert (unfinished_.status_code, "send the rest" in error_of(unfinished_)) == (400, True)
        wrong = await client.put(where, params={"offset": 5}, content=LONG)
        assert (wrong.status_code, str(len(LONG) + 5) in error_of(wrong)) == (409, True)
        more = await client.put(where, params={"offset": len(LONG) + 5}, content=LONG)
        assert more.status_code == 400
        rest = await client.put(where, params={"offset": len(LONG) + 5}, content=LONG[5:])
        assert rest.json()["received"] == 2 * len(LONG)
        stranger = house.client("submit")
        assert (await stranger.get(where)).status_code == 404
        assert (await client.post(f"{where}/finish")).json()["sha256"] == sha256(LONG * 2)
        assert (await client.get(where)).status_code == 404


async def test_a_part_of_an_upload_says_no_digest_that_nobody_would_look_at(site: Opening) -> None:
    async with site as house:
        client = house.client()
        where = f"/uploads/{(await client.post('/uploads', json={})).json()['upload']}"
        for name, value in (("content-digest", digest(TEXT)), ("content-range", "bytes 0-5/6")):
            refused = await client.put(where, params={"offset": 0}, content=TEXT, headers={name: value})
            assert (refused.status_code, name in error_of(refused)) == (400, True)
        assert (await client.get(where)).json()["received"] == 0


async def test_an_upload_ends_with_its_token(site: Opening) -> None:
    async with site as house:
        boss = house.client()
        token = (await boss.post("/tokens", json={"name": "n", "roles": ["submit"]})).json()["token"]
        client = house.client(token)
        where = f"/uploads/{(await client.post('/uploads', json={})).json()['upload']}"

        async def until_revoked() -> AsyncIterator[bytes]:
            yield LONG
            await boss.delete("/tokens/n")
            yield LONG

        refused = await client.put(where, params={"offset": 0}, content=until_revoked())
        assert (refused.status_code, error_of(refused)[:15]) == (401, "unauthenticated")


async def test_an_upload_is_abandoned(site: Opening) -> None:
    async with site as house:
        client = house.client()
        where = f"/uploads/{(await client.post('/uploads', json={})).json()['upload']}"
        await client.put(where, params={"offset": 0}, content=TEXT)
        assert (await client.delete(where)).status_code == 200
        assert left(house) == []
        assert (await client.put(where, params={"offset": 0}, content=TEXT)).status_code == 404


async def test_a_file_that_breaks_off_leaves_nothing(site: Opening) -> None:
    async with site as house:
        client = house.client()
        job = await drafted(client)
        writer = await half_sent(house, f"/jobs/{job}/files/a", LONG)
        await until(lambda: left(house) != [])
        writer.transport.abort()
        await until(lambda: left(house) == [])
        assert await names(client, job) == []


async def test_who_sends_too_slowly_is_cut_off_and_who_is_long_at_it_is_not(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(unfinished, "LINE_SECONDS", 25)
    async with site as house:
        client = house.client()
        where = f"/uploads/{(await client.post('/uploads', json={})).json()['upload']}"
        steady = await half_sent(house, f"{where}?offset=0", LONG, times=500)
        slow_reader, slow = await asyncio.open_connection(*house.host.split(":"))
        house.writers.append(slow)
        job = await drafted(client)
        head = f"PUT /api/v1/jobs/{job}/files/a HTTP/1.1\r\nHost: {house.host}\r\nAuthorization: Bearer {BOSS}\r\n"
        slow.write(f"{head}Content-Length: 100000\r\n\r\n".encode())

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    if not slow.is_closing():
                        slow.write(b"x")
                    steady.write(LONG[: uploads.PIECE])
                    await steady.drain()
                    await asyncio.sleep(0.02)

        dripping = asyncio.ensure_future(drip())
        said = await asyncio.wait_for(slow_reader.read(), 10)
        assert b" 408 " in said.split(b"\r\n")[0]
        received = (await client.get(where)).json()["received"]
        async with asyncio.timeout(10):
            while (await client.get(where)).json()["received"] < received + 2 * uploads.PIECE:
                await asyncio.sleep(0)
        dripping.cancel()
        await until(lambda: len(left(house)) == 2)  # the steady one's, and what stands beside it
        assert await names(client, job) == []


async def test_an_earlier_attempt_adds_nothing_whoever_of_the_same_token_speaks_for_it(site: Opening) -> None:
    async with site as house:
        client = house.client()
        job = (await client.post("/jobs", json={"kind": "saw"})).json()["id"]
        said = {"kinds": ["saw"], "wait_seconds": 0}
        await client.post("/claim", json={**said, "worker": "first"})
        await client.post(f"/jobs/{job}/release", json={"worker": "first", "attempt": 1})
        assert (await client.post("/claim", json={**said, "worker": "second"})).json()["run"][0]["attempt"] == 2
        for worker, attempt in (("first", 1), ("first", 2), ("second", 1), ("", 2)):
            fields = {"worker": worker, "attempt": attempt}
            refused = await client.put(f"/jobs/{job}/outputs/a", params=fields, content=TEXT)
            assert (refused.status_code, error_of(refused)[:11]) == (409, "stale_lease"), fields
        kept = await client.put(f"/jobs/{job}/outputs/a", params={"worker": "second", "attempt": 2}, content=TEXT)
        assert kept.status_code == 200
