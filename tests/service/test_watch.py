"""`watch`: what a watcher hears, from where on, and what it is told when something is missing."""

from __future__ import annotations

from typing import Any

import pytest

from hirehall.service import events, news
from hirehall.wire.forms import event_form
from hirehall.wire.replies import EventPush
from tests.service.office import Guest, Office


def names(heard: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in heard]


@pytest.fixture
def ann(office: Office) -> Guest:
    """Works on the default queue."""
    return office.worker("ann")


# What is heard.


def test_a_jobs_whole_life_is_heard_in_order(office: Office, boss: Guest, ann: Guest) -> None:
    boss.ok("watch")
    job = boss.submit()
    ann.ok("progress", id=job, attempt=1, percent=40, text="half")
    ann.ok("fail", id=job, attempt=1, delay_seconds=0)
    office.pass_time(0.1)
    heard = boss.events()
    assert names(heard) == ["submit", "deliver", "progress", "fail", "due", "deliver"]
    assert {(event["id"], event["kind"], event["queue"]) for event in heard} == {(job, "saw", "default")}
    assert [event["attempt"] for event in heard] == [0, 1, 1, 1, 1, 2]
    assert (heard[2]["percent"], heard[2]["text"]) == (40, "half")
    assert heard[3]["state"] == "scheduled"
    assert heard[0]["at"] == "2027-01-15T12:00:00.000Z"
    ann.done(job, attempt=2)
    boss.ok("remove", id=job)
    assert names(boss.events()) == ["succeed", "remove"]


