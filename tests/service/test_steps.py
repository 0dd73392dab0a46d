"""`--log-level debug`: one job can be followed through the hall, and nothing secret is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from hirehall.service.steps import LoudHall
from tests.service.office import Office
from tests.wire import stage

SECRET = "pay-4711-load"


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Office]:
    monkeypatch.setattr(stage, "Hall", LoudHall)
    office = Office()
    caplog.set_level(logging.DEBUG, "hirehall")
    yield office
    office.close()


def steps(caplog: pytest.LogCaptureFixture, job: str) -> list[dict[str, Any]]:
    """What was said about this job."""
    told = [record for record in caplog.records if vars(record).get("job") == job]
    return [{"event": record.getMessage(), **vars(record)} for record in told]


def test_one_job_can_be_followed_from_its_submit_to_its_end(loud: Office, caplog: pytest.LogCaptureFixture) -> None:
    boss, worker = loud.guest("boss"), loud.worker("ann")
    job = boss.submit("mill", queue="default", payload={"secret": SECRET}, follow=True)
    worker.done(job, result=SECRET)
    said = steps(caplog, job)
    assert [(one["event"], one.get("step") or one.get("cmd") or one.get("reply")) for one in said] == [
        ("durable", "submit"), ("sent to worker", None), ("answered", "Submitted"), ("received", "done"),
        ("durable", "succeed"), ("end told", None),
    ]  # fmt: skip
    by_event = {one["event"]: one for one in said}
    assert by_event["sent to worker"]["worker"] == "ann"
    assert by_event["end told"]["state"] == "succeeded"
    assert {one["kind"] for one in said if "kind" in one} == {"mill"}
    assert len({one["session"] for one in said if "session" in one}) == 2


def test_a_job_that_waits_is_followed_too(loud: Office, caplog: pytest.LogCaptureFixture) -> None:
    boss = loud.guest("boss")
    job = boss.submit()
    loud.worker("ann").ok("fail", id=job, attempt=1, error={"type": "X", "message": SECRET}, retry=False)
    assert [one["step"] for one in steps(caplog, job) if one["event"] == "durable"] == ["submit", "deliver", "fail"]


def test_no_token_payload_result_or_error_is_told(loud: Office, caplog: pytest.LogCaptureFixture) -> None:
    boss = loud.guest("boss")
    token = boss.ok("token", do="create", name="eve", roles=["submit", "work"])["token"]
    eve = loud.guest("eve", token)
    job = eve.submit(payload=SECRET, meta={"note": SECRET}, key=SECRET, tags=[SECRET])
    worker = loud.worker("ann")
    worker.ok("log", id=job, attempt=1, text=SECRET)
    worker.ok("progress", id=job, attempt=1, text=SECRET)
    worker.done(job, result={"secret": SECRET})
    eve.ok("wait", ids=[job], timeout_seconds=1)
    eve.peer.send(b'{"cmd": "' + SECRET.encode() + b"\n")
    loud.settle()
    formatted = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert job in formatted
    assert SECRET not in formatted
    assert token not in formatted
