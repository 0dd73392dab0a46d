"""Whether the store holds every job with its end, asked through the public API; and tidying up in a running hall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hirehall.client.outcomes import FINAL
from hirehall.client.sync_client import Hall
from hirehall.errors import HallError


class JobsMissing(HallError):
    """the hall does not hold every job that it has answered"""

    code = "jobs_missing"


def check_queue(hall: Hall, queue: str, expected: Mapping[str, int]) -> None:
    """Raises JobsMissing when the hall's counts by state are not the expected ones."""
    held = held_in(hall, queue)
    wanted = {state: jobs for state, jobs in expected.items() if jobs}
    if held != wanted:
        raise JobsMissing(f"queue {queue} holds {told(held)}, where the client was answered {told(wanted)}")


def held_in(hall: Hall, queue: str) -> dict[str, int]:
    """How many jobs of each state a queue holds."""
    return {view.state: view.jobs for view in hall.counts(queue=queue) if view.jobs}


def told(counts: Mapping[str, int]) -> str:
    """Counts in words."""
    return ", ".join(f"{jobs} {state}" for state, jobs in sorted(counts.items())) or "no jobs"


def tidy(hall: Hall, queues: Iterable[str]) -> None:
    """Remove what the loads have left in a running hall. Raises Forbidden when the token may not."""
    for queue in queues:
        for state in held_in(hall, queue):
            if state not in FINAL:
                hall.cancel_where(queue=queue, state=state).wait()
        hall.remove_where(queue=queue).wait()
