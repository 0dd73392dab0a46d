"""Any order of operations: the store against the same rules on paper, compared after every step."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hirehall.core import lifecycle
from hirehall.model import FINAL, JobSpec, State, StoredJob
from tests.stores.books import ANNA, BERT, CARL, Books, lane, spec
from tests.stores.makers import MAKERS
from tests.stores.paper import Paper

KINDS = ("saw", "drill")
HOLDERS = st.sampled_from([ANNA, BERT])
SHARES = st.floats(0.0, 1.0, exclude_max=True)  # which one of a list
MAYBE_SECONDS = st.sampled_from([None, None, 1.0, 3.0, 60.0])
SPECS = st.builds(
    spec,
    st.sampled_from(KINDS),
    payload=st.sampled_from([b"1", b"2"]),
    priority=st.sampled_from([0, 5]),
    delay_seconds=MAYBE_SECONDS,
    ttl_seconds=MAYBE_SECONDS,
    keep_seconds=st.sampled_from([0.0, 2.0, 60.0]),
)
KEYED = st.builds(
    spec, st.sampled_from(["saw", "saw", "drill"]), key=st.sampled_from(["a", "b"]), keep_seconds=st.just(2.0)
)


class StoreMachine(RuleBasedStateMachine):
    """`books` is the store, `paper` what it should be; `finals` what every job was at its end."""

    store = ""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.maker = MAKERS[self.store](Path(self.directory.name))
        self.books = Books(self.maker.make, self.runner.run)
        self.paper = Paper()
        self.finals: dict[int, StoredJob] = {}
        self.attempts: Counter[int] = Counter()

    def teardown(self) -> None:
        self.books.close()
        self.runner.close()
        self.directory.cleanup()

    def pick(self, which: float, state: State | None = None) -> int | None:
        ids = [job.id for job in self.paper.jobs.values() if state in (None, job.state)]
        return ids[int(which * len(ids))] if ids else None

    def in_hand(self, which: float) -> tuple[int, int, str] | None:
        number = self.pick(which, State.RUNNING)
        if number is None:
            return None
        job = self.paper.jobs[number]
        return number, job.attempt, job.holder or ""

    @rule(specs=st.lists(SPECS | KEYED, min_size=1, max_size=4))
    def submit(self, specs: list[JobSpec]) -> None:
        submit = self.books.submit(*specs)
        expected = self.paper.submit([(job.id, job.lane, job.spec) for job in submit.jobs], self.books.wall_ms)
        assert submit.ids == (expected or [])
        assert (submit.conflict is not None) == (expected is None)

    @rule(which=SHARES, holders=st.lists(HOLDERS, min_size=1, max_size=4))
    def claim(self, which: float, holders: list[str]) -> None:
        """From a lane where jobs wait, expired ones maybe; from an empty one when there is none."""
        ready = self.pick(which, State.READY)
        number = lane("nobody") if ready is None else self.paper.jobs[ready].lane
        rows = self.books.claim(number, *holders).rows
        assert [row.id for row in rows] == self.paper.claim(number, holders, self.books.wall_ms)
        assert [row.holder for row in rows] == holders[: len(rows)]

    @rule(
        which=SHARES,
        attempt_off=st.sampled_from([0, 0, 0, -1]),
        other=st.booleans(),
        result=st.sampled_from([b"1", b"2"]),
    )
    def succeed(self, which: float, attempt_off: int, other: bool, result: bytes) -> None:
        """In hand, late, again, stale, or by somebody else: whatever the job is just now."""
        number = self.pick(which)
        if number is None:
            return
        job = self.paper.jobs[number]
        attempt, holder = job.attempt + attempt_off, (CARL if other else job.holder or ANNA)
        if self.paper.holds(number, attempt, holder):
            answer = self.books.succeed_in_hand(number, attempt, holder, result).answer
        else:
            answer = self.books.succeed(number, attempt, holder, result).answer
        assert answer == self.paper.succeed(number, attempt, holder, result, self.books.wall_ms)

    @rule(which=SHARES, delay=st.sampled_from([None, 0.5, 2.0]))
    def fail(self, which: float, delay: float | None) -> None:
        if held := self.in_hand(which):
            wake_at = None if delay is None else self.books.wall_ms + round(delay * 1000)
            target = State.FAILED if wake_at is None else State.SCHEDULED
            self.end(lifecycle.FAIL, held, target, wake_at)

    @rule(which=SHARES, delay=st.sampled_from([None, 2.0]))
    def release(self, which: float, delay: float | None) -> None:
        if held := self.in_hand(which):
            forgiven = self.paper.jobs[held[0]].forgiven + 1
            wake_at = None if delay is None else self.books.wall_ms + round(delay * 1000)
            target = State.READY if wake_at is None else State.SCHEDULED
            self.end(lifecycle.RELEASE, held, target, wake_at, forgiven=forgiven)

    @rule(which=SHARES, last=st.booleans())
    def lose(self, which: float, last: bool) -> None:
        if held := self.in_hand(which):
            place = self.paper.last_place(held[0]) if last else self.paper.jobs[held[0]].place
            change = self.books.end(lifecycle.LOSE, held[0], State.READY, *held[1:], place_last=last)
            assert change.answer == "applied"
            self.paper.end(held[0], State.READY, self.books.wall_ms, None, lost=True, place=place)

    @rule(which=SHARES)
    def time_out(self, which: float) -> None:
        if held := self.in_hand(which):
            self.end(lifecycle.TIMEOUT, held, State.SCHEDULED, self.books.wall_ms + 1_000)

    def end(
        self,
        step: lifecycle.Step,
        held: tuple[int, int, str],
        target: State,
        wake_at: int | None,
        **fields: int,
    ) -> None:
        assert self.books.end(step, held[0], target, *held[1:], wake_at=wake_at).answer == "applied"
        self.paper.end(held[0], target, self.books.wall_ms, wake_at, **fields)

    @rule(which=SHARES, other=st.booleans())
    def resume(self, which: float, other: bool) -> None:
        number = self.pick(which, State.READY)
        if number is None:
            return
        job = self.paper.jobs[number]
        holder = CARL if other else job.holder or ANNA
        change = self.books.change(lifecycle.RESUME, number, State.RUNNING, attempt=job.attempt, holder=holder)
        assert change.answer == self.paper.resume(number, job.attempt, holder)

    @rule(which=SHARES)
    def cancel(self, which: float) -> None:
        number = self.pick(which)
        if number is not None:
            assert self.books.cancel(number).answer == self.paper.cancel(number, self.books.wall_ms)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 3.0, 100.0]))
    def sweep(self, seconds: float) -> None:
        self.books.pass_time(seconds)
        batch = self.books.sweep()
        assert {moved.id for moved in batch.moved} == self.paper.sweep(self.books.wall_ms)
        assert not batch.sweep_again

    @rule(seconds=st.sampled_from([1.0, 3.0]))
    def pass_time(self, seconds: float) -> None:
        """Without a sweep: what is due stays, what has expired is not handed out."""
        self.books.pass_time(seconds)

    @precondition(lambda self: self.maker.survives)
    @rule()
    def reopen(self) -> None:
        self.books.reopen()

    @invariant()
    def the_store_says_what_the_paper_says(self) -> None:
        stored = {job.id: job for job in self.books.all_jobs()}
        assert stored.keys() == self.paper.jobs.keys()
        for number, job in self.paper.jobs.items():
            seen = stored[number]
            assert (seen.state, seen.attempt, seen.forgiven, seen.holder) == (
                job.state,
                job.attempt,
                job.forgiven,
                job.holder,
            )
            assert (seen.wake_at, seen.result, seen.payload, seen.key) == (
                job.wake_at,
                job.result,
                job.payload,
                job.key,
            )

    @invariant()
    def attempts_only_grow_and_what_is_final_never_changes(self) -> None:
        for job in self.books.all_jobs():
            assert job.attempt >= self.attempts[job.id]
            self.attempts[job.id] = job.attempt
            if job.state in FINAL:
                assert self.finals.setdefault(job.id, job) == job

    @invariant()
    def every_sum_is_true(self) -> None:
        self.books.check_sums(self.maker)


@pytest.mark.slow
@pytest.mark.parametrize("store", sorted(MAKERS))
def test_any_order_of_operations_does_what_the_rules_say(store: str) -> None:
    machine = type("Machine", (StoreMachine,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=120,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
