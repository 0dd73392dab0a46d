"""Cancels, drains and leases while files are on their way, with a real hall that has a brake."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from hirehall import Context, JobFailed
from hirehall.runners.python import PythonRunner
from hirehall.service.files import Files as Keeper
from hirehall.testing import functions_of
from tests.patience import eventually
from tests.worker.cargo import (
    LARGE,
    Brake,
    bases,
    given,
    large,
    left,
    shown,
    turned,
)
from tests.worker.house import PATIENCE, House

pytestmark = pytest.mark.usefixtures("place")


def test_the_lease_lives_while_files_are_sent(house: House, slow_up: Brake) -> None:
    job = house.client.submit("large", LARGE, max_attempts=1)
    house.hire(PythonRunner(functions_of([large])), lease_seconds=0.5)
    assert slow_up.is_held.wait(PATIENCE)
    end = time.monotonic() + 1.5  # three leases
    eventually(lambda: time.monotonic() > end)
    assert shown(house, job.id).state == "running"
    slow_up.go.set()
    assert job.result(timeout_seconds=PATIENCE) == "x" * LARGE


def test_a_job_is_cancelled_while_its_files_are_sent_and_its_place_is_free(
    house: House, slow_up: Brake, place: Path
) -> None:
    house.hire(PythonRunner(functions_of([large])), concurrency=1)
    job = house.client.submit("large", LARGE)
    assert slow_up.is_held.wait(PATIENCE)
    house.client.cancel(job.id)
    assert house.client.submit("large", 3).result(timeout_seconds=PATIENCE) == "xxx"
    assert (shown(house, job.id).state, shown(house, job.id).files) == ("cancelled", [])
    slow_up.go.set()
    eventually(lambda: not list(place.glob("*/blobs/uploads/*")))  # what came of them counts for nothing


def test_the_time_of_a_job_runs_while_its_files_are_sent(house: House, slow_up: Brake) -> None:
    house.hire(PythonRunner(functions_of([large])))
    job = house.client.submit("large", LARGE, timeout_seconds=0.3, max_attempts=1)
    with pytest.raises(JobFailed, match="longer than its timeout"):
        job.result(timeout_seconds=PATIENCE)


def test_a_job_that_is_cancelled_while_its_inputs_come_never_begins(
    house: House, slow_down: Brake, tmp_path: Path, place: Path
) -> None:
    begun = []

    def work(payload: Any, context: Context) -> None:
        begun.append(context.id)

    job = house.client.submit("work", files=given(house, tmp_path, first=b"one"))
    house.hire(PythonRunner(functions_of([work])), concurrency=1)
    assert slow_down.is_held.wait(PATIENCE)
    house.client.cancel(job.id)
    later = house.client.submit("work")
    later.result(timeout_seconds=PATIENCE)
    slow_down.go.set()
    assert begun == [later.id]
    eventually(lambda: not left(place))


def test_a_worker_that_drains_gives_back_what_has_not_begun_and_sends_what_has_run(
    house: House, slow_up: Brake, slow_down: Brake, tmp_path: Path
) -> None:
    slow_up.go.set()
    inputs = given(house, tmp_path, first=b"one")
    slow_up.go.clear()
    slow_up.is_held.clear()
    ran = house.client.submit("large", LARGE)
    waits = house.client.submit("turned", files=inputs)
    agent = house.hire(PythonRunner(functions_of([large, turned])))
    assert slow_up.is_held.wait(PATIENCE)
    assert slow_down.is_held.wait(PATIENCE)
    house.order(agent, "drain")
    eventually(lambda: shown(house, waits.id).state == "ready")
    assert shown(house, waits.id).forgiven == 1
    assert not house.has_left()
    slow_up.go.set()
    slow_down.go.set()
    assert ran.result(timeout_seconds=PATIENCE) == "x" * LARGE
    eventually(house.has_left)


def test_a_worker_that_is_told_to_stop_leaves_at_once_also_while_it_sends(
    house: House, slow_up: Brake, place: Path
) -> None:
    job = house.client.submit("large", LARGE)
    agent = house.hire(PythonRunner(functions_of([large])))
    assert slow_up.is_held.wait(PATIENCE)
    house.order(agent, "stop")
    eventually(house.has_left)
    found = shown(house, job.id)
    assert (found.state, found.forgiven, found.files) == ("ready", 1, [])
    assert not bases(place)


def test_a_hall_that_has_forgotten_what_was_just_sent_is_sent_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hall that is killed between an upload and what gives it to its job knows nothing of it any more."""
    filed, times = Keeper.filed, 0

    def forgetful(keeper: Keeper, *args: Any) -> Any:
        nonlocal times
        times += 1
        if times == 1:
            keeper._pins.clear()
        return filed(keeper, *args)

    monkeypatch.setattr(Keeper, "filed", forgetful)
    job = house.client.submit("large", LARGE)
    house.hire(PythonRunner(functions_of([large])))
    assert job.result(timeout_seconds=PATIENCE) == "x" * LARGE
    assert (times, shown(house, job.id).attempt) == (2, 1)
