"""What survives kill -9 and frozen processes: of the hall, of workers, of both at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest

from tests.system.audit import Evidence, Findings, audit, dump_jobs, find_jobs, read_acks
from tests.system.crew import Crew
from tests.system.hall_process import Hall
from tests.system.jobs import await_final, await_running, submit, view
from tests.system.lines import Line, greet

pytestmark = pytest.mark.slow

GRACE_SECONDS = 3.0  # a closed connection of a named worker keeps its leases that long


def settle(hall: Hall, crew: Crew, keys: Iterable[str]) -> Findings:
    """Wait until every submitted job has ended, then audit the run."""
    crew.await_submitters(20)
    acks = read_acks(crew.acks)
    with greet(hall.data) as line:
        await_final(line, sorted({ack.id for ack in acks}), 25)
        dump = dump_jobs(line, [*find_jobs(line), *(ack.id for ack in acks)])
    with greet(hall.data) as line:
        again = dump_jobs(line, dump)
    crew.dismiss()
    return audit(Evidence(acks, crew.marks(), dump, again, frozenset(keys)))


def keys(**submitted: int) -> chain[str]:
    return chain.from_iterable((f"{prefix}-{n}" for n in range(count)) for prefix, count in submitted.items())


def test_nothing_is_lost_or_done_twice_when_halls_and_workers_are_killed_under_load(own_hall: Hall, crew: Crew) -> None:
    workers = [crew.hire("--credit", "8", *extra) for extra in ([], ["--bulk"], ["--unix"], ["--bulk"])]
    crew.submit("single", 1500, "--rate", "250")
    crew.submit("bulk", 1500, "--rate", "250", "--bulk", "10")
    for turn in range(1, 10):
        crew.await_ends(turn * 280, within=20)
        if turn % 2:
            own_hall.kill()
        if turn % 2 == 0 or turn == 5:  # once both at the same time
            crew.kill(workers.pop(0))
            workers.append(crew.hire("--credit", "8", "--bulk"))
        if turn % 2:
            own_hall.start()
    findings = settle(own_hall, crew, keys(single=1500, bulk=1500))
    print(findings)
    assert findings.sound, findings
    assert findings.jobs == 3000
    assert set(findings.extra_starts) <= {"worker killed"}, "a live worker lost a job"


def test_locks_and_dependencies_hold_when_halls_and_workers_are_killed_under_load(own_hall: Hall, crew: Crew) -> None:
    workers = [crew.hire("--credit", "8", *extra) for extra in ([], ["--bulk"], ["--unix"])]
    crew.submit("tied", 600, "--rate", "150", "--tied", "--longest", "60")
    crew.submit("bulk", 600, "--rate", "150", "--tied", "--longest", "60", "--bulk", "6")
    for turn in range(1, 8):
        crew.await_ends(turn * 130, within=20)
        if turn % 2:
            own_hall.restart()
        else:
            crew.kill(workers.pop(0))
            workers.append(crew.hire("--credit", "8", "--bulk"))
    findings = settle(own_hall, crew, keys(tied=600, bulk=600))
    print(findings)
    assert findings.sound, findings
    assert findings.jobs == 1200
    tied = [view for view in find_jobs(own_hall.session()).values() if view["after"] or view["lock"]]
    assert len(tied) > 400, "the load was tied"


def test_no_job_runs_twice_when_only_the_hall_is_killed(own_hall: Hall, crew: Crew) -> None:
    for extra in ([], ["--bulk"], ["--unix"]):
        crew.hire("--credit", "4", *extra)
    crew.submit("job", 400, "--rate", "200", "--bulk", "4", "--longest", "400")
    for turn in range(1, 5):
        crew.await_ends(turn * 70, within=20)
        own_hall.restart()
    findings = settle(own_hall, crew, keys(job=400))
    print(findings)
    assert findings.sound, findings
    assert (findings.jobs, findings.starts) == (400, 400)


def test_a_job_that_kills_its_workers_fails_after_max_attempts(own_hall: Hall, crew: Crew) -> None:
    line = own_hall.session()
    job = submit(line, key="poison", payload={"poison": True, "marker": "p"}, max_attempts=2)
    for _ in range(2):
        crew.bury(crew.hire("--credit", "1"))
    crew.hire("--credit", "1")
    await_final(line, [job], within=GRACE_SECONDS + 2)
    crew.dismiss()
    view = dump_jobs(line, [job])[job]
    assert (view["state"], view["attempt"]) == ("failed", 2), view
    assert view["error"], "a dead letter says why"
    assert [mark.worker for mark in crew.marks() if mark.event == "start"] == ["w1", "w2"]


def test_a_killed_workers_job_is_ready_again_within_five_seconds(own_hall: Hall, crew: Crew) -> None:
    client, other = own_hall.session(), own_hall.session(worker="other")
    victim = crew.hire("--lease", "60")
    job = submit(client, payload={"ms": 60_000})
    with greet(own_hall.data) as line:
        await_running(line, job)
    other.ok("work", kinds=["*"], credit=1)
    killed_at = crew.kill(victim)
    delivery = other.runs(1, within=5)[0]
    assert (delivery["id"], delivery["attempt"]) == (job, 2)
    print(f"ready again {time.monotonic() - killed_at:.2f} s after kill -9")


def test_a_worker_without_a_name_loses_its_job_as_soon_as_its_connection_closes(own_hall: Hall) -> None:
    client, leaver, other = own_hall.session(), own_hall.session(), own_hall.session(worker="other")
    leaver.ok("work", kinds=["*"], credit=1, lease_seconds=60)
    job = submit(client)
    leaver.runs(1)
    other.ok("work", kinds=["*"], credit=1)
    leaver.close()
    delivery = other.runs(1, within=1)[0]
    assert (delivery["id"], delivery["attempt"]) == (job, 2)


def test_a_frozen_workers_job_goes_to_another_which_its_return_does_not_disturb(own_hall: Hall, crew: Crew) -> None:
    client, other, third = (
        own_hall.session(),
        own_hall.session(worker="other"),
        own_hall.session(worker="third"),
    )
    third.ok("work", kinds=["*"], credit=1, lease_seconds=60)
    bystander = submit(client)
    assert third.runs(1)[0]["id"] == bystander
    frozen = crew.hire("--lease", "0.5")
    job = submit(client, payload={"ms": 2000})
    await_running(client, job)
    other.ok("work", kinds=["*"], credit=1)
    frozen_at = crew.freeze(frozen)
    delivery = other.runs(1, within=0.5 + 1.0 + 0.5)[0]
    print(f"handed out again {time.monotonic() - frozen_at:.2f} s after SIGSTOP with a lease of 0.5 s")
    assert (delivery["id"], delivery["attempt"]) == (job, 2)
    crew.thaw(frozen)
    crew.dismiss()
    third.ok("done", id=bystander, attempt=1, result="kept")
    other.ok("done", id=job, attempt=2, result="second")
    views = dump_jobs(client, [job, bystander])
    assert views[job]["result"] == "second", "the frozen worker's result must not count"
    assert (views[bystander]["attempt"], views[bystander]["result"]) == (1, "kept")


@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_no_live_worker_loses_its_job_while_the_hall_is_frozen(own_hall: Hall, crew: Crew, seconds: float) -> None:
    crew.hire("--lease", "1", "--credit", "3")
    client = own_hall.session()
    ids = [submit(client, payload={"ms": int(seconds * 1000) + 1500}) for _ in range(3)]
    for job in ids:
        await_running(client, job)
    own_hall.freeze()
    with pytest.raises(AssertionError, match="jobs ended in time"):
        crew.await_ends(1, within=seconds)
    own_hall.thaw()
    crew.await_ends(3, within=5)
    await_final(client, ids, within=5)
    crew.dismiss()
    assert {view["attempt"] for view in dump_jobs(client, ids).values()} == {1}
    assert [mark.event for mark in crew.marks()].count("drop") == 0


def test_a_machine_that_slept_takes_no_lease_from_anybody(own_hall: Hall, crew: Crew) -> None:
    worker = crew.hire("--lease", "1")
    client = own_hall.session()
    job = submit(client, payload={"ms": 4000})
    await_running(client, job)
    crew.freeze(worker)
    own_hall.freeze()
    with pytest.raises(AssertionError, match="jobs ended in time"):
        crew.await_ends(1, within=3)
    own_hall.thaw()
    for _ in range(10):  # the hall is awake and looks at its leases; the worker cannot beat yet
        client.ok("ping")
    assert view(client, job)["state"] == "running"
    crew.thaw(worker)
    await_final(client, [job], within=5)
    assert view(client, job)["attempt"] == 1
    crew.dismiss()


def test_a_hall_ends_with_code_zero_on_sigterm_and_has_every_job_when_it_is_back(own_hall: Hall) -> None:
    ids = [submit(own_hall.session(), payload=n) for n in range(20)]
    assert own_hall.stop() == 0
    own_hall.start()
    assert [view["state"] for view in dump_jobs(own_hall.session(), ids).values()] == ["ready"] * 20


def test_a_second_hall_on_the_same_data_directory_refuses_to_start(own_hall: Hall) -> None:
    second = Hall(own_hall.data)
    try:
        with pytest.raises(AssertionError, match=r"ended with [1-9]"):
            second.start()
    finally:
        second.close()
    own_hall.session().ok("ping")


def test_the_first_job_of_a_million_is_delivered_within_two_seconds_of_a_restart(
    own_hall: Hall, tmp_path: Path
) -> None:
    fill(own_hall.session(), messages=1000)
    own_hall.restart()
    worker = own_hall.session(worker="first")
    worker.send({"cmd": "work", "kinds": ["*"], "credit": 1})
    worker.push("run")
    seconds = time.monotonic() - own_hall.started_at
    print(f"restart with 1,000,000 waiting jobs: first delivery after {seconds:.2f} s")
    assert seconds <= 2.0


def fill(line: Line, messages: int) -> None:
    """Submit 1,000 jobs of 100 bytes in each message, a few messages under way at once."""
    jobs = [{"payload": "x" * 98} for _ in range(1000)]
    window: list[int] = []
    for _ in range(messages):
        window.append(line.post("submit", kind="k", jobs=jobs))
        if len(window) >= 8:
            assert len(line.answer(window.pop(0), within=20)["ids"]) == 1000
    for ref in window:
        assert len(line.answer(ref, within=20)["ids"]) == 1000
