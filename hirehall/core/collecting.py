"""The batch that is collecting: what may still join it, and what must wait for the next one."""

from __future__ import annotations

from collections.abc import Callable, Collection

from hirehall.core.operations import MAX_BYTES, MAX_OPERATIONS, Batch, Change, Submit, TokenChange
from hirehall.model import Instant

Thing = int | tuple[str, str]  # a job's id, or (queue, key)


class NextBatch(Exception):
    """This job or key already has an operation in the collecting batch: ask again in the next one."""


class Collecting:
    """One batch after the other, and what was postponed to the next."""

    def __init__(self, now: Instant) -> None:
        self.batch = Batch(now)
        self._postponed: list[Callable[[], None]] = []

    def touch(self, things: Collection[Thing]) -> None:
        """Reserve all of these for one operation of this batch, or none and raise NextBatch."""
        touched = self.batch.touched
        if not touched.isdisjoint(things):
            raise NextBatch
        touched.update(things)

    def untouch(self, things: Collection[Thing]) -> None:
        """Their operation did not come about."""
        self.batch.touched.difference_update(things)

    def is_touched(self, thing: Thing) -> bool:
        """Whether an operation of this batch already concerns it."""
        return thing in self.batch.touched

    def add(self, change: Change) -> Change:
        """Let `change`, whose job is touched, join the batch."""
        self.batch.changes.append(change)
        self.batch.size += 1
        if change.result is not None:
            self.batch.bytes += len(change.result)
        return change

    def add_many(self, changes: list[Change]) -> list[Change]:
        """Let `changes`, whose jobs are touched, and which have results, join the batch."""
        self.batch.changes += changes
        for change in changes:
            self.batch.size += change.jobs
            self.batch.bytes += sum(map(len, change.results or (change.result or b"",)))
        return changes

    def add_submit(self, submit: Submit, payload_bytes: int) -> Submit:
        """Let `submit` join the batch."""
        self.batch.submits.append(submit)
        self.batch.size += len(submit.jobs)
        self.batch.bytes += payload_bytes
        return submit

    def add_token(self, change: TokenChange) -> TokenChange:
        """Let `change` join the batch."""
        self.batch.tokens.append(change)
        self.batch.size += 1
        return change

    def postpone(self, action: Callable[[], None]) -> None:
        """Call `action` when the next batch begins."""
        self._postponed.append(action)

    @property
    def full(self) -> bool:
        """Whether the hall should stop reading until this batch is on its way."""
        return self.batch.size >= MAX_OPERATIONS or self.batch.bytes >= MAX_BYTES

    @property
    def wanted(self) -> bool:
        """Whether there is anything to commit, now or in the batch after this one."""
        batch = self.batch
        return bool(batch.size or batch.sweep or batch.notes or batch.logs or batch.queues or self._postponed)

    def seal(self, now: Instant) -> Batch:
        """Close the collecting batch and begin the next, which what was postponed joins first."""
        sealed, self.batch = self.batch, Batch(now)
        sealed.now = now
        postponed, self._postponed = self._postponed, []
        for action in postponed:
            action()
        return sealed
