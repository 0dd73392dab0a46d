"""The search of the page of jobs: what its address means, and how several searches become one page."""

from __future__ import annotations

import json
from operator import attrgetter

import pytest
from msgspec import Raw

from hirehall.core import lifecycle
from hirehall.doors.http.dashboard import concerned, job_search
from hirehall.doors.http.dashboard.job_search import Wanted, merged
from hirehall.errors import BadRequest
from hirehall.model import Backoff
from hirehall.wire.replies import CountsReply, CountView, Jobs, JobView

NOW = 1_800_000_000_000
NULL = Raw(b"null")


def view(job: str, **given: object) -> JobView:
    plain: dict[str, object] = dict.fromkeys(
        ("key", "worker", "lock", "run_at", "expires_at", "started_at", "finished_at")
    )
    plain |= {
        "kind": "saw", "queue": "wood", "state": "ready", "attempt": 0, "max_attempts": 3, "forgiven": 0,
        "priority": 0, "share": "me", "requires": NULL, "error": NULL, "progress": NULL, "meta": {}, "tags": [],
        "after": [], "created_at": "2027-01-15T08:00:00Z", "owner": "me", "timeout_seconds": None,
        "backoff": Backoff(), "keep_seconds": 60.0,
    }  # fmt: skip
    return JobView(id=job, **(plain | given))  # type: ignore[arg-type]


def page(ids: str, more: str | None = None, back: str | None = None) -> Jobs:
    found = Jobs(jobs=[view(job) for job in ids], next=more)
    if back is not None:
        found.looked_back_to = back
    return found


def test_an_address_is_the_filter_that_a_command_takes() -> None:
    wanted = Wanted(q="tag:nightly run", queue="wood", state="failed", since="1h")
    assert wanted.where(NOW) == {
        "queue": "wood", "state": "failed", "tag": "nightly run", "created_after": "2027-01-15T07:00:00.000Z",
    }  # fmt: skip
    assert Wanted(q="key:a:b").where(NOW) == {"key": "a:b"}


def test_a_word_may_be_a_key_or_a_tag_and_no_single_filter_means_it() -> None:
    keys, tags = Wanted(q="nightly", kind="saw").finds(NOW)
    assert (keys.key, keys.tag, keys.kind) == ("nightly", None, "saw")
    assert (tags.key, tags.tag, tags.kind) == (None, "nightly", "saw")
    assert concerned.verbs(Wanted(q="nightly")) == []
    assert concerned.verbs(Wanted()) == [], "every job at once is never offered"


def test_an_id_is_known_as_one() -> None:
    assert Wanted(q="0ca8abc2f0400000").job == "0ca8abc2f0400000"
    assert Wanted(q="0ca8abc2f040000g").job == ""


def test_a_link_begins_at_the_newest_unless_it_goes_on() -> None:
    wanted = Wanted(state="failed", before="0ca8abc2f0400000")
    assert wanted.link(state="ready") == "/jobs?state=ready"
    assert wanted.link(before="0ca8abc2f0300000") == "/jobs?state=failed&before=0ca8abc2f0300000"
    assert Wanted().link() == "/jobs"
    assert Wanted().link(q="tag:a&b=c") == "/jobs?q=tag%3Aa%26b%3Dc"


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequest, match="5m, 1h"):
        job_search.read({"since": "yesterday"})


def test_two_searches_are_one_page_without_holes() -> None:
    whole = merged([page("9753"), page("854")])
    assert ("".join(one.id for one in whole.jobs), whole.next) == ("987543", None)
    cut = merged([page("9753"), page("854")], limit=3)
    assert ("".join(one.id for one in cut.jobs), cut.next) == ("987", "7")


def test_a_page_is_never_older_than_the_search_that_got_least_far() -> None:
    found = merged([page("97", more="6", back="then"), page("8542")])
    assert "".join(one.id for one in found.jobs) == "987"
    assert (found.next, found.looked_back_to) == ("6", "then")


def test_the_tabs_count_where_the_hall_knows_the_number() -> None:
    counts = [CountView("wood", "saw", "ready", 2), CountView("wood", "glue", "ready", 3)]
    shown = {tab.word: tab.jobs for tab in job_search.tabs(Wanted(state="ready"), counts)}
    assert (shown[""], shown["ready"], shown["failed"]) == (5, 5, 0)
    assert "draft" not in shown
    assert {tab.jobs for tab in job_search.tabs(Wanted(worker="w1"), counts)} == {None}


class Hall:
    """Answers counts and searches."""

    def __init__(self, found: Jobs) -> None:
        self.found = found

    async def ask(self, message: object) -> object:
        if type(message).__name__ == "Counts":
            views = [CountView("wood", "saw", state, n) for state, n in (("failed", 7), ("ready", 2), ("succeeded", 1))]
            return CountsReply(counts=views)
        return self.found


async def ask_about(wanted: Wanted, verb: str, found: Jobs) -> str:
    return (await concerned.concerned(Hall(found).ask, wanted, verb, NOW)).question(verb)


async def test_the_question_counts_or_says_at_least() -> None:
    none = page("")
    assert await ask_about(Wanted(queue="wood"), "retry", none) == "Retry 7 jobs?"
    assert (await ask_about(Wanted(queue="wood"), "remove", none)).startswith("Remove 8 jobs? They are gone for good")
    assert await ask_about(Wanted(queue="wood", state="ready"), "cancel", none) == "Cancel 2 jobs?"
    failed = Jobs(jobs=[view("1", state="failed"), view("2", state="ready")], next=None)
    assert await ask_about(Wanted(q="tag:x"), "retry", failed) == "Retry 1 job?"
    failed.next = "0"
    assert await ask_about(Wanted(q="tag:x"), "retry", failed) == "Retry at least 1 jobs?"
    with pytest.raises(BadRequest, match="use one of"):
        await ask_about(Wanted(queue="wood"), "burn", none)


def test_a_verb_is_offered_for_states_it_can_change() -> None:
    assert concerned.verbs(Wanted(state="failed")) == ["retry", "remove"]
    assert concerned.verbs(Wanted(state="running")) == ["cancel"]
    assert concerned.verbs(Wanted(state="succeeded")) == ["remove"]
    assert json.loads(json.dumps(Wanted(state="failed").where(NOW))) == {"state": "failed"}


@pytest.mark.parametrize("step", [lifecycle.CANCEL, lifecycle.RETRY, lifecycle.REMOVE], ids=attrgetter("name"))
def test_what_pages_offer_is_what_the_table_of_steps_allows(step: lifecycle.Step) -> None:
    assert concerned.VERBS[step.name] == {state.word for state in step.sources}
