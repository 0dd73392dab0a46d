"""`cancel`, `retry`, `change` and `remove`: one job, several, and many with `where` in the background; `task`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.service.office import Guest, Office

GONE = "0000000000000001"


def states(guest: Guest, ids: list[str]) -> Counter[str]:
    found = guest.ok("get", ids=ids)
    return Counter([job["state"] for job in found["jobs"]] + ["gone"] * len(found["missing"]))


@pytest.fixture
def ended(office: Office, boss: Guest) -> dict[str, str]:
    """A job in each state."""
    ann = office.worker("ann", queues=["work"], credit=3)
    failed, good, running = boss.submit_many([{}] * 3, queue="work", max_attempts=1)
    ann.ok("fail", id=failed, attempt=1)
    ann.done(good)
    jobs = {"failed": failed, "succeeded": good, "running": running}
    jobs |= {"cancelled": boss.submit(), "expired": boss.submit(ttl_seconds=1)}
    boss.ok("cancel", id=jobs["cancelled"])
    office.pass_time(2)
    holder = boss.submit(lock="db")
    jobs |= {"ready": holder, "blocked": boss.submit(lock="db"), "scheduled": boss.submit(delay_seconds=1000)}
    return jobs


FITS = {
    "cancel": {"ready", "blocked", "scheduled", "running"},
    "retry": {"failed", "cancelled", "expired"},
    "change": {"ready", "blocked", "scheduled"},
    "remove": {"failed", "succeeded", "cancelled", "expired"},
}
HINTS = {
    "cancel": "there is nothing left to cancel",
    "retry": "only jobs that failed, were cancelled or expired are tried again",
    "change": "only jobs that have not begun can be changed",
    "remove": "only jobs that have ended are removed: cancel it first",
}


def extra(command: str) -> dict[str, Any]:
    return {"set": {"priority": 9}} if command == "change" else {}


@pytest.mark.parametrize("command", FITS)
def test_a_change_fits_some_states_and_names_the_others(boss: Guest, ended: dict[str, str], command: str) -> None:
    for state, job in ended.items():
        if state in FITS[command]:
            assert boss.ok(command, id=job, **extra(command)) == {"ok": True, "ref": boss.last_ref}
        else:
            said = boss.refused(command, id=job, **extra(command))
            verb = "has" if state in ("succeeded", "failed", "expired") else "is"
            assert said == f"wrong_state: job {job} {verb} {state}: {HINTS[command]}"


@pytest.mark.parametrize("command", FITS)
def test_of_several_jobs_each_is_judged_by_itself(boss: Guest, ended: dict[str, str], command: str) -> None:
    answer = boss.ok(command, ids=[*ended.values(), GONE], **extra(command))
    wrong = [{"id": job, "code": "wrong_state"} for state, job in ended.items() if state not in FITS[command]]
    assert answer["refused"] == [*wrong, {"id": GONE, "code": "not_found"}]


@pytest.mark.parametrize("command", FITS)
def test_choices_that_make_no_sense_are_refused(boss: Guest, command: str) -> None:
    job = boss.submit()
    more = extra(command)
    nobody = "bad_request: name 1 to 1000 jobs, as id or ids, or choose them by where"
    assert boss.refused(command, **more) == nobody
    assert boss.refused(command, ids=[job] * 1001, **more) == nobody
    assert boss.refused(command, id=job, ids=[job], **more) == "bad_request: give id or ids, not both"
    assert boss.refused(command, ids=[job, job], **more) == "bad_request: an id is named twice: name each job once"
    both = boss.refused(command, id=job, where={"kind": "saw"}, **more)
    assert both == "bad_request: give ids or where, not both"
    everything = boss.refused(command, where={}, **more)
    assert everything == ("bad_request: `where` names no condition, so it would mean every job: name at least one")
    assert boss.refused(command, where={"state": "done"}, **more).startswith("bad_request: there is no state 'done'")
    assert boss.refused(command, where={"colour": "red"}, **more).startswith("bad_request: ")
    assert boss.refused(command, id=GONE, **more) == f"not_found: there is no job {GONE} that you may {command}"


def test_who_may_change_jobs(office: Office, boss: Guest) -> None:
    eve = office.token("eve", ["submit", "read", "work"])
    mine, theirs = eve.submit(), boss.submit()
    for command in ("retry", "change", "remove"):
        said = eve.refused(command, id=mine, **extra(command))
        assert said == "forbidden: this needs the role admin; the token does not have it"
    assert eve.refused("task", id="1").startswith("forbidden: this needs the role admin")
    assert eve.refused("cancel", where={"kind": "saw"}) == (
        "forbidden: `where` needs the role admin: name your own jobs by ids"
    )
    assert eve.refused("cancel", id=theirs) == f"not_found: there is no job {theirs} that you may cancel"
    eve.ok("cancel", id=mine)


def test_a_limited_token_changes_only_jobs_of_its_queues(office: Office, boss: Guest) -> None:
    theirs, mine = boss.submit(queue="other", tags=["t"]), boss.submit(queue="mine", tags=["t"])
    eve = office.token("eve", ["admin"], queues=["mine"])
    assert eve.refused("cancel", id=theirs).startswith("not_found: ")
    assert eve.refused("change", id=mine, set={"queue": "other"}).startswith("forbidden: queue 'other' is not for")
    eve.ok("cancel", where={"tag": "t"})
    assert (boss.state(mine), boss.state(theirs)) == ("cancelled", "ready")


# One by one.


def test_a_retried_job_has_all_its_attempts_again(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit(max_attempts=2)
    for attempt in (1, 2):
        ann.ok("fail", id=job, attempt=attempt, delay_seconds=0)
        office.pass_time(0.5)
    assert boss.state(job) == "failed"
    boss.ok("retry", id=job)
    view = boss.view(job)
    assert (view["state"], view["attempt"], view["forgiven"], view["error"]) == ("running", 3, 2, None)
    ann.ok("fail", id=job, attempt=3, delay_seconds=0)
    office.pass_time(0.5)
    ann.done(job, attempt=4)
    assert boss.state(job) == "succeeded"


def test_a_retried_child_waits_for_its_parent_again(boss: Guest) -> None:
    parent = boss.submit()
    child = boss.submit(after=[parent])
    boss.ok("cancel", id=parent)
    assert boss.refused("retry", id=child) == (
        f"wrong_state: job {child} waits for job {parent}, which has not succeeded: retry that first"
    )
    boss.ok("retry", id=parent)
    boss.ok("retry", id=child)
    assert (boss.state(parent), boss.state(child)) == ("ready", "blocked")


def test_what_a_change_sets(office: Office, boss: Guest) -> None:
    job = boss.submit()
    wanted = {
        "queue": "images", "priority": 7, "requires": {"gpu": 1}, "share": "night", "max_attempts": 9,
        "tags": ["red"], "meta": {"who": "ann"}, "expires_at": "2027-01-16T00:00:00Z", "timeout_seconds": 5,
        "run_at": "2027-01-15T13:00:00Z", "keep_seconds": 5,
    }  # fmt: skip
    boss.ok("change", id=job, set=wanted)
    view = boss.view(job)
    assert {name: view[name] for name in wanted if name in view} == {
        "queue": "images", "priority": 7, "requires": {"gpu": 1}, "share": "night", "max_attempts": 9,
        "tags": ["red"], "meta": {"who": "ann"}, "expires_at": "2027-01-16T00:00:00.000Z",
        "run_at": "2027-01-15T13:00:00.000Z", "timeout_seconds": 5, "keep_seconds": 5,
    }  # fmt: skip
    assert view["state"] == "scheduled"
    boss.ok("change", id=job, set={"run_at": None, "requires": None, "expires_at": None})
    ann = office.worker("ann", queues=["images"])
    (run,) = ann.runs()
    assert (run["id"], run["timeout_seconds"], run["meta"]) == (job, 5, {"who": "ann"})


def test_a_job_that_is_moved_to_another_queue_runs_there(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", queues=["images"])
    job = boss.submit()
    boss.ok("change", id=job, set={"queue": "images"})
    assert [run["id"] for run in ann.runs()] == [job]


def test_larger_priority_by_change_comes_first(office: Office, boss: Guest) -> None:
    first, second = boss.submit_many([{}, {}])
    boss.ok("change", id=second, set={"priority": 1})
    ann = office.worker("ann", credit=2)
    assert [run["id"] for run in ann.runs()] == [second, first]


def test_labels_of_any_job_may_be_changed(boss: Guest, ended: dict[str, str]) -> None:
    boss.ok("change", ids=list(ended.values()), set={"tags": ["seen"], "meta": {"by": "boss"}})
    assert {job["id"] for job in boss.ok("find", tag="seen")["jobs"]} == set(ended.values())
    assert {state: boss.state(job) for state, job in ended.items()} == {state: state for state in ended}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "`set` sets nothing: name what to change, for example priority"),
        ({"priority": 1 << 40}, f"priority {1 << 40}: give a number from -2147483648 to 2147483648"),
        ({"queue": "no queue"}, "queue 'no queue': use 1 to 64 of the letters A-Z a-z 0-9 _ -"),
        ({"run_at": 1, "delay_seconds": 1}, "give run_at or delay_seconds, not both"),
        ({"expires_at": 1, "ttl_seconds": 1}, "give expires_at or ttl_seconds, not both"),
        ({"timeout_seconds": 0}, "timeout_seconds is 0: give 0.001 seconds or more, and less than a hundred years"),
        ({"tags": ["t"] * 33}, "33 tags: give at most 32"),
    ],
)
def test_changes_that_make_no_sense_are_refused(boss: Guest, wanted: dict[str, Any], message: str) -> None:
    job = boss.submit()
    assert boss.refused("change", id=job, set=wanted) == f"bad_request: {message}"


def test_a_removed_job_is_forgotten_and_its_key_is_free(boss: Guest) -> None:
    job = boss.submit(key="k")
    boss.ok("cancel", id=job)
    boss.ok("remove", id=job)
    assert boss.ok("get", ids=[job])["missing"] == [job]
    assert boss.submit(key="k") != job


# Many, in the background.


def run_task(boss: Guest, command: str, where: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Say it, wait for the end, and answer the last that was told."""
    task = boss.ok(command, where=where, **fields)["task"]
    assert (task["action"], task["state"]) == (command, "running")
    told = boss.pushes("task")
    assert {one["id"] for one in told} == {task["id"]}
    assert [one["done"] for one in told] == sorted(one["done"] for one in told)
    assert boss.ok("task", id=task["id"])["task"] == told[-1]
    return dict(told[-1])


