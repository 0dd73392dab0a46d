"""Transfers that are told to end, and halls that take none: a scripted hall, and a door that never answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hirehall.client import files as client_files
from hirehall.errors import Unavailable
from hirehall.model import MAX_BODY, InputFile
from hirehall.runners.port import Success
from hirehall.worker.stopping import Stop
from hirehall.worker.transfer import Dogged, Transfer
from tests.worker.scripted_hall import Message, delivery
from tests.worker.stage import Stage, heard, played, stage

LARGE = b'"' + b"x" * MAX_BODY + b'"'
INPUT = {"name": "a", "sha256": "0" * 64, "bytes": 1}
LEASE = 30.0


@contextlib.contextmanager
def silent_door() -> Iterator[str]:
    """Who comes is let in, and hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


async def fetching(it: Stage, door: str) -> None:
    """The inputs of job 01 are on their way."""
    await it.hire(http=door)
    it.peer.run(delivery("01", files=[INPUT]))
    await heard(it)


async def sending(it: Stage, door: str) -> None:
    """The result of job 01 is on its way."""
    await it.hire(http=door)
    (execution,) = await it.start(delivery("01"))
    execution.end(Success(LARGE, has_files=True))
    await heard(it)


async def told(it: Stage, why: str) -> Message:
    """What the agent answers when it hears this."""
    if why == "fence":
        it.clock.advance(LEASE)
        await it.rehire()
        return await it.peer.until("release")
    for_all = why in ("draining", "stop")
    it.peer.say({"stop": {"id": "" if for_all else "01", "attempt": 0 if for_all else 1, "why": why}})
    while (message := await it.peer.next())["cmd"] not in ("release", "fail", "done", "bye"):
        pass
    return message


@pytest.mark.parametrize("is_fetch", [True, False])
@pytest.mark.parametrize("why", ["cancelled", "timeout", "lost", "stop", "fence", "draining"])
def test_a_transfer_that_is_told_to_end_ends_at_once(is_fetch: bool, why: str) -> None:
    async def play() -> Message:
        with silent_door() as door:
            async with stage(token="t") as it:
                await (fetching if is_fetch else sending)(it, door)
                return await told(it, why)

    if (is_fetch, why) == (False, "draining"):
        return  # the next test
    answer = asyncio.run(play())
    if why in ("cancelled", "timeout"):
        assert (answer["cmd"], answer["error"]["type"].lower()) == ("fail", why)
    else:
        assert (answer["cmd"], answer["begun"]) == ("release", not is_fetch)


def test_a_drain_waits_until_what_has_run_is_sent() -> None:
    async def play() -> None:
        with silent_door() as door:
            async with stage(token="t") as it:
                await sending(it, door)
                it.peer.say({"stop": {"id": "", "attempt": 0, "why": "draining"}})
                assert (await it.peer.expect("credit"))["credit"] == 0
                it.clock.advance(1.0)
                it.peer.say({"stop": {"id": "01", "attempt": 1, "why": "cancelled"}})
                await it.peer.expect("fail")

    asyncio.run(play())


@played(token="t")
async def test_a_large_result_for_a_hall_that_keeps_no_files_is_too_large(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    execution.end(Success(LARGE, has_files=True))
    failed = await it.peer.expect("fail")
    assert (failed["error"]["type"], failed["retry"]) == ("too_large", False)
    assert "without an HTTP door" in failed["error"]["message"]


@played(token="t")
async def test_inputs_from_a_hall_that_keeps_no_files_fail_the_job(it: Stage) -> None:
    await it.hire()
    it.peer.run(delivery("01", files=[INPUT]))
    failed = await it.peer.expect("fail")
    assert (failed["error"]["type"], failed["retry"]) == ("wrong_state", False)
    assert "no HTTP door" in failed["error"]["message"]


@played()
async def test_a_worker_without_a_token_says_that_it_needs_one(it: Stage) -> None:
    await it.hire(http="http://127.0.0.1:1")
    it.peer.run(delivery("01", files=[INPUT]))
    failed = await it.peer.expect("fail")
    assert "files need a token" in failed["error"]["message"]


@played()
async def test_jobs_without_files_begin_in_the_turn_in_which_they_come(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    assert it.agent._hand["01", 1].place == "", "and nobody has asked where their files would be"
    execution.end(Success(b"1"))
    done: dict[str, Any] = await it.peer.expect("done")
    assert done["result"] == 1


def test_a_door_that_stays_shut_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_files, "PATIENCE_SECONDS", 0.1)
    with silent_door() as door:
        pass
    stop = Stop(lambda: True)
    waiting: list[Dogged] = []

    def patience() -> Dogged:
        waiting.append(Dogged(stop))
        return waiting[-1]

    files = client_files.Files(door, "token", patience=patience)
    transfer = Transfer(files, stop, "01", 1, "worker", str(tmp_path / "01.1"))
    with pytest.raises(Unavailable, match="has not come again"):
        transfer.fetch([InputFile("a", "0" * 64, 1)])
    assert len(waiting) == 1
