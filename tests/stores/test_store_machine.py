"""Any order of operations: the store against the same rules on paper, compared after every step.

Hypothesis chooses the rules and a die for each; the dice choose jobs and values, so that few steps meet much.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from msgspec import UNSET

from hirehall.core import lifecycle
from hirehall.core.operations import Change, Commit, Edit
from hirehall.model import FINAL, JobSpec, State, StoredJob, id_text
from tests.stores.books import ANNA, BERT, CARL, Books, lane, spec
from tests.stores.makers import MAKERS
from tests.stores.paper import Paper, PaperJob

DICE = st.randoms(use_true_random=True)
HOLDERS = (ANNA, BERT)
NOBODY = 12_345  # a job that never was
FIELDS = (
    "state", "attempt", "forgiven", "holder", "wake_at", "expires_at", "priority", "result", "payload", "key",
)  # fmt: skip


def a_spec(dice: Random, parents: list[int]) -> JobSpec:
    """Mostly jobs of few lanes and locks; a key names the same job more often than another one."""
    if dice.random() < 0.3:
        return spec(dice.choice(("saw", "saw", "drill")), key=dice.choice("ab"), keep_seconds=2.0)
    delay = dice.choice((None, None, None, 1.0, 3.0))
    after = [id_text(parent) for parent in dice.sample(parents, min(len(parents), dice.choice((0, 0, 1, 2))))]
    return spec(
        dice.choice(("saw", "saw", "drill")),
        payload=dice.choice((b"1", b"2")),
        priority=dice.choice((0, 0, 5)),
        delay_seconds=delay,
        ttl_seconds=dice.choice([ttl for ttl in (None, None, 1.0, 3.0, 60.0) if (ttl or 99.0) > (delay or 0.0)]),
        keep_seconds=dice.choice((0.0, 2.0, 60.0)),
        lock=dice.choice((None, "x", "x", "y")),
        after=after or None,
        draft=dice.random() < 0.15,
    )


def there_is(*states: State) -> Callable[[Any], bool]:
    """A rule's precondition: some job is in one of these states; any at all if none is named."""
    return lambda machine: bool(machine.jobs(*states))


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
        self.most = 1  # jobs of one lock that ever might go at once

    def teardown(self) -> None:
        self.books.close()
        self.runner.close()
        self.directory.cleanup()

    def open_gates(self) -> None:
        """The same commit lets in and cancels whom it should."""
        moved = {moved.id for moved in self.books.last.moved}
        assert moved == self.paper.open_gates(self.now)

    @property
    def now(self) -> int:
        return self.books.wall_ms

    def jobs(self, *states: State) -> list[PaperJob]:
        return [job for job in self.paper.jobs.values() if not states or job.state in states]

    def stranger(self, dice: Random, job: PaperJob) -> tuple[int, str]:
        """The attempt and holder of this job, or sometimes not quite."""
        wrong = dice.random() < 0.3
        return job.attempt - dice.choice((0, wrong)), CARL if wrong else job.holder or ANNA

    @rule(dice=DICE)
    def submit(self, dice: Random) -> None:
        parents = [job.id for job in self.jobs() if job.state not in FINAL or dice.random() < 0.2]
        if dice.random() < 0.1:
            parents.append(NOBODY)
        submit = self.books.submit(*(a_spec(dice, parents) for _ in range(dice.randint(1, 4))))
        expected = self.paper.submit([(job.id, job.spec) for job in submit.jobs], self.now)
        self.open_gates()
        assert submit.ids == (expected or [])
        assert (submit.conflict is not None) == (expected is None)
        for job in submit.jobs if expected is not None else []:
            if job.is_gated and job.id in submit.ids:
                assert (job.became or job.state) is self.paper.jobs[job.id].state

    @rule(dice=DICE)
    def claim(self, dice: Random) -> None:
        """Mostly from a lane where jobs wait, some of them expired but not yet swept."""
        self.books.pass_time(dice.choice((0.0, 0.0, 1.0)))
        lanes = [job.lane for job in self.jobs(State.READY)] or [lane("nobody")]
        number, holders = dice.choice(lanes), [dice.choice(HOLDERS) for _ in range(dice.randint(1, 4))]
        rows = self.books.claim(number, *holders).rows
        assert [row.id for row in rows] == self.paper.claim(number, holders, self.now)
        assert [row.holder for row in rows] == holders[: len(rows)]

    @precondition(there_is())
    @rule(dice=DICE)
    def succeed(self, dice: Random) -> None:
        """In hand, late, again, stale, or by somebody else: whatever the job is just now."""
        lost = [job for job in self.jobs() if job.lost]
        job = dice.choice((lost if dice.random() < 0.5 else self.jobs(State.RUNNING, State.READY)) or self.jobs())
        attempt, holder = self.stranger(dice, job)
        result = dice.choice((b"1", b"2"))
        in_hand = self.paper.holds(job.id, attempt, holder)
        report = self.books.succeed_in_hand if in_hand else self.books.succeed
        answer = report(job.id, attempt, holder, result).answer
        assert answer == self.paper.succeed(job.id, attempt, holder, result, self.now)
        self.open_gates()

    @precondition(there_is(State.RUNNING))
    @rule(dice=DICE)
    def fail(self, dice: Random) -> None:
        delay = dice.choice((None, 0.5, 2.0))
        wake_at = None if delay is None else self.now + round(delay * 1000)
        self.end(dice, lifecycle.FAIL, State.FAILED if wake_at is None else State.SCHEDULED, wake_at)

    @precondition(there_is(State.RUNNING))
    @rule(dice=DICE)
    def release(self, dice: Random) -> None:
        wake_at = dice.choice((None, self.now + 2_000))
        self.end(dice, lifecycle.RELEASE, State.READY if wake_at is None else State.SCHEDULED, wake_at)

    @precondition(there_is(State.RUNNING))
    @rule(dice=DICE)
    def lose(self, dice: Random) -> None:
        self.end(dice, lifecycle.LOSE, State.READY, None, place_last=dice.random() < 0.5)

    @precondition(there_is(State.RUNNING))
    @rule(dice=DICE)
    def time_out(self, dice: Random) -> None:
        self.end(dice, lifecycle.TIMEOUT, State.SCHEDULED, self.now + 1_000)

    def end(
        self, dice: Random, step: lifecycle.Step, target: State, wake_at: int | None, place_last: bool = False
    ) -> None:
        """A step of an attempt in hand."""
        job = dice.choice(self.jobs(State.RUNNING))
        fields = {
            "place": self.paper.last_place(job.id) if place_last else job.place,
            "lost": step is lifecycle.LOSE,
            "forgiven": job.forgiven + (step is lifecycle.RELEASE),
        }
        change = self.books.end(
            step, job.id, target, job.attempt, job.holder or "", wake_at=wake_at, place_last=place_last
        )
        assert change.answer == "applied"
        self.paper.end(job.id, target, self.now, wake_at, **fields)
        self.open_gates()

    @precondition(there_is(State.READY))
    @rule(dice=DICE)
    def resume(self, dice: Random) -> None:
        ready = self.jobs(State.READY)
        job = dice.choice([job for job in ready if job.lost] or ready)
        attempt, holder = self.stranger(dice, job)
        change = self.books.change(lifecycle.RESUME, job.id, State.RUNNING, attempt=attempt, holder=holder)
        assert change.answer == self.paper.resume(job.id, attempt, holder)

    @precondition(there_is())
    @rule(dice=DICE)
    def cancel(self, dice: Random) -> None:
        job = dice.choice(self.jobs())
        assert self.books.cancel(job.id).answer == self.paper.cancel(job.id, self.now)
        self.open_gates()

    @precondition(there_is(State.DRAFT))
    @rule(dice=DICE)
    def settle_a_draft(self, dice: Random) -> None:
        """Mostly a draft; else whatever there is."""
        job = dice.choice((dice.random() < 0.9 and self.jobs(State.DRAFT)) or self.jobs())
        if dice.random() < 0.7:
            change = Commit(lifecycle.COMMIT, job.id, State.READY)
            expected = self.paper.commit(job.id, self.now)
        else:
            change = Change(lifecycle.DISCARD, job.id, None)
            expected = self.paper.discard(job.id)
        batch = self.books.batch()
        batch.changes.append(change)
        self.books.apply(batch)
        assert change.answer == expected
        self.open_gates()
        if isinstance(change, Commit) and expected == "applied":
            became = change.gated.became if change.gated is not None else None
            assert (became or change.target) is self.paper.jobs[job.id].state

    @precondition(there_is(*FINAL))
    @rule(dice=DICE)
    def retry(self, dice: Random) -> None:
        job = dice.choice(self.jobs(*FINAL))
        assert self.books.retry(job.id).answer == self.paper.retry(job.id)
        self.open_gates()
        if self.paper.jobs[job.id].state not in FINAL:
            del self.finals[job.id]

    @precondition(there_is())
    @rule(dice=DICE)
    def remove(self, dice: Random) -> None:
        job = dice.choice((dice.random() < 0.7 and self.jobs(*FINAL)) or self.jobs())
        assert self.books.remove(job.id).answer == self.paper.remove(job.id)
        self.open_gates()

    @precondition(there_is())
    @rule(dice=DICE)
    def change(self, dice: Random) -> None:
        waiting = self.jobs(State.SCHEDULED, State.BLOCKED, State.READY)
        blocked = dice.random() < 0.5 and self.jobs(State.BLOCKED)
        job = dice.choice(blocked or (dice.random() < 0.9 and waiting) or self.jobs())
        edit = Edit(
            priority=dice.choice((UNSET, 0, 5)),
            due=dice.choice((UNSET, None, self.now + 1_000, self.now + 30_000)),
            expires_at=dice.choice((UNSET, UNSET, UNSET, None, self.now, self.now + 2_000)),
        )
        if edit != Edit():
            assert self.books.want(lifecycle.CHANGE, job.id, edit).answer == self.paper.change(job.id, edit, self.now)
            self.open_gates()

    @precondition(lambda self: any(not job.waits for job in self.jobs(State.BLOCKED)))
    @rule(dice=DICE)
    def put_off_who_waits_for_a_lock(self, dice: Random) -> None:
        job = next(job for job in self.jobs(State.BLOCKED) if not job.waits)
        edit = Edit(due=self.now + 30_000, expires_at=None)
        assert self.books.want(lifecycle.CHANGE, job.id, edit).answer == self.paper.change(job.id, edit, self.now)
        self.open_gates()
        holders = [other for other in self.jobs(State.READY, State.RUNNING) if other.lock == job.lock]
        if dice.random() < 0.7:
            assert self.books.cancel(holders[0].id).answer == self.paper.cancel(holders[0].id, self.now)
            self.open_gates()

    @rule(dice=DICE)
    def set_the_lock_limit(self, dice: Random) -> None:
        self.paper.lock_limit = dice.choice((1, 1, 2, 3))
        self.books.set_queue(lock_limit=self.paper.lock_limit)
        self.open_gates()
        self.most = max(self.most, self.paper.lock_limit)

    @rule(dice=DICE)
    def sweep(self, dice: Random) -> None:
        self.books.pass_time(dice.choice((0.0, 0.5, 1.0, 3.0, 100.0)))
        batch = self.books.sweep()
        assert {moved.id for moved in batch.moved} == self.paper.sweep(self.now)
        assert not batch.sweep_again

    @precondition(lambda self: self.maker.survives)
    @rule()
    def reopen(self) -> None:
        self.books.reopen()

    @invariant()
    def the_store_says_what_the_paper_says(self) -> None:
        stored = {job.id: job for job in self.books.all_jobs()}
        assert stored.keys() == self.paper.jobs.keys()
        for number, job in self.paper.jobs.items():
            for field in FIELDS:
                assert getattr(stored[number], field) == getattr(job, field), field

    @invariant()
    def no_job_goes_before_its_parents_have_succeeded(self) -> None:
        stored = {job.id: job for job in self.books.all_jobs()}
        for job in stored.values():
            if job.state in (State.READY, State.RUNNING, State.SUCCEEDED):
                parents = [stored[parent] for parent in job.rules.after or [] if parent in stored]
                assert all(parent.state is State.SUCCEEDED for parent in parents)

    @invariant()
    def no_lock_lets_too_many_go_and_no_job_waits_for_nothing(self) -> None:
        stored = {job.id: job for job in self.books.all_jobs()}
        in_place = Counter(job.rules.lock for job in stored.values() if job.state in (State.READY, State.RUNNING))
        for job in stored.values():
            lock = job.rules.lock
            assert lock is None or in_place[lock] <= self.most
            if job.state is State.BLOCKED:
                parents = [stored[parent].state for parent in job.rules.after or [] if parent in stored]
                waits = any(state not in FINAL for state in parents)
                assert waits or (lock is not None and in_place[lock] >= self.paper.lock_limit)

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
            max_examples=100,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