def test_many_jobs_are_cancelled_retried_changed_and_removed(boss: Guest) -> None:
    ids = boss.submit_many([{}] * 500, tags=["t"])
    other = boss.submit()
    for command, after in (("cancel", "cancelled"), ("retry", "ready"), ("change", "ready"), ("cancel", "cancelled")):
        told = run_task(boss, command, {"tag": "t"}, **extra(command))
        assert (told["state"], told["looked"], told["done"], told["refused"]) == ("done", 500, 500, 0)
        assert states(boss, ids) == {after: 500}
    assert run_task(boss, "remove", {"kind": "saw"})["done"] == 500
    assert states(boss, [*ids, other]) == {"gone": 500, "ready": 1}


def test_jobs_in_other_states_are_looked_at_and_left(boss: Guest, ended: dict[str, str]) -> None:
    told = run_task(boss, "retry", {"created_after": 0})
    assert (told["looked"], told["done"], told["refused"]) == (8, 3, 0)


def test_a_task_of_no_jobs_ends_at_once(boss: Guest) -> None:
    told = run_task(boss, "cancel", {"tag": "none"})
    assert (told["state"], told["looked"], told["done"]) == ("done", 0, 0)


def test_parents_and_children_are_retried_together(boss: Guest) -> None:
    """A search finds the newest first, so each child is asked before the parent that it waits for."""
    parents = boss.submit_many([{}] * 150, tags=["t"])
    children = boss.submit_many([{"after": [parent]} for parent in parents], tags=["t"])
    boss.ok("cancel", ids=parents)
    assert states(boss, children) == {"cancelled": 150}
    told = run_task(boss, "retry", {"tag": "t"})
    assert (told["state"], told["done"], told["refused"]) == ("done", 300, 0)
    assert (states(boss, parents), states(boss, children)) == ({"ready": 150}, {"blocked": 150})


