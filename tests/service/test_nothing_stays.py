"""What a hall holds in memory for somebody goes with him, and what it refused leaves nothing behind."""

from __future__ import annotations

import json

from hirehall.service import events
from tests.service.office import Guest, Office


def test_what_a_session_said_last_leaves_nothing_in_memory_when_it_has_closed(office: Office, boss: Guest) -> None:
    first, other = boss.submit(), boss.submit()
    guest = office.guest("guest", worker="w")
    said = [
        {"cmd": "cancel", "ids": [first]},
        {"cmd": "cancel", "ids": [first]},  # waits for the next batch, and so does all behind it
        {"cmd": "watch"},
        {"cmd": "wait", "ids": [other]},
        {"cmd": "log_of", "id": other, "follow": True},
        {"cmd": "work", "kinds": ["*"], "credit": 1},
    ]
    guest.peer.send(b"".join(json.dumps(command).encode() + b"\n" for command in said))
    guest.peer.leave()
    office.settle()
    hall = office.hall
    assert not hall.events._watchers
    assert not hall.waits._by_job
    assert not hall.logs._by_job
    assert not hall.core.journal.followers
    office.pass_time(4)
    assert boss.ok("workers")["workers"] == []


def test_a_worker_that_is_sent_away_leaves_once(office: Office, boss: Guest) -> None:
    boss.ok("watch", events=["join", "leave"])
    office.token("temp", ["work"]).ok("work", kinds=["*"])
    boss.ok("token", do="revoke", name="temp")
    assert [event["event"] for event in boss.events()] == ["join", "leave"]


def test_a_worker_that_comes_and_closes_in_one_breath_joins_before_it_leaves(office: Office, boss: Guest) -> None:
    boss.ok("watch", events=["join", "leave"])
    job = boss.submit()
    guest = office.guest("guest")
    said = [{"cmd": "cancel", "ids": [job]}, {"cmd": "cancel", "ids": [job]}, {"cmd": "work", "kinds": ["*"]}]
    guest.peer.send(b"".join(json.dumps(command).encode() + b"\n" for command in said))
    guest.peer.leave()
    assert [event["event"] for event in boss.events()] == ["join", "leave"]


def test_refused_submits_leave_no_lanes_behind(office: Office, boss: Guest) -> None:
    boss.ok("drain", queue="full")
    before = len(office.hall.core.hallway.lanes)
    for number in range(50):
        boss.refused("submit", kind=f"kind-{number}", max_attempts=0)
        boss.refused("submit", kind=f"kind-{number}", queue="full")
        boss.refused("submit", kind="saw", queue=f"queue-{number}", jobs=[{}, {"kind": ""}])
    core = office.hall.core
    assert len(core.hallway.lanes) == len(core.hallway.by_number) == before
    assert not core.collecting.batch.lanes
    assert [name for name in core.hallway.lines if name.startswith("queue-")] == []


def test_a_refused_submit_takes_no_lane_from_jobs_that_wait_in_it(office: Office, boss: Guest) -> None:
    boss.submit("saw")
    boss.refused("submit", kind="saw", max_attempts=0)
    assert len(office.worker("w").runs()) == 1


def test_the_ring_of_events_is_trimmed_without_any_commit(office: Office) -> None:
    most = events.KEPT_EVENTS + events.SLACK_EVENTS
    for _ in range(most + 10):
        office.hall.events.told("join", worker="w")
    assert office.hall.events.next - office.hall.events.first <= most


def test_texts_of_the_ring_are_counted_by_the_memory_that_they_take(office: Office) -> None:
    told = 0
    while told * 1_000 <= events.MOST_TEXT // 3:  # characters of four bytes each
        office.hall.events.told("join", worker="\N{PERFORMING ARTS}" * 1_000)
        told += 1
    assert office.hall.events.next - office.hall.events.first < told
