"""`explain`: the sentences, word by word. It is noon on 15 January 2027."""

from __future__ import annotations

import pytest

from tests.service.office import Guest, Office

BOOM = {"type": "ValueError", "message": "boom"}


# Nobody can take it.


def test_without_any_worker(boss: Guest) -> None:
    assert boss.why(boss.submit()) == ["No worker runs kind 'saw' from queue 'default': start one that does."]


def test_workers_that_run_other_kinds_are_named(office: Office, boss: Guest) -> None:
    office.worker("ann", kinds=["plane", "drill"])
    office.worker("bob", kinds=["glue"])
    office.worker("far", kinds=["glue"], queues=["other"])
    assert boss.why(boss.submit()) == [
        "No worker runs kind 'saw' from queue 'default': start one that does.",
        "Worker 'ann' runs only kinds 'drill', 'plane' from this queue.",
        "Worker 'bob' runs only kind 'glue' from this queue.",
    ]


def test_workers_that_run_the_kind_from_another_queue_are_named(office: Office, boss: Guest) -> None:
    office.worker("ann", kinds=["saw"], queues=["images"])
    office.worker("bob", kinds=["saw"], queues=["images"])
    office.worker("cat", kinds=["plane"])
    assert boss.why(boss.submit()) == [
        "No worker runs kind 'saw' from queue 'default': start one that does.",
        "Workers 'ann', 'bob' run this kind, but only from queue 'images'.",
    ]


def test_labels_that_stand_between_are_named(office: Office, boss: Guest) -> None:
    office.worker("ann", offers={"gpu": 1, "mesher": ["gmsh", "netgen"], "fast": True})
    job = boss.submit(requires={"gpu": 2, "mesher": "tetgen", "fast": True, "ram": 16})
    gpu, mesher = "'gpu' >= 2 (offered: 1)", """'mesher' = "tetgen" (offered: ["gmsh","netgen"])"""
    misfits = f"{gpu} and {mesher} and 'ram' >= 16 (not offered)"
    assert boss.why(job) == [
        f"Worker 'ann' runs this kind, but cannot take this job: it requires {misfits}.",
    ]


def test_a_worker_that_is_gone_counts_for_nothing(office: Office, boss: Guest) -> None:
    office.worker("ann").leave()
    assert boss.why(boss.submit()) == ["No worker runs kind 'saw' from queue 'default': start one that does."]


# Somebody could, but does not.


def test_a_worker_that_asks_for_nothing(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=0)
    assert boss.why(boss.submit()) == ["Worker 'ann' could run it, but asks for no jobs: its credit is 0."]


def test_a_worker_whose_places_are_taken(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=2)
    boss.submit_many([{}, {}])
    job = boss.submit()
    full = "Worker 'ann' could run it, but has no place free: it has 2 jobs in hand."
    assert boss.why(job) == [full]
    boss.submit_many([{}, {}])
    assert boss.why(job) == [full, "3 jobs like it wait, this one among them; each share and kind gets its turn."]


def test_a_worker_that_has_fallen_silent(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=1, lease_seconds=0.5)
    job = boss.submit()
    office.pass_time(1)
    assert boss.why(job)[-1] == (
        "Worker 'ann' could run it, but has lost a lease and said nothing since: it may be frozen, or cut off."
    )


def test_several_workers_whose_places_are_taken(office: Office, boss: Guest) -> None:
    for name in ("ann", "bob"):
        office.worker(name)
    office.worker("cat", credit=0)
    boss.submit_many([{}, {}])
    assert boss.why(boss.submit()) == [
        "2 workers could run it, but have no place free: they have 2 jobs in hand.",
        "Worker 'cat' could run it, but asks for no jobs: its credit is 0.",
    ]


@pytest.mark.parametrize(
    ("order", "is_so"), [("pause", "paused: `hirehall worker ann resume` lets it go on"), ("drain", "draining")]
)
def test_a_worker_that_a_person_holds_back(office: Office, boss: Guest, order: str, is_so: str) -> None:
    office.worker("ann")
    boss.ok("worker", worker="ann", do=order)
    assert boss.why(boss.submit()) == [f"Worker 'ann' could run it, but is {is_so}."]


