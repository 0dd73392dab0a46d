"""Tests of doors are coroutines; each runs on every door and on both event loops."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
import uvloop

from tests.doors.house import DOORS, open_house

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=sorted(LOOPS), autouse=True)
def loop(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=sorted(DOORS))
def door(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def house(door: str, tmp_path: Path) -> object:
    """A hall behind this door: `async with house as ...`."""
    return open_house(DOORS[door], tmp_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with asyncio.Runner(loop_factory=LOOPS[pyfuncitem.funcargs["loop"]]) as runner:
        runner.run(pyfuncitem.obj(**wanted))
    return True
