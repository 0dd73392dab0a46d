"""What a worker serves, and how much of it at once: may change while it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hirehall.errors import BadRequest
from hirehall.runners.port import Runner


class Serving:
    """The content of `work` and `credit`. Raises BadRequest for a concurrency that cannot be one."""

    def __init__(
        self,
        kinds: Sequence[str],
        queues: Sequence[str],
        offers: Mapping[str, Any],
        concurrency: int,
        lease_seconds: float,
    ) -> None:
        if concurrency < 1:
            raise BadRequest(f"concurrency is {concurrency}: give 1 or more")
        self.kinds = list(kinds)
        self.queues = list(queues)
        self.offers = dict(offers)
        self.concurrency = concurrency
        self.ahead = 0  # how many jobs it holds beyond those that it runs at once
        self.lease_seconds = lease_seconds
        self.is_paused = False
        self.is_draining = False

    @property
    def credit(self) -> int:
        """How many jobs this worker will hold at once, now. Less than it holds takes nothing back."""
        return 0 if self.is_paused or self.is_draining or not self.concurrency else self.concurrency + self.ahead

    def say_credit(self) -> dict[str, Any]:
        """The command that says only that; and how many run at once, where those are fewer."""
        more = {"concurrency": self.concurrency} if self.credit > self.concurrency else {}
        return {"cmd": "credit", "credit": self.credit, **more}

    def work(self) -> dict[str, Any]:
        """The command that says all of it."""
        return {
            "cmd": "work",
            "queues": self.queues,
            "kinds": self.kinds,
            "offers": self.offers,
            "credit": self.credit,
            "lease_seconds": self.lease_seconds,
        }


def by_kind(runners: Sequence[Runner]) -> dict[str, Runner]:
    """Which runner runs which kind. Raises BadRequest when two would, or none is there."""
    found: dict[str, Runner] = {}
    for runner in runners:
        for kind in runner.kinds:
            if found.setdefault(kind, runner) is not runner:
                raise BadRequest(f"kind {kind!r} has two runners: give one of them another kind")
    if not found:
        raise BadRequest("this worker can run nothing: give it a file of job functions or a command")
    return found
