"""Drafts: submitted and not yet to be run, until commit or discard, a day at most."""

from __future__ import annotations

import pytest

from tests.service.office import Guest, Office

DAY = 86_400.0


def draft(guest: Guest, **fields: object) -> str:
    answer = guest.ok("submit", kind="saw", draft=True, **fields)
    assert answer["state"] == "draft"
    return str(answer["id"])


def leap(office: Office, seconds: float) -> None:
    """As if the machine had slept so long, and a moment for what is due then."""
    office.seconds += seconds
    office.loop.now += seconds
    office.pass_time(2)


def test_a_draft_is_not_delivered_until_it_is_committed(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=5)
    job = draft(boss)
    office.pass_time(3)
    assert ann.runs() == []
    assert boss.ok("commit", id=job)["state"] == "ready"
    assert [run["id"] for run in ann.runs()] == [job]


def test_drafts_of_one_submit_stay_while_others_run(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=5)
    jobs = boss.submit_many([{"draft": True}, {}, {"draft": True}])
    assert [run["id"] for run in ann.runs()] == [jobs[1]]
    assert boss.ok("commit", ids=[jobs[0], jobs[2]])["refused"] == []
    assert sorted(run["id"] for run in ann.runs()) == [jobs[0], jobs[2]]


def test_a_commit_that_is_said_again_is_a_duplicate(office: Office, boss: Guest) -> None:
    job = draft(boss)
    boss.ok("commit", id=job)
    answer = boss.ok("commit", id=job)
    assert (answer["state"], answer["duplicate"]) == ("ready", True)
    assert boss.ok("commit", ids=[job])["refused"] == []


@pytest.mark.parametrize(
    ("fields", "state"),
    [({"delay_seconds": 60}, "scheduled"), ({"lock": "db"}, "ready"), ({"after": True}, "blocked")],
)
def test_a_commit_leads_where_the_submit_would_have_led(
    office: Office, boss: Guest, fields: dict[str, object], state: str
) -> None:
    parent = boss.submit("other")
    fields = {"after": [parent]} if "after" in fields else fields
    job = draft(boss, **fields)
    assert boss.ok("commit", id=job)["state"] == state
    assert boss.state(job) == state


def test_a_draft_holds_no_place_of_its_lock_and_waits_for_one_when_it_is_committed(office: Office, boss: Guest) -> None:
    job = draft(boss, lock="db")
    holder = boss.submit(lock="db")
    assert boss.state(holder) == "ready"
    assert boss.ok("commit", id=job)["state"] == "blocked"
    boss.ok("cancel", id=holder)
    assert boss.state(job) == "ready"


