"""`workers` and `worker`: who is here, and what a person may tell them."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tests.service.office import Guest, Office


def one(boss: Guest) -> dict[str, Any]:
    """The only worker as `workers` shows it."""
    (view,) = boss.ok("workers")["workers"]
    return dict(view)


# Who is here.


def test_a_worker_as_it_is_shown(office: Office, boss: Guest) -> None:
    office.worker("ann", queues=["b", "a"], kinds=["saw", "glue"], offers={"gpu": 1}, credit=3, lease_seconds=20)
    job = boss.submit(queue="a")
    office.pass_time(2.5)
    assert one(boss) == {
        "worker": "w-ann", "name": "ann", "token": "local", "connected": True, "state": "working",
        "queues": ["a", "b"], "kinds": ["glue", "saw"], "offers": {"gpu": 1}, "credit": 3, "running": [job],
        "lease_seconds": 20.0, "silent_seconds": 2.5,
    }  # fmt: skip


def test_a_worker_that_holds_more_than_it_runs_is_shown_with_both(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=3)
    ann.ok("credit", credit=80, concurrency=3)
    assert (one(boss)["credit"], one(boss)["concurrency"]) == (80, 3)
    ann.ok("credit", credit=3)
    assert "concurrency" not in one(boss)
    assert ann.refused("credit", credit=80, concurrency=-1).startswith("bad_request")


def test_a_delivery_says_when_the_job_may_be_started_only_once(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=2)
    boss.submit(max_attempts=1)
    boss.submit()
    assert [job.get("once") for run in ann.pushes("run") for job in run] == [True, None]


def test_workers_are_sorted_by_their_names(office: Office, boss: Guest) -> None:
    for name in ("cat", "ann", "bob"):
        office.worker(name)
    assert [view["name"] for view in boss.ok("workers")["workers"]] == ["ann", "bob", "cat"]


def test_a_worker_that_is_away_is_shown_until_its_time_to_come_back_is_over(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    ann.leave()
    office.pass_time(1)
    view = one(boss)
    assert (view["connected"], view["running"], view["credit"], view["silent_seconds"]) == (False, [job], 0, 1.0)
    office.pass_time(3)
    assert boss.ok("workers")["workers"] == []


def test_a_worker_without_a_name_or_token_is_shown(office: Office, boss: Guest) -> None:
    nameless = Guest(office, office.peer("nameless"))
    nameless.ok("work", kinds=["*"], credit=1)
    view = one(boss)
    assert (view["name"], view["token"]) == (view["worker"], "anonymous")
    assert boss.ok("worker", worker=view["worker"], do="pause")["workers"][0]["state"] == "paused"


def test_a_limited_token_sees_and_tells_only_those_of_its_queues(office: Office) -> None:
    office.worker("ann", queues=["mine", "other"])
    office.worker("bob", queues=["other"])
    eve = office.token("eve", ["read", "admin"], queues=["mine"])
    assert [view["name"] for view in eve.ok("workers")["workers"]] == ["ann"]
    assert eve.refused("worker", worker="bob", do="pause") == (
        "not_found: there is no worker 'bob' here: `workers` lists them"
    )


# Orders.


def test_a_paused_worker_gets_nothing_until_it_is_resumed(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=2)
    first = boss.submit()
    assert boss.ok("worker", worker="ann", do="pause")["workers"][0]["state"] == "paused"
    second = boss.submit()
    ann.done(first)
    assert [run["id"] for run in ann.runs()] == [first]
    assert boss.ok("can", kind="saw")["can"] is False
    boss.ok("worker", worker="ann", do="resume")
    assert [run["id"] for run in ann.runs()] == [second]
    assert boss.ok("can", kind="saw")["can"] is True


def test_a_paused_worker_stays_so_when_it_says_work_again_or_comes_back(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    boss.ok("worker", worker="ann", do="pause")
    ann.ok("work", kinds=["saw"], credit=3)
    ann.leave()
    ann = office.worker("ann")
    boss.submit()
    assert ann.runs() == []
    assert one(boss)["state"] == "paused"


def test_a_drained_worker_finishes_what_it_has_and_is_asked_to_leave(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=2)
    first = boss.submit()
    boss.ok("worker", worker="ann", do="drain")
    second = boss.submit()
    assert ann.pushes("stop") == [{"id": "", "attempt": 0, "why": "draining"}]
    ann.done(first)
    assert [run["id"] for run in ann.runs()] == [first]
    ann.ok("bye")
    assert (boss.state(first), boss.state(second)) == ("succeeded", "ready")
    assert boss.ok("workers")["workers"] == []


def test_a_worker_that_was_away_when_it_was_drained_is_told_when_it_is_back(office: Office, boss: Guest) -> None:
    office.worker("ann").leave()
    boss.ok("worker", worker="ann", do="drain")
    ann = office.worker("ann")
    assert [stop["why"] for stop in ann.pushes("stop")] == ["draining"]


def test_a_stopped_worker_is_asked_to_give_back_what_it_has(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    boss.ok("worker", worker="ann", do="stop")
    assert [stop["why"] for stop in ann.pushes("stop")] == ["stop"]
    ann.ok("release", id=job, attempt=1)
    ann.ok("bye")
    view = boss.view(job)
    assert (view["state"], view["forgiven"]) == ("ready", 1)


def test_a_stopped_worker_that_does_not_care_loses_its_jobs_and_its_connection(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    boss.ok("worker", worker="ann", do="stop")
    office.pass_time(14)
    assert (boss.state(job), ann.is_gone) == ("running", False)
    office.pass_time(2)
    assert (boss.state(job), ann.is_gone) == ("ready", True)


def test_a_worker_that_is_resumed_after_stop_keeps_its_jobs(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    boss.ok("worker", worker="ann", do="stop")
    boss.ok("worker", worker="ann", do="resume")
    office.pass_time(20)
    assert (boss.state(job), ann.is_gone) == ("running", False)


def test_a_new_credit_is_the_workers_own_to_set(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    boss.ok("worker", worker="ann", do="set", credit=4)
    assert ann.pushes("set") == [{"credit": 4}]
    assert one(boss)["credit"] == 1
    ann.ok("credit", credit=4)
    assert one(boss)["credit"] == 4


def test_a_worker_of_deputys_is_never_told_what_it_does_not_know(office: Office, boss: Guest) -> None:
    deputy = Guest(office, office.peer("deputy"))
    deputy.say({"cmd": "can_do", "types": ["saw"]})
    word = one(boss)["worker"]
    for order in ({"do": "drain"}, {"do": "set", "credit": 2}):
        boss.ok("worker", worker=word, **order)
    boss.submit()
    assert deputy.peer.lines() == []


def test_a_worker_of_deputys_whose_machine_fell_silent_cannot_come_back_to_its_job(office: Office, boss: Guest) -> None:
    deputy = office.peer("deputy")
    deputy.send(b'{"cmd":"can_do","types":["saw"]}\n')
    office.settle()
    job = boss.submit()
    assert boss.state(job) == "running"
    office.loop.as_if_running(lambda: deputy._line.connection_lost(TimeoutError(errno.ETIMEDOUT, "no answer")))
    office.settle()
    assert boss.state(job) == "ready"


def test_two_workers_of_one_name_must_be_told_apart(office: Office, boss: Guest) -> None:
    office.worker("ann")
    twin = office.guest("ann", worker="w-twin")
    twin.ok("work", kinds=["*"])
    assert boss.refused("worker", worker="ann", do="pause") == (
        "bad_request: 2 workers are called 'ann': name one of w-ann, w-twin"
    )
    boss.ok("worker", worker="w-twin", do="pause")
    assert [view["state"] for view in boss.ok("workers")["workers"]] == ["working", "paused"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"do": "dance"}, "there is nothing called 'dance' to do: use one of pause, resume, drain, stop, set"),
        ({"do": "set"}, "`set` needs a credit, and only `set` takes one"),
        ({"do": "pause", "credit": 3}, "`set` needs a credit, and only `set` takes one"),
        ({"do": "set", "credit": -1}, "credit is -1: give 0 to 100000"),
    ],
)
def test_orders_that_make_no_sense_are_refused(
    office: Office, boss: Guest, fields: dict[str, Any], message: str
) -> None:
    office.worker("ann")
    assert boss.refused("worker", worker="ann", **fields) == f"bad_request: {message}"
    assert one(boss)["state"] == "working"


def test_to_tell_a_worker_something_needs_the_role_admin(office: Office) -> None:
    office.worker("ann")
    eve = office.token("eve", ["read", "submit", "work"])
    assert eve.refused("worker", worker="ann", do="stop").startswith("forbidden: this needs the role admin")


def test_a_worker_told_to_stop_hears_it_again_when_it_comes_back(office: Office, boss: Guest) -> None:
    worker = office.worker("w")
    boss.ok("worker", worker="w", do="stop")
    assert boss.ok("workers")["workers"][0]["state"] == "stopping"
    worker.leave()
    back = office.guest("w", worker="w-w")
    back.ok("work", kinds=["*"], credit=1)
    assert back.pushes("stop") == [{"id": "", "attempt": 0, "why": "stop"}]
