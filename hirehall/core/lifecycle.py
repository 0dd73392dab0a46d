"""A job's life as a table. Rule 1: every change of a state is a row here.

The diagram in the docs is generated from STEPS. Inside its transaction a store asks `take` where it looks at the
row and the step leads to another state, the sweep and the gates included. Claims and results of leases in hand look at
no row: there the statement names the state that the step starts from. `change`, `remove` and `discard` pass `judging`
only.
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from hirehall.errors import WrongState
from hirehall.model import FINAL, State, id_text

S = State


class Step(NamedTuple):
    """One kind of change: its name, the states it may start from, the states it may lead to, and when it happens."""

    name: str
    sources: frozenset[State]
    targets: frozenset[State]
    when: str


def _step(name: str, sources: Set[State], targets: Set[State], when: str) -> Step:
    return Step(name, frozenset(sources), frozenset(targets), when)


COMMIT = _step("commit", {S.DRAFT}, {S.READY, S.SCHEDULED, S.BLOCKED}, "its files are there: it may run")
DISCARD = _step("discard", {S.DRAFT}, set(), "nobody wants it any more, or it was not committed in time")
DUE = _step("due", {S.SCHEDULED}, {S.READY, S.BLOCKED}, "its time has come")
UNBLOCK = _step("unblock", {S.BLOCKED}, {S.READY}, "what it waited for has succeeded, and its lock has a place")
DELIVER = _step("deliver", {S.READY}, {S.RUNNING}, "a fitting worker has credit")
SUCCEED = _step(
    "succeed", {S.RUNNING, S.READY}, {S.SUCCEEDED}, "the worker reports a result; late, while nobody else has it"
)
FAIL = _step("fail", {S.RUNNING}, {S.SCHEDULED, S.FAILED}, "the worker reports a failure")
RELEASE = _step("release", {S.RUNNING}, {S.READY, S.SCHEDULED}, "the worker gives it back, forgiven")
LOSE = _step("lose", {S.RUNNING}, {S.READY, S.FAILED}, "the lease ran out or the worker left")
TIMEOUT = _step("timeout", {S.RUNNING}, {S.SCHEDULED, S.FAILED}, "the attempt took too long")
RESUME = _step("resume", {S.READY}, {S.RUNNING}, "its worker came back before anyone else took it")
CANCEL = _step("cancel", set(State) - FINAL - {S.DRAFT}, {S.CANCELLED}, "someone cancels it")
EXPIRE = _step("expire", {S.SCHEDULED, S.BLOCKED, S.READY}, {S.EXPIRED}, "it did not start in time")
RETRY = _step("retry", FINAL - {S.SUCCEEDED}, {S.READY, S.BLOCKED}, "a person wants it tried again")
CHANGE = _step(
    "change", {S.SCHEDULED, S.BLOCKED, S.READY}, {S.SCHEDULED, S.BLOCKED, S.READY}, "a person changes what it is"
)
REMOVE = _step("remove", FINAL, set(), "a person removes it, or it was kept long enough")

STEPS: tuple[Step, ...] = (
    COMMIT, DISCARD, DUE, UNBLOCK, DELIVER, SUCCEED, FAIL, RELEASE, LOSE, TIMEOUT, RESUME, CANCEL, EXPIRE, RETRY,
    CHANGE, REMOVE,
)  # fmt: skip


def take(job: int, state: State, step: Step, target: State) -> State:
    """`target`, if `step` leads there from `state`; else WrongState naming job, state and step."""
    if state not in step.sources or target not in step.targets:
        raise WrongState(f"job {id_text(job)} is {state.word}: it cannot {step.name} to {target.word}")
    return target


def diagram() -> str:
    """The table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {word}: submit" for word in ("draft", "scheduled", "blocked", "ready")]
    lines.append("    [*] --> running: submit, placed at once")
    for step in STEPS:
        lines += [
            f"    {source.word} --> {target.word}: {step.name}"
            for source in sorted(step.sources)
            for target in sorted(step.targets)
            if source != target
        ]
    lines.append("    draft --> [*]: discard")
    lines += [f"    {state.word} --> [*]" for state in sorted(FINAL)]
    return "\n".join(lines) + "\n"
