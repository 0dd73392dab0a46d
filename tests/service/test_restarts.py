"""What people set and what jobs wait for is the same after a restart, and who comes back goes on where it was."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.service.office import Guest, Office


def states(guest: Guest, ids: list[str]) -> Counter[str]:
    return Counter(job["state"] for job in guest.ok("get", ids=ids)["jobs"])


def test_a_paused_queue_stays_paused(office: Office, boss: Guest) -> None:
    boss.ok("pause", queue="default")
    job = boss.submit()
    office.restart()
    boss, ann = office.guest("boss"), office.worker("ann")
    assert ann.runs() == []
    boss.ok("resume", queue="default")
    assert [run["id"] for run in ann.runs()] == [job]


def test_max_running_counts_what_runs_since_before(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", max_running=2)
    office.worker("ann", credit=5)
    jobs = boss.submit_many([{}] * 5)
    office.restart()
    boss = office.guest("boss")
    ann = office.guest("ann", worker="w-ann")
    kept = [{"id": job, "attempt": 1} for job in jobs[:2]]
    assert ann.ok("keep", jobs=kept)["kept"] == jobs[:2]
    ann.ok("work", kinds=["*"], credit=5)
    assert ann.runs() == []
    ann.done(jobs[0])
    assert [run["id"] for run in ann.runs()] == [jobs[2]]


def test_who_was_at_work_keeps_its_job_and_nobody_else_gets_it(office: Office, boss: Guest) -> None:
    office.worker("ann", lease_seconds=30)
    job = boss.submit()
    office.restart()
    bob = office.worker("bob")
    office.pass_time(25)  # of the 30 s that a lease has from the restart on
    assert bob.runs() == []
    ann = office.guest("ann", worker="w-ann")
    assert ann.ok("keep", jobs=[{"id": job, "attempt": 1}])["kept"] == [job]
    office.pass_time(25)
    ann.done(job)
    assert bob.runs() == []


def test_a_rate_holds_after_a_restart(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", max_per_second=1)
    jobs = boss.submit_many([{}] * 10)
    office.restart()
    boss = office.guest("boss")
    office.worker("ann", credit=10)
    office.pass_time(3)
    assert 3 <= states(boss, jobs)["running"] <= 5


def test_locks_and_parents_hold_after_a_restart(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", lock_limit=2)
    locked = [boss.submit(lock="db") for _ in range(4)]
    child = boss.submit(after=[locked[0]])
    office.restart()
    boss = office.guest("boss")
    assert states(boss, locked) == {"ready": 2, "blocked": 2}
    assert boss.why(locked[2])[0].startswith("It waits for lock 'db'")
    ann = office.worker("ann", credit=2)
    ann.done(locked[0])
    assert boss.state(child) == "ready"
    assert states(boss, locked) == {"running": 2, "succeeded": 1, "blocked": 1}


def test_limits_of_what_waits_hold_after_a_restart(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", max_waiting=2)
    boss.submit_many([{}, {}])
    office.restart()
    assert office.guest("boss").refused("submit", kind="saw").startswith("busy: ")


def test_a_job_that_is_due_while_the_hall_is_away_is_run_when_it_is_back(office: Office, boss: Guest) -> None:
    job, late = boss.submit(delay_seconds=0.5), boss.submit(ttl_seconds=0.5)
    office.restart()
    boss, ann = office.guest("boss"), office.worker("ann")
    office.pass_time(0.1)
    assert [run["id"] for run in ann.runs()] == [job]
    assert boss.state(late) == "expired"


def test_a_log_goes_on_behind_what_was_read_before(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    ann.ok("log", id=job, attempt=1, text="before")
    before = boss.ok("log_of", id=job)["log"]
    office.restart()
    boss, ann = office.guest("boss"), office.guest("ann", worker="w-ann")
    ann.ok("keep", jobs=[{"id": job, "attempt": 1}])
    ann.ok("log", id=job, attempt=1, text="after")
    log = boss.ok("log_of", id=job, offset=before["next"], follow=True)["log"]
    assert [entry["text"] for entry in log["entries"]] == ["after"]
    ann.done(job)
    assert boss.pushes("log")[-1]["ended"] is True


def test_a_token_and_its_limits_hold_after_a_restart(office: Office) -> None:
    eve = office.token("eve", ["submit"], queues=["mine"])
    assert eve.refused("submit", kind="saw", queue="theirs").startswith("forbidden: ")
    secret = str(office.guest("clerk").ok("token", do="create", name="bob", roles=["read"], queues=["mine"])["token"])
    office.restart()
    bob = office.guest("bob", secret)
    assert bob.ok("counts")["counts"] == []
    assert bob.refused("find", state="x").startswith("bad_request: ")


def test_who_waits_when_a_token_is_revoked_is_sent_away(office: Office, boss: Guest) -> None:
    eve = office.token("eve", ["submit", "read"])
    job = eve.submit(delay_seconds=100)
    eve.ok("watch")
    eve.ok("log_of", id=job, follow=True)
    eve.say({"cmd": "wait", "ids": [job], "ref": "wait"}, {"cmd": "find", "ref": "find"})
    boss.ok("token", do="revoke", name="eve")
    assert eve.is_gone
    last: dict[str, Any] = eve.peer.lines()[-1]
    assert last["error"]["message"] == "token 'eve' is revoked: ask for another"
    boss.ok("cancel", id=job)
    assert boss.ok("ping")
