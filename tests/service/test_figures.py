"""Totals, buckets and rings: what is counted is what happened, however many happened at once."""

from __future__ import annotations

import random

import pytest

from hirehall.core.lifecycle import RELEASE, SUCCEED
from hirehall.core.operations import Change
from hirehall.model import Instant, first_id
from hirehall.service.figures import (
    BOUNDS,
    MOST_KINDS,
    MOST_QUEUES,
    OTHER,
    RECENT_SECONDS,
    Figures,
    Histogram,
    QueueFigures,
)
from hirehall.service.metrics import Metrics

NOW_MS = 1_800_000_000_000


def ids(*ages_ms: int) -> list[int]:
    """Jobs that were submitted so long ago."""
    return [first_id(NOW_MS - age, 7) + place for place, age in enumerate(ages_ms)]


def one_by_one(*ages_ms: int) -> Histogram:
    slow = Histogram()
    for age in ages_ms:
        slow.add(age / 1000)
    return slow


@pytest.mark.parametrize(
    "ages", [(0,), (5, 5, 5), (60_000, 59_999, 100, 99, 3, 2, 1, 0), (9_000_000, 0), (0, 5_000, 0, 2)]
)
def test_ages_of_a_run_count_into_the_buckets_in_which_each_would_have_come(ages: tuple[int, ...]) -> None:
    fast = Histogram()
    fast.add_ages(ids(*ages), NOW_MS)
    assert fast.counts == one_by_one(*ages).counts


def test_ages_of_long_runs_are_right_and_their_sum_is_near() -> None:
    dice = random.Random(4)
    for _ in range(50):
        ages = sorted((round(10 ** dice.uniform(0, 7)) for _ in range(300)), reverse=True)
        fast, slow = Histogram(), one_by_one(*ages)
        fast.add_ages(ids(*ages), NOW_MS)
        assert fast.counts == slow.counts
        assert fast.seconds == pytest.approx(slow.seconds, rel=0.5)


def test_a_job_from_the_future_is_new() -> None:
    histogram = Histogram()
    histogram.add_ages(ids(-5_000), NOW_MS)
    assert (histogram.counts[0], histogram.seconds) == (1, 0.0)


def test_what_took_as_long_as_a_bound_is_within_it() -> None:
    for place, bound in enumerate(BOUNDS):
        histogram = Histogram()
        histogram.add(bound)
        assert histogram.counts[place] == 1


def test_quantiles_lie_in_the_bucket_where_they_belong() -> None:
    histogram = Histogram()
    assert histogram.quantile(0.5) is None
    histogram.add(0.2, times=90)
    histogram.add(20.0, times=10)
    median, late = histogram.quantile(0.5), histogram.quantile(0.95)
    assert median == pytest.approx(0.2, abs=0.06)
    assert late == pytest.approx(20.0, abs=10.0)
    histogram.add(1e9, times=10_000)
    assert histogram.quantile(0.5) == BOUNDS[-1]


def test_each_second_and_minute_has_what_happened_in_it() -> None:
    queue = QueueFigures(1_000)
    queue.count("submitted", 5, is_end=False, now=1_000)
    queue.count("submitted", 7, is_end=False, now=1_002)
    queue.count("succeeded", 3, is_end=True, now=1_002)
    into, out = queue.seconds(1_003)
    assert (into[-4:], out[-4:], len(into), sum(into)) == ([5, 0, 7, 0], [0, 0, 3, 0], 60, 12)
    queue.count("submitted", 1, is_end=False, now=1_130)
    into, out = queue.minutes(1_130)
    assert (into[-3:], out[-3:], len(into)) == ([12, 0, 1], [3, 0, 0], 60)
    assert sum(queue.seconds(1_130)[0]) == 1
    assert sum(queue.minutes(1_000_000)[0]) == 0


def test_recent_run_times_forget_what_is_long_past() -> None:
    queue = QueueFigures(0)
    queue.ran(1.0, 4, now=10)
    queue.ran(2.0, 2, now=RECENT_SECONDS + 10)
    assert queue.recent(RECENT_SECONDS + 11).times == 6
    assert queue.recent(2 * RECENT_SECONDS + 20).times == 2
    assert queue.recent(9 * RECENT_SECONDS).times == 0


def test_run_times_of_a_run_are_those_of_each() -> None:
    metrics, now = Metrics(0), Instant(10.2, NOW_MS)
    for sinces in ([10.0, 10.0, 10.0], [9.0, 10.0, 10.0], [0.0, 10.0], [0.0]):
        metrics.ran([Change(SUCCEED, 1, None, kind="saw", queue="q", since=since) for since in sinces], now)
    metrics.ran([Change(RELEASE, 1, None, kind="saw", queue="q", since=10.0)], now)
    times = metrics.figures.run_times["q", "saw"]
    assert (times.counts[BOUNDS.index(0.25)], times.counts[BOUNDS.index(2.5)], times.times) == (6, 1, 7)
    assert times.seconds == pytest.approx(6 * 0.2 + 1.2)
    assert metrics.figures.queues["q"].recent(11).times == 7


def test_names_cannot_fill_the_memory() -> None:
    figures = Figures()
    for number in range(MOST_QUEUES + 50):
        figures.queue(f"q{number}", 1).count("submitted", 1, is_end=False, now=1)
        figures.ran(f"q{number}", f"kind{number}", 1.0, 1, now=2)
    assert len(figures.queues) == MOST_QUEUES + 1
    assert figures.queues[OTHER].counts["submitted"] == 50
    assert len(figures.run_times) == MOST_KINDS + 1
    assert figures.run_times[OTHER, OTHER].times == MOST_QUEUES + 50 - MOST_KINDS
