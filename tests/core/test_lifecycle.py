"""The table of steps is the only way to change a state."""

from __future__ import annotations

import pytest

from hirehall.core import lifecycle
from hirehall.core.lifecycle import STEPS, Step, take
from hirehall.errors import WrongState
from hirehall.model import FINAL, State


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
@pytest.mark.parametrize("source", State, ids=lambda state: state.word)
@pytest.mark.parametrize("target", State, ids=lambda state: state.word)
def test_a_step_leads_only_where_its_row_says(step: Step, source: State, target: State) -> None:
    if source in step.sources and target in step.targets:
        assert take(1, source, step, target) is target
    else:
        with pytest.raises(WrongState):
            take(1, source, step, target)


def test_only_a_person_leaves_an_end_and_nobody_a_success() -> None:
    assert [step.name for step in STEPS if step.sources & FINAL and step.targets] == ["retry"]
    assert State.SUCCEEDED not in lifecycle.RETRY.sources


def test_every_state_but_an_end_and_a_draft_can_be_cancelled() -> None:
    for state in set(State) - FINAL - {State.DRAFT}:
        assert state in lifecycle.CANCEL.sources


def test_an_illegal_step_names_job_state_and_step() -> None:
    with pytest.raises(WrongState, match="job 000000000000002a is succeeded: it cannot cancel to cancelled"):
        take(42, State.SUCCEEDED, lifecycle.CANCEL, State.CANCELLED)


def test_the_diagram_shows_every_step() -> None:
    drawn = lifecycle.diagram()
    moves = [step for step in STEPS if {(a, b) for a in step.sources for b in step.targets if a != b}]
    assert all(f": {step.name}\n" in drawn for step in moves)
    assert len(moves) == len(STEPS) - 2, "`remove` and `discard` lead nowhere"


def test_only_commit_and_discard_leave_a_draft() -> None:
    """Cancelled and retried it would run without its files."""
    assert [step.name for step in STEPS if State.DRAFT in step.sources] == ["commit", "discard"]
    assert not any(State.DRAFT in step.targets for step in STEPS)
