"""A worker that says each step of each job in its log: `work --log-level debug`."""

from __future__ import annotations

import logging

from hirehall.runners.port import Failure, Success
from hirehall.wire.replies import Delivery
from hirehall.worker.agent import Agent
from hirehall.worker.held import Held

log = logging.getLogger("hirehall.worker")


class LoudAgent(Agent):
    """Does what an agent does, and says so."""

    def _start(self, held: Held, job: Delivery) -> None:
        about = {"job": job.id, "attempt": job.attempt, "queue": job.queue, "kind": job.kind}
        waits = bool(job.files) and held.execution is None
        log.debug("%s", "its inputs come" if waits else "begins", extra=about)
        super()._start(held, job)

    def carry(self, held: Held, success: Success) -> None:
        """Say that there is something."""
        log.debug("%s", "its files go", extra={"job": held.id, "attempt": held.attempt})
        super().carry(held, success)

    def ended(self, held: Held) -> None:
        """Say how."""
        error = held.answer.type if isinstance(held.answer, Failure) else None
        how = {"outcome": type(held.answer).__name__.lower(), "error": error}
        log.debug("%s", "ended", extra={"job": held.id, "attempt": held.attempt, **how})
        super().ended(held)

    def _forget(self, told: list[Held]) -> None:
        for held in told:
            log.debug("%s", "the hall has heard", extra={"job": held.id, "attempt": held.attempt})
        super()._forget(told)
