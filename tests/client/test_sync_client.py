"""The blocking shell against a scripted hall that runs in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hirehall import Hall, JobCancelled, Unavailable, Unknown, connect
from tests.worker.scripted_hall import Peer, ScriptedHall

Script = Callable[[ScriptedHall], Coroutine[Any, Any, Any]]


class Stage:
    """Plays a script on its own loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.hall = self.play(lambda _: ScriptedHall().open()).result(10)

    def play(self, script: Script) -> Future[Any]:
        hall = getattr(self, "hall", None)
        return asyncio.run_coroutine_threadsafe(script(hall), self.loop)  # type: ignore[arg-type]

    def close(self) -> None:
        self.play(lambda hall: hall.close()).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def hired(stage: Stage, **options: Any) -> tuple[Hall, Peer]:
    async def greet(hall: ScriptedHall) -> Peer:
        peer = await hall.peer()
        await peer.greet()
        return peer

    peer = stage.play(greet)
    client = connect(stage.hall.url, **options)
    return client, peer.result(10)


def test_a_job_is_submitted_and_its_result_awaited(stage: Stage) -> None:
    client, peer = hired(stage)

    async def script(_hall: ScriptedHall) -> None:
        peer.ok(await peer.expect("submit"), id="01", state="ready")
        peer.say({"end": [{"id": "01", "state": "succeeded", "result": [1], "error": None}]})

    playing = stage.play(script)
    with client:
        job = client.submit("echo", follow=True)
        assert job.result(timeout_seconds=10) == [1]
        playing.result(10)


def test_a_result_that_does_not_come_in_time_may_be_asked_for_again(stage: Stage) -> None:
    client, peer = hired(stage)
    with client:
        job = client.job("07")
        with pytest.raises(TimeoutError, match="job 07"):
            job.result(timeout_seconds=0.01)

        async def script(_hall: ScriptedHall) -> None:
            end = {"id": "07", "state": "cancelled", "result": None, "error": None}
            peer.ok(await peer.expect("wait"), jobs=[end], pending=[])

        stage.play(script)
        with pytest.raises(JobCancelled):
            job.result(timeout_seconds=10)


def test_many_threads_share_one_connection(stage: Stage) -> None:
    client, peer = hired(stage)

    async def script(_hall: ScriptedHall) -> None:
        for _ in range(200):
            said = await peer.expect("submit")
            peer.ok(said, id=str(said["payload"]), state="ready")

    playing = stage.play(script)
    with client, ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda n: client.submit("echo", n), range(200)))
        assert [job.id for job in jobs] == [str(n) for n in range(200)]
    playing.result(10)


def test_after_a_lost_connection_it_comes_back_and_says_what_may_be_repeated(stage: Stage) -> None:
    client, first = hired(stage)

    async def script(hall: ScriptedHall) -> None:
        await first.expect("submit")
        first.cut()
        peer = await hall.peer()
        await peer.greet()
        said = await peer.next()
        while said.get("key") != "k":
            peer.ok(said, jobs=[])
            said = await peer.next()
        peer.ok(said, id="02", state="ready")

    playing = stage.play(script)
    with client:
        with pytest.raises(Unknown):
            client.submit("echo")
        assert client.submit("echo", key="k").id == "02"
        playing.result(10)


def test_when_the_hall_stays_away_everything_ends_with_an_error(stage: Stage) -> None:
    client, peer = hired(stage, reconnect_seconds=0.0)

    async def script(hall: ScriptedHall) -> None:
        await peer.expect("get")
        await hall.close()
        peer.cut()

    stage.play(script)
    with pytest.raises(Unavailable, match="tried for 0 s"):
        client.get(["01"])
    with pytest.raises(Unavailable):
        client.submit("echo")
    client.close()


def readers() -> set[threading.Thread]:
    """The reading threads of all clients in this process; other tests may have left one."""
    return {thread for thread in threading.enumerate() if thread.name == "hirehall-reader"}


def test_closing_ends_the_reading_thread_and_whoever_waits(stage: Stage) -> None:
    others = readers()
    client, peer = hired(stage)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.wait, ["01"])
        stage.play(lambda _: peer.expect("wait")).result(10)
        client.close()
        with pytest.raises(Unavailable, match="is closed"):
            waiting.result(10)
    assert readers() <= others


def test_no_hall_at_the_address_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot reach the hall at hall\+unix:.*`hirehall serve`"):
        connect(f"hall+unix://{tmp_path}/none.sock")


SOME = {"id": "t1", "action": "cancel", "state": "running", "looked": 200, "done": 190, "refused": 0}
ALL = {**SOME, "state": "done", "looked": 500, "done": 480}


def test_a_change_of_many_jobs_is_a_task_to_wait_for_and_to_stop(stage: Stage) -> None:
    client, peer = hired(stage)

    async def script(_hall: ScriptedHall) -> Any:
        said = await peer.expect("cancel")
        peer.ok(said, task=SOME)
        stop = await peer.expect("task")
        peer.ok(stop, task=SOME)
        peer.ok(await peer.expect("task"), task=SOME)
        peer.say({"task": ALL})
        return said["where"], stop["stop"]

    playing = stage.play(script)
    with client:
        task = client.cancel_where(queue="images", state="ready")
        task.stop()
        assert task.view.done == 190
        assert task.wait().done == 480
    assert playing.result(10) == ({"queue": "images", "state": "ready"}, True)


def test_events_are_taken_one_by_one_and_with_a_timeout(stage: Stage) -> None:
    client, peer = hired(stage)

    async def script(_hall: ScriptedHall) -> None:
        peer.ok(await peer.expect("watch"), seq="r-0")
        peer.say({"event": "submit", "seq": "r-1", "at": "", "id": "01"})
        assert (await peer.expect("watch"))["off"]

    playing = stage.play(script)
    with client:
        with client.watch() as events:
            assert next(events).id == "01"
            with pytest.raises(TimeoutError):
                events.take(0.01)
        playing.result(10)


def test_a_hall_that_was_shut_down_is_not_looked_for(stage: Stage) -> None:
    """A minute of trying would be a minute of nothing: it said that it goes."""
    others = readers()
    client, peer = hired(stage)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.wait, ["01"])
        stage.play(lambda _: peer.expect("wait")).result(10)

        async def script(_hall: ScriptedHall) -> None:
            peer.say({"stop": {"id": "", "attempt": 0, "why": "shutdown"}})
            peer.cut()

        stage.play(script).result(10)
        with pytest.raises(Unavailable, match="the hall was shut down"):
            waiting.result(10)
    for reader in readers() - others:
        reader.join(5)  # it leaves by itself: nobody has closed the client
        assert not reader.is_alive()
    with pytest.raises(Unavailable, match="the hall was shut down"):
        client.get(["01"])
    client.close()
