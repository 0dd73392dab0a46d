"""`shutdown`: who is told what, and when the hall may end."""

from __future__ import annotations

import pytest

from tests.service.office import Guest, Office

GOING = "unavailable: the hall is being shut down: it takes no more jobs and workers"


def finish(office: Office) -> None:
    """What whoever runs the hall does when it is over."""
    office.loop.run_until_complete(office.hall.finish())


def test_a_hall_is_over_at_once_and_everybody_is_told(office: Office, boss: Guest) -> None:
    client = office.guest("client")
    job = client.submit()
    client.ok("watch", queues=["other"])
    client.say({"cmd": "wait", "ids": [job], "ref": "wait"})
    assert boss.ok("shutdown") == {"ok": True, "ref": boss.last_ref}
    assert office.hall.ending.over.is_set()
    finish(office)
    error = {"code": "unavailable", "message": "the hall was shut down"}
    assert client.answer("wait") == {"error": error, "ref": "wait"}
    assert [event["event"] for event in client.events()] == ["shutdown"]
    assert client.pushes("stop") == [{"id": "", "attempt": 0, "why": "shutdown"}]


def test_what_came_in_before_the_end_is_done_and_answered(office: Office, boss: Guest) -> None:
    boss.peer.send(b'{"cmd":"submit","kind":"saw","ref":"last"}\n' * 3)
    finish(office)
    assert [answer["ok"] for answer in boss.peer.lines() if answer.get("ref") == "last"] == [True] * 3
    assert len(office.jobs()) == 3


def test_workers_are_left_alone_by_the_end_of_a_hall(office: Office, boss: Guest) -> None:
    """As at SIGTERM: they keep what they have, and come back to the next hall."""
    ann = office.worker("ann")
    job = boss.submit()
    boss.ok("shutdown")
    finish(office)
    assert ann.pushes("stop") == []
    office.restart()
    again = office.guest("ann", worker="w-ann")
    assert again.ok("keep", jobs=[{"id": job, "attempt": 1}])["kept"] == [job]
    again.done(job)


def test_with_workers_it_is_over_when_the_last_has_left(office: Office, boss: Guest) -> None:
    ann, bob = office.worker("ann"), office.worker("bob")
    job = boss.submit()
    client = office.guest("client")
    client.say({"cmd": "wait", "ids": [job], "ref": "wait"})
    boss.ok("shutdown", workers=True)
    assert [stop["why"] for worker in (ann, bob) for stop in worker.pushes("stop")] == ["draining", "draining"]
    assert boss.refused("submit", kind="saw") == GOING
    bob.ok("bye")
    for _ in range(6):
        office.pass_time(10)
        ann.ok("beat")
    assert not office.hall.ending.over.is_set(), "one of them still works"
    ann.done(job, result="kept")
    assert client.answer("wait")["jobs"][0]["result"] == "kept"
    ann.ok("bye")
    office.pass_time(1)
    assert office.hall.ending.over.is_set()


def test_what_waits_stays_for_the_next_hall(office: Office, boss: Guest) -> None:
    office.worker("ann")
    running, ready = boss.submit_many([{}, {}])
    boss.ok("shutdown", workers=True)
    office.restart()
    again = office.guest("again")
    assert (again.state(running), again.state(ready)) == ("running", "ready")


def test_nobody_new_works_and_nothing_new_is_taken_while_a_hall_ends(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    boss.ok("shutdown", workers=True)
    late = office.guest("late")
    assert late.refused("work", kinds=["*"]) == GOING
    assert late.refused("submit", kind="saw", jobs=[{}]) == GOING
    deputy = Guest(office, office.peer("deputy"))
    deputy.say({"cmd": "do", "type": "saw", "id": 1, "ref": "do"}, {"cmd": "can_do", "types": ["saw"], "ref": "can"})
    assert [line["error"]["message"] for line in deputy.peer.lines()] == [GOING.removeprefix("unavailable: ")] * 2
    ann.ok("bye")


def test_a_hall_without_workers_is_over_at_once(office: Office, boss: Guest) -> None:
    boss.ok("shutdown", workers=True)
    assert office.hall.ending.over.is_set()


def test_a_worker_of_deputys_that_cannot_be_told_is_waited_for_only_while_it_has_a_job(
    office: Office, boss: Guest
) -> None:
    deputy = Guest(office, office.peer("deputy"))
    deputy.say({"cmd": "can_do", "types": ["saw"]})
    job = boss.submit()
    boss.ok("shutdown", workers=True)
    office.pass_time(5)
    assert not office.hall.ending.over.is_set()
    deputy.say({"cmd": "did", "id": job, "res": 1})
    office.pass_time(1)
    assert boss.state(job) == "succeeded"
    assert office.hall.ending.over.is_set()


def test_a_second_shutdown_waits_for_nobody(office: Office, boss: Guest) -> None:
    office.worker("ann")
    boss.ok("shutdown", workers=True)
    assert not office.hall.ending.over.is_set()
    boss.ok("shutdown")
    assert office.hall.ending.over.is_set()


def test_a_worker_that_loses_its_connection_while_the_hall_ends_does_not_hold_it_up(
    office: Office, boss: Guest
) -> None:
    ann = office.worker("ann")
    boss.submit()
    boss.ok("shutdown", workers=True)
    ann.leave()
    office.pass_time(5)
    assert office.hall.ending.over.is_set()


def test_a_worker_that_goes_silent_while_the_hall_ends_does_not_hold_it_up(office: Office, boss: Guest) -> None:
    """Its connection stays open, its lease runs out, and it will never answer for the place."""
    office.worker("ann")
    job = boss.submit()
    boss.ok("shutdown", workers=True)
    office.pass_time(60)
    assert boss.state(job) == "ready"
    assert office.hall.ending.over.is_set()


@pytest.mark.parametrize("workers", [True, False])
def test_who_may_end_a_hall(office: Office, workers: bool) -> None:
    eve = office.token("eve", ["submit", "read", "work"])
    assert eve.refused("shutdown", workers=workers).startswith("forbidden: this needs the role admin")
    limited = office.token("limited", ["admin"], queues=["mine"])
    assert limited.refused("shutdown", workers=workers) == (
        "forbidden: token 'limited' is limited to some queues or kinds: it may not end the hall"
    )
    assert not office.hall.ending.over.is_set()
