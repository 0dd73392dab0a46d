"""Streams of pages: what changed, once for all who look at the same, and to nobody who does not read."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest

from hirehall.doors.http import streams
from hirehall.doors.http.dashboard import live as live_module
from hirehall.service.asking import Asking
from tests.doors.http.dashboard.house import OWN, live, reader, say
from tests.doors.http.house import BOSS, Opening, Site


def looks_of(site: Site) -> live_module.Looks:
    assert site.door._site is not None
    return site.door._site.result().pages.looks


async def test_a_page_hears_first_everything_then_what_changes(site: Opening) -> None:
    async with site as house:
        client = await reader(house, "read")
        async with live(client, "page=queues") as stream:
            first = await stream.message()
            assert set(first) <= {"places", "queue-rows"}
            await say(house, path="/jobs", kind="thumbnail", queue="images")
            assert 'href="/queues/images"' in await stream.until("queue-rows", "images")


async def test_nothing_is_said_while_nothing_changes(site: Opening) -> None:
    async with site as house:
        client = await reader(house, "read")
        async with live(client, "page=workers") as stream:
            seen: dict[str, str] = {}
            while set(seen) < {"places", "worker-rows"}:
                seen |= await stream.message()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2.5 * live_module.PACE_SECONDS + 1):
                    await stream.message()


async def test_what_somebody_changes_is_seen_by_all_at_once(site: Opening) -> None:
    async with site as house:
        boss, other = await reader(house, BOSS), await reader(house, BOSS)
        async with live(boss, "page=queue&queue=images") as one, live(other, "page=queue&queue=images") as two:
            await boss.post("/queues/images/pause?page=queue&queue=images", headers=OWN, json={})
            for stream in (one, two):
                await stream.until("queue-head", "paused")


async def test_the_rules_of_a_job_say_how_often_it_was_attempted_and_what_was_changed(site: Opening) -> None:
    async with site as house:
        boss = await reader(house, BOSS)
        job = (await say(house, path="/jobs", kind="saw", delay_seconds=60))["id"]
        async with live(boss, f"page=job&id={job}") as stream:
            assert "<dd>0 of 5" in await stream.until("job-rules", "Attempts")
            await say(house, path=f"/jobs/{job}", method="PATCH", priority=7, delay_seconds=0)
            await stream.until("job-rules", "<dd>7</dd>")
            await say(house, path="/claim", worker="w", kinds=["saw"])
            await stream.until("job-rules", "<dd>1 of 5")


async def test_a_hundred_pages_are_one_look(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    real = live_module.render_part
    monkeypatch.setattr(live_module, "render_part", lambda part, facts: (rendered.append(part), real(part, facts))[1])
    async with site as house, contextlib.AsyncExitStack() as stack:
        client = await reader(house, "read")
        for _ in range(20):
            await stack.enter_async_context(live(client, "page=workers"))
        async with live(client, "page=workers") as stream:
            await stream.message()
            assert len(looks_of(house)._looks) == 2
            before = len(rendered)
            await asyncio.sleep(0)
            await say(house, path="/claim", worker="w1", kinds=["thumbnail"], wait_seconds=0)
            await stream.until("worker-rows", "w1")
            assert len(rendered) - before < 10, "rendered for all at once"


async def test_a_mistake_of_ours_does_not_stop_a_page_for_ever(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    real, mistakes = live_module.render_part, [ZeroDivisionError("once")]
    async with site as house:
        client = await reader(house, "read")

        def render_part(part: str, facts: dict[str, Any]) -> bytes:
            if part == "queue-rows" and mistakes:
                raise mistakes.pop()
            return real(part, facts)

        monkeypatch.setattr(live_module, "render_part", render_part)
        async with live(client, "page=queues") as stream:
            await stream.until("queue-rows", "There is no queue yet")
        assert not mistakes


async def test_who_may_do_more_looks_at_something_else(site: Opening) -> None:
    async with site as house:
        await say(house, path="/jobs", kind="thumbnail", queue="images")
        watcher, boss = await reader(house, "read"), await reader(house, BOSS)
        async with live(watcher, "page=queues") as one, live(boss, "page=queues") as two:
            assert "hx-post" not in await one.until("queue-rows", "images")
            assert "hx-post" in await two.until("queue-rows", "images")


async def test_two_who_see_only_their_own_never_share_a_look(site: Opening) -> None:
    async with site as house:
        tokens = [await say(house, path="/tokens", name=name, roles=["submit"]) for name in ("ann", "bert")]
        ann, bert = [await reader(house, made["token"]) for made in tokens]
        job = (await ann.post("/api/v1/jobs", headers=OWN, json={"kind": "secret"})).json()["id"]
        async with live(ann, f"page=job&id={job}") as own, live(bert, f"page=job&id={job}") as other:
            await own.until("job-top", "secret")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2 * live_module.PACE_SECONDS):
                    await other.message()


async def test_a_form_is_looked_at_by_nobody(site: Opening) -> None:
    async with site as house:
        made = await say(house, path="/tokens", name="ann", roles=["submit"])
        async with live(await reader(house, made["token"]), "page=submit"):
            assert not looks_of(house)._looks, "it has no parts, and its reader no rail"


async def test_a_change_of_many_jobs_is_shown_on_its_way_and_for_a_while_after(site: Opening) -> None:
    async with site as house:
        for _ in range(3):
            await say(house, path="/jobs", kind="thumbnail", queue="images")
        client = await reader(house, BOSS)
        async with live(client, "page=jobs") as stream:
            await stream.until("job-rows", "thumbnail")
            await say(house, path="/jobs/cancel", where={"kind": "thumbnail"})
            said = await stream.until("job-tasks", "Finished")
            assert "3 done" in said
        async with live(await reader(house, "read"), "page=jobs") as stream:
            await stream.until("job-rows", "thumbnail")
            assert "3 done" not in (await stream.message()).get("job-tasks", ""), "who may not start one sees none"


def line(rows: str, queue: str) -> str:
    """The points of the small picture in the row of this queue."""
    found = re.search(rf'id="queue-{queue}".*?<svg class="spark".*?points="([^"]*)"', rows, re.DOTALL)
    assert found is not None, rows
    return found[1]


async def test_each_queue_has_a_line_of_its_own_that_rises_when_its_jobs_end(site: Opening) -> None:
    async with site as house:
        for queue in ("idle", "images"):
            job = (await say(house, path="/jobs", kind="thumbnail", queue=queue))["id"]
        client = await reader(house, "read")
        async with live(client, "page=queues") as stream:
            flat = line(await stream.until("queue-rows", "images"), "images")
            await say(house, path=f"/jobs/{job}/cancel")
            async with asyncio.timeout(10):
                while (rows := (await stream.message()).get("queue-rows", "")) == "" or line(rows, "images") == flat:
                    pass
        assert line(rows, "idle") == flat


async def test_when_the_last_page_closes_nothing_is_asked_any_more(site: Opening) -> None:
    async with site as house:
        client = await reader(house, "read")
        async with live(client, "page=overview") as stream:
            await stream.message()
            looks = looks_of(house)
            task = next(iter(looks._looks.values()))._task
        while looks._looks or not task.done():
            await asyncio.sleep(0)
        while any(isinstance(session, Asking) for session in house.hall.sessions.values()):
            await asyncio.sleep(0)


async def test_the_page_that_asks_for_all_may_close_and_the_others_go_on(site: Opening) -> None:
    async with site as house, contextlib.AsyncExitStack() as stack:
        client = await reader(house, "read")
        first = await stack.enter_async_context(contextlib.AsyncExitStack())
        stream = await first.enter_async_context(live(client, "page=queues"))
        await stream.message()
        second = await stack.enter_async_context(live(client, "page=queues"))
        await first.aclose()
        await say(house, path="/jobs", kind="thumbnail", queue="images")
        await second.until("queue-rows", "images")


async def test_a_stream_ends_when_its_token_counts_no_more(site: Opening) -> None:
    async with site as house:
        made = await say(house, path="/tokens", name="short", roles=["read"])
        client = await reader(house, made["token"])
        async with live(client, "page=overview") as stream:
            await stream.message()
            await say(house, path="/tokens/short", method="DELETE")
            with pytest.raises(AssertionError, match="ended"):
                await stream.until("places", "what never comes")


async def test_a_stream_ends_when_its_reader_logs_out(site: Opening) -> None:
    async with site as house:
        client, other = await reader(house, "read"), await reader(house, "read")
        async with live(client, "page=queues") as stream, live(other, "page=queues") as kept:
            await stream.message()
            assert (await client.post("/logout", headers=OWN)).status_code == 200
            await say(house, path="/jobs", kind="thumbnail", queue="images")
            with pytest.raises(AssertionError, match="ended"):
                await stream.until("queue-rows", "images")
            await kept.until("queue-rows", "images")


async def test_a_page_that_never_reads_is_cut_off(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CUT_SECONDS", 0.2)
    async with site as house:
        client = await reader(house, "read")
        cookie = client.cookies.jar
        pairs = "; ".join(f"{one.name}={one.value}" for one in cookie)
        reading, writing = await asyncio.open_connection(*house.host.split(":"), limit=1024)
        house.writers.append(writing)
        head = f"GET /live?page=workers HTTP/1.1\r\nhost: {house.host}\r\ncookie: {pairs}\r\n\r\n"
        writing.write(head.encode())
        await reading.readuntil(b"\r\n\r\n")
        reading._transport.pause_reading()  # type: ignore[attr-defined]
        looks = looks_of(house)
        while len(looks._looks) < 2:
            await asyncio.sleep(0)
        look = next(iter(looks._looks.values()))
        page = next(iter(look.readers))
        async with asyncio.timeout(20):
            while look.readers:
                page.tell({f"part-{len(page._unsaid)}": b"data: " + b"x" * (4 << 20) + b"\n"})
                await asyncio.sleep(0.01)
        assert house.hall.metrics.counts["cut_off"] == 1


@pytest.mark.parametrize("query", ["", "page=nothing", "page=queues&more=1", "page=rail"])
async def test_a_stream_of_what_there_is_not_is_refused(site: Opening, query: str) -> None:
    async with site as house:
        client = await reader(house, "read")
        assert (await client.get(f"/live?{query}", headers={"hx-request": "true"})).status_code in (400, 404)