def test_a_draft_stays_one_while_its_queue_is_full(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", max_waiting=2)
    first, second, third = draft(boss), draft(boss), draft(boss, delay_seconds=60)
    elsewhere = draft(boss, queue="other")
    waiting = boss.submit()
    answer = boss.ok("commit", ids=[first, second, third, elsewhere])
    assert answer["refused"] == [{"id": second, "code": "busy"}, {"id": third, "code": "busy"}]
    assert boss.refused("commit", id=second).startswith("busy")
    assert [boss.state(job) for job in (first, second, third, elsewhere)] == ["ready", "draft", "draft", "ready"]
    assert boss.ok("commit", id=first)["duplicate"], "whoever asks again hears the first answer"
    boss.ok("cancel", id=waiting)
    assert boss.ok("commit", id=second)["state"] == "ready"


def test_the_time_of_a_draft_counts_from_its_submit(office: Office, boss: Guest) -> None:
    late, past = draft(boss, delay_seconds=60), draft(boss, delay_seconds=5)
    office.pass_time(30)
    assert boss.ok("commit", id=late)["state"] == "scheduled"
    assert boss.ok("commit", id=past)["state"] == "ready"
    office.pass_time(31)
    assert boss.state(late) == "ready"


def test_a_draft_that_was_to_start_by_now_expires_at_its_commit(office: Office, boss: Guest) -> None:
    job = draft(boss, ttl_seconds=5)
    office.pass_time(10)
    assert boss.state(job) == "draft"
    boss.ok("commit", id=job)
    office.pass_time(1)
    assert boss.state(job) == "expired"


def test_a_draft_whose_parent_failed_is_cancelled_at_its_commit(office: Office, boss: Guest) -> None:
    parent = boss.submit()
    job = draft(boss, after=[parent])
    boss.ok("cancel", id=parent)
    assert boss.state(job) == "draft"
    assert boss.ok("commit", id=job)["state"] == "cancelled"


def test_a_discarded_draft_is_gone_and_who_follows_or_waits_hears_it(office: Office, boss: Guest) -> None:
    job = draft(boss, follow=True, key="k", tags=["t"])
    other = office.guest("other")
    other.say({"cmd": "wait", "ref": "w", "ids": [job]})
    boss.ok("discard", id=job)
    assert [(end["id"], end["state"]) for ends in boss.pushes("end") for end in ends] == [(job, "cancelled")]
    assert other.answer("w")["missing"] == [job]
    assert boss.ok("get", ids=[job])["missing"] == [job]
    assert boss.refused("discard", id=job).startswith("not_found")
    assert boss.ok("counts")["counts"] == []
    assert boss.submit(key="k") != job


def test_who_waits_for_a_draft_goes_on_waiting_when_it_is_committed(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=5)
    parent = draft(boss)
    child, later = boss.submit(after=[parent]), boss.submit(after=[parent], delay_seconds=60)
    boss.ok("commit", id=parent)
    assert [boss.state(job) for job in (parent, child, later)] == ["running", "blocked", "scheduled"]
    ann.ok("done", id=parent, attempt=1)
    assert [boss.state(job) for job in (child, later)] == ["running", "scheduled"]


@pytest.mark.parametrize("how", ["said", "by age"])
def test_who_waits_for_a_discarded_draft_is_cancelled(office: Office, boss: Guest, how: str) -> None:
    parent = draft(boss)
    child = boss.submit(after=[parent])
    assert boss.state(child) == "blocked"
    if how == "said":
        boss.ok("discard", id=parent)
    else:
        leap(office, DAY)
    assert boss.state(child) == "cancelled"


def test_a_draft_that_nobody_commits_is_discarded_after_a_day(office: Office, boss: Guest) -> None:
    boss.ok("watch", events=["discard"])
    job, later = draft(boss, follow=True), draft(boss, delay_seconds=3 * DAY)
    leap(office, DAY - 12)
    assert boss.state(job) == "draft"
    boss.ok("commit", id=later)
    leap(office, 11)
    assert boss.ok("get", ids=[job])["missing"] == [job]
    assert [event["id"] for event in boss.events()] == [job]
    assert boss.state(later) == "scheduled"
    assert boss.ok("metrics")["metrics"]["discarded"] == 1


def test_a_day_counts_across_a_restart(office: Office, boss: Guest) -> None:
    job = draft(boss)
    leap(office, DAY - 100)
    office.restart()
    boss = office.guest("boss")
    assert boss.state(job) == "draft"
    leap(office, 110)
    assert boss.ok("get", ids=[job])["missing"] == [job]


def test_nothing_else_leaves_a_draft(office: Office, boss: Guest) -> None:
    job = draft(boss)
    for cmd in ("cancel", "retry", "remove"):
        assert boss.refused(cmd, id=job) == f"wrong_state: job {job} is a draft: discard it, or commit it first"
    assert boss.refused("change", id=job, set={"priority": 5}).startswith("wrong_state")
    boss.ok("change", id=job, set={"tags": ["label"], "keep_seconds": 5})
    assert boss.state(job) == "draft"
    leap(office, DAY + 1)
    assert boss.ok("get", ids=[job])["missing"] == [job], "a label does not make it stay"


def test_only_a_draft_is_discarded(office: Office, boss: Guest) -> None:
    job = boss.submit()
    assert boss.refused("discard", id=job).endswith("only drafts are discarded: cancel it")


def test_a_draft_belongs_to_its_submitter(office: Office, boss: Guest) -> None:
    ann, bob = office.token("ann", ["submit"]), office.token("bob", ["submit", "read"])
    job = draft(ann)
    for cmd in ("commit", "discard"):
        assert bob.refused(cmd, id=job).startswith("not_found")
    assert ann.ok("commit", id=job)["state"] == "ready"
    other = draft(ann)
    boss.ok("discard", id=other)


def test_a_key_finds_its_draft(office: Office, boss: Guest) -> None:
    job = draft(boss, key="once")
    again = boss.ok("submit", kind="saw", key="once", draft=True)
    assert (again["id"], again["state"], again["duplicate"]) == (job, "draft", True)


def test_explain_says_what_a_draft_waits_for(office: Office, boss: Guest) -> None:
    job = draft(boss)
    assert boss.why(job) == [
        "It is a draft: it waits for its files and for `commit`. Without that it is discarded in 1 d."
    ]


def test_events_and_counters_tell_of_drafts(office: Office, boss: Guest) -> None:
    boss.ok("watch", events=["commit", "discard"])
    first, second = draft(boss), draft(boss)
    boss.ok("commit", id=first)
    boss.ok("discard", id=second)
    assert [(event["event"], event["id"]) for event in boss.events()] == [("commit", first), ("discard", second)]
    counters = boss.ok("metrics")["metrics"]
    assert (counters["committed"], counters["discarded"]) == (1, 1)


def test_drafts_are_counted_and_found_as_such(office: Office, boss: Guest) -> None:
    job = draft(boss)
    assert [(row["state"], row["jobs"]) for row in boss.ok("counts")["counts"]] == [("draft", 1)]
    assert [found["id"] for found in boss.ok("find", state="draft")["jobs"]] == [job]
