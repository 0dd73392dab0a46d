"""How much of a line would stand too long."""

from __future__ import annotations

from hirehall.runners.flow import HOLD_SECONDS, LATE_SECONDS, LOOK_BACK_SECONDS, MOST_LATE, STILL_SECONDS, Flow


def test_a_line_is_watched_for_a_while_before_it_is_judged() -> None:
    flow = Flow()
    assert flow.too_many(0.0, 0.0, taken=0, waiting=100) == 0
    assert flow.too_many(LOOK_BACK_SECONDS / 2, 0.0, taken=0, waiting=100) == 0
    assert flow.too_many(LOOK_BACK_SECONDS, 0.0, taken=0, waiting=100) == 100


def test_of_a_line_that_moves_as_much_stays_as_begins_in_time() -> None:
    flow = Flow()
    flow.too_many(0.0, 0.0, taken=5, waiting=100)
    begin = int(10 * HOLD_SECONDS / LOOK_BACK_SECONDS)
    assert flow.too_many(LOOK_BACK_SECONDS, 0.0, taken=15, waiting=100) == 100 - begin
    assert flow.too_many(2 * LOOK_BACK_SECONDS, 0.0, taken=25, waiting=begin) == 0


def test_a_look_that_comes_late_says_nothing_about_the_line() -> None:
    flow = Flow()
    flow.too_many(0.0, 0.0, taken=0, waiting=100)
    assert flow.too_many(LOOK_BACK_SECONDS * 2, LATE_SECONDS * 2, taken=0, waiting=100) == 0
    assert flow.too_many(LOOK_BACK_SECONDS * 4, 0.0, taken=0, waiting=100) == 100


def test_where_every_look_is_late_a_line_that_stands_still_is_given_back_all_the_same() -> None:
    flow = Flow()
    late = LATE_SECONDS * 2
    flow.too_many(0.0, late, taken=3, waiting=100)
    assert flow.too_many(STILL_SECONDS / 2, late, taken=3, waiting=100) == 0
    assert flow.too_many(STILL_SECONDS, late, taken=3, waiting=100) == 100


def test_where_every_look_is_late_a_line_that_creeps_is_judged_all_the_same() -> None:
    """Calls that compute keep the interpreter from whoever looks, for as long as they stand there."""
    flow = Flow()
    late = LATE_SECONDS * 2
    looks = [flow.too_many(n * LOOK_BACK_SECONDS, late, taken=n, waiting=100) for n in range(2 * MOST_LATE + 3)]
    begin = int(HOLD_SECONDS / LOOK_BACK_SECONDS)
    judged = [*([0] * MOST_LATE), 100 - begin]
    assert looks == [0, *judged, *judged]


def test_a_line_that_was_empty_is_watched_anew() -> None:
    flow = Flow()
    flow.too_many(0.0, 0.0, taken=0, waiting=1)
    flow.over()
    assert flow.too_many(LOOK_BACK_SECONDS, 0.0, taken=0, waiting=1) == 0
