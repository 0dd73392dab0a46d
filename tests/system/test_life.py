"""A job's life over the wire: cancel in every state, times, retries and timeouts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.system.hall_process import Hall
from tests.system.jobs import at_work, ended, first_to_hear, stale, submit, view

# Cancel


def test_a_ready_job_that_is_cancelled_is_never_delivered(hall: Hall, queue: str) -> None:
    client = hall.session()
    job, other = submit(client, queue), submit(client, queue)
    client.ok("cancel", id=job)
    assert view(client, job)["state"] == "cancelled"
    worker = at_work(hall, queue, credit=5)
    assert [delivery["id"] for delivery in worker.runs(1)] == [other]
    assert worker.delivered() == []


def test_a_scheduled_job_can_be_cancelled(hall: Hall, queue: str) -> None:
    client = hall.session()
    job = submit(client, queue, delay_seconds=0.3)
    client.ok("cancel", ids=[job])
    assert view(client, job)["state"] == "cancelled"
    worker = at_work(hall, queue, credit=5)
    sentinel = submit(client, queue, delay_seconds=0.6)
    assert [delivery["id"] for delivery in worker.runs(1)] == [sentinel]


def test_cancel_of_a_running_job_is_final_at_once_and_stops_its_worker(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    client.ok("cancel", id=job)
    assert view(client, job)["state"] == "cancelled"
    assert worker.push("stop", within=1) == {"id": job, "attempt": 1, "why": "cancelled"}
    following = submit(client, queue)
    assert worker.delivered() == [], "the place is taken until the worker has answered"
    stale(worker, "done", job, 1, result="late")
    assert worker.runs(1)[0]["id"] == following
    assert (view(client, job)["state"], view(client, job)["result"]) == ("cancelled", None)


@pytest.mark.parametrize("how", ["succeeded", "failed", "cancelled"])
def test_cancel_of_an_ended_job_is_refused_and_changes_nothing(hall: Hall, queue: str, how: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=1)
    worker.runs(1)
    if how == "succeeded":
        worker.ok("done", id=job, attempt=1, result=1)
    elif how == "failed":
        worker.ok("fail", id=job, attempt=1)
    else:
        client.ok("cancel", id=job)
    before = view(client, job)
    assert before["state"] == how
    assert client.refusal("cancel", id=job) == "wrong_state"
    assert view(client, job) == before


def test_cancel_of_an_unknown_job_is_not_found(hall: Hall) -> None:
    client = hall.session()
    assert client.refusal("cancel", id="0000000000000001") == "not_found"
    assert client.refusal("cancel", id="no such id") == "not_found"


# Times


def test_a_delayed_job_is_scheduled_first_and_runs_when_it_is_due(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=9)
    in_half_a_second = datetime.now(UTC) + timedelta(seconds=0.5)
    began = time.monotonic()
    times = (
        {"delay_seconds": 0.5},
        {"run_at": in_half_a_second.timestamp()},
        {"run_at": in_half_a_second.isoformat()},
    )
    replies = [client.ok("submit", queue=queue, kind="k", **fields) for fields in times]
    assert {reply["state"] for reply in replies} == {"scheduled"}
    assert worker.delivered() == []
    assert {job["id"] for job in worker.runs(3)} == {reply["id"] for reply in replies}
    assert 0.4 < time.monotonic() - began < 1.5


def test_a_run_at_in_the_past_is_ready_now(hall: Hall, queue: str) -> None:
    reply = hall.session().ok("submit", queue=queue, kind="k", run_at="2001-02-03T04:05:06Z")
    assert reply["state"] == "ready"


def test_a_job_that_was_not_started_in_time_expires(hall: Hall, queue: str) -> None:
    client = hall.session()
    job = submit(client, queue, ttl_seconds=0.3)
    by_time = submit(client, queue, expires_at=time.time() + 0.3)
    assert ended(client, job)["state"] == ended(client, by_time)["state"] == "expired"
    worker = at_work(hall, queue, credit=5)
    sentinel = submit(client, queue)
    assert [delivery["id"] for delivery in worker.runs(1)] == [sentinel]


def test_a_job_that_was_started_in_time_does_not_expire(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=5)
    job = submit(client, queue, ttl_seconds=0.3)
    waiting = submit(client, queue, ttl_seconds=0.4, requires={"nobody": True})
    worker.runs(1)
    assert ended(client, waiting)["state"] == "expired"
    worker.ok("done", id=job, attempt=1)
    assert view(client, job)["state"] == "succeeded"


# Retries

FAST = {"kind": "exponential", "base_seconds": 0.2, "max_seconds": 10, "jitter": 0}


def test_a_failing_job_is_retried_with_growing_delays_and_ends_as_a_dead_letter(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=3, backoff=FAST)
    error = {"type": "ValueError", "message": "no such page", "trace": "line 1"}
    delays = []
    for attempt in (1, 2, 3):
        delivery = worker.runs(1)[0]
        assert (delivery["id"], delivery["attempt"]) == (job, attempt)
        failed_at = time.monotonic()
        worker.ok("fail", id=job, attempt=attempt, error=error)
        if attempt < 3:
            assert view(client, job)["state"] == "scheduled"
            worker.inbox.appendleft({"run": worker.runs(1)})
            delays.append(time.monotonic() - failed_at)
    last = ended(client, job)
    assert (last["state"], last["attempt"]) == ("failed", 3)
    assert last["error"]["type"] == "ValueError"
    assert last["error"]["message"] == "no such page"
    assert 0.19 < delays[0] < 0.39 < delays[1] < 0.8, delays


def test_fail_without_retry_is_the_end(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.ok("fail", id=job, attempt=1, error={"message": "never"}, retry=False)
    assert (view(client, job)["state"], view(client, job)["attempt"]) == ("failed", 1)


def test_fail_may_name_the_delay_before_the_next_attempt(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, backoff={"base_seconds": 60})
    worker.runs(1)
    worker.ok("fail", id=job, attempt=1, delay_seconds=0.1)
    assert worker.runs(1, within=2)[0]["attempt"] == 2


def test_a_released_job_is_forgiven_and_comes_again_under_a_new_attempt(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=1)
    for attempt in (1, 2, 3):
        assert worker.runs(1)[0]["attempt"] == attempt
        worker.ok("release", id=job, attempt=attempt)
    worker.runs(1)
    worker.ok("done", id=job, attempt=4)
    last = view(client, job)
    assert (last["state"], last["attempt"], last["forgiven"]) == ("succeeded", 4, 3)


def test_a_released_attempt_uses_up_none_of_the_retries(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=2, backoff={**FAST, "base_seconds": 0.01})
    worker.runs(1)
    worker.ok("release", id=job, attempt=1)
    for attempt in (2, 3):
        assert worker.runs(1)[0]["attempt"] == attempt
        worker.ok("fail", id=job, attempt=attempt)
    assert (view(client, job)["state"], view(client, job)["attempt"]) == ("failed", 3)


def test_a_release_may_delay_the_job(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.ok("release", id=job, attempt=1, delay_seconds=0.3)
    assert view(client, job)["state"] == "scheduled"
    assert worker.runs(1, within=2)[0]["attempt"] == 2


def test_max_attempts_one_is_never_started_twice(hall: Hall, queue: str) -> None:
    client, leaver = hall.session(), hall.session()
    leaver.ok("work", queues=[queue], kinds=["k"], credit=1)
    job = submit(client, queue, max_attempts=1)
    leaver.runs(1)
    leaver.close()
    last = ended(client, job)
    assert (last["state"], last["attempt"]) == ("failed", 1)


def test_max_attempts_one_is_not_started_again_when_its_worker_gives_back_what_had_begun(
    hall: Hall, queue: str
) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=1)
    worker.runs(1)
    worker.ok("release", id=job, attempt=1)
    assert worker.runs(1)[0]["attempt"] == 2, "it had not begun"
    worker.ok("release", id=job, attempt=2, begun=True)
    last = ended(client, job)
    assert (last["state"], last["attempt"], last["error"]["type"]) == ("failed", 2, "WorkerLost")


def test_what_had_begun_and_may_run_again_is_given_back_forgiven(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=2)
    for attempt in (1, 2, 3):
        assert worker.runs(1)[0]["attempt"] == attempt
        worker.ok("release", id=job, attempt=attempt, begun=True)
    worker.runs(1)
    assert view(client, job)["forgiven"] == 3
    worker.ok("done", id=job, attempt=4)


# Timeouts


def test_an_attempt_that_takes_too_long_is_stopped_and_tried_again(hall: Hall, queue: str) -> None:
    client, worker, other = hall.session(), at_work(hall, queue), hall.session(worker="other")
    job = submit(client, queue, timeout_seconds=0.3, backoff=FAST)
    assert worker.runs(1)[0]["timeout_seconds"] == 0.3
    assert worker.push("stop", within=1.5) == {"id": job, "attempt": 1, "why": "timeout"}
    other.ok("work", queues=[queue], kinds=["k"], credit=1)
    assert view(client, job)["state"] == "running", "its worker has not reported yet"
    assert other.delivered() == []
    worker.ok("credit", credit=0)
    worker.ok("fail", id=job, attempt=1, error={"message": "stopped"})
    assert other.runs(1)[0]["attempt"] == 2


@pytest.mark.slow
def test_a_worker_that_ignores_a_timeout_loses_the_job_after_fifteen_seconds(hall: Hall, queue: str) -> None:
    client = hall.session()
    pair = [at_work(hall, queue, name, lease_seconds=60) for name in ("ann", "bob")]
    job = submit(client, queue, timeout_seconds=0.3)
    took = first_to_hear(*pair)
    rest = next(line for line in pair if line is not took)
    began = time.monotonic()
    took.push("stop", within=1.5)
    delivery = rest.runs(1, within=20)[0]
    assert 14.5 < time.monotonic() - began < 18
    assert (delivery["id"], delivery["attempt"]) == (job, 2)
    stale(took, "done", job, 1, result="too late")
    rest.ok("done", id=job, attempt=2, result="in time")
    assert view(client, job)["result"] == "in time"
