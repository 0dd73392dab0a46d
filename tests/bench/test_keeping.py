"""The store is asked after every row: a job that is missing, or has not its end, is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hirehall.bench import bench as bench_module
from hirehall.bench.bench import QUICK, Bench
from hirehall.bench.halls import running_hall
from hirehall.bench.keeping import JobsMissing, check_queue, tidy
from hirehall.errors import Unavailable
from hirehall.testing import HallTestServer


@pytest.fixture
def hall_server() -> Iterator[HallTestServer]:
    """A hall that takes jobs."""
    with HallTestServer() as server:
        yield server


def nothing(payload: object) -> None:
    """A job that does nothing."""


def test_a_queue_that_holds_what_was_answered_passes(hall_server: HallTestServer) -> None:
    hall = hall_server.client()
    hall.submit_many([{"kind": "nothing"}] * 3)
    check_queue(hall, "default", {"ready": 3, "succeeded": 0})
    hall_server.run_all(nothing)
    check_queue(hall, "default", {"ready": 0, "succeeded": 3})


def test_a_job_that_is_gone_is_noticed(hall_server: HallTestServer) -> None:
    hall = hall_server.client()
    jobs = hall.submit_many([{"kind": "nothing"}] * 3)
    hall_server.run_all(nothing)
    hall.remove(jobs[1].id)
    with pytest.raises(JobsMissing, match="holds 2 succeeded, where the client was answered 3 succeeded"):
        check_queue(hall, "default", {"succeeded": 3})


def test_a_job_without_its_end_is_noticed(hall_server: HallTestServer) -> None:
    hall = hall_server.client()
    hall.submit("nothing")
    with pytest.raises(JobsMissing, match="holds 1 ready"):
        check_queue(hall, "default", {"succeeded": 1})


def test_a_job_too_many_is_noticed(hall_server: HallTestServer) -> None:
    hall = hall_server.client()
    hall.submit_many([{"kind": "nothing"}] * 2)
    with pytest.raises(JobsMissing):
        check_queue(hall, "default", {"ready": 1})


def test_a_hall_is_left_without_our_jobs_and_with_all_others(hall_server: HallTestServer) -> None:
    hall = hall_server.client()
    hall.submit_many([{"kind": "nothing"}] * 300, queue="ours")
    hall.submit("nothing", queue="ours", delay_seconds=60)
    hall.submit("nothing", queue="theirs")
    tidy(hall, ["ours"])
    assert [(view.queue, view.jobs) for view in hall.counts()] == [("theirs", 1)]


@pytest.mark.parametrize("why", [Unavailable("it is gone"), TimeoutError("it is gone")])
def test_jobs_that_cannot_be_removed_are_told_beside_the_mistake_of_the_row(
    hall_server: HallTestServer, monkeypatch: pytest.MonkeyPatch, why: Exception
) -> None:
    def fails(_hall: object, _queues: object) -> None:
        raise why

    monkeypatch.setattr(bench_module, "tidy", fails)
    bench = Bench(lambda _room: running_hall(hall_server.url, hall_server.token, None), QUICK, lambda *_told: None)
    with pytest.raises(JobsMissing, match="the row's own"):
        fail_in_a_row(bench)
    assert bench.at == "a row"
    assert "(it is gone): what has ended goes within an hour" in bench.remarks[0]


def test_jobs_that_stay_because_tidying_up_is_interrupted_are_told(
    hall_server: HallTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_hall: object, _queues: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench_module, "tidy", interrupted)
    bench = Bench(lambda _room: running_hall(hall_server.url, hall_server.token, None), QUICK, lambda *_told: None)
    with pytest.raises(KeyboardInterrupt):
        fail_in_a_row(bench)
    assert bench.at == "tidying up"
    assert "(interrupted): what has ended goes within an hour" in bench.remarks[0]


def fail_in_a_row(bench: Bench) -> None:
    """With a mistake of its own, and a queue to tidy up."""
    with bench.hall() as hall:
        bench.load(hall)
        bench.progress("a row", 1)
        raise JobsMissing("the row's own")
