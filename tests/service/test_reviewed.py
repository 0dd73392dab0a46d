"""What a second pair of eyes found: places that got lost, answers that were wrong, queues that stood still."""

from __future__ import annotations

import pytest

from tests.service.office import Guest, Office


@pytest.fixture
def ann(office: Office) -> Guest:
    return office.worker("ann", credit=0)


def test_a_submit_with_a_known_key_gets_its_first_answer_from_a_queue_that_takes_no_more(boss: Guest) -> None:
    job = boss.ok("submit", kind="a", key="k")["id"]
    boss.ok("drain", queue="default")
    again = boss.ok("submit", kind="a", key="k")
    assert (again["id"], again["duplicate"]) == (job, True)
    assert boss.refused("submit", kind="a", key="another").startswith("queue_closed")
    assert boss.refused("submit", jobs=[{"kind": "a", "key": "k"}, {"kind": "a", "key": "new"}]).startswith("queue_c")
    boss.ok("queue", queue="default", state="open", max_waiting=1)
    assert boss.ok("submit", kind="a", key="k")["duplicate"]
    assert boss.refused("submit", kind="a", key="another").startswith("busy")
    assert sum(count["jobs"] for count in boss.ok("counts")["counts"]) == 1


def test_jobs_of_one_submit_that_guess_each_others_ids_are_not_waited_for(boss: Guest) -> None:
    first = int(boss.submit(), 16)
    guessed = [f"{first + n:016x}" for n in range(1, 3)]
    ids = boss.ok("submit", jobs=[{"kind": "a", "after": [guessed[1]]}, {"kind": "a", "after": [guessed[0]]}])["ids"]
    states = [job["state"] for job in boss.ok("get", ids=ids)["jobs"]]
    assert states == ["cancelled", "cancelled"]


def test_a_new_rate_counts_at_once(office: Office, boss: Guest, ann: Guest) -> None:
    boss.ok("queue", queue="default", max_per_second=1 / 3600)
    ann.ok("work", kinds=["*"], credit=10)
    for _ in range(3):
        boss.submit()
    office.pass_time(2.0)
    boss.ok("queue", queue="default", max_per_second=10)
    office.pass_time(2.0)
    assert len(ann.runs()) == 3


def test_a_wait_names_the_jobs_that_were_removed_before_it_could_look(office: Office, boss: Guest, ann: Guest) -> None:
    ann.ok("work", kinds=["*"])
    job = boss.ok("submit", kind="a", keep_seconds=0)["id"]
    boss.say({"cmd": "wait", "ids": [job], "ref": "w"})
    ann.ok("done", id=job, attempt=1)
    office.pass_time(1.0)
    waited = boss.answer("w")
    assert waited["jobs"] or waited["missing"] == [job]


@pytest.mark.parametrize("how", ["lost", "retried"])
def test_a_place_that_an_older_attempt_filled_is_free_again(office: Office, boss: Guest, ann: Guest, how: str) -> None:
    ann.ok("work", kinds=["*"], credit=2, lease_seconds=1)
    job = boss.submit()
    if how == "lost":
        office.pass_time(1.5)
        ann.ok("beat")  # who says nothing is given nothing
    else:
        boss.ok("cancel", id=job)
        boss.ok("retry", id=job)
    assert [run["attempt"] for run in ann.runs()] == [1, 2]
    ann.ask("done", id=job, attempt=1)
    other = boss.submit()
    assert [run["id"] for run in ann.runs()] == [other], "the second place was lost"