def test_a_worker_without_a_name_is_called_by_its_word(office: Office, boss: Guest) -> None:
    nameless = Guest(office, office.peer("nameless"))
    nameless.ok("work", kinds=["*"], credit=0)
    word = boss.ok("workers")["workers"][0]["worker"]
    assert boss.why(boss.submit()) == [f"Worker '{word}' could run it, but asks for no jobs: its credit is 0."]


# Its queue holds it.


def test_a_paused_queue(office: Office, boss: Guest) -> None:
    office.worker("ann")
    boss.ok("pause", queue="default")
    assert boss.why(boss.submit()) == [
        "Queue 'default' is paused: it hands out no jobs until somebody resumes it.",
    ]


def test_a_queue_that_is_down_and_served_by_nobody(boss: Guest) -> None:
    job = boss.submit()
    boss.ok("queue", queue="default", state="down")
    assert boss.why(job) == [
        "Queue 'default' is down: it takes no jobs and hands out none until somebody resumes it.",
        "No worker runs kind 'saw' from queue 'default': start one that does.",
    ]


def test_a_drained_queue(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=0)
    job = boss.submit()
    boss.ok("drain", queue="default")
    assert boss.why(job) == [
        "Worker 'ann' could run it, but asks for no jobs: its credit is 0.",
        "Queue 'default' is drained: it takes no new jobs, but still hands out those that it has.",
    ]


@pytest.mark.parametrize(
    ("most", "limit"),
    [(0, "0 jobs at a time, and 0 are"), (1, "1 job at a time, and 1 is"), (2, "2 jobs at a time, and 2 are")],
)
def test_a_queue_that_runs_as_much_as_it_may(office: Office, boss: Guest, most: int, limit: str) -> None:
    office.worker("ann", credit=9)
    boss.ok("queue", queue="default", max_running=most)
    boss.submit_many([{}] * most or [{}])
    assert boss.why(boss.submit()) == [f"Queue 'default' runs at most {limit} running."]


@pytest.mark.parametrize(
    ("rate", "shown"), [(2, "2 jobs a second"), (1, "1 job a second"), (0.01, "one job in 1 m 40 s")]
)
def test_a_queue_that_is_over_its_rate(office: Office, boss: Guest, rate: float, shown: str) -> None:
    office.worker("ann", credit=9)
    boss.ok("queue", queue="default", max_per_second=rate)
    job = boss.submit_many([{}] * 5)[-1]
    assert boss.why(job) == [f"Queue 'default' starts at most {shown}, and has just done so."]


def test_a_rate_that_would_allow_it_again_is_not_the_reason(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=1)
    boss.ok("queue", queue="default", max_per_second=0.5)
    job = boss.submit_many([{}, {}])[-1]
    busy = "Worker 'ann' could run it, but has no place free: it has 1 job in hand."
    assert boss.why(job) == ["Queue 'default' starts at most one job in 2 s, and has just done so.", busy]
    office.pass_time(3)
    assert boss.why(job) == [busy]


# It waits for others.


def test_one_job_that_must_succeed_first(boss: Guest) -> None:
    first = boss.submit()
    assert boss.why(boss.submit(after=[first])) == [f"It waits for job {first} (ready) to succeed."]


def test_several_jobs_that_must_succeed_first(office: Office, boss: Guest) -> None:
    ann = office.worker("ann", credit=2)
    firsts = boss.submit_many([{}, {}, {}])
    job = boss.submit(after=firsts)
    ann.done(firsts[0])
    running, ready = firsts[1:]
    ann.ok("credit", credit=0)
    boss.submit_many([{}])
    assert boss.state(ready) == "running"
    assert boss.why(job) == [f"It waits for 2 jobs to succeed: {running} (running), {ready} (running)."]


