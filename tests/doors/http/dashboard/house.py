"""Who looks at pages without a browser: HTML and event streams as they come."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.doors.http.house import Site

PAGES = ("/", "/?span=1", "/?span=60", "/queues", "/queues/images", "/workers")
PART = re.compile(r'<hx-partial hx-target="#([\w-]+)"[^>]*>(.*?)</hx-partial>', re.DOTALL)
OWN = {"x-hirehall": "1"}


async def reader(site: Site, token: str) -> httpx.AsyncClient:
    """A browser that is logged in."""
    client = site.visitor(accept="text/html")
    entered = await client.post("/login", json={"token": token})
    assert entered.status_code == 200
    return client


async def say(site: Site, **command: Any) -> dict[str, Any]:
    """A command of somebody who may do everything, over the API."""
    path, method = command.pop("path"), command.pop("method", "POST")
    answer = await site.client().request(method, path, json=command or None)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


class Live:
    """An open stream of a page."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.messages = 0

    async def message(self) -> dict[str, str]:
        """The parts of the next message, by name."""
        data: list[str] = []
        async for line in self._lines:
            if line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                self.messages += 1
                return dict(PART.findall("\n".join(data)))
        raise AssertionError("the stream has ended")

    async def until(self, part: str, text: str) -> str:
        """Hear until this part holds this text; it."""
        while True:
            heard = (await self.message()).get(part, "")
            if text in heard:
                return heard


@contextlib.asynccontextmanager
async def live(client: httpx.AsyncClient, query: str) -> AsyncIterator[Live]:
    """The stream of a page."""
    headers = {"accept": "text/html, text/event-stream", "hx-request": "true"}
    async with client.stream("GET", f"/live?{query}", headers=headers) as stream:
        assert stream.status_code == 200, await stream.aread()
        yield Live(stream.aiter_lines())
