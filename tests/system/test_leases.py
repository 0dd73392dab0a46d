"""Leases over the wire: beats, late and stale results, reconnects and what a worker may keep."""

from __future__ import annotations

import time

import pytest

from tests.system.hall_process import Hall
from tests.system.jobs import at_work, ended, stale, submit, view
from tests.system.lines import Line

SHORT = 0.5


def test_beats_keep_a_lease_and_silence_loses_it(hall: Hall, queue: str) -> None:
    client = hall.session()
    silent, beating = (
        at_work(hall, queue, lease_seconds=SHORT),
        at_work(hall, queue, "bob", lease_seconds=SHORT),
    )
    jobs = {submit(client, queue), submit(client, queue)}
    lost, kept = silent.runs(1)[0]["id"], beating.runs(1)[0]["id"]
    assert {lost, kept} == jobs
    third = at_work(hall, queue, "cat", lease_seconds=30)
    began = time.monotonic()
    while not (again := third.delivered()):
        beating.ok("beat")
        assert time.monotonic() - began < SHORT + 1.5, "the silent worker's job was not handed out again"
    assert [(job["id"], job["attempt"]) for job in again] == [(lost, 2)]
    assert view(client, kept)["attempt"] == 1


def test_a_stale_attempts_result_is_refused_and_changes_nothing(hall: Hall, queue: str) -> None:
    client = hall.session()
    slow = at_work(hall, queue, lease_seconds=SHORT)
    job = submit(client, queue)
    slow.runs(1)
    quick = at_work(hall, queue, "bob", lease_seconds=30)
    assert quick.runs(1, within=SHORT + 1.5)[0]["attempt"] == 2
    assert slow.refusal("done", id=job, attempt=1, result="stale") == "stale_lease"
    assert slow.refusal("done", id=job, attempt=2, result="forged") == "stale_lease"
    stale(slow, "fail", job, 1)
    assert view(client, job)["state"] == "running"
    quick.ok("done", id=job, attempt=2, result="fresh")
    stale(slow, "done", job, 1, result="stale")
    assert view(client, job)["result"] == "fresh"


def test_many_results_in_one_message_are_judged_each_by_itself(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=3)
    jobs = [submit(client, queue) for _ in range(3)]
    worker.runs(3)
    attempts = zip(jobs, (1, 7, 1), strict=True)
    reply = worker.ok("done", jobs=[{"id": job, "attempt": n, "result": n} for job, n in attempts])
    assert [(refused["id"], refused["code"]) for refused in reply["refused"]] == [(jobs[1], "stale_lease")]
    assert [view(client, job)["state"] for job in jobs] == ["succeeded", "running", "succeeded"]


def test_a_late_result_counts_while_the_job_was_not_handed_out_again(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, lease_seconds=SHORT)
    job = submit(client, queue)
    worker.runs(1)
    assert worker.push("stop", within=SHORT + 1.5) == {"id": job, "attempt": 1, "why": "lost"}
    assert view(client, job)["state"] == "ready"
    worker.ok("done", id=job, attempt=1, result="late but right")
    last = ended(client, job)
    assert (last["state"], last["attempt"], last["result"]) == ("succeeded", 1, "late but right")


def test_the_same_result_twice_is_taken_once(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, follow=True)
    worker.runs(1)
    worker.ok("done", id=job, attempt=1, result=1)
    again = worker.ask("done", id=job, attempt=1, result=1)
    assert again.get("ok") is True, again
    assert again.get("refused", []) == []
    assert len(client.push("end")) == 1
    client.ok("ping")
    assert not client.inbox, "the end was told twice"


def test_a_job_is_only_ended_by_the_worker_that_holds_it(hall: Hall, queue: str) -> None:
    client, holder = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    holder.runs(1)
    stranger = at_work(hall, f"{queue[:50]}-2", "eve")
    for cmd in ("done", "fail", "release"):
        stale(stranger, cmd, job, 1)
    assert view(client, job)["state"] == "running"
    holder.ok("done", id=job, attempt=1)


def reconnect(hall: Hall, queue: str, name: str = "ann") -> Line:
    """The worker that `at_work` was, on a new connection."""
    return hall.session(worker=f"{name}-{queue}", name=name)