def test_a_chain_is_retried_as_a_whole(boss: Guest) -> None:
    chain = [boss.submit(tags=["t"])]
    for _ in range(4):
        chain.append(boss.submit(after=[chain[-1]], tags=["t"]))
    boss.ok("cancel", id=chain[0])
    assert states(boss, chain) == {"cancelled": 5}
    told = run_task(boss, "retry", {"tag": "t"})
    assert (told["done"], told["refused"]) == (5, 0)
    assert states(boss, chain) == {"ready": 1, "blocked": 4}


def test_a_task_can_be_stopped_and_is_told_as_stopped(office: Office, boss: Guest) -> None:
    ids = boss.submit_many([{}] * 1000, tags=["t"])
    other = office.guest("other")
    boss.say(
        {"cmd": "cancel", "where": {"tag": "t"}, "ref": "begin"},
        {"cmd": "task", "id": "1", "stop": True, "ref": "stop"},
    )
    assert boss.answer("begin")["task"]["id"] == boss.answer("stop")["task"]["id"] == "1"
    task = other.ok("task", id="1")["task"]
    assert task["state"] == "stopped"
    assert states(boss, ids)["ready"] == 1000 - task["done"] > 0


def test_a_task_that_there_is_not(boss: Guest) -> None:
    assert boss.refused("task", id="7") == (
        "not_found: there is no task '7': tasks are forgotten when the hall restarts"
    )


