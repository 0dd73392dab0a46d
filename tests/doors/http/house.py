"""A hall behind its HTTP door, and who asks it: programs with tokens, browsers, and raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx

from hirehall.doors.http.door import HttpDoor
from hirehall.doors.http.inputs import words_of
from hirehall.doors.http.operations import BASE, HELLO, Operation
from hirehall.model import StoredToken
from hirehall.service.access import ROLES, digest_of
from hirehall.service.hall import Hall
from hirehall.service.sessions import Identity
from tests.certificates import common_pair
from tests.doors.house import DEADLINE_SECONDS, HERE, open_house

BOSS = "the token of who may do everything"
EXPIRED = "a token whose time is over"
ID = "0ca8abc2f0400000"
WORDS = {"id": ID, "queue": "images", "worker": "w81f", "name": "night", "upload": "0" * 32, "sha256": HELLO}


class Site:
    """The hall and its address."""

    def __init__(self, hall: Hall, door: HttpDoor, url: str) -> None:
        self.hall, self.door, self.url = hall, door, url
        self.clients: list[httpx.AsyncClient] = []
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]

    def client(self, token: str | None = BOSS, **headers: str) -> httpx.AsyncClient:
        """Somebody with this token, or with none."""
        given = headers | ({"authorization": f"Bearer {token}"} if token is not None else {})
        trust = common_pair().trust() if self.url.startswith("https") else False
        client = httpx.AsyncClient(base_url=self.url + BASE, headers=given, timeout=DEADLINE_SECONDS, verify=trust)
        self.clients.append(client)
        return client

    def visitor(self, **headers: str) -> httpx.AsyncClient:
        """Somebody who looks at pages."""
        client = self.client(None, **headers)
        client.base_url = httpx.URL(self.url)
        return client

    async def raw(self, *sent: bytes) -> bytes:
        """What a new connection hears until it is closed, after it said this; HOST stands for our own."""
        reader, writer = await asyncio.open_connection(*self.host.split(":"))
        self.writers.append(writer)
        for part in sent:
            writer.write(part.replace(b"HOST", self.host.encode()))
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)
        return b""


Opening = AbstractAsyncContextManager[Site]


@contextlib.asynccontextmanager
async def open_site(directory: Path, **options: Any) -> AsyncIterator[Site]:
    """A hall in memory with a token for each role, named like it."""
    doors: list[HttpDoor] = []

    def make(hall: Hall, _: Path) -> HttpDoor:
        doors.append(HttpDoor(hall, **{"host": HERE, "port": 0, **options}))
        return doors[0]

    async with open_house(make, directory) as house:
        house.hall.tokens.add(BOSS, Identity("boss", ROLES))
        for role in ROLES:
            house.hall.tokens.add(role, Identity(f"{role}-only", frozenset({role})))
        gone = StoredToken("gone", digest_of(EXPIRED), sorted(ROLES), None, None, 0, 1)
        house.hall.tokens.restore([gone])
        site = Site(house.hall, doors[0], house.url)
        try:
            yield site
        finally:
            for client in site.clients:
                await client.aclose()
            for writer in site.writers:
                writer.transport.abort()


def path_of(operation: Operation) -> str:
    """Its path, with a word for each that it wants."""
    path = operation.path
    for word in words_of(path):
        path = path.replace(f"{{{word}}}", WORDS[word])
    return path


def said(operation: Operation, fields: dict[str, Any]) -> dict[str, Any]:
    """How a client is told to say these."""
    if operation.takes_bytes:
        return {"params": fields, "content": b"hello\n"}
    return {"json": fields} if operation.has_body else {"params": fields}


async def knock(
    client: httpx.AsyncClient, operation: Operation, fields: dict[str, Any] | None = None, **more: Any
) -> tuple[int, str]:
    """Call it with its example; the status and, when it was refused, the code."""
    how = {**said(operation, operation.example if fields is None else fields), **more}
    async with client.stream(operation.method, path_of(operation), **how) as answer:
        if answer.headers["content-type"].startswith("text/event-stream"):
            return answer.status_code, ""
        await answer.aread()
        body = answer.json()
        return answer.status_code, body["error"]["code"] if "error" in body else ""


def error_of(answer: httpx.Response) -> str:
    """`code: message`; the answer must be an error of the one shape."""
    body = answer.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"code", "message"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.status_code >= 400
    return f"{body['error']['code']}: {body['error']['message']}"
