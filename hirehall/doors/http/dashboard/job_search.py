"""What somebody looks for on the page of jobs: from the address to `find`, and back to addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from hirehall.doors.http.dashboard.times import moment
from hirehall.errors import BadRequest
from hirehall.model import State
from hirehall.wire import requests
from hirehall.wire.replies import CountView, Jobs, JobView

PAGE = 50
STATES = tuple(state.word for state in (
    State.READY, State.SCHEDULED, State.BLOCKED, State.DRAFT, State.RUNNING, State.SUCCEEDED, State.FAILED,
    State.CANCELLED, State.EXPIRED,
))  # fmt: skip
TIMES = {
    "5m": ("Last 5 minutes", 300),
    "1h": ("Last hour", 3_600),
    "24h": ("Last 24 hours", 86_400),
    "7d": ("Last 7 days", 604_800),
}
PLAIN = ("queue", "kind", "state", "worker")
_ID = re.compile(r"[0-9a-f]{16}")
_NAMED = re.compile(r"(tag|key):(.+)", re.DOTALL)


class Wanted(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of the page's form, as they stand in its address. `q` is an id, `tag:T`, `key:K`, or a word that is
    either; `since` is one of TIMES, which are counted from now."""

    q: str = ""
    queue: str = ""
    kind: str = ""
    state: str = ""
    worker: str = ""
    since: str = ""
    before: str = ""

    @property
    def job(self) -> str:
        """The id that is asked for, if it is one."""
        return self.q if _ID.fullmatch(self.q) else ""

    @property
    def is_word(self) -> bool:
        """Whether `q` may be a tag as well as a key: two searches, and no single `where`."""
        return bool(self.q) and not self.job and _NAMED.fullmatch(self.q) is None

    @property
    def is_counted(self) -> bool:
        """Whether the hall knows the number of these without a search."""
        return not (self.q or self.worker or self.since)

    def where(self, now_ms: int) -> dict[str, Any]:
        """The filter of a command that means all of these."""
        found: dict[str, Any] = {name: value for name in PLAIN if (value := getattr(self, name))}
        named = _NAMED.fullmatch(self.q)
        if named:
            found[named[1]] = named[2].strip()
        if self.since:
            found["created_after"] = moment(now_ms - TIMES[self.since][1] * 1000)
        return found

    def finds(self, now_ms: int, limit: int = PAGE) -> list[requests.Find]:
        """The searches that this is."""
        wheres = [self.where(now_ms)]
        if self.is_word:
            wheres = [wheres[0] | {"key": self.q}, wheres[0] | {"tag": self.q}]
        return [requests.Find(limit=limit, before=self.before or None, **where) for where in wheres]

    def link(self, **changed: str) -> str:
        """The address with this changed; another search begins at the newest."""
        query = msgspec.to_builtins(self) | ({} if "before" in changed else {"before": ""}) | changed
        given = {name: value for name, value in query.items() if value}
        return f"/jobs?{urlencode(given)}" if given else "/jobs"

    def concerned(self, verb: str) -> str:
        """Where to ask how many `verb` would change."""
        return f"/jobs/concerned?{urlencode(msgspec.to_builtins(self) | {'verb': verb})}"


def read(given: Mapping[str, str]) -> Wanted:
    """The search that an address asks for. Raises BadRequest."""
    wanted = Wanted(**{name: value.strip() for name, value in given.items()})
    if wanted.since and wanted.since not in TIMES:
        raise BadRequest(f"since is {wanted.since[:20]!r}: use one of {', '.join(TIMES)}")
    return wanted


class Page(Struct):
    """Jobs, the newest first. `next` goes on as `before`; `looked_back_to` says that the time was up there."""

    jobs: list[JobView]
    next: str | None
    looked_back_to: str | None


def merged(replies: list[Jobs], limit: int = PAGE) -> Page:
    """What several searches found as one page: nothing of it is older than where each of them has been."""
    open_ends = [(reply.next, reply.looked_back_to or None) for reply in replies if reply.next]
    horizon, looked = max(open_ends, default=("", None))
    every = {job.id: job for reply in replies for job in reply.jobs if job.id >= horizon}
    jobs = [every[job] for job in sorted(every, reverse=True)]
    if len(jobs) > limit:
        return Page(jobs[:limit], jobs[limit - 1].id, None)
    return Page(jobs, horizon or None, looked)


class Tab(Struct):
    """A state to choose; `jobs` is None where only a search could tell."""

    word: str
    link: str
    is_shown: bool
    jobs: int | None


def tabs(wanted: Wanted, counts: list[CountView]) -> list[Tab]:
    """Every state with the number of jobs; drafts only where there are some."""
    sums = dict.fromkeys(("", *STATES), 0)
    for count in counts:
        sums[count.state] = sums.get(count.state, 0) + count.jobs
        sums[""] += count.jobs
    known = wanted.is_counted
    return [
        Tab(word, wanted.link(state=word), wanted.state == word, sums[word] if known else None)
        for word in ("", *STATES)
        if word != "draft" or sums[word] or wanted.state == word
    ]
