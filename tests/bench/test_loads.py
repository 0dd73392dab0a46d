"""The loads themselves, on a real hall: what they count is what the hall has done."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from hirehall.bench import crowd as crowd_module
from hirehall.bench import rows
from hirehall.bench import sustained as sustained_module
from hirehall.bench.backlog import Line
from hirehall.bench.bench import QUICK, Bench
from hirehall.bench.crowd import SPARE, Crowd, room_for
from hirehall.bench.halls import OwnHall, RunningHall, own_hall
from hirehall.bench.keeping import JobsMissing, held_in
from hirehall.bench.official import Team, control, official_load, official_worker
from hirehall.bench.peers import Load, Peer, Refused, acked, submit_all
from hirehall.bench.raw import new_queue, raw_load
from hirehall.bench.raw_worker import ANSWERS
from hirehall.bench.running import run
from hirehall.bench.sustained import Course, Sample, sustained
from hirehall.errors import BadRequest, Unavailable
from hirehall.processes import ends_on_signals


@pytest.fixture(scope="module")
def hall() -> Iterator[OwnHall]:
    """One for all of these."""
    with own_hall() as hall:
        yield hall


def held(hall: OwnHall, queue: str) -> dict[str, int]:
    """What the store says."""
    with control(hall) as asking:
        return held_in(asking, queue)


@pytest.mark.parametrize("answers", ANSWERS)
def test_every_job_of_a_raw_load_has_its_end(hall: OwnHall, answers: str) -> None:
    load = Load(new_queue(), 300)
    with raw_load(hall, answers) as raw:
        row = raw.end_to_end("a load", load)
    assert row.jobs == 300
    assert held(hall, load.queue) == {"succeeded": 300}
    assert row.hall_us is not None
    assert row.hall_us > 0


def test_a_drain_takes_from_the_front_and_counts_all_that_the_worker_took(hall: OwnHall) -> None:
    load = Load(new_queue(), 5000, batch=100, window=1000)
    with raw_load(hall) as raw:
        _, tally = raw.enqueue("enqueue", load)
        assert held(hall, load.queue) == {"ready": 5000}
        row = raw.drain("drain", load.queue, tally, 500)
    assert 500 <= row.jobs <= 5000
    assert held(hall, load.queue) == {"ready": 5000 - row.jobs, "succeeded": row.jobs} or row.jobs == 5000


def test_a_load_ends_with_its_seconds_and_waits_for_what_it_has_said(hall: OwnHall) -> None:
    load = Load(new_queue(), 10**9, window=100, seconds=0.2)
    with raw_load(hall) as raw:
        row = raw.end_to_end("a load", load)
    assert 0 < row.jobs < 10**6
    assert held(hall, load.queue) == {"succeeded": row.jobs}


def test_a_load_that_is_refused_says_why(hall: OwnHall) -> None:
    with control(hall) as asking:
        asking.drain("shut")
    peer = Peer(hall.url, hall.token)
    try:
        with pytest.raises(Refused, match="shut is drained"):
            submit_all(peer, Load("shut", 10), acked)
    finally:
        peer.close()


def test_a_stranger_is_not_measured(hall: OwnHall) -> None:
    with pytest.raises(Refused, match="unauthenticated"):
        Peer(hall.url, "hall_nobody")


def test_what_speaks_tls_has_no_raw_load() -> None:
    with pytest.raises(BadRequest, match="plain sockets"):
        Peer("hall+tls://127.0.0.1:1", None)


def test_a_worker_that_cannot_come_says_why(hall: OwnHall) -> None:
    stranger = RunningHall(hall.url, "hall_nobody", None, hall.folder)
    with (
        pytest.raises(Unavailable, match="the raw worker ended with status 1: the hall refused a load"),
        raw_load(stranger),
    ):
        pass


def test_a_crowd_of_idle_workers_takes_what_comes(hall: OwnHall) -> None:
    load = Load(new_queue(), 50)
    crowd = Crowd(hall.url, hall.token, load.queue)
    try:
        crowd.come(30)
        with control(hall) as asking:
            assert sum(load.queue in worker.queues for worker in asking.workers()) == 30
        reached, took = crowd.closed_loop(load)
    finally:
        crowd.leave()
    assert len(took) == 50
    assert all(before < after for before, after in zip(reached, took, strict=True))
    assert held(hall, load.queue) == {"succeeded": 50}


def test_there_are_only_as_many_idle_workers_as_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_module.resource, "setrlimit", lambda _what, _limits: None)
    monkeypatch.setattr(crowd_module.resource, "getrlimit", lambda _what: (1000, 1000))
    assert room_for(500) == 500
    assert room_for(10_000) == 1000 - SPARE


def test_a_raw_worker_that_dies_is_noticed_at_once(hall: OwnHall) -> None:
    load, began = Load(new_queue(), 10**6, window=50, seconds=20), time.monotonic()
    with raw_load(hall) as raw, pytest.raises(Unavailable, match="the raw worker ended with status -9"):
        raw.end_to_end("a load", load, lambda count: os.kill(raw.worker.pid, signal.SIGKILL) if count > 100 else None)
    assert time.monotonic() - began < 10


def test_a_raw_worker_that_dies_while_a_backlog_is_made_is_noticed_at_once(hall: OwnHall) -> None:
    load, began = Load(new_queue(), 0), time.monotonic()
    with raw_load(hall) as raw, pytest.raises(Unavailable, match="the raw worker ended with status -9"):
        Line(hall, raw, "backlog", load).fill(
            10**6, lambda count: os.kill(raw.worker.pid, signal.SIGKILL) if count > 1000 else None
        )
    assert time.monotonic() - began < 10


def test_a_short_line_is_as_long_as_before_after_a_turn(hall: OwnHall) -> None:
    with raw_load(hall) as raw:
        line = Line(hall, raw, "backlog", Load(new_queue(), 0))
        assert line.fill(150).jobs == 150
        assert held(hall, line.queue) == {"ready": 150}
        line.turn(3000, 10)  # the worker takes all
        line.top_up()
        assert held(hall, line.queue)["ready"] == 150


def test_without_room_for_any_idle_worker_none_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "room_for", lambda _wanted: 0)
    bench = Bench(lambda _room: pytest.fail("a hall was opened"), QUICK, lambda *_told: None)
    rows.idle_workers(bench)
    assert "there is room for 0 open files" in bench.not_measured["200 idle workers"]
    assert bench.figures == {}


# Of the official client, ended half way: what is left of it would be said as a traceback.


def stopped_load(hall: OwnHall, stop: Callable[[Team], None]) -> None:
    """A load during which `stop` is called."""
    load = Load(new_queue(), 10**6, window=50, seconds=20)

    async def half_way(team: Team) -> None:
        async with official_load(hall, team) as client:
            await client.end_to_end("a load", load, lambda count: stop(team) if count == 100 else None)

    with official_worker(hall, [load.queue]) as team:
        run(half_way(team))


def test_an_interrupted_load_leaves_no_task_that_nobody_awaits(hall: OwnHall, caplog: pytest.LogCaptureFixture) -> None:
    with ends_on_signals(), pytest.raises(KeyboardInterrupt):
        stopped_load(hall, lambda _team: signal.raise_signal(signal.SIGINT))
    gc.collect()
    assert caplog.records == []


def test_a_load_whose_worker_dies_leaves_no_task_that_nobody_awaits(
    hall: OwnHall, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unavailable, match="the official worker ended with status -9"):
        stopped_load(hall, lambda team: os.kill(team.pid, signal.SIGKILL))
    gc.collect()
    assert caplog.records == []


# For minutes.


def test_a_sustained_load_sees_old_jobs_go(hall: OwnHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sustained_module, "KEEP_SECONDS", 1)
    monkeypatch.setattr(sustained_module, "SLACK_SECONDS", 1.0)
    monkeypatch.setattr(sustained_module, "SAMPLE_SECONDS", 0.1)
    with raw_load(hall) as raw:
        row, figures = sustained(hall, raw, 4 / 60, new_queue())
    assert row.jobs > 0
    assert 0 < figures["pruned_jobs"] <= row.jobs
    assert figures["ratio"] > 0
    assert len(figures["database_mib"]) == 2
    assert all(size > 0 for size in figures["database_mib"])


def test_jobs_that_go_before_their_time_are_noticed(hall: OwnHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sustained_module, "held_in", lambda _hall, _queue: {"succeeded": 3})
    with raw_load(hall) as raw, pytest.raises(JobsMissing, match="the hall holds 3 succeeded: at least"):
        sustained(hall, raw, 0.5 / 60, new_queue())


def test_the_first_and_the_last_minute_are_compared(hall: OwnHall) -> None:
    course = Course(hall)
    rates = [100 if at < 60 else 90 if at < 240 else 80 for at in range(300)]
    course.samples = [Sample(at, sum(rates[:at]), (at / 10, 1.0), at / 2) for at in range(301)]
    figures = course.figures(5)
    assert (figures["first_minute_jobs_per_s"], figures["last_minute_jobs_per_s"]) == (100, 80)
    assert figures["ratio"] == 0.8
    assert figures["cpu_ratio"] == pytest.approx(1 / 0.8)
    assert figures["database_mib"] == [6.0, 12.0, 18.0, 24.0, 30.0]
    assert figures["hall_us"] == pytest.approx([5e5 / 100, *[5e5 / 90] * 3, 5e5 / 80])


def test_a_minute_in_which_nothing_happened_has_no_cost(hall: OwnHall) -> None:
    course = Course(hall)
    course.samples = [Sample(at, max(at - 60, 0), (1.0, 1.0), at / 2) for at in range(121)]
    figures = course.figures(2)
    assert (figures["ratio"], figures["cpu_ratio"], figures["hall_us"]) == (None, None, [None, 5e5])
