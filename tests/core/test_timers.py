"""The heap of what is timed."""

from __future__ import annotations

from hirehall.core.timers import Timers


def test_actions_come_in_the_order_of_their_times_and_not_before() -> None:
    timers, done = Timers(), []
    for due in (3.0, 1.0, 2.0):
        timers.add(due, lambda due=due: done.append(due))
    for action in timers.due(2.0):
        action()
    assert done == [1.0, 2.0]
    assert timers.next() == 3.0


def test_a_cancelled_action_does_not_happen() -> None:
    timers, done = Timers(), []
    timers.add(1.0, lambda: done.append("kept"))
    timers.add(1.0, lambda: done.append("cancelled")).cancel()
    for action in timers.due(1.0):
        action()
    assert done == ["kept"]


def test_cancelled_entries_do_not_pile_up() -> None:
    timers = Timers()
    for number in range(10_000):
        timers.add(1_000.0 + number, lambda: None).cancel()
    assert len(timers) < 200


def test_an_action_that_adds_one_for_now_is_followed_by_it() -> None:
    timers, done = Timers(), []
    timers.add(1.0, lambda: timers.add(1.0, lambda: done.append("second")))
    for action in timers.due(1.0):
        action()
    assert done == ["second"]