def test_a_task_goes_on_when_its_starter_leaves(office: Office, boss: Guest) -> None:
    ids = boss.submit_many([{}] * 600, tags=["t"])
    hasty = office.guest("hasty")
    hasty.peer.send(b'{"cmd":"cancel","where":{"tag":"t"}}\n')
    hasty.leave()
    while boss.ok("task", id="1")["task"]["state"] == "running":
        office.turn(10)
    assert states(boss, ids) == {"cancelled": 600}


def test_a_task_whose_token_is_revoked_stops(office: Office, boss: Guest) -> None:
    ids = boss.submit_many([{}] * 1000, tags=["t"])
    eve = office.token("eve", ["admin"])
    eve.peer.send(b'{"cmd":"cancel","where":{"tag":"t"}}\n')
    office.turn(12)
    boss.ok("token", do="revoke", name="eve")
    assert eve.is_gone
    task = boss.ok("task", id="1")["task"]
    assert task["state"] == "stopped"
    assert states(boss, ids)["ready"] == 1000 - task["done"] > 0


def test_a_hall_that_ends_in_the_middle_of_a_task_ends_cleanly(office: Office, boss: Guest) -> None:
    ids = boss.submit_many([{}] * 1000, tags=["t"])
    boss.peer.send(b'{"cmd":"cancel","where":{"tag":"t"}}\n')
    office.turn(12)
    office.restart()
    again = office.guest("again")
    left = states(again, ids)
    assert left["ready"] > 0
    assert left["ready"] + left["cancelled"] == 1000
    assert again.refused("task", id="1").startswith("not_found: ")


def test_others_are_answered_while_a_task_is_under_way(office: Office, boss: Guest) -> None:
    boss.submit_many([{}] * 1000, tags=["t"])
    boss.peer.send(b'{"cmd":"cancel","where":{"tag":"t"}}\n')
    office.turn(12)
    other = office.guest("other")
    job = other.submit()
    assert other.state(job) == "ready"