def test_progress_is_heard_at_once(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    boss.ok("watch")
    ann.say({"cmd": "progress", "id": job, "attempt": 1, "percent": 1})
    assert names(boss.events()) == ["progress"]


def test_what_people_do_is_heard(boss: Guest) -> None:
    boss.ok("watch")
    job = boss.submit()
    boss.ok("change", id=job, set={"priority": 5})
    boss.ok("cancel", id=job)
    boss.ok("retry", id=job)
    boss.ok("pause", queue="default")
    heard = boss.events()
    assert names(heard) == ["submit", "change", "cancel", "retry", "queue"]
    assert [event["state"] for event in heard] == ["ready", "ready", "cancelled", "ready", "paused"]


def test_children_are_heard_with_their_parents(boss: Guest, ann: Guest) -> None:
    parent = boss.submit()
    boss.ok("watch")
    child = boss.submit(after=[parent])
    other = boss.submit(after=[child])
    ann.done(parent)
    boss.ok("cancel", id=child)
    heard = [(event["event"], event["id"]) for event in boss.events()]
    assert heard == [
        ("submit", child), ("submit", other), ("succeed", parent), ("unblock", child), ("deliver", child),
        ("cancel", child), ("cancel", other),
    ]  # fmt: skip


def test_workers_that_come_and_go_are_heard(office: Office, boss: Guest) -> None:
    boss.ok("watch")
    office.worker("bob").leave()
    assert [(event["event"], event["worker"]) for event in boss.events()] == [("join", "bob"), ("leave", "bob")]


# Filters.


def test_filters_of_a_watch(office: Office, boss: Guest) -> None:
    saw = boss.submit("saw")
    watchers: dict[str, dict[str, Any]] = {
        "ids": {"ids": [saw]},
        "queues": {"queues": ["other"]},
        "kinds": {"kinds": ["plane"]},
        "events": {"events": ["cancel"]},
        "both": {"kinds": ["plane"], "events": ["cancel"]},
        "all": {},
    }
    guests = {name: office.guest(name) for name in watchers}
    for name, filters in watchers.items():
        guests[name].ok("watch", **filters)
    plane, other = boss.submit("plane"), boss.submit("glue", queue="other")
    boss.ok("cancel", ids=[saw, plane])
    heard = {name: [(event["event"], event["id"]) for event in guest.events()] for name, guest in guests.items()}
    submits, cancels = [("submit", plane), ("submit", other)], [("cancel", saw), ("cancel", plane)]
    assert heard == {
        "ids": [("cancel", saw)],
        "queues": [("submit", other)],
        "kinds": [("submit", plane), ("cancel", plane)],
        "events": cancels,
        "both": [("cancel", plane)],
        "all": submits + cancels,
    }


def test_a_second_watch_replaces_the_first_and_off_ends_it(boss: Guest) -> None:
    boss.ok("watch", kinds=["plane"])
    boss.ok("watch", kinds=["saw"])
    boss.submit("plane")
    boss.submit("saw")
    assert [event["kind"] for event in boss.events()] == ["saw"]
    assert boss.ok("watch", off=True) == {"ok": True, "ref": boss.last_ref}
    boss.submit("saw")
    assert boss.events() == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ids": []}, "ids has 0 entries: name 1 to 1000, or leave it out for all"),
        ({"ids": ["nonsense"]}, "ids holds what is no job's id"),
        ({"queues": ["no queue"]}, "queue 'no queue': use 1 to 64 of the letters A-Z a-z 0-9 _ -"),
        ({"kinds": [""]}, "kind '': use 1 to 128 printable characters"),
        ({"kinds": ["k"] * 1001}, "kinds has 1001 entries: name 1 to 1000, or leave it out for all"),
        ({"events": []}, "events has 0 entries: name 1 to 1000, or leave it out for all"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(boss: Guest, fields: dict[str, Any], message: str) -> None:
    assert boss.refused("watch", **fields) == f"bad_request: {message}"


def test_an_event_that_there_is_not_is_refused(boss: Guest) -> None:
    said = boss.refused("watch", events=["succeed", "finished"])
    assert said.startswith("bad_request: there is no event 'finished': use some of cancel, change, commit, deliver,")


# From where on.


def test_a_watcher_that_comes_back_hears_what_it_missed(office: Office, boss: Guest) -> None:
    watcher = office.guest("watcher")
    begin = watcher.ok("watch")["seq"]
    first = boss.submit()
    seq = watcher.events()[-1]["seq"]
    assert seq != begin
    watcher.leave()
    second = boss.submit()
    again = office.guest("watcher")
    reply = again.ok("watch", since=seq)
    assert reply == {"ok": True, "ref": again.last_ref, "seq": seq}
    assert [event["id"] for event in again.events()] == [second]
    assert [event["id"] for event in office.guest("x").since(begin)] == [first, second]


def test_the_answer_stands_before_what_was_missed(office: Office, boss: Guest) -> None:
    seq = boss.ok("watch")["seq"]
    boss.submit()
    late = office.guest("late")
    late.say({"cmd": "watch", "since": seq, "ref": "w"})
    assert ["ref" in line for line in late.peer.lines()[1:]] == [True, False]


def test_watch_among_other_commands_is_answered_in_its_place(boss: Guest) -> None:
    boss.say(
        {"cmd": "submit", "kind": "saw", "ref": "a"},
        {"cmd": "watch", "ref": "b"},
        {"cmd": "submit", "kind": "saw", "ref": "c"},
        {"cmd": "ping", "ref": "d"},
    )
    refs = [line["ref"] for line in boss.peer.lines()[1:] if "ref" in line]
    assert refs == ["a", "b", "c", "d"]


@pytest.mark.parametrize("since", ["", "-", "x-1", "nonsense", "1-2-3", "00-9", "٣-٣"])
def test_a_since_of_another_run_is_a_gap(office: Office, boss: Guest, since: str) -> None:
    reply = boss.ok("watch", since=since)
    assert reply["gap"] is True
    job = boss.submit()
    assert [event["id"] for event in boss.events()] == [job]


def test_a_since_that_is_yet_to_come_is_a_gap(boss: Guest) -> None:
    seq = boss.ok("watch")["seq"]
    run, number = seq.rsplit("-", 1)
    assert boss.ok("watch", since=f"{run}-{int(number) + 1}")["gap"] is True
    assert "gap" not in boss.ok("watch", since=seq)


def test_after_a_restart_there_is_a_gap(office: Office, boss: Guest) -> None:
    seq = boss.ok("watch")["seq"]
    office.restart()
    again = office.guest("again")
    assert again.ok("watch", since=seq)["gap"] is True
    job = again.submit()
    assert [event["id"] for event in again.events()] == [job]


@pytest.fixture
def small_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT_EVENTS", 100)
    monkeypatch.setattr(events, "SLACK_EVENTS", 20)


@pytest.mark.usefixtures("small_ring")
def test_a_since_that_the_ring_has_overtaken_is_a_gap(office: Office, boss: Guest) -> None:
    seq = boss.ok("watch")["seq"]
    for _ in range(10):
        boss.submit_many([{}] * 30)
    boss.events()
    late = office.guest("late")
    assert late.ok("watch", since=seq)["gap"] is True
    assert late.events() == [], "it hears what comes, from now on"
    job = boss.submit()
    assert [event["id"] for event in late.events()] == [job]


@pytest.mark.usefixtures("small_ring")
def test_a_watcher_that_does_not_read_gets_a_gap_and_keeps_its_connection(office: Office, boss: Guest) -> None:
    slow = office.guest("slow")
    slow.ok("watch")
    slow.clog()
    for _ in range(10):
        boss.submit_many([{}] * 50)
    assert slow.events() == []
    slow.unclog()
    heard = slow.events()
    assert names(heard[:2]) == ["gap", "submit"]
    assert 80 <= len(heard) - 1 <= 120, "what the ring still has"
    assert not slow.is_gone
    assert slow.ok("watch", since=heard[-1]["seq"]).get("gap") is None


def test_who_names_a_job_hears_of_it_from_before_it_came_and_while_others_name_others(
    office: Office, boss: Guest, ann: Guest
) -> None:
    begin = boss.ok("watch")["seq"]
    early, late = office.guest("early"), office.guest("late")
    one, two, three = boss.submit_many([{}] * 3)
    early.ok("watch", ids=[one, three], since=begin)
    assert [event["id"] for event in early.events()] == [one, three, one]
    ann.done(one)
    late.ok("watch", ids=[two], since=begin)
    assert names(late.events()) == ["submit", "deliver"]
    ann.done(two)
    early.ok("watch", ids=[three])
    ann.done(three)
    assert [(event["event"], event["id"]) for event in early.events()] == [
        ("succeed", one), ("deliver", three), ("succeed", three)
    ]  # fmt: skip
    assert names(late.events()) == ["succeed"]
    assert [event["id"] for event in boss.events() if event["event"] == "succeed"] == [one, two, three]


def test_what_many_hear_is_made_once_for_all_of_them(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[EventPush] = []
    monkeypatch.setattr(news, "event_form", lambda like: (made.append(like), event_form(like))[1])
    watchers = [office.guest(f"watcher-{number}") for number in range(20)]
    for watcher in watchers:
        watcher.ok("watch")
    (job,) = boss.submit_many([{}])
    heard = [watcher.events() for watcher in watchers]
    assert heard == [heard[0]] * 20
    assert [event["id"] for event in heard[0]] == [job]
    assert len(made) == 1


def test_lines_of_events_end_as_all_others_of_that_session(office: Office, boss: Guest) -> None:
    old = office.peer("old")
    old.send(b'{"cmd":"can_do","types":["nothing"]}\r\n{"cmd":"watch"}\r\n')
    office.settle()
    before = len(old.out)
    boss.submit_many([{}] * 3)
    office.settle()
    said = old.out[before:]
    assert said.count(b"\r\n") == said.count(b"\n") == 3


# Who may.


def test_who_may_only_submit_watches_its_own_jobs(office: Office, boss: Guest) -> None:
    eve = office.token("eve", ["submit"])
    mine, theirs = eve.submit(), boss.submit()
    assert eve.refused("watch") == "forbidden: to watch everything needs the role read: name your own jobs by ids"
    assert eve.refused("watch", ids=[mine, theirs]) == f"not_found: there is no job {theirs} that you may see"
    eve.ok("watch", ids=[mine])
    boss.ok("cancel", ids=[mine, theirs])
    assert [(event["event"], event["id"]) for event in eve.events()] == [("cancel", mine)]


def test_a_token_limited_to_queues_hears_of_no_others(office: Office, boss: Guest) -> None:
    eve = office.token("eve", ["read"], queues=["images"])
    eve.ok("watch")
    boss.submit(queue="secret")
    job = boss.submit(queue="images")
    boss.ok("pause", queue="secret")
    office.worker("ann", queues=["secret"], kinds=["x"])
    assert [(event["event"], event["id"]) for event in eve.events()] == [("submit", job)]


def test_who_may_only_work_watches_nothing(office: Office) -> None:
    bob = office.token("bob", ["work"])
    assert bob.refused("watch").startswith("forbidden: this needs the role read or submit")


def test_a_revoked_token_hears_nothing_more(office: Office, boss: Guest) -> None:
    eve = office.token("eve", ["read"])
    eve.ok("watch")
    boss.ok("token", do="revoke", name="eve")
    boss.submit()
    assert eve.is_gone
    assert eve.events() == []


def test_a_since_of_endless_digits_is_a_gap(boss: Guest) -> None:
    run = boss.ok("watch")["seq"].rpartition("-")[0]
    assert boss.ok("watch", since=f"{run}-{'9' * 5_000}")["gap"] is True


def test_long_texts_of_progress_do_not_fill_the_memory(
    office: Office, boss: Guest, ann: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_TEXT", 50_000)
    job = boss.submit()
    seq = boss.ok("watch")["seq"]
    for n in range(100):
        ann.ok("progress", id=job, attempt=1, percent=n, text="x" * 1_000)
    office.pass_time(2)
    late = office.guest("late")
    assert late.ok("watch", since=seq)["gap"] is True
    held = office.hall.events
    assert sum(run.text_bytes for run in held._runs) == held._text <= 50_000
    assert [event["percent"] for event in late.since(boss.events()[-3]["seq"])] == [98, 99]