def test_a_worker_that_comes_back_keeps_its_jobs(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=2)
    jobs = [submit(client, queue) for _ in range(2)]
    worker.runs(2)
    other = at_work(hall, queue, "bob", credit=2)
    worker.close()
    back = reconnect(hall, queue)
    reply = back.ok("keep", jobs=[{"id": job, "attempt": 1} for job in jobs])
    assert (sorted(reply["kept"]), reply["lost"]) == (sorted(jobs), [])
    back.ok("work", queues=[queue], kinds=["*"], credit=2)
    for job in jobs:
        back.ok("done", id=job, attempt=1)
    assert {view(client, job)["attempt"] for job in jobs} == {1}
    assert other.delivered() == []


def test_keep_asks_for_the_same_token_and_worker_not_for_the_same_display_name(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.close()
    back = hall.session(worker=f"ann-{queue}", name="ann, renamed")
    assert back.ok("keep", jobs=[{"id": job, "attempt": 1}])["kept"] == [job]


def test_a_lease_that_the_worker_does_not_name_never_arrived_and_is_forgiven(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=2)
    kept, unheard = submit(client, queue), submit(client, queue, max_attempts=1)
    worker.runs(2)
    worker.close()
    back = reconnect(hall, queue)
    back.ok("keep", jobs=[{"id": kept, "attempt": 1}])
    back.ok("work", queues=[queue], kinds=["*"], credit=2)
    delivery = back.runs(1, within=1)[0]
    assert (delivery["id"], delivery["attempt"]) == (unheard, 2)
    assert view(client, unheard)["forgiven"] == 1


def test_a_session_that_came_back_gets_nothing_before_it_says_what_it_works_on(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.close()
    back = reconnect(hall, queue)
    assert back.ok("keep", jobs=[])["kept"] == []
    assert back.delivered() == []
    assert at_work(hall, queue, "bob").runs(1, within=1)[0]["id"] == job


def test_kept_jobs_fill_their_places(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=2)
    jobs = [submit(client, queue) for _ in range(3)]
    worker.runs(2)
    worker.close()
    back = reconnect(hall, queue)
    back.ok("keep", jobs=[{"id": job, "attempt": 1} for job in jobs[:2]])
    back.ok("work", queues=[queue], kinds=["*"], credit=2)
    assert back.delivered() == []
    back.ok("done", id=jobs[0], attempt=1)
    assert back.runs(1)[0]["id"] == jobs[2]


def test_nobody_keeps_the_jobs_of_another_worker(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    thief = reconnect(hall, queue, "thief")
    reply = thief.ok("keep", jobs=[{"id": job, "attempt": 1}])
    assert (reply["kept"], reply["lost"]) == ([], [job])
    worker.ok("done", id=job, attempt=1)
    assert view(client, job)["state"] == "succeeded"


@pytest.mark.slow
def test_a_lost_connection_keeps_its_leases_for_the_time_of_grace_only(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, lease_seconds=30)
    job = submit(client, queue)
    worker.runs(1)
    other = at_work(hall, queue, "bob")
    worker.close()
    began = time.monotonic()
    assert other.runs(1, within=5)[0]["attempt"] == 2
    assert 2.5 < time.monotonic() - began < 4.5
    back = reconnect(hall, queue)
    assert back.ok("keep", jobs=[{"id": job, "attempt": 1}])["lost"] == [job]


def test_bye_gives_the_jobs_back_at_once_and_forgives_them(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, max_attempts=1)
    worker.runs(1)
    other = at_work(hall, queue, "bob")
    worker.ok("bye")
    assert other.runs(1, within=1)[0]["attempt"] == 2
    assert view(client, job)["forgiven"] == 1
    assert worker.closed()


def test_a_restarted_hall_refuses_nothing_that_its_workers_still_hold(own_hall: Hall) -> None:
    client, worker = own_hall.session(), at_work(own_hall, "default", credit=2, lease_seconds=5)
    jobs = [submit(client, "default") for _ in range(3)]
    worker.runs(2)
    own_hall.restart()
    client, back = own_hall.session(), reconnect(own_hall, "default")
    held = [{"id": job, "attempt": 1} for job in jobs[:2]]
    assert sorted(back.ok("keep", jobs=held)["kept"]) == sorted(jobs[:2])
    back.ok("work", kinds=["*"], credit=2)
    back.ok("done", jobs=[{**job, "result": "kept"} for job in held])
    assert back.runs(1)[0]["id"] == jobs[2]
    assert [view(client, job)["result"] for job in jobs[:2]] == ["kept", "kept"]


def test_progress_is_shown_with_the_running_job(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.ok("progress", id=job, attempt=1, percent=40, text="page 4 of 10")
    progress = view(client, job)["progress"]
    assert (progress["percent"], progress["text"]) == (40, "page 4 of 10")
    stale(worker, "progress", job, 2, percent=50)
