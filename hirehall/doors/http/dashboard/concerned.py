"""How many jobs a command with `where` is for, before somebody says yes: counted, or honestly at least so many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec import Struct

from hirehall.doors.http.dashboard.job_search import STATES, Wanted
from hirehall.doors.http.dashboard.wording import number
from hirehall.errors import BadRequest
from hirehall.model import FINAL
from hirehall.wire import requests
from hirehall.wire.replies import CountView

ENDED = frozenset(state.word for state in FINAL)
VERBS = {  # the states from which each leads on
    "retry": ENDED - {"succeeded"},
    "cancel": frozenset(STATES) - ENDED - {"draft"},
    "remove": ENDED,
}
LOOK = 1_000  # jobs that are looked at where they are not counted
Ask = Callable[[Any], Awaitable[Any]]


class Concerned(Struct):
    """`is_all`: there are no more than these."""

    jobs: int
    is_all: bool

    def question(self, verb: str) -> str:
        """What to ask before it is done."""
        least = "" if self.is_all else "at least "
        if self.is_all and not self.jobs:
            return f"There is no job here to {verb}. Look for them once more and {verb} what has come?"
        what = "job" if self.jobs == 1 and self.is_all else "jobs"
        last = " They are gone for good, with results, logs and files." if verb == "remove" else ""
        return f"{verb.capitalize()} {least}{number(self.jobs)} {what}?{last}"


def verbs(wanted: Wanted) -> list[str]:
    """What can be done to all of these at once; nothing where no single filter means them."""
    if wanted.is_word or wanted.job or wanted == Wanted(before=wanted.before):
        return []
    return [verb for verb, states in VERBS.items() if not wanted.state or wanted.state in states]


async def concerned(ask: Ask, wanted: Wanted, verb: str, now_ms: int) -> Concerned:
    """How many of these `verb` would change. Raises BadRequest, or what the hall answers."""
    if verb not in VERBS:
        raise BadRequest(f"verb is {verb[:20]!r}: use one of {', '.join(VERBS)}")
    if wanted.is_counted:
        counts = await ask(requests.Counts(queue=wanted.queue or None, kind=wanted.kind or None))
        return Concerned(_sum(counts.counts, VERBS[verb], wanted.state), is_all=True)
    found = await ask(requests.Find(limit=LOOK, **wanted.where(now_ms)))
    return Concerned(sum(job.state in VERBS[verb] for job in found.jobs), is_all=not found.next)


def _sum(counts: Iterable[CountView], states: frozenset[str], state: str) -> int:
    return sum(count.jobs for count in counts if count.state in states and state in ("", count.state))
