"""Conformance: jobs that wait for other jobs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import SWEEP_JOBS, Change
from hirehall.model import State, id_text
from tests.stores.books import ANNA, Books, lane, spec


def child_of(books: Books, *parents: int, kind: str = "child", **fields: object) -> int:
    return books.one(kind, after=list(map(id_text, parents)), **fields)


def failed(books: Books, job: int) -> None:
    books.start(job)
    books.end(lifecycle.FAIL, job, State.FAILED, attempt=books.job(job).attempt)


def why(books: Books, job: int) -> str:
    return str(msgspec.json.decode(books.job(job).fault or b"{}")["message"])


# Parents that succeed.


def test_a_child_waits_until_its_parent_has_succeeded(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    assert books.states(child) == ["blocked"]
    assert books.claimed(lane("child"), ANNA) == []
    books.finish(parent)
    assert [(m.id, m.was, m.state) for m in books.last.moved] == [(child, State.BLOCKED, State.READY)]
    books.finish(child)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_child_of_several_parents_waits_for_the_last_of_them_in_whatever_order(
    books: Books, order: tuple[int, ...]
) -> None:
    parents = [books.one(f"parent{n}") for n in range(3)]
    child = child_of(books, *parents)
    for place in order:
        assert books.states(child) == ["blocked"]
        books.finish(parents[place])
    assert books.states(child) == ["ready"]


def test_a_parent_may_be_named_twice(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent, parent)
    books.finish(parent)
    assert books.states(child) == ["ready"]


def test_a_child_of_parents_that_have_succeeded_is_ready_in_the_commit_of_its_submit(books: Books) -> None:
    parents = [books.one("parent") for _ in range(2)]
    books.finish(*parents)
    batch = books.batch()
    new = books.add_submit(batch, spec("child", after=list(map(id_text, parents)))).jobs[0]
    books.apply(batch)
    assert books.states(new.id) == ["ready"]
    assert new.became is State.READY


def test_a_parent_that_succeeds_in_the_batch_of_the_submit_counts(books: Books) -> None:
    parent = books.one("parent")
    books.start(parent)
    batch = books.batch()
    submit = books.add_submit(batch, spec("child", after=[id_text(parent)]))
    batch.changes.append(
        Change(lifecycle.SUCCEED, parent, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane("parent"), results=[b"1"])
    )
    books.apply(batch)
    assert books.states(*submit.ids) == ["ready"]
    assert lane("child") in batch.lanes, "the core must know what it stands for"


def test_parents_that_succeed_in_one_batch_count_each(books: Books) -> None:
    parents = [books.one("parent") for _ in range(3)]
    child = child_of(books, *parents)
    books.start(*parents)
    batch = books.batch()
    batch.changes += [
        Change(lifecycle.SUCCEED, job, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane("parent")) for job in parents
    ]
    books.apply(batch)
    assert [(m.id, m.state) for m in batch.moved] == [(child, State.READY)]


def test_a_child_of_a_parent_in_the_same_bulk_submit_waits(books: Books) -> None:
    batch = books.batch()
    parent = books.new_job(batch, spec("parent"))
    submit = books.add_submit(batch, spec("other"))
    child = books.new_job(batch, spec("child", after=[id_text(parent.id)]))
    submit.jobs = [parent, *submit.jobs, child]
    books.apply(batch)
    assert books.states(child.id) == ["blocked"]
    books.finish(parent.id)
    assert books.states(child.id) == ["ready"]


def test_a_late_result_of_a_parent_counts(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    books.start(parent)
    books.lose(parent)
    assert books.states(child) == ["blocked"]
    books.succeed(parent)
    assert books.states(child) == ["ready"]


def test_a_failure_with_attempts_left_tells_nobody(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    books.start(parent)
    books.end(lifecycle.FAIL, parent, State.SCHEDULED, wake_at=books.wall_ms + 1_000)
    books.pass_time(1)
    books.sweep()
    assert books.states(parent, child) == ["ready", "blocked"]
    books.finish(parent)
    assert books.states(child) == ["ready"]


def test_a_child_whose_time_has_not_come_waits_for_both(books: Books) -> None:
    parents = [books.one("parent") for _ in range(2)]
    children = [child_of(books, parent, delay_seconds=5.0) for parent in parents]
    assert books.states(*children) == ["scheduled"] * 2
    books.finish(parents[0])
    assert books.states(*children) == ["scheduled"] * 2
    books.pass_time(5)
    books.sweep()
    assert books.states(*children) == ["ready", "blocked"]
    books.finish(parents[1])
    assert books.states(children[1]) == ["ready"]


# Parents that end otherwise.


def cancel_ready(books: Books, parent: int) -> None:
    books.cancel(parent)


def cancel_running(books: Books, parent: int) -> None:
    books.start(parent)
    books.cancel(parent)


def lose_the_last_attempt(books: Books, parent: int) -> None:
    books.start(parent)
    books.end(lifecycle.LOSE, parent, State.FAILED)


def time_out(books: Books, parent: int) -> None:
    books.start(parent)
    books.end(lifecycle.TIMEOUT, parent, State.FAILED)


def expire(books: Books, parent: int) -> None:
    books.edit(parent, expires_at=books.wall_ms + 1_000)
    books.pass_time(1)
    books.sweep()


ENDS: dict[Callable[[Books, int], None], str] = {
    failed: "failed", cancel_ready: "cancelled", cancel_running: "cancelled", lose_the_last_attempt: "failed",
    time_out: "failed", expire: "expired",
}  # fmt: skip


@pytest.mark.parametrize(("end", "state"), ENDS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_parent_that_ends_otherwise_cancels_its_children_and_theirs_in_the_same_commit(
    books: Books, end: Callable[[Books, int], None], state: str
) -> None:
    parent, brother = books.one("parent"), books.one("brother")
    child = child_of(books, parent, brother, follow=True)
    grandchild = child_of(books, child)
    end(books, parent)
    assert books.states(parent, brother, child, grandchild) == [state, "ready", "cancelled", "cancelled"]
    told = {moved.id: moved for moved in books.last.moved if moved.id != parent}
    assert {job: (moved.was, moved.state) for job, moved in told.items()} == dict.fromkeys(
        (child, grandchild), (State.BLOCKED, State.CANCELLED)
    )
    assert (told[child].follow, told[child].fault) == (7, books.job(child).fault)
    assert f"{id_text(parent)}, for which it waited, did not succeed" in why(books, child)
    assert f"{id_text(child)}, for which it waited, did not succeed" in why(books, grandchild)
    assert books.job(child).finished_at == books.wall_ms
    books.finish(brother)
    assert books.states(child) == ["cancelled"]


def test_a_child_of_a_parent_that_had_ended_otherwise_is_cancelled_at_submit(books: Books) -> None:
    parent = books.one("parent")
    books.cancel(parent)
    batch = books.batch()
    new = books.add_submit(batch, spec("child", after=[id_text(parent)])).jobs[0]
    books.apply(batch)
    assert new.became is State.CANCELLED
    assert books.states(new.id) == ["cancelled"]
    assert "did not succeed" in why(books, new.id)


@pytest.mark.parametrize("delay", [None, 60.0])
def test_a_child_of_an_unknown_parent_is_cancelled_at_submit(books: Books, delay: float | None) -> None:
    good = books.one("parent")
    child = child_of(books, good, 12_345, delay_seconds=delay)
    assert books.states(child) == ["cancelled"]
    assert f"{id_text(12_345)}, for which it waited, is not known here" in why(books, child)


def test_a_parent_that_is_cancelled_in_the_batch_of_the_submit_cancels_the_child(books: Books) -> None:
    parent = books.one("parent")
    batch = books.batch()
    new = books.add_submit(batch, spec("child", after=[id_text(parent)])).jobs[0]
    batch.changes.append(Change(lifecycle.CANCEL, parent, State.CANCELLED))
    books.apply(batch)
    assert new.became is State.CANCELLED
    assert books.states(new.id) == ["cancelled"]


def test_a_scheduled_child_is_cancelled_too(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent, delay_seconds=60.0)
    books.cancel(parent)
    assert books.states(child) == ["cancelled"]


def test_a_line_of_many_generations_goes_down_in_one_commit(books: Books) -> None:
    line = [books.one("parent")]
    for _ in range(50):
        line.append(child_of(books, line[-1]))
    books.cancel(line[0])
    assert set(books.states(*line)) == {"cancelled"}


def test_a_blocked_child_can_be_cancelled_and_tells_its_own_children(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    grandchild = child_of(books, child)
    books.cancel(child)
    assert books.states(parent, child, grandchild) == ["ready", "cancelled", "cancelled"]
    books.finish(parent)
    assert books.states(child) == ["cancelled"]


# More children than one batch tells.


def many(books: Books, parent: int, count: int) -> list[int]:
    return books.submit(*(spec("child", after=[id_text(parent)]) for _ in range(count))).ids


@pytest.mark.parametrize("good", [True, False], ids=["succeeded", "cancelled"])
def test_at_most_a_thousand_children_are_told_in_a_batch_and_the_rest_by_sweeps(books: Books, good: bool) -> None:
    parent = books.one("parent")
    children = many(books, parent, 2 * SWEEP_JOBS + 1)
    if good:
        books.finish(parent)
    else:
        books.cancel(parent)
    assert len(books.last.moved) == SWEEP_JOBS
    assert books.last.sweep_again
    assert books.last.next_wake is not None
    assert books.last.next_wake <= books.wall_ms
    sweeps = [books.sweep() for _ in range(2)]
    assert [len(sweep.moved) for sweep in sweeps] == [SWEEP_JOBS, 1]
    assert not sweeps[1].sweep_again
    assert {job.state for job in books.page(9_999) if job.id in set(children)} == {
        State.READY if good else State.CANCELLED
    }


def test_a_parent_tried_again_before_all_its_children_heard_of_its_end_gives_the_rest_another_chance(
    books: Books,
) -> None:
    parent = books.one("parent")
    children = many(books, parent, SWEEP_JOBS + 10)
    books.cancel(parent)
    books.retry(parent)
    late = child_of(books, parent)
    books.sweep_all()
    assert books.states(late) == ["blocked"]
    books.finish(parent)
    assert books.states(late) == ["ready"]
    assert {job.state for job in books.read(*children[:SWEEP_JOBS])} == {State.CANCELLED}
    assert {job.state for job in books.read(*children[SWEEP_JOBS:])} == {State.READY}


@pytest.mark.slow
def test_when_nobody_waits_any_more_there_is_nothing_left_to_tell(books: Books) -> None:
    parent = books.one("parent")
    children = many(books, parent, SWEEP_JOBS + 2)
    books.finish(parent)
    for child in children:
        if books.states(child) == ["blocked"]:
            books.cancel(child)
    for child in children[:SWEEP_JOBS]:
        books.cancel(child)
    swept = books.sweep()
    assert swept.next_wake is not None
    assert swept.next_wake > books.wall_ms, "else the hall would sweep for ever"


# Expiry, retries.


def test_a_blocked_job_expires_and_tells_its_children(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent, ttl_seconds=5.0)
    grandchild = child_of(books, child)
    assert books.last.next_wake == books.wall_ms + 5_000
    books.pass_time(5)
    moved = {m.id: (m.was, m.state) for m in books.sweep().moved}
    assert moved == {child: (State.BLOCKED, State.EXPIRED), grandchild: (State.BLOCKED, State.CANCELLED)}


def test_a_job_that_was_let_in_still_expires_when_it_does_not_start(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent, ttl_seconds=5.0)
    books.finish(parent)
    books.pass_time(5)
    books.sweep()
    assert books.states(child) == ["expired"]


def test_a_failed_child_does_not_ask_for_its_parents_again(books: Books) -> None:
    parent = books.one("parent", keep_seconds=1.0)
    child = child_of(books, parent)
    books.finish(parent)
    failed(books, child)
    books.pass_time(1)
    books.sweep()
    assert books.read(parent) == []
    assert books.retry(child).answer == "applied"
    books.finish(child)


def test_a_cancelled_child_cannot_be_tried_again_before_its_parent(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    books.cancel(parent)
    refused = books.retry(child)
    assert (refused.answer, books.states(child)) == ("wrong_state", ["cancelled"])
    assert f"waits for job {id_text(parent)}, which has not succeeded: retry that first" in refused.why
    books.retry(parent)
    assert books.retry(child).answer == "applied"
    assert books.states(parent, child) == ["ready", "blocked"]
    books.finish(parent, child)


def test_a_retried_child_of_parents_that_have_succeeded_meanwhile_is_ready_at_once(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    books.cancel(child)
    books.finish(parent)
    assert books.retry(child).answer == "applied"
    assert books.states(child) == ["ready"]


def test_a_child_of_a_parent_that_was_removed_cannot_be_tried_again(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    books.cancel(parent)
    books.remove(parent)
    assert books.retry(child).answer == "wrong_state"


def test_a_parent_and_its_child_are_tried_again_in_one_batch(books: Books) -> None:
    parent = books.one("parent")
    child = child_of(books, parent)
    books.cancel(parent)
    batch = books.batch()
    batch.changes += [Change(lifecycle.RETRY, job, State.READY) for job in (parent, child)]
    books.apply(batch)
    assert [change.answer for change in batch.changes] == ["applied"] * 2
    assert books.states(parent, child) == ["ready", "blocked"]
    books.finish(parent, child)
