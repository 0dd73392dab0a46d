"""What a watcher hears: every event in its order or a gap that is told, and of each job a life that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hirehall.core import lifecycle
from hirehall.model import State, id_number

if TYPE_CHECKING:
    from tests.sim.audit import Audit

STEPS = {step.name: step for step in lifecycle.STEPS}


class Hearing:
    """One watcher's knowledge."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self.known: dict[str, str] = {}  # the state that it knows of a job
        self.heard_up_to: tuple[str, int] | None = None

    def watching(self, since: str | None, message: dict[str, Any]) -> None:
        """It goes on at `since`, or begins anew."""
        if since is None or message.get("gap"):
            self._audit.world.count("watcher begins anew")
            self.known.clear()
            self.heard_up_to = place_of(message["seq"])
        else:
            self._audit.demand(message["seq"] == since, "a watcher goes on where it was", since=since, reply=message)

    def heard(self, event: dict[str, Any]) -> bool:
        """Events come in their order without a gap, and the steps of a job in a legal order. Whether it is new."""
        run, number = place_of(event["seq"])
        assert self.heard_up_to is not None
        self._audit.demand(self.heard_up_to[0] == run, "a gap is told", event=event, heard=self.heard_up_to)
        if number <= self.heard_up_to[1]:
            return False
        self._audit.demand(
            number == self.heard_up_to[1] + 1, "no event is left out", event=event, heard=self.heard_up_to
        )
        self.heard_up_to = (run, number)
        if "id" in event:
            self._check_event(event["id"], event)
        return True

    def _check_event(self, job: str, event: dict[str, Any]) -> None:
        was, name = self.known.get(job), event["event"]
        if name == "submit":
            self._audit.demand(was is None, "a job is submitted once", event=event, was=was)
        elif was is not None and name == "progress":
            self._audit.demand(was == "running", "only what runs makes progress", event=event, was=was)
        elif was is not None:
            placed = name == "deliver" and was == "running"  # it was given to a worker in its submit
            sources = {state.word for state in STEPS[name].sources}
            legal = was in sources or placed or (name == "change" and was == event["state"])
            self._audit.demand(legal, "events of a job follow its life", event=event, was=was)
        self.known.pop(job, None)
        if "state" in event:
            self.known[job] = event["state"]

    def healed(self) -> None:
        """It has heard the last of every job that it knows."""
        for job, state in self.known.items():
            row = self._audit.durable[id_number(job)]
            same = State(row["state"]).word == state
            self._audit.demand(same, "a watcher knows where all jobs are", row=row, knows=state)


def place_of(seq: str) -> tuple[str, int]:
    """The run of a hall, and the number of an event in it."""
    run, _, number = seq.rpartition("-")
    return run, int(number)
