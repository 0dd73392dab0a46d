"""Event streams: what happens and what jobs log, with a way to go on after a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hirehall.doors.http import streams
from hirehall.service import events
from tests.doors.house import DEADLINE_SECONDS, until
from tests.doors.http.house import BOSS, Opening, Site, error_of

STREAM = {"accept": "text/event-stream"}


class Listener:
    """Reads a stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def frame(self) -> dict[str, str]:
        """The fields of the next event; a comment is `{"": ...}`."""
        found: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE_SECONDS):
            async for line in self._lines:
                if not line:
                    return found
                name, _, value = line.partition(":")
                found[name] = value.strip()
        return found

    async def data(self) -> Any:
        return json.loads((await self.frame())["data"])


@contextlib.asynccontextmanager
async def listening(house: Site, path: str, **headers: str) -> AsyncIterator[Listener]:
    async with house.client(**{**STREAM, **headers}).stream("GET", path) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield Listener(answer)


async def submit(house: Site, kind: str = "saw") -> str:
    return str((await house.client().post("/jobs", json={"kind": kind})).json()["id"])


async def test_who_listens_hears_what_happens_and_goes_on_where_it_was(site: Opening) -> None:
    async with site as house:
        async with listening(house, "/events") as ear:
            assert (await ear.frame())["event"] == "begin"
            first = await submit(house)
            heard = await ear.frame()
            assert (json.loads(heard["data"])["id"], json.loads(heard["data"])["event"]) == (first, "submit")
        second = await submit(house)
        async with listening(house, "/events", **{"last-event-id": heard["id"]}) as ear:
            assert "gap" not in await ear.data()
            assert (await ear.data())["id"] == second
        async with listening(house, f"/events?since={heard['id']}") as ear:
            await ear.frame()
            assert (await ear.data())["id"] == second


async def test_who_was_away_for_too_long_is_told_that_something_is_missing(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEPT_EVENTS", 3)
    monkeypatch.setattr(events, "SLACK_EVENTS", 0)
    async with site as house:
        async with listening(house, "/events") as ear:
            place = (await ear.frame())["id"]
        for _ in range(9):
            await submit(house)
        for since in (place, "another-run-5", "nonsense"):
            async with listening(house, "/events", **{"last-event-id": since}) as ear:
                assert (await ear.data())["gap"] is True


async def test_only_what_was_asked_for_is_heard(site: Opening) -> None:
    async with site as house, listening(house, "/events?kinds=plane&events=submit") as ear:
        await ear.frame()
        await submit(house, "saw")
        wanted = await submit(house, "plane")
        assert (await ear.data())["id"] == wanted


@pytest.mark.parametrize("query", ["events=dance", "ids=x", "queues=%20", "since=1&since=2"])
async def test_what_cannot_be_watched_is_an_error_and_no_stream(site: Opening, query: str) -> None:
    async with site as house:
        answer = await house.client(**STREAM).get(f"/events?{query}")
        assert (answer.status_code, error_of(answer)[:11]) == (400, "bad_request")


async def test_a_quiet_stream_says_that_it_is_there(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "QUIET_SECONDS", 0.01)
    async with site as house, listening(house, "/events") as ear:
        await ear.frame()
        assert await ear.frame() == {"": ""}


async def test_a_log_is_followed_to_its_end_and_gone_on_with(site: Opening) -> None:
    async with site as house:
        job, worker = await submit(house), house.client()
        (run,) = (await worker.post("/claim", json={"worker": "w", "kinds": ["saw"]})).json()["run"]
        said = {"worker": "w", "attempt": run["attempt"]}
        await worker.post(f"/jobs/{job}/log", json={**said, "text": "one"})
        async with listening(house, f"/jobs/{job}/log") as ear:
            heard = await ear.frame()
            assert [entry["text"] for entry in json.loads(heard["data"])["entries"]] == ["one"]
            await worker.post(f"/jobs/{job}/log", json={**said, "text": "two"})
            await worker.post(f"/jobs/{job}/done", json=said)
            assert (await ear.data())["entries"][0]["text"] == "two"
            assert (await ear.data())["ended"] is True
            assert (await ear.frame())["event"] == "end"
            assert await ear.frame() == {}, "and then it is over"
        async with listening(house, f"/jobs/{job}/log", **{"last-event-id": heard["id"]}) as ear:
            assert [entry["text"] for entry in (await ear.data())["entries"]] == ["two"]
        plain = (await worker.get(f"/jobs/{job}/log")).json()["log"]
        assert [entry["text"] for entry in plain["entries"]] == ["one", "two"]


async def test_a_log_that_is_none_is_an_error_and_no_stream(site: Opening) -> None:
    async with site as house:
        assert (await house.client(**STREAM).get("/jobs/x/log")).status_code == 404
        job = await submit(house)
        odd = await house.client(**STREAM, **{"last-event-id": "x"}).get(f"/jobs/{job}/log")
        assert odd.status_code == 400


async def test_a_stream_ends_when_its_token_counts_no_more(site: Opening) -> None:
    async with site as house:
        boss = house.client()
        token = (await boss.post("/tokens", json={"name": "n", "roles": ["read"]})).json()["token"]
        async with house.client(token, **STREAM).stream("GET", "/events") as answer:
            ear = Listener(answer)
            await ear.frame()
            await boss.delete("/tokens/n")
            assert await ear.frame() == {}


async def test_who_has_gone_is_forgotten(site: Opening) -> None:
    async with site as house:
        before = len(house.hall.sessions)
        async with listening(house, "/events") as ear:
            await ear.frame()
            assert len(house.hall.sessions) == before + 1
        await until(lambda: len(house.hall.sessions) == before)


async def test_who_does_not_read_is_told_no_more_and_then_cut_off(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CUT_SECONDS", 2.0)
    async with site as house:
        _, deaf = await asyncio.open_connection(*house.host.split(":"), limit=1)
        house.writers.append(deaf)
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        deaf.write(b"GET /api/v1/events HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                   % (house.host.encode(), BOSS.encode()))  # fmt: skip
        await until(lambda: len(house.hall.sessions) == 1)
        (session,) = house.hall.sessions.values()
        client = house.client()
        many = {"kind": "saw", "jobs": [{}] * 5_000}
        was_let_alone = False
        for _ in range(40):
            assert (await client.post("/jobs", json=many)).status_code == 201
            was_let_alone |= session.clogged
            if session.number not in house.hall.sessions:
                break
        assert was_let_alone, "it is told no more first"
        await until(lambda: session.number not in house.hall.sessions)
        await until(lambda: house.hall.metrics.inside["http"] == 1)  # and its connection is gone, with what waits in it