def test_only_the_first_of_many_jobs_are_named(boss: Guest) -> None:
    firsts = boss.submit_many([{}] * 8)
    named = ", ".join(f"{job} (ready)" for job in firsts[:5])
    assert boss.why(boss.submit(after=firsts)) == [f"It waits for 8 jobs to succeed: {named} and 3 more."]


def test_a_lock_that_another_job_holds(boss: Guest) -> None:
    holder = boss.submit(lock="db")
    assert boss.why(boss.submit(lock="db")) == [f"It waits for lock 'db' of queue 'default': job {holder} holds it."]


def test_a_lock_of_two_places(boss: Guest) -> None:
    boss.ok("queue", queue="default", lock_limit=2)
    holders = [boss.submit(lock="db") for _ in range(2)]
    waiting = boss.submit(lock="db")
    assert boss.why(waiting) == [
        f"It waits for lock 'db' of queue 'default': jobs {', '.join(holders)} hold its 2 places."
    ]


def test_who_holds_a_lock_is_told_why_it_does_not_run(boss: Guest) -> None:
    assert boss.why(boss.submit(lock="db")) == ["No worker runs kind 'saw' from queue 'default': start one that does."]


# It waits for its time.


def test_a_job_that_is_due_later(boss: Guest) -> None:
    assert boss.why(boss.submit(delay_seconds=90)) == ["It is due at 2027-01-15 12:01:30 UTC, in 1 m 30 s."]
    assert boss.why(boss.submit(run_at="2027-01-18T00:00:00Z")) == [
        "It is due at 2027-01-18 00:00:00 UTC, in 2 d 12 h."
    ]


def test_a_job_that_is_due_later_and_waits_for_another(boss: Guest) -> None:
    first = boss.submit()
    assert boss.why(boss.submit(delay_seconds=5, after=[first])) == [
        "It is due at 2027-01-15 12:00:05 UTC, in 5 s.",
        f"It waits for job {first} (ready) to succeed.",
    ]


