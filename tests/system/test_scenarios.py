"""True pull, seen from outside: Z1, Z2, Z3 and Z5, whose turn it is, order, credit, and who may take what."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tests.system.audit import dump_jobs
from tests.system.conftest import Hire
from tests.system.crew import Crew
from tests.system.hall_process import Hall
from tests.system.jobs import await_queue, submit_many, take_one_by_one
from tests.system.lines import Line, Message

# rz's scenarios


def test_z1_a_worker_that_comes_late_starts_at_once_and_gets_its_share(hall: Hall, queue: str, hire: Hire) -> None:
    client = hall.session()
    submit_many(client, queue, [{"payload": {"ms": 10}} for _ in range(1000)])
    early = [hire(hall, name, queues=(queue,)) for name in ("ann", "bob")]
    early[0].await_marks("end", 100, within=5)
    late = hire(hall, "cat", queues=(queue,))
    came = time.monotonic()
    late.await_marks("start", 1, within=2)
    left = 1000 - sum(len(hand.times("start")) for hand in early)
    assert min(late.times("start").values()) - came < 0.1 + 0.05, "0.1 s, and 0.05 s to start a thread"
    await_queue(client, queue)
    done = {hand.name: len(hand.times("end")) for hand in (*early, late)}
    assert sum(done.values()) == 1000, done
    assert done["cat"] > left / 3 * 0.8, f"of {left} jobs that were left: {done}"


def test_z2_no_short_job_waits_behind_a_long_one(hall: Hall, queue: str, hire: Hire) -> None:
    hands = [hire(hall, name, queues=(queue,)) for name in ("ann", "bob")]
    jobs = submit_many(hall.session(), queue, [{"payload": {"ms": ms}} for ms in [5000, *[20] * 60]])
    await_queue(hall.session(), queue)
    busy = next(hand for hand in hands if jobs[0] in hand.times("start"))
    free = next(hand for hand in hands if hand is not busy)
    assert list(busy.times("start")) == [jobs[0]], "a short job was given to the busy worker"
    assert max(free.times("end").values()) < busy.times("end")[jobs[0]], "short jobs outlasted the long one"


@pytest.mark.slow
def test_z3_a_killed_worker_affects_only_the_job_in_its_hand(own_hall: Hall, crew: Crew) -> None:
    client = own_hall.session()
    jobs = submit_many(client, "default", [{"payload": {"ms": 5}} for _ in range(500)])
    crew.hire()
    victim = crew.hire()
    crew.await_ends(50, within=10)
    crew.kill(victim)
    await_queue(client, "default")
    crew.dismiss()
    views = dump_jobs(client, jobs)
    assert Counter(view["state"] for view in views.values()) == {"succeeded": 500}
    again = [view for view in views.values() if view["attempt"] > 1]
    assert len(again) <= 1, f"{len(again)} jobs ran again"


@pytest.mark.slow
def test_z5_idle_workers_serve_again_soon_after_a_restart(own_hall: Hall, crew: Crew) -> None:
    for _ in range(3):
        crew.hire()
    first = submit_many(own_hall.session(), "default", [{"payload": {}}] * 3)
    crew.await_ends(3, within=5)
    own_hall.restart()
    back_at = time.monotonic()
    client = own_hall.session()
    second = submit_many(client, "default", [{"payload": {"ms": 300}}] * 3)
    crew.await_ends(6, within=3)
    assert time.monotonic() - back_at < 3
    await_queue(client, "default")
    views = dump_jobs(client, first + second)
    assert {view["attempt"] for view in views.values()} == {1}
    assert len({views[job]["worker"] for job in second}) == 3, "not every worker came back"


# Whose turn it is


def test_one_job_of_another_share_does_not_wait_behind_a_hundred_thousand(hall: Hall, queue: str) -> None:
    client = hall.session()
    window = [
        client.post("submit", queue=queue, share="many", jobs=[{"kind": f"k{n % 50}"} for n in range(1000)])
        for _ in range(100)
    ]
    for ref in window:
        assert len(client.answer(ref, within=20)["ids"]) == 1000
    worker = hall.session(worker="one")
    worker.ok("work", queues=[queue], kinds=["*"], credit=1)
    take_one_by_one(worker, 20)
    single = client.ok("submit", queue=queue, kind="k7", share="one")["id"]
    following = take_one_by_one(worker, 2)  # the first of them may have been on its way
    assert single in [job["id"] for job in [*following, *worker.runs(1)][:3]]


def test_shares_of_equal_priority_take_turns(hall: Hall, queue: str) -> None:
    client = hall.session()
    of = dict.fromkeys(submit_many(client, queue, [{}] * 30, share="a"), "a")
    of |= dict.fromkeys(submit_many(client, queue, [{}] * 10, share="b"), "b")
    worker = hall.session(worker="turns")
    worker.ok("work", queues=[queue], kinds=["*"], credit=1)
    order = [of[job["id"]] for job in take_one_by_one(worker, 40)]
    assert abs(order[:20].count("a") - 10) <= 1, order
    assert set(order[22:]) == {"a"}, order


def test_lanes_of_one_share_take_turns(hall: Hall, queue: str) -> None:
    client = hall.session()
    for kind in ("x", "y", "z"):
        submit_many(client, queue, [{}] * 8, kind=kind)
    worker = hall.session(worker="lanes")
    worker.ok("work", queues=[queue], kinds=["*"], credit=1)
    kinds = [job["kind"] for job in take_one_by_one(worker, 24)]
    assert all(len(set(kinds[place : place + 3])) == 3 for place in range(0, 24, 3)), kinds


def test_a_session_without_a_token_is_a_share_of_its_own(hall: Hall, queue: str) -> None:
    many, one = hall.guest(), hall.guest()
    submit_many(many, queue, [{}] * 50)
    single = one.ok("submit", queue=queue, kind="k")["id"]
    worker = hall.session(worker="shares")
    worker.ok("work", queues=[queue], kinds=["*"], credit=1)
    assert single in [job["id"] for job in take_one_by_one(worker, 2)]


def test_jobs_of_one_lane_come_in_the_order_of_their_submits(hall: Hall, queue: str) -> None:
    client = hall.session()
    ids = [client.post("submit", queue=queue, kind="k", payload=n) for n in range(200)]
    submitted = [client.answer(ref)["id"] for ref in ids]
    submitted += submit_many(client, queue, [{}] * 200)
    worker = hall.session(worker="order")
    worker.ok("work", queues=[queue], kinds=["k"], credit=400)
    assert [job["id"] for job in worker.runs(400)] == submitted


def test_a_submit_does_not_overtake_those_that_wait_when_a_place_becomes_free(hall: Hall, queue: str) -> None:
    both = hall.session(worker="both")
    both.ok("work", queues=[queue], kinds=["k"], credit=1)
    first, second, third = submit_many(both, queue, [{}] * 3)
    assert both.runs(1)[0]["id"] == first
    both.send(
        {"cmd": "done", "id": first, "attempt": 1},
        {"cmd": "submit", "queue": queue, "kind": "k", "ref": "late"},
    )
    late = both.answer("late")["id"]
    assert [job["id"] for job in take_one_by_one(both, 3)] == [second, third, late]


def test_larger_priority_comes_first(hall: Hall, queue: str) -> None:
    client = hall.session()
    priorities = [0, 5, -3, 9, 5, 0, -3, 9]
    submit_many(client, queue, [{"priority": p, "payload": p} for p in priorities])
    worker = hall.session(worker="priority")
    worker.ok("work", queues=[queue], kinds=["k"], credit=1)
    order = [job["payload"] for job in take_one_by_one(worker, len(priorities))]
    assert order == sorted(priorities, reverse=True)


# Credit


def test_a_worker_never_holds_more_than_its_credit(hall: Hall, queue: str) -> None:
    submit_many(hall.session(), queue, [{}] * 20)
    worker = hall.session(worker="credit")
    worker.ok("work", queues=[queue], kinds=["k"], credit=3)
    held = worker.runs(3)
    assert worker.delivered() == []
    worker.ok("credit", credit=5)
    held += worker.runs(2)
    assert worker.delivered() == []
    worker.ok("credit", credit=2)
    for kept in (4, 3, 2):
        finish(worker, held)
        assert len(held) == kept
        assert worker.delivered() == [], "credit 2 is used up"
    finish(worker, held)
    held += worker.runs(1)
    assert worker.delivered() == []


def finish(worker: Line, held: list[Message]) -> None:
    job = held.pop()
    worker.ok("done", id=job["id"], attempt=job["attempt"])


def test_credit_zero_takes_no_job_until_it_is_raised(hall: Hall, queue: str) -> None:
    worker = hall.session(worker="zero")
    worker.ok("work", queues=[queue], kinds=["k"], credit=0)
    job = submit_many(hall.session(), queue, [{}])[0]
    assert worker.delivered() == []
    worker.ok("credit", credit=1)
    assert worker.runs(1)[0]["id"] == job


# Who may take what

OFFER = {"mesher": "tetgen", "gpu": 2, "ssd": True, "os": ["linux", "bsd"], "cores": [4, 8]}
FITS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"mesher": "tetgen"}, True),
    ({"mesher": "gmsh"}, False),
    ({"gpu": 1}, True),
    ({"gpu": 2.0}, True),
    ({"gpu": 3}, False),
    ({"ssd": True}, True),
    ({"ssd": False}, False),
    ({"os": "bsd"}, True),
    ({"os": "windows"}, False),
    ({"cores": 8}, True),
    ({"cores": 6}, False),
    ({"ram": 1}, False),
    ({"mesher": "tetgen", "gpu": 1, "os": "linux"}, True),
    ({"mesher": "tetgen", "gpu": 5}, False),
]


@pytest.mark.parametrize(("requires", "fits"), FITS, ids=str)
@pytest.mark.parametrize("worker_waits", [True, False])
def test_a_job_goes_only_to_a_worker_whose_offers_satisfy_it(
    hall: Hall, queue: str, requires: dict[str, Any], fits: bool, worker_waits: bool
) -> None:
    client, worker = hall.session(), hall.session(worker="offers")
    work = {"queues": [queue], "kinds": ["k"], "offers": OFFER, "credit": 5}
    if worker_waits:
        worker.ok("work", **work)
    job = client.ok("submit", queue=queue, kind="k", requires=requires)["id"]
    sentinel = client.ok("submit", queue=queue, kind="k", priority=-1)["id"]
    if not worker_waits:
        worker.ok("work", **work)
    expected = [job, sentinel] if fits else [sentinel]
    assert [delivery["id"] for delivery in worker.runs(len(expected))] == expected
    assert worker.delivered() == []


def test_a_worker_gets_only_the_queues_and_kinds_that_it_serves(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), hall.session(worker="kinds")
    worker.ok("work", queues=[queue], kinds=["a", "b"], credit=9)
    for place, kind in ((queue, "a"), (queue, "c"), (f"{queue[:50]}-2", "a"), (queue, "b")):
        client.ok("submit", queue=place, kind=kind)
    assert [(job["queue"], job["kind"]) for job in worker.runs(2)] == [(queue, "a"), (queue, "b")]
    assert worker.delivered() == []
    worker.ok("work", queues=[queue], kinds=["c"], credit=9)
    assert worker.runs(1)[0]["kind"] == "c"


def test_can_and_kinds_say_what_could_run_now(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), hall.session(worker="able")
    asked = {"queue": queue, "kind": "Edges-Mesh2D", "requires": {"mesher": "tetgen"}}
    assert client.ok("can", **asked)["can"] is False
    worker.ok("work", queues=[queue], kinds=["Edges-Mesh2D"], offers={"mesher": "tetgen"}, credit=1)
    assert client.ok("can", **asked)["can"] is True
    assert client.ok("can", **{**asked, "kind": "Mesh2D-Edges"})["can"] is False
    assert "Edges-Mesh2D" in str(client.ok("kinds")["kinds"])
    worker.ok("credit", credit=0)
    assert client.ok("can", **asked)["can"] is False


def test_a_submit_reaches_an_idle_worker_quickly(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), hall.session(worker="idle")
    worker.ok("work", queues=[queue], kinds=["k"], credit=1)
    moments = [time.monotonic()]
    for _ in range(50):
        client.ok("submit", queue=queue, kind="k")
        take_one_by_one(worker, 1)
        moments.append(time.monotonic())
    took = sorted(later - earlier for earlier, later in pairwise(moments))
    assert took[-2] < 0.1, f"slowest hand-outs {took[-3:]}"
