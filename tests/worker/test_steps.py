"""`work --log-level debug` says when a job begins, how it ended, that the hall has heard; never what it carries."""

from __future__ import annotations

import logging

import pytest

from hirehall.runners.port import Failure, Success
from hirehall.worker.steps import LoudAgent
from tests.worker import stage
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, played

SECRET = "pay-4711-load"


@pytest.fixture(autouse=True)
def loud(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(stage, "Agent", LoudAgent)
    caplog.set_level(logging.DEBUG, "hirehall")


def test_each_step_of_each_job_is_said(caplog: pytest.LogCaptureFixture) -> None:
    @played(concurrency=2)
    async def job_and_failure(it: Stage) -> None:
        await it.hire()
        good, bad = await it.start(delivery("01", payload=SECRET), delivery("02"))
        good.end(Success(f'"{SECRET}"'.encode()))
        await it.peer.expect("done")
        bad.end(Failure("ValueError", SECRET))
        await it.peer.expect("fail")

    job_and_failure()
    said = [(one.getMessage(), vars(one).get("job"), vars(one).get("outcome")) for one in caplog.records]
    for job, outcome in (("01", "success"), ("02", "failure")):
        assert ("begins", job, None) in said
        assert ("ended", job, outcome) in said
    assert SECRET not in "\n".join(str(vars(one)) for one in caplog.records)
