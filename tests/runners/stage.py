"""Runs one job on a runner, outside any agent."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from typing import Any

import msgspec

from hirehall.runners.port import Execution, Outcome, Runner
from hirehall.wire.replies import Delivery

PATIENCE_SECONDS = 20.0


def a_job(kind: str = "k", payload: Any = None, *, raw: bytes | None = None, **fields: Any) -> Delivery:
    """A delivery; `raw` is a payload that no encoder of ours would write."""
    body = msgspec.json.encode(payload) if raw is None else raw
    who = fields.pop("id", "01"), fields.pop("attempt", 1)
    return Delivery(*who, kind, "default", msgspec.Raw(body), fields.pop("lease_seconds", 30.0), **fields)


class Notes:
    """A report that keeps what it hears."""

    def __init__(self) -> None:
        self.progressed: list[tuple[float | None, str]] = []
        self.logged: list[tuple[str, str]] = []
        self._base = f"{tempfile.gettempdir()}/hirehall-test-{secrets.token_hex(8)}"
        weakref.finalize(self, shutil.rmtree, self._base, True)  # it need not be there
        self.came = asyncio.Event()

    @property
    def folder(self) -> str:
        return f"{self._base}/01.1"

    def progress(self, percent: float | None, text: str) -> None:
        self.progressed.append((percent, text))
        self.came.set()

    def log(self, stream: str, text: str) -> None:
        self.logged.append((stream, text))
        self.came.set()

    def text_of(self, stream: str) -> str:
        """All that was logged there, with its line breaks."""
        return "".join(text + "\n" for name, text in self.logged if name == stream)


async def outcome_of(execution: Execution) -> Outcome:
    """How it ended, in time."""
    ended = asyncio.Event()
    execution.outcome.add_done_callback(lambda _outcome: ended.set())
    await asyncio.wait_for(ended.wait(), PATIENCE_SECONDS)
    return execution.outcome.result()


def run(runner: Runner, job: Delivery, notes: Notes | None = None) -> Outcome:
    """Start `job` and wait for its outcome."""

    async def main() -> Outcome:
        try:
            return await outcome_of(runner.start(job, notes or Notes()))
        finally:
            await runner.close()

    return asyncio.run(main())


async def until(is_so: Callable[[], Any]) -> Any:
    """Wait for something outside this process, which tells nobody when it happens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := is_so()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
    return seen
