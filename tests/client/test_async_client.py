"""The asyncio shell against a scripted hall."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hirehall import JobFailed, Unavailable, Unknown, connect_async
from hirehall.errors import HallError, Unauthenticated
from tests.worker.scripted_hall import Peer, ScriptedHall, scripted_hall


async def greeted(hall: ScriptedHall, client: Any) -> Peer:
    opening = asyncio.ensure_future(client.open())
    peer = await hall.peer()
    await peer.greet()
    await opening
    return peer


def test_a_job_is_submitted_and_its_result_awaited() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url, "t", name="me")
            peer = await greeted(hall, client)
            submitted = client.submit("resize", {"file": "a"}, queue="images", follow=True)
            said = await peer.expect("submit")
            peer.ok(said, id="01", state="ready")
            job = await submitted
            peer.say({"end": [{"id": "01", "state": "succeeded", "result": {"w": 1}, "error": None}]})
            assert (job.id, job.state, job.duplicate) == ("01", "ready", False)
            assert await job.result(timeout_seconds=10) == {"w": 1}
            assert await job.result() == {"w": 1}
            await client.close()
            await peer.closed()

    asyncio.run(main())


def test_a_job_that_is_not_followed_is_waited_for_when_its_result_is_asked() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            job = client.job("07")
            with pytest.raises(TimeoutError, match="job 07 has not ended"):
                await job.result(timeout_seconds=0.01)
            result = asyncio.ensure_future(job.result())
            wait = await peer.expect("wait")
            error = {"type": "E", "message": "m"}
            peer.ok(wait, jobs=[{"id": "07", "state": "failed", "result": None, "error": error}], pending=[])
            with pytest.raises(JobFailed, match="E: m"):
                await result
            assert peer.heard.empty()
            await client.close()

    asyncio.run(main())


def test_what_one_turn_of_the_loop_asks_for_is_one_write() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            reads = peer.reads
            jobs = [client.submit("echo", n) for n in range(50)]
            said = [await peer.expect("submit") for _ in range(50)]
            assert peer.reads == reads + 1
            for number, line in enumerate(said):
                peer.ok(line, id=str(number), state="ready")
            assert [job.id for job in await asyncio.gather(*jobs)] == [str(n) for n in range(50)]
            await client.close()

    asyncio.run(main())


def test_after_a_lost_connection_it_comes_back_and_says_what_may_be_repeated() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            plain, keyed = client.submit("echo"), client.submit("echo", key="k")
            await peer.expect("submit")
            await peer.expect("submit")
            peer.cut()
            with pytest.raises(Unknown):
                await plain
            peer = await hall.peer()
            await peer.greet()
            again = await peer.expect("submit")
            assert again["key"] == "k"
            peer.ok(again, id="01", state="ready", duplicate=True)
            assert (await keyed).duplicate
            await client.close()

    asyncio.run(main())


def test_when_the_hall_stays_away_everything_ends_with_an_error() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url, reconnect_seconds=0.0)
            peer = await greeted(hall, client)
            reading = client.get(["01"])
            await peer.expect("get")
        peer.cut()
        with pytest.raises(Unavailable, match="tried for 0 s"):
            await reading
        with pytest.raises(Unavailable):
            client.submit("echo")
        await client.close()

    asyncio.run(main())


def test_nonsense_from_the_server_fails_what_was_asked() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            reading = client.get(["01"])
            await peer.expect("get")
            peer.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with pytest.raises(HallError, match="not JSON"):
                await reading
            await peer.closed()
            await client.close()

    asyncio.run(main())


def test_a_wrong_token_is_told_at_once() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            opening = asyncio.ensure_future(connect_async(hall.url, "wrong").open())
            peer = await hall.peer()
            peer.error(await peer.expect("hello"), "unauthenticated", "no such token")
            with pytest.raises(Unauthenticated, match="no such token"):
                await opening

    asyncio.run(main())


def test_no_hall_at_the_address_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(Unavailable, match=r"cannot reach the hall at hall\+unix:.*`hirehall serve`"):
            await connect_async(f"hall+unix://{tmp_path}/none.sock")

    asyncio.run(main())


def test_any_command_may_be_asked_and_the_other_verbs_speak_the_protocol() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            asked = asyncio.gather(
                client.request({"cmd": "metrics"}),
                client.find(queue="q", limit=1),
                client.cancel("01"),
                client.wait(["01", "02"], timeout_seconds=1),
                client.submit_many([{"kind": "a"}, {"kind": "b", "follow": True}], queue="q"),
            )
            peer.ok(await peer.expect("metrics"), metrics={"n": 1})
            peer.ok(await peer.expect("find"), jobs=[{"id": "01", "state": "running"}])
            peer.ok(await peer.expect("cancel"))
            peer.ok(await peer.expect("wait"), jobs=[{"id": "01", "state": "cancelled"}], pending=["02"])
            peer.ok(await peer.expect("submit"), ids=["03", "04"], duplicates=[])
            metrics, found, cancelled, waited, jobs = await asked
            assert metrics == {"ok": True, "metrics": {"n": 1}}
            assert found.jobs[0].state == "running"
            assert cancelled is None
            assert (waited.jobs[0].id, waited.pending) == ("01", ["02"])
            assert [job.id for job in jobs] == ["03", "04"]
            await client.close()

    asyncio.run(main())


def test_tasks_events_and_logs_are_awaited() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            view = {"id": "t1", "action": "retry", "state": "running", "looked": 0, "done": 0, "refused": 0}
            begun = asyncio.ensure_future(client.retry_where(kind="a"))
            peer.ok(await peer.expect("retry"), task=view)
            task = await begun
            done = asyncio.ensure_future(task.wait())
            peer.ok(await peer.expect("task"), task={**view, "state": "done", "done": 3})
            assert (await done).done == 3
            async with client.watch(kinds=["a"]) as events:
                peer.ok(await peer.expect("watch"), seq="r-0")
                peer.say({"event": "submit", "seq": "r-1", "at": "", "id": "01"})
                assert (await anext(events)).id == "01"
            assert (await peer.expect("watch"))["off"]
            parts = client.follow_log("01")
            entry = {"at": "", "stream": "stdout", "text": "x"}
            said = await peer.expect("log_of")
            peer.ok(said, log={"id": "01", "attempt": 1, "entries": [entry], "next": 9, "ended": True})
            assert [one.text async for part in parts for one in part.entries] == ["x"]
            await client.close()

    asyncio.run(main())


def test_a_hall_that_was_shut_down_ends_the_client_at_once() -> None:
    async def main() -> None:
        async with scripted_hall() as hall:
            client = connect_async(hall.url)
            peer = await greeted(hall, client)
            waiting = client.wait(["01"])
            await peer.expect("wait")
            peer.say({"stop": {"id": "", "attempt": 0, "why": "shutdown"}})
            peer.cut()
            with pytest.raises(Unavailable, match="the hall was shut down"):
                await asyncio.wait_for(waiting, 10)
            with pytest.raises(Unavailable, match="the hall was shut down"):
                client.get(["01"])
            with pytest.raises(TimeoutError):  # a client that looks for its hall is back within a tenth of a second
                await asyncio.wait_for(hall.peers.get(), 0.3)
            await client.close()

    asyncio.run(main())
