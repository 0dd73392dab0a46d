"""Conformance: every step of the table from every situation. Legal ones apply, others change nothing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from hirehall.core import lifecycle
from hirehall.core.lifecycle import STEPS, Step
from hirehall.core.operations import Change, Edit
from hirehall.model import State
from tests.stores.books import ANNA, CARL, Books, lane

TTL_SECONDS = 3_600.0
BY_THE_STORE = (lifecycle.DUE, lifecycle.UNBLOCK, lifecycle.DELIVER, lifecycle.EXPIRE)
BY_PEOPLE = (
    lifecycle.COMMIT, lifecycle.DISCARD, lifecycle.CANCEL, lifecycle.RETRY, lifecycle.CHANGE, lifecycle.REMOVE
)  # fmt: skip
BY_WORKERS = tuple(step for step in STEPS if step not in (*BY_THE_STORE, *BY_PEOPLE))
REFUSALS = {"stale", "wrong_state", "duplicate"}


def a_draft(books: Books) -> int:
    return books.one(draft=True, ttl_seconds=TTL_SECONDS)


def scheduled(books: Books) -> int:
    return books.one(delay_seconds=60.0, ttl_seconds=TTL_SECONDS)


def blocked(books: Books) -> int:
    """Another job has the only place of its lock."""
    books.one("blocker", lock="saw")
    return books.one(lock="saw", ttl_seconds=TTL_SECONDS)


def ready(books: Books) -> int:
    return books.one(ttl_seconds=TTL_SECONDS)


def running(books: Books) -> int:
    job = ready(books)
    assert books.claimed(lane(), ANNA) == [job]
    return job


def lost(books: Books) -> int:
    job = running(books)
    books.lose(job)
    return job


def succeeded(books: Books) -> int:
    job = running(books)
    books.succeed_in_hand(job)
    return job


def failed(books: Books) -> int:
    job = running(books)
    books.end(lifecycle.FAIL, job, State.FAILED, fault=b'{"type":"E","message":""}')
    return job


def cancelled(books: Books) -> int:
    job = ready(books)
    books.cancel(job)
    return job


def expired(books: Books) -> int:
    job = books.one(ttl_seconds=1.0)
    books.pass_time(1)
    books.sweep()
    return job


Situation = Callable[[Books], int]
SITUATIONS: dict[Situation, State] = {
    a_draft: State.DRAFT,
    scheduled: State.SCHEDULED,
    blocked: State.BLOCKED,
    ready: State.READY,
    lost: State.READY,
    running: State.RUNNING,
    succeeded: State.SUCCEEDED,
    failed: State.FAILED,
    cancelled: State.CANCELLED,
    expired: State.EXPIRED,
}
LATE = (lifecycle.SUCCEED, lifecycle.RESUME)  # from ready only while the lost attempt is the last one


def is_legal(step: Step, situation: Situation) -> bool:
    if situation is ready and step in LATE:
        return False
    return SITUATIONS[situation] in step.sources


def named(value: object) -> str | None:
    return getattr(value, "name", None) or getattr(value, "__name__", None)


def take(books: Books, step: Step, job: int, target: State, situation: Situation) -> str:
    """What a worker says of its attempt, or what happens to it."""
    in_hand = step is not lifecycle.RESUME and not (step is lifecycle.SUCCEED and situation is not running)
    wake_at = books.wall_ms + 1_000 if target is State.SCHEDULED else None
    result = b"1" if step is lifecycle.SUCCEED else None
    change = books.change(
        step,
        job,
        target,
        attempt=1,
        holder=ANNA,
        in_hand=in_hand,
        lane=lane(),
        wake_at=wake_at,
        result=result,
    )
    return change.answer


def want(books: Books, step: Step, job: int) -> str:
    """What a person asks for."""
    edit = Edit(max_attempts=7) if step is lifecycle.CHANGE else None
    return books.want(step, job, edit).answer


CASES = [
    (step, target, situation) for step in BY_WORKERS for target in sorted(step.targets) for situation in SITUATIONS
]
ENDS_IN = {lifecycle.CANCEL: State.CANCELLED, lifecycle.RETRY: State.READY, lifecycle.COMMIT: State.READY}


def test_every_situation_is_in_the_state_it_stands_for(books: Books) -> None:
    for situation, state in SITUATIONS.items():
        job = situation(books)
        assert books.job(job).state is state, named(situation)
        books.cancel(job)


def test_no_step_of_the_table_is_left_out() -> None:
    assert {*BY_WORKERS, *BY_PEOPLE, *BY_THE_STORE} == set(STEPS)


@pytest.mark.parametrize(("step", "target", "situation"), CASES, ids=named)
def test_a_step_applies_where_the_table_allows_it_and_changes_nothing_elsewhere(
    books: Books, step: Step, target: State, situation: Situation
) -> None:
    job = situation(books)
    before = books.job(job)
    answer = take(books, step, job, target, situation)
    if is_legal(step, situation):
        assert answer == "applied"
        assert books.job(job).state is target
    else:
        assert answer in REFUSALS
        assert books.job(job) == before


@pytest.mark.parametrize("step", BY_PEOPLE, ids=named)
@pytest.mark.parametrize("situation", SITUATIONS, ids=named)
def test_a_person_gets_what_the_table_allows_and_changes_nothing_elsewhere(
    books: Books, step: Step, situation: Situation
) -> None:
    job = situation(books)
    before = books.job(job)
    answer = want(books, step, job)
    if before.state not in step.sources:
        assert answer == ("duplicate" if step is lifecycle.COMMIT else "wrong_state")
        assert books.job(job) == before
    elif step in (lifecycle.REMOVE, lifecycle.DISCARD):
        assert (answer, books.read(job)) == ("applied", [])
    else:
        assert (answer, books.job(job).state) == ("applied", ENDS_IN.get(step, before.state))


@pytest.mark.parametrize("situation", SITUATIONS, ids=named)
def test_only_a_blocked_job_is_unblocked(books: Books, situation: Situation) -> None:
    blocker = books.one("blocker", lock="saw")
    job = situation(books)
    before = books.job(job)
    batch = books.batch()
    batch.changes += [
        Change(lifecycle.CANCEL, other.id, State.CANCELLED) for other in books.page() if other.kind == "blocker"
    ]
    moved = books.apply(batch).moved
    assert books.states(blocker) == ["cancelled"]
    if before.state in lifecycle.UNBLOCK.sources:
        assert [(m.id, m.was, m.state) for m in moved] == [(job, State.BLOCKED, State.READY)]
    else:
        assert moved == []
        assert books.job(job) == before


@pytest.mark.parametrize("situation", SITUATIONS, ids=named)
def test_only_a_ready_job_is_delivered(books: Books, situation: Situation) -> None:
    job = situation(books)
    before = books.job(job)
    got = books.claimed(lane(), CARL)
    assert got == ([job] if before.state in lifecycle.DELIVER.sources else [])
    assert books.job(job).attempt == before.attempt + len(got)
    if not got:
        assert books.job(job) == before


@pytest.mark.parametrize("situation", SITUATIONS, ids=named)
def test_only_a_scheduled_job_becomes_due(books: Books, situation: Situation) -> None:
    job = situation(books)
    before = books.job(job)
    books.pass_time(60)
    moved = books.sweep().moved
    if before.state in lifecycle.DUE.sources:
        assert [(m.id, m.was, m.state) for m in moved] == [(job, State.SCHEDULED, State.READY)]
    else:
        assert moved == []
        assert books.job(job) == before


@pytest.mark.parametrize("situation", SITUATIONS, ids=named)
def test_only_a_job_that_never_started_expires(books: Books, situation: Situation) -> None:
    job = situation(books)
    before = books.job(job)
    books.pass_time(TTL_SECONDS)
    moved = books.sweep().moved
    if before.state in lifecycle.EXPIRE.sources and before.attempt == 0:
        assert [(m.id, m.was, m.state) for m in moved] == [(job, before.state, State.EXPIRED)]
        assert books.job(job).finished_at == books.wall_ms
    else:
        assert moved == []
        assert books.job(job) == before


@pytest.mark.parametrize("situation", SITUATIONS, ids=named)
def test_a_refused_step_harms_no_neighbour_in_its_batch(books: Books, situation: Situation) -> None:
    job = situation(books)
    other = books.one("other")
    batch = books.batch()
    batch.changes += [
        Change(lifecycle.CANCEL, job, State.CANCELLED),
        Change(lifecycle.CANCEL, other, State.CANCELLED),
        Change(lifecycle.CANCEL, -1, State.CANCELLED),
    ]
    books.apply(batch)
    assert [change.answer for change in batch.changes[1:]] == ["applied", "not_found"]
    assert books.states(other) == ["cancelled"]


@pytest.mark.parametrize("step", BY_PEOPLE, ids=named)
def test_what_a_person_asks_of_an_unknown_job_is_not_found(books: Books, step: Step) -> None:
    assert want(books, step, 12_345) == "not_found"


@pytest.mark.parametrize("step", BY_WORKERS, ids=named)
def test_a_step_of_an_unknown_job_is_not_found(books: Books, step: Step) -> None:
    target = min(step.targets)
    assert books.change(step, 12_345, target, attempt=1, holder=ANNA, in_hand=True, lane=lane()).answer == "not_found"


def test_a_history_of_large_faults_keeps_its_latest_attempts_within_its_bytes(books: Books) -> None:
    job = books.one(max_attempts=50)
    for attempt in range(1, 16):
        books.claim(lane(), ANNA)
        fault = b'{"type":"E","message":"%s","trace":""}' % (b"x" * 100_000)
        books.end(lifecycle.LOSE, job, State.READY, attempt, fault=fault)
    history = books.job(job).history or b""
    assert 400_000 < len(history) <= 513 << 10
    assert [past["attempt"] for past in msgspec.json.decode(history)] == [11, 12, 13, 14, 15]


def test_a_single_fault_is_kept_however_large(books: Books) -> None:
    job = books.one()
    books.claim(lane(), ANNA)
    fault = b'{"type":"E","message":"%s","trace":""}' % (b"x" * 600_000)
    books.end(lifecycle.FAIL, job, State.FAILED, fault=fault)
    assert len(books.job(job).history or b"") > 600_000
