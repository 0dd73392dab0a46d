"""`overview` and health: the hall at a glance says what is, to each what it may know."""

from __future__ import annotations

from typing import Any

import pytest

from hirehall.errors import StoreBroken
from hirehall.service import health
from tests.service.office import Guest, Office


def glance(guest: Guest, **asked: Any) -> dict[str, Any]:
    return dict(guest.ok("overview", **asked)["overview"])


def test_sums_are_those_of_the_hall(office: Office, boss: Guest) -> None:
    worker = office.worker("ann", credit=2)
    first, second = boss.submit_many([{}] * 2)
    boss.submit_many([{}] * 3, queue="nobody", kind="mill")
    office.seconds += 0.8
    worker.done(first)
    office.seconds += 0.9
    worker.ok("fail", id=second, attempt=1, retry=False)
    seen = glance(boss, span_seconds=1)
    assert seen["jobs"] == {"succeeded": 1, "failed": 1, "ready": 3}
    assert seen["oldest_waiting_seconds"] == 1.7
    assert (sum(seen["flow"]["into"]), sum(seen["flow"]["out"])) == (5, 2)
    assert (seen["flow"]["in_per_second"], len(seen["flow"]["into"])) == (0.5, 60)
    assert 0.5 < seen["run_time"]["p50_seconds"] <= 1.0 < seen["run_time"]["p95_seconds"] <= 2.5
    assert seen["workers"] == {"connected": 1, "gone": 0, "slots_used": 0, "slots_free": 2}
    (unserved,) = seen["unserved"]
    assert (unserved["queue"], unserved["kind"], unserved["jobs"]) == ("nobody", "mill", 3)
    assert (unserved["requires"], unserved["oldest_waiting_seconds"]) == ({}, 1.7)
    assert unserved["why"][0] == "No worker runs kind 'mill' from queue 'nobody': start one that does."
    assert (seen["ready"], seen["why"], seen["storage"]["full"]) == (True, [], False)
    nobody, default = seen["queues"]
    assert (nobody["queue"], nobody["unserved"], nobody["workers"], nobody["jobs"]) == ("nobody", 3, 0, {"ready": 3})
    assert (default["queue"], default["unserved"], default["workers"]) == ("default", 0, 1)


def test_busiest_queues_come_first_and_the_rest_is_counted(office: Office, boss: Guest) -> None:
    for number in range(1, 6):
        boss.submit_many([{}] * number, queue=f"queue-{number}")
    seen = glance(boss, limit=2)
    assert [queue["queue"] for queue in seen["queues"]] == ["queue-5", "queue-4"]
    assert seen["queues_left_out"] == 3
    assert seen["jobs"] == {"ready": 15}


def test_what_is_long_past_is_in_its_minute(office: Office, boss: Guest) -> None:
    boss.submit()
    office.pass_time(130.0)
    flow = glance(boss)["flow"]
    assert (flow["into"][-4:], flow["in_per_second"], flow["span_seconds"]) != ([0] * 4, 0.0, 60)
    assert sum(flow["into"][-4:-1]) == 1


def test_a_limited_token_sees_its_queues_only_also_in_sums(office: Office, boss: Guest) -> None:
    boss.submit_many([{}] * 3, queue="mine")
    boss.submit_many([{}] * 9, queue="theirs")
    office.worker("w", queues=["theirs"], kinds=["other"])
    seen = glance(office.token("lim", ["read"], queues=["mine"]))
    assert [queue["queue"] for queue in seen["queues"]] == ["mine"]
    assert (seen["jobs"], seen["queues_left_out"], seen["storage"]) == ({"ready": 3}, 0, None)
    assert sum(seen["flow"]["into"]) == 3
    assert [(one["queue"], one["kind"], one["jobs"]) for one in seen["unserved"]] == [("mine", "saw", 3)]
    assert seen["workers"]["connected"] == 0


def test_what_nobody_takes_says_which_label_is_missing(office: Office, boss: Guest) -> None:
    office.worker("ann", offers={"mesher": ["netgen", "triangle"]})
    boss.submit(requires={"mesher": "tetgen"})
    office.seconds += 5
    boss.submit_many([{}] * 2, requires={"mesher": "tetgen"}, priority=3)
    boss.submit_many([{}] * 2, requires={"gpu": 2})
    tetgen, gpu = glance(boss)["unserved"]
    assert (tetgen["requires"], tetgen["jobs"], tetgen["oldest_waiting_seconds"]) == ({"mesher": "tetgen"}, 3, 5.0)
    assert '\'mesher\' = "tetgen" (offered: ["netgen","triangle"])' in tetgen["why"][0]
    assert (gpu["requires"], gpu["jobs"]) == ({"gpu": 2}, 2)


def test_whose_queues_are_limited_hears_nothing_of_other_workers(office: Office, boss: Guest) -> None:
    office.worker("secret", queues=["theirs"])
    boss.submit(queue="mine")
    (unserved,) = glance(office.token("lim", ["read"], queues=["mine"]))["unserved"]
    assert "secret" not in " ".join(unserved["why"])
    assert "theirs" in " ".join(glance(boss)["unserved"][0]["why"])


@pytest.mark.parametrize("asked", [{"span_seconds": 7}, {"limit": -1}, {"limit": 501}])
def test_what_cannot_be_asked_is_refused(boss: Guest, asked: dict[str, int]) -> None:
    assert boss.refused("overview", **asked).startswith("bad_request: ")


def test_an_open_hall_is_alive_and_ready(office: Office, boss: Guest) -> None:
    assert health.alive(office.hall) == (True, "alive")
    assert health.ready(office.hall) == (True, "ready")


def test_a_full_disk_or_one_that_does_not_answer_is_not_ready(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(office.store), "is_full", True)
    office.hall.metrics.committing_since = office.seconds - 11.0
    is_ready, words = health.ready(office.hall)
    assert not is_ready
    assert [line.partition(":")[0] for line in words.split("\n")] == [
        "its disk is full", "its disk has not answered for 11 s",
    ]  # fmt: skip
    assert glance(boss)["why"] == words.split("\n")[:1], "it answers, so the disk has"
    office.hall.metrics.committing_since = None
    monkeypatch.undo()
    assert health.ready(office.hall) == (True, "ready")


def test_a_hall_with_a_damaged_page_is_told_of_and_not_taken_out(office: Office, boss: Guest) -> None:
    office.store.is_damaged = True
    assert health.ready(office.hall) == (True, "ready")
    shown = glance(boss)
    assert (shown["ready"], shown["why"], shown["storage"]["damaged"]) == (True, [], True)


def test_a_commit_that_is_done_is_not_waited_for(office: Office, boss: Guest) -> None:
    boss.submit()
    office.seconds += 0.5
    assert office.hall.metrics.committing_since is None


def test_a_hall_that_ends_is_alive_and_not_ready(office: Office, boss: Guest) -> None:
    office.worker("ann", credit=1)
    boss.submit()
    boss.ok("shutdown", workers=True)
    assert health.alive(office.hall)[0]
    assert health.ready(office.hall) == (False, "the hall is ending")


def test_a_hall_that_has_failed_is_not_alive() -> None:
    office = Office()
    try:
        office.hall.fail(StoreBroken("the disk is gone"))
        assert health.alive(office.hall) == (False, "the hall stops: the disk is gone")
        assert health.ready(office.hall) == (False, "the hall stops: the disk is gone")
    finally:
        office.close()