def test_a_job_that_is_tried_again_tells_the_last_error(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit(max_attempts=3)
    ann.ok("fail", id=job, attempt=1, error=BOOM, delay_seconds=30)
    assert boss.why(job) == [
        "Attempt 1 failed (ValueError: boom); 2 attempts are left, the next is due at 2027-01-15 12:00:30 UTC, in 30 s."
    ]
    office.pass_time(31)
    ann.ok("fail", id=job, attempt=2, error={"type": "OSError", "message": "no\nroom"}, delay_seconds=60)
    assert boss.why(job) == [
        "Attempt 2 failed (OSError: no...); 1 attempt is left, the next is due at 2027-01-15 12:01:31 UTC, in 1 m."
    ]


def test_a_job_that_was_given_back_for_later(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    ann.ok("release", id=job, attempt=1, delay_seconds=3600)
    assert boss.why(job) == ["Its worker gave attempt 1 back, the next is due at 2027-01-15 13:00:00 UTC, in 1 h."]


def test_a_job_whose_attempt_took_too_long(office: Office, boss: Guest) -> None:
    office.worker("ann")
    job = boss.submit(timeout_seconds=4, backoff={"kind": "constant", "base_seconds": 60, "jitter": 0})
    office.pass_time(5)
    assert boss.why(job) == ["Attempt 1 took longer than 4 s: worker 'ann' must stop it within 14 s."]
    office.pass_time(14.5)
    left = boss.why(job)[0]
    assert left.startswith(
        "Attempt 1 failed (the attempt took longer than 4.0 s); 4 attempts are left, the next is due at"
    )


# It runs.


def test_a_job_that_runs(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    office.pass_time(3)
    assert boss.why(job) == ["Worker 'ann' runs attempt 1; its last sign of life came 3 s ago."]
    ann.ok("beat")
    office.pass_time(1)
    assert boss.why(job) == ["Worker 'ann' runs attempt 1; its last sign of life came 1 s ago."]


def test_a_job_whose_worker_is_silent(office: Office, boss: Guest) -> None:
    office.worker("ann")
    job, last = boss.submit(), boss.submit(max_attempts=1)
    office.worker("bob", kinds=["saw"])
    assert boss.state(last) == "running"
    office.pass_time(20)
    quiet = "has attempt 1, but has been silent for 20 s: if it stays so for 10 s more"
    assert boss.why(job) == [f"Worker 'ann' {quiet}, others get the job."]
    assert boss.why(last) == [f"Worker 'bob' {quiet}, the job fails."]


def test_a_job_whose_worker_has_lost_its_connection(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    ann.leave()
    office.pass_time(1)
    assert boss.why(job) == [
        "Worker 'ann' has attempt 1, but its connection is lost: if it is not back within 2 s, others get the job."
    ]


# It has ended.


def test_a_job_that_succeeded(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    ann.done(job)
    assert boss.why(job) == ["It succeeded at 2027-01-15 12:00:00 UTC, in attempt 1."]


def test_a_job_whose_attempts_are_used_up(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    once, twice = boss.submit(max_attempts=1), boss.submit(max_attempts=2)
    ann.ok("fail", id=once, attempt=1, error=BOOM)
    ann.ok("fail", id=twice, attempt=1, error=BOOM, delay_seconds=0)
    office.pass_time(1)
    ann.ok("fail", id=twice, attempt=2, error={"type": "ValueError"})
    assert boss.why(once) == [
        "It failed at 2027-01-15 12:00:00 UTC, in attempt 1 (ValueError: boom).",
        "It may be attempted once only; `retry` tries it once more.",
    ]
    assert boss.why(twice) == [
        "It failed at 2027-01-15 12:00:01 UTC, in attempt 2 (ValueError).",
        "All of its 2 attempts are used up; `retry` gives it as many again.",
    ]


def test_a_job_whose_worker_forbade_another_attempt(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    ann.ok("fail", id=job, attempt=1, error=BOOM, retry=False)
    assert boss.why(job) == [
        "It failed at 2027-01-15 12:00:00 UTC, in attempt 1 (ValueError: boom).",
        "Its worker allowed no further attempt; `retry` tries it all the same.",
    ]


def test_a_job_that_was_cancelled(boss: Guest) -> None:
    job = boss.submit()
    boss.ok("cancel", id=job)
    assert boss.why(job) == [
        "It was cancelled at 2027-01-15 12:00:00 UTC.",
        "`retry` lets it run all the same.",
    ]


def test_a_job_that_was_cancelled_for_another(boss: Guest) -> None:
    first = boss.submit()
    job = boss.submit(after=[first])
    boss.ok("cancel", id=first)
    assert boss.why(job) == [
        f"It was cancelled at 2027-01-15 12:00:00 UTC (job {first}, for which it waited, did not succeed).",
        "`retry` works once the jobs that it waits for are tried again.",
    ]
    orphan = boss.submit(after=["0000000000000001"])
    assert boss.why(orphan) == [
        "It was cancelled at 2027-01-15 12:00:00 UTC (job 0000000000000001, for which it waited, is not known here)."
    ]


def test_a_job_that_expired(office: Office, boss: Guest) -> None:
    job = boss.submit(ttl_seconds=2)
    office.pass_time(3)
    assert boss.why(job) == [
        "It expired at 2027-01-15 12:00:02 UTC: no worker had started it by then.",
        "`retry` lets it run all the same.",
    ]


# Who may ask.


def test_a_job_that_is_not_there_or_not_ones_own_cannot_be_explained(office: Office, boss: Guest) -> None:
    job = boss.submit()
    token = boss.ok("token", do="create", name="eve", roles=["submit"])["token"]
    eve = office.guest("eve", token)
    assert eve.refused("explain", id=job) == f"not_found: there is no job {job} that you may see"
    assert boss.refused("explain", id="nonsense") == "not_found: there is no job nonsense that you may see"
    assert eve.why(eve.submit()) == ["No worker runs kind 'saw' from queue 'default': start one that does."]
