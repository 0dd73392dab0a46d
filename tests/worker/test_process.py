"""The agent with real runners, and as a real process with real signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import hirehall
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import Registry
from hirehall.worker.agent import Agent
from tests.worker.scripted_hall import PATIENCE_SECONDS, Peer, ScriptedHall, delivery, scripted_hall

TASKS = """
import sys
from hirehall import job
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import registry
from hirehall.worker.agent import Agent
from hirehall.worker.process import work

@job
def echo(payload):
    return payload

@job
def block(payload, context):
    context.progress(1, "blocked")
    context.stopping.wait()

work(Agent([PythonRunner(registry.functions.values())], url=sys.argv[1]))
"""


@asynccontextmanager
async def process(hall: ScriptedHall, tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Peer]]:
    """A worker process at work."""
    file = tmp_path / "tasks.py"
    file.write_text(TASKS)
    env = {**os.environ, "PYTHONPATH": str(Path(hirehall.__file__).parent.parent)}
    worker = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", str(file), hall.url, env=env)
    try:
        peer = await hall.peer()
        await peer.hire()
        yield worker, peer
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()


@pytest.mark.slow
def test_the_first_signal_drains_the_process_and_it_exits_with_0(tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted_hall() as hall, process(hall, tmp_path) as (worker, peer):
            peer.run(delivery("01", payload={"a": 1}))
            done = await peer.expect("done")
            assert done["result"] == {"a": 1}
            peer.ok(done)
            worker.send_signal(signal.SIGTERM)
            assert (await peer.expect("credit"))["credit"] == 0
            peer.ok(await peer.expect("bye"))
            assert await asyncio.wait_for(worker.wait(), PATIENCE_SECONDS) == 0

    asyncio.run(main())


@pytest.mark.slow
def test_the_second_signal_ends_it_although_a_function_never_returns(tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted_hall() as hall, process(hall, tmp_path) as (worker, peer):
            peer.run(delivery("01", kind="block"))
            await peer.expect("progress")
            worker.send_signal(signal.SIGTERM)
            await peer.expect("credit")
            worker.send_signal(signal.SIGINT)
            assert (await peer.expect("release"))["id"] == "01"
            peer.ok(await peer.expect("bye"))
            assert await asyncio.wait_for(worker.wait(), PATIENCE_SECONDS) == 0

    asyncio.run(main())


def test_a_function_that_blocks_does_not_stop_the_beats() -> None:
    free = threading.Event()
    registry = Registry()

    @registry.job
    def echo(payload: Any) -> None:
        assert free.wait(PATIENCE_SECONDS)

    @registry.job
    async def block_the_loop(payload: Any) -> None:
        assert free.wait(PATIENCE_SECONDS)

    async def main() -> None:
        async with scripted_hall() as hall:
            agent = Agent([PythonRunner(registry.functions.values())], url=hall.url, lease_seconds=0.5)
            running = asyncio.ensure_future(agent.run())
            peer = await hall.peer()
            await peer.hire()
            peer.run(delivery("01"), delivery("02", kind="block_the_loop"))
            for _ in range(5):  # a second's worth: twice the lease
                peer.ok(await peer.expect("beat"))
            free.set()
            agent.drain()
            said = {"cmd": ""}
            while said["cmd"] != "bye":
                said = await peer.next()
                peer.ok(said)
            await asyncio.wait_for(running, PATIENCE_SECONDS)

    asyncio.run(main())
