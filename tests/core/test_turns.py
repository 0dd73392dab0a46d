"""Whose turn it is: priority, then shares in turn, then the lanes of a share in turn."""

from __future__ import annotations

from hirehall.core.lanes import Hallway, Lane
from hirehall.model import LaneKey


def ready(hallway: Hallway, kind: str, share: str, jobs: int, priority: int = 0) -> Lane:
    lane = hallway.lane(LaneKey("default", kind, "{}", share, priority))
    hallway.add_ready(lane, jobs)
    return lane


def turns(hallway: Hallway, count: int) -> list[str]:
    """Take `count` jobs for one worker that serves every kind."""
    crew = hallway.crew(frozenset({"default"}), frozenset({"*"}), {})
    taken = []
    for _ in range(count):
        lane = crew.next_lane()
        if lane is None:
            break
        lane.ready -= 1
        taken.append(f"{lane.key.share}/{lane.key.kind}")
    return taken


def test_shares_take_turns_and_so_do_the_lanes_of_one_share() -> None:
    hallway = Hallway()
    for kind in ("x", "y"):
        ready(hallway, kind, "a", 10)
    ready(hallway, "x", "b", 10)
    assert turns(hallway, 6) == ["a/x", "b/x", "a/y", "b/x", "a/x", "b/x"]


def test_a_single_job_starts_among_the_next_two_beside_fifty_full_lanes() -> None:
    hallway = Hallway()
    for kind in range(50):
        ready(hallway, f"k{kind}", "busy", 2_000)
    assert len(turns(hallway, 7)) == 7
    ready(hallway, "k0", "modest", 1)
    assert "modest/k0" in turns(hallway, 2)


def test_a_larger_priority_goes_first_whatever_the_turn() -> None:
    hallway = Hallway()
    ready(hallway, "low", "a", 3)
    ready(hallway, "high", "b", 2, priority=5)
    assert turns(hallway, 4) == ["b/high", "b/high", "a/low", "a/low"]


def test_an_emptied_lane_takes_turns_again_when_it_has_jobs_again() -> None:
    hallway = Hallway()
    lane = ready(hallway, "x", "a", 1)
    assert turns(hallway, 2) == ["a/x"]
    hallway.add_ready(lane)
    assert turns(hallway, 2) == ["a/x"]


def test_lanes_without_jobs_are_forgotten_but_not_those_with_a_promise() -> None:
    hallway = Hallway()
    promised = ready(hallway, "promised", "a", 0)
    promised.promised = 1
    ready(hallway, "idle", "a", 0)
    ready(hallway, "busy", "a", 1)
    hallway.forget_idle_lanes(keep=1)
    assert sorted(key.kind for key in hallway.lanes) == ["busy", "promised"]


def test_a_lane_that_stands_in_some_turns_is_not_forgotten() -> None:
    """Or its successor of the same number would be taken for listed, and its jobs never handed out."""
    hallway = Hallway()
    crew = hallway.crew(frozenset({"default"}), frozenset({"*"}), {})
    ready(hallway, "first", "a", 1, priority=5)
    lane = ready(hallway, "x", "a", 1)
    hallway.add_ready(lane, -1)
    hallway.forget_idle_lanes(keep=0)
    ready(hallway, "x", "a", 1)
    assert turns(hallway, 3) == ["a/first", "a/x"]
    hallway.disband(crew)
    assert lane.listed == 0
