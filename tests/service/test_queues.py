"""`queue`, `queues`, `pause`, `resume`, `drain`: settings, what they do to jobs, who may set them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.service.office import Guest, Office


def states(guest: Guest, ids: list[str]) -> Counter[str]:
    return Counter(job["state"] for job in guest.ok("get", ids=ids)["jobs"])


# Reading.


def test_a_queue_nobody_has_set_has_defaults(boss: Guest) -> None:
    assert boss.ok("queue", queue="new")["queue"] == {
        "queue": "new", "state": "open", "max_running": None, "max_per_second": None, "max_waiting": None,
        "lock_limit": 1, "max_attempts": 5,
        "backoff": {"kind": "exponential", "base_seconds": 1.0, "max_seconds": 3600.0, "jitter": 0.1},
        "keep_seconds": 86400.0, "jobs": {}, "workers": 0, "oldest_waiting_at": None,
    }  # fmt: skip
    assert boss.ok("queues")["queues"] == [], "to read one does not make it"


def test_queues_lists_those_with_jobs_workers_or_settings(office: Office, boss: Guest) -> None:
    office.worker("ann", queues=["served"])
    boss.submit_many([{}, {}], queue="filled")
    office.pass_time(5)
    boss.submit(queue="filled", delay_seconds=60)
    boss.ok("queue", queue="set", max_running=2)
    shown = {view["queue"]: view for view in boss.ok("queues")["queues"]}
    assert sorted(shown) == ["filled", "served", "set"]
    assert shown["filled"]["jobs"] == {"ready": 2, "scheduled": 1}
    assert shown["filled"]["oldest_waiting_at"] == "2027-01-15T12:00:00.000Z"
    assert shown["served"]["workers"] == 1
    assert shown["set"]["max_running"] == 2


def test_setting_one_thing_leaves_the_others_and_null_means_the_default(boss: Guest) -> None:
    boss.ok("queue", queue="q", max_running=3, max_attempts=9)
    assert boss.ok("queue", queue="q", max_waiting=7)["queue"]["max_running"] == 3
    view = boss.ok("queue", queue="q", max_running=None, max_attempts=None)["queue"]
    assert (view["max_running"], view["max_attempts"], view["max_waiting"]) == (None, 5, 7)


def test_settings_survive_a_restart(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="q", max_running=3, state="paused", backoff={"kind": "linear", "base_seconds": 2})
    before = boss.ok("queue", queue="q")
    office.restart()
    after = office.guest("again").ok("queue", queue="q")
    assert after["queue"] == before["queue"]
    assert office.guest("again").ok("queues")["queues"] == [before["queue"]]


def test_settings_said_in_one_breath_hold_together(boss: Guest) -> None:
    boss.say(
        {"cmd": "queue", "queue": "q", "max_running": 1, "ref": "a"},
        {"cmd": "pause", "queue": "q", "ref": "b"},
        {"cmd": "queue", "queue": "q", "max_waiting": 5, "ref": "c"},
        {"cmd": "submit", "queue": "q", "kind": "saw", "ref": "d"},
    )
    view = boss.answer("c")["queue"]
    assert (view["state"], view["max_running"], view["max_waiting"]) == ("paused", 1, 5)
    assert boss.answer("d")["state"] == "ready"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"state": "closed"}, "there is no queue state 'closed': use one of open, paused, drained, down"),
        ({"max_running": -1}, "max_running is -1: give 0 to 2147483648, or null for the default"),
        ({"max_waiting": 1 << 40}, f"max_waiting is {1 << 40}: give 0 to 2147483648, or null for the default"),
        ({"lock_limit": 0}, "lock_limit is 0: give 1 to 2147483648, or null for the default"),
        ({"max_per_second": 0}, "max_per_second is 0.0: give at least one a day (0.0000116), or null for no limit"),
        ({"max_attempts": 0}, "max_attempts is 0: give 1 to 1000000"),
        ({"keep_seconds": -1}, "keep_seconds is -1: give 0 seconds or more, and less than a hundred years"),
        ({"backoff": {"kind": "magic"}}, "backoff kind 'magic': use one of constant, exponential, linear"),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_change_nothing(
    boss: Guest, fields: dict[str, Any], message: str
) -> None:
    assert boss.refused("queue", queue="q", **{"max_running": 5, **fields}) == f"bad_request: {message}"
    assert boss.ok("queues")["queues"] == []


@pytest.mark.parametrize("command", ["queue", "pause", "resume", "drain"])
def test_who_may_set_a_queue(office: Office, command: str) -> None:
    reader = office.token("reader", ["read", "submit", "work"])
    assert reader.refused(command, queue="q") == "forbidden: this needs the role admin; the token does not have it"
    limited = office.token("limited", ["admin"], queues=["mine"])
    assert limited.refused(command, queue="q").startswith("forbidden: queue 'q' is not for token 'limited'")
    assert limited.ok(command, queue="mine")["queue"]["queue"] == "mine"


# States.


def test_a_paused_queue_takes_jobs_and_hands_out_none(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=5)
    boss.ok("pause", queue="default")
    jobs = [boss.submit(), *boss.submit_many([{}, {}])]
    assert ann.runs() == []
    boss.ok("resume", queue="default")
    assert [run["id"] for run in ann.runs()] == jobs


def test_a_drained_queue_hands_out_and_takes_nothing(office: Office, boss: Guest) -> None:
    job = boss.submit(delay_seconds=5)
    boss.ok("drain", queue="default")
    ann = office.worker("ann")
    assert boss.refused("submit", kind="saw") == (
        "queue_closed: queue default is drained and takes no jobs: `resume` opens it, or use another queue"
    )
    office.pass_time(6)
    assert [run["id"] for run in ann.runs()] == [job]
    boss.ok("resume", queue="default")
    boss.submit()


def test_a_queue_that_is_down_does_neither(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=5)
    boss.ok("drain", queue="default")
    assert boss.ok("pause", queue="default")["queue"]["state"] == "down", "drained and paused is down"
    assert boss.refused("submit", kind="saw").startswith("queue_closed: queue default is down")
    boss.ok("resume", queue="default")
    job = boss.submit()
    assert [run["id"] for run in ann.runs()] == [job]


def test_what_runs_when_a_queue_is_paused_goes_on(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job, waiting = boss.submit_many([{}, {}])
    boss.ok("pause", queue="default")
    ann.done(job)
    assert (boss.state(job), boss.state(waiting)) == ("succeeded", "ready")


def test_a_lost_job_waits_in_its_paused_queue(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    boss.ok("pause", queue="default")
    ann.leave()
    bob = office.worker("bob")
    office.pass_time(5)
    assert (boss.state(job), bob.runs()) == ("ready", [])
    boss.ok("resume", queue="default")
    assert [run["attempt"] for run in bob.runs()] == [2]


# Limits.


def test_max_running_holds_over_many_workers(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", max_running=3)
    workers = [office.worker(f"w{n}", credit=2) for n in range(4)]
    jobs = boss.submit_many([{}] * 20)
    for ended in range(17):
        assert states(boss, jobs)["running"] == 3, f"after {ended} ends"
        worker, run = next((worker, runs[0]) for worker in workers if (runs := in_hand(worker)))
        worker.held.remove(run)
        worker.done(run["id"], run["attempt"])
    assert states(boss, jobs) == {"succeeded": 17, "running": 3}


def in_hand(worker: Guest) -> list[dict[str, Any]]:
    """Its jobs, those that were just delivered too."""
    worker.held += worker.runs()
    return worker.held


def test_raising_and_dropping_max_running_counts_at_once(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=9)
    boss.ok("queue", queue="default", max_running=1)
    jobs = boss.submit_many([{}] * 5)
    assert states(boss, jobs)["running"] == 1
    boss.ok("queue", queue="default", max_running=3)
    assert states(boss, jobs)["running"] == 3
    boss.ok("queue", queue="default", max_running=0)
    assert states(boss, jobs)["running"] == 3, "what runs goes on"
    boss.ok("queue", queue="default", max_running=None)
    assert states(boss, jobs)["running"] == 5


def test_a_full_queue_does_not_hold_up_another(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=5, queues=["full", "free"])
    boss.ok("queue", queue="full", max_running=1)
    boss.submit_many([{}] * 3, queue="full")
    free = boss.submit_many([{}] * 3, queue="free")
    assert [run["id"] for run in ann.runs() if run["queue"] == "free"] == free


def test_max_per_second_spreads_the_starts(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=50)
    boss.ok("queue", queue="default", max_per_second=2)
    office.pass_time(5)  # however long it was idle, no more than a second's worth has collected
    jobs = boss.submit_many([{}] * 20)
    first = states(boss, jobs)["running"]
    assert 1 <= first <= 2
    for second in range(1, 6):
        office.pass_time(1)
        assert first + 2 * second - 1 <= states(boss, jobs)["running"] <= first + 2 * second + 1


def test_a_slow_rate_lets_one_go_after_the_other(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=50)
    boss.ok("queue", queue="default", max_per_second=0.1)
    jobs = boss.submit_many([{}] * 3)
    assert states(boss, jobs)["running"] == 1
    office.pass_time(9)
    assert states(boss, jobs)["running"] == 1
    office.pass_time(1.5)
    assert states(boss, jobs)["running"] == 2


def test_max_waiting_refuses_what_is_too_much(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="default", max_waiting=3)
    jobs = boss.submit_many([{}] * 3)
    busy = "busy: queue default takes at most 3 waiting jobs and has 3: try again later"
    assert boss.refused("submit", kind="saw") == busy
    office.worker("ann")
    boss.submit()
    boss.ok("cancel", id=jobs[-1])
    assert boss.refused("submit", kind="saw", jobs=[{}, {}]).startswith("busy: "), "all or nothing"
    boss.submit()


def test_attempts_backoff_and_retention_come_from_the_queue(office: Office, boss: Guest) -> None:
    backoff = {"kind": "constant", "base_seconds": 7, "jitter": 0}
    boss.ok("queue", queue="default", max_attempts=2, backoff=backoff, keep_seconds=60)
    ann = office.worker("ann", credit=2)
    job, own = boss.submit(), boss.submit(max_attempts=1, keep_seconds=600)
    assert (boss.view(job)["max_attempts"], boss.view(own)["max_attempts"]) == (2, 1)
    ann.ok("fail", id=job, attempt=1)
    ann.ok("fail", id=own, attempt=1)
    assert boss.view(job)["run_at"] == "2027-01-15T12:00:07.000Z"
    office.pass_time(8)
    ann.ok("fail", id=job, attempt=2)
    assert boss.state(job) == boss.state(own) == "failed"
    office.pass_time(62)
    assert boss.ok("get", ids=[job, own])["missing"] == [job]


def test_more_places_of_a_lock_let_more_jobs_go(boss: Guest) -> None:
    jobs = [boss.submit(lock="db") for _ in range(4)]
    assert states(boss, jobs) == {"ready": 1, "blocked": 3}
    boss.ok("queue", queue="default", lock_limit=3)
    assert states(boss, jobs) == {"ready": 3, "blocked": 1}
    boss.ok("queue", queue="default", lock_limit=1)
    boss.ok("cancel", id=jobs[0])
    assert states(boss, jobs) == {"ready": 2, "blocked": 1, "cancelled": 1}, "nothing is taken back"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (["pause"], "paused"), (["drain"], "drained"),
        (["pause", "drain"], "down"), (["drain", "pause"], "down"),
        (["pause", "drain", "pause"], "down"), (["drain", "pause", "drain"], "down"),
        (["pause", "drain", "resume"], "open"),
    ],
)  # fmt: skip
def test_a_queue_that_is_both_paused_and_drained_is_down(boss: Guest, said: list[str], state: str) -> None:
    for cmd in said:
        answer = boss.ok(cmd, queue="default")
    assert answer["queue"]["state"] == state


def test_a_job_is_not_moved_into_a_queue_that_takes_no_jobs(boss: Guest) -> None:
    job = boss.submit()
    boss.ok("drain", queue="B")
    refused = boss.refused("submit", kind="saw", queue="B")
    assert refused.startswith("queue_closed: ")
    assert boss.refused("change", id=job, set={"queue": "B"}) == refused
    assert boss.view(job)["queue"] == "default"


def test_jobs_are_not_moved_into_a_queue_that_is_full(boss: Guest) -> None:
    jobs = [boss.submit(), boss.submit()]
    boss.ok("queue", queue="B", max_waiting=1)
    assert boss.refused("change", ids=jobs, set={"queue": "B"}).startswith("busy: queue B takes at most 1 waiting")
    assert boss.ok("change", ids=jobs[:1], set={"queue": "B"})["ok"]


def test_an_empty_share_is_refused_whatever_was_there_before(boss: Guest) -> None:
    before = boss.refused("submit", kind="saw", share="")
    boss.submit()
    assert boss.refused("submit", kind="saw", share="") == before
