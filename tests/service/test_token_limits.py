"""What a token that is limited to some queues, or may only submit, gets to know of others, and may do to them."""

from __future__ import annotations

import pytest

from tests.service.office import Guest, Office


@pytest.fixture
def limited(office: Office) -> Guest:
    """Everything, but only in queue A."""
    return office.token("lim", ["read", "submit", "admin"], queues=["A"])


def test_a_token_counts_until_its_time_is_over(office: Office, boss: Guest) -> None:
    secret = boss.ok("token", do="create", name="brief", roles=["submit"], ttl_seconds=10)["token"]
    brief = office.guest("brief", secret)
    office.pass_time(9)
    assert brief.submit()
    office.pass_time(2)
    assert brief.is_gone
    late = Guest(office, office.peer("late"))
    assert late.refused("hello", token=secret).startswith("unauthenticated: token 'brief' has expired")


def test_a_running_job_that_one_may_not_see_cannot_be_waited_for(office: Office, limited: Guest, boss: Guest) -> None:
    office.worker("ann", queues=["B"], kinds=["k"])
    job = boss.submit("k", queue="B")
    only_own = office.token("own", ["submit"])
    assert limited.refused("wait", ids=[job]).startswith("not_found:")
    assert only_own.refused("wait", ids=[job]).startswith("not_found:")


def test_explain_names_no_worker_of_a_hidden_queue(office: Office, limited: Guest, boss: Guest) -> None:
    office.worker("secret", queues=["B"], kinds=["k"])
    job = limited.submit("k", queue="A")
    assert limited.why(job) == ["No worker runs kind 'k' from queue 'A': start one that does."]
    assert "Worker 'secret' runs this kind, but only from queue 'B'." in boss.why(job)


def test_explain_names_only_those_queues_of_a_worker_that_one_may_see(office: Office, boss: Guest) -> None:
    limited = office.token("two", ["read", "submit"], queues=["A", "C"])
    office.worker("w", queues=["B", "C"], kinds=["k"])
    assert "Worker 'w' runs this kind, but only from queue 'C'." in limited.why(limited.submit("k", queue="A"))


def test_workers_shows_neither_hidden_queues_nor_the_jobs_of_them(office: Office, limited: Guest, boss: Guest) -> None:
    both = office.worker("both", queues=["A", "B"], credit=2)
    hidden, seen = boss.submit(queue="B"), boss.submit(queue="A")
    assert len(both.runs()) == 2
    (shown,) = limited.ok("workers")["workers"]
    assert (shown["queues"], shown["running"]) == (["A"], [seen])
    (whole,) = boss.ok("workers")["workers"]
    assert (whole["queues"], whole["running"]) == (["A", "B"], [hidden, seen])


@pytest.mark.parametrize("do", ["pause", "resume", "drain", "stop"])
def test_a_worker_that_also_serves_hidden_queues_takes_no_orders(office: Office, limited: Guest, do: str) -> None:
    office.worker("both", queues=["A", "B"])
    assert limited.refused("worker", worker="both", do=do).startswith("forbidden: this worker also serves queues")


def test_a_worker_that_still_has_a_hidden_job_takes_no_orders(office: Office, limited: Guest, boss: Guest) -> None:
    worker = office.worker("w", queues=["A", "B"])
    boss.submit(queue="B")
    worker.ok("work", queues=["A"], kinds=["*"], credit=1)
    assert limited.refused("worker", worker="w", do="stop").startswith("forbidden: ")


def test_a_worker_of_ones_own_queues_takes_orders(office: Office, limited: Guest) -> None:
    office.worker("own", queues=["A"])
    assert limited.ok("worker", worker="own", do="pause")["workers"][0]["state"] == "paused"


def test_the_state_of_a_hidden_parent_is_not_told(limited: Guest, boss: Guest) -> None:
    parent = boss.submit(queue="B")
    child = limited.submit(queue="A", after=[parent])
    assert limited.why(child) == [f"It waits for job {parent} (a job that you may not see) to succeed."]
    assert boss.why(child) == [f"It waits for job {parent} (ready) to succeed."]
    boss.ok("cancel", id=parent)
    assert "did not succeed" in limited.why(child)[0]
    assert limited.view(child)["error"]["message"] == f"job {parent}, for which it waited, did not succeed"


def test_who_only_submits_is_not_told_whose_job_holds_a_lock(office: Office, boss: Guest) -> None:
    ann = office.token("ann", ["submit"])
    holder = boss.submit(lock="disk")
    waiting = ann.submit(lock="disk")
    assert ann.why(waiting) == ["It waits for lock 'disk' of queue 'default': another job holds it."]
    assert boss.why(waiting) == [f"It waits for lock 'disk' of queue 'default': job {holder} holds it."]


def test_who_only_submits_is_told_of_own_jobs_only(office: Office, boss: Guest) -> None:
    ann = office.token("ann", ["submit"])
    assert ann.refused("explain", id=boss.submit()).startswith("not_found: ")
    ann.ok("explain", id=ann.submit())


def test_a_lost_job_that_was_moved_is_not_its_old_workers_any_more(office: Office, boss: Guest) -> None:
    worker = office.worker("w")
    job = boss.submit()
    assert len(worker.runs()) == 1
    worker.leave()
    office.pass_time(4)
    boss.ok("change", id=job, set={"queue": "B"})
    back = office.guest("w", worker="w-w")
    assert back.ok("keep", jobs=[{"id": job, "attempt": 1}])["lost"] == [job]
    assert boss.state(job) == "ready"


def test_a_lost_job_that_was_not_moved_is_kept(office: Office, boss: Guest) -> None:
    worker = office.worker("w")
    job = boss.submit()
    worker.leave()
    office.pass_time(4)
    boss.ok("change", id=job, set={"tags": ["x"]})
    back = office.guest("w", worker="w-w")
    assert back.ok("keep", jobs=[{"id": job, "attempt": 1}])["kept"] == [job]
