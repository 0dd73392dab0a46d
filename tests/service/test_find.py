"""`find` and `counts`: every filter, pages, and the order of answers behind a slow search."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from hirehall.ports import Found, Query, Search
from tests.service.office import Guest, Office

NOON = 1_800_014_400


def found(guest: Guest, **wanted: Any) -> list[str]:
    """Ids, the newest first."""
    return [job["id"] for job in guest.ok("find", **wanted)["jobs"]]


@pytest.fixture
def jobs(office: Office, boss: Guest) -> dict[str, str]:
    """One job of each sort, a second apart."""
    ids = {}
    sorts: dict[str, dict[str, Any]] = {
        "plain": {},
        "kind": {"kind": "plane"},
        "queue": {"queue": "images"},
        "tags": {"tags": ["red", "big"]},
        "key": {"key": "k-1"},
        "later": {"delay_seconds": 1000},
        "run": {"queue": "work"},
        "failed": {"queue": "work"},
    }
    ann = office.worker("ann", queues=["work"])
    for name, fields in sorts.items():
        if name == "failed":
            ann.done(ids["run"])
        ids[name] = boss.submit(**{"kind": "saw", **fields})
        office.pass_time(1)
    ann.ok("fail", id=ids["failed"], attempt=1, retry=False)
    return ids


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["failed", "run", "later", "key", "tags", "queue", "kind", "plain"]),
    ({"kind": "plane"}, ["kind"]),
    ({"queue": "images"}, ["queue"]),
    ({"tag": "red"}, ["tags"]),
    ({"tag": "green"}, []),
    ({"key": "k-1"}, ["key"]),
    ({"state": "scheduled"}, ["later"]),
    ({"state": "succeeded"}, ["run"]),
    ({"state": "failed"}, ["failed"]),
    ({"state": "running"}, []),
    ({"worker": "ann"}, ["failed", "run"]),
    ({"created_after": NOON + 6}, ["failed", "run"]),
    ({"created_before": "2027-01-15T12:00:02Z"}, ["kind", "plain"]),
    ({"created_after": NOON + 1, "created_before": NOON + 3}, ["queue", "kind"]),
    ({"queue": "work", "state": "failed", "worker": "ann", "kind": "saw"}, ["failed"]),
    ({"queue": "work", "tag": "red"}, []),
    ({"key": "k-1", "kind": "plane"}, []),
    ({"limit": 2}, ["failed", "run"]),
]


@pytest.mark.parametrize(("wanted", "names"), FILTERS, ids=str)
def test_filters_of_a_search(boss: Guest, jobs: dict[str, str], wanted: dict[str, Any], names: list[str]) -> None:
    assert found(boss, **wanted) == [jobs[name] for name in names]


def test_a_search_leaves_out_what_can_be_large(boss: Guest) -> None:
    boss.submit(payload={"large": 1})
    assert {"payload", "result", "history"}.isdisjoint(boss.ok("find")["jobs"][0])


def test_a_page_of_large_jobs_ends_early_and_goes_on(office: Office, boss: Guest) -> None:
    worker = office.worker("w", credit=40)
    trace = "x" * 60_000
    for job in boss.submit_many([{"max_attempts": 1}] * 40):
        worker.ok("fail", id=job, attempt=1, error={"type": "E", "message": "", "trace": trace})
    found, before = [], None
    while not found or before:
        page = boss.ok("find", limit=100, **({"before": before} if before else {}))
        assert len(json.dumps(page)) < 2 << 20
        found += [job["id"] for job in page["jobs"]]
        before = page["next"]
    assert len(found) == len(set(found)) == 40


def test_a_get_of_jobs_with_long_histories_is_refused_and_not_cut(office: Office, boss: Guest) -> None:
    worker = office.worker("w")
    jobs = []
    for _ in range(10):
        jobs.append(boss.submit(max_attempts=5))
        for attempt in range(1, 5):
            fault = {"type": "E", "message": "", "trace": "x" * 60_000}
            worker.ok("fail", id=jobs[-1], attempt=attempt, error=fault, delay_seconds=0)
            office.pass_time(0.1)
        worker.done(jobs[-1], attempt=5)
    assert boss.refused("get", ids=jobs).startswith("too_large: these jobs hold more than")
    assert not boss.is_gone
    assert boss.view(jobs[0])["state"] == "succeeded"


def test_pages_follow_each_other_without_gap_or_overlap(boss: Guest) -> None:
    ids = boss.submit_many([{}] * 25)
    pages, before = [], None
    while True:
        page = boss.ok("find", limit=10, **({"before": before} if before else {}))
        pages.append([job["id"] for job in page["jobs"]])
        before = page["next"]
        if before is None:
            break
        boss.submit()  # what comes meanwhile belongs to no later page
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [job for page in pages for job in page] == ids[::-1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limit": 0}, "limit is 0: give 1 to 1000"),
        ({"limit": 1001}, "limit is 1001: give 1 to 1000"),
        ({"before": "nonsense"}, "before is 'nonsense': give `next` of the page before, or a job's id"),
        ({"queue": "no queue"}, "queue 'no queue': use 1 to 64 of the letters A-Z a-z 0-9 _ -"),
        ({"kind": ""}, "kind '': use 1 to 128 printable characters"),
        ({"created_after": "soon"}, "created_after 'soon' is no time: write 2026-01-31T12:00:00Z or epoch seconds"),
        ({"created_before": -1}, "created_before is -1.0: write a time between 1970 and 9999"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(boss: Guest, fields: dict[str, Any], message: str) -> None:
    assert boss.refused("find", **fields) == f"bad_request: {message}"


def test_a_state_that_there_is_not_is_refused(boss: Guest) -> None:
    assert boss.refused("find", state="done").startswith("bad_request: there is no state 'done': use one of scheduled,")


def test_a_limited_token_finds_and_counts_only_its_queues(office: Office, boss: Guest) -> None:
    boss.submit(queue="secret", key="k", tags=["t"])
    job = boss.submit(queue="images", tags=["t"])
    eve = office.token("eve", ["read"], queues=["images"])
    assert found(eve) == found(eve, tag="t") == [job]
    assert found(eve, queue="secret") == found(eve, key="k") == []
    assert [count["queue"] for count in eve.ok("counts")["counts"]] == ["images"]
    assert eve.ok("counts", queue="secret")["counts"] == []


def test_to_find_and_count_needs_the_role_read(office: Office) -> None:
    eve = office.token("eve", ["submit", "work"])
    for command in ("find", "counts", "queues", "workers"):
        assert eve.refused(command) == "forbidden: this needs the role read; the token does not have it"


def test_counts_by_queue_kind_and_state(boss: Guest, jobs: dict[str, str]) -> None:
    counts = [tuple(count.values()) for count in boss.ok("counts")["counts"]]
    assert counts == [
        ("default", "plane", "ready", 1), ("default", "saw", "scheduled", 1), ("default", "saw", "ready", 3),
        ("images", "saw", "ready", 1), ("work", "saw", "succeeded", 1), ("work", "saw", "failed", 1),
    ]  # fmt: skip
    assert boss.ok("counts", queue="work", kind="plane")["counts"] == []
    assert len(boss.ok("counts", kind="saw")["counts"]) == 5


# A search that takes its time.


class Slow:
    """Lets searches wait until `go`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._read = office.store.read
        office.store.read = self.read  # type: ignore[method-assign]
        self.answer: Found | None = None
        self.going = False

    async def read(self, query: Query[Any]) -> Any:
        while isinstance(query, Search) and not self.going:
            await self._office.nothing()
        return self.answer if self.answer and isinstance(query, Search) else await self._read(query)

    def go(self) -> None:
        self.going = True
        self._office.settle()


def test_only_the_same_sessions_answers_wait_for_a_slow_search(office: Office, boss: Guest) -> None:
    slow = Slow(office)
    other = office.guest("other")
    boss.say(
        {"cmd": "find", "ref": "find"}, {"cmd": "submit", "kind": "saw", "ref": "submit"}, {"cmd": "ping", "ref": 1}
    )
    boss.say({"cmd": "counts", "ref": "counts"})
    assert other.ok("ping")
    assert other.state(other.submit()) == "ready"
    assert refs(boss) == []
    slow.go()
    assert refs(boss) == ["find", "submit", 1, "counts"]
    assert len(other.ok("find")["jobs"]) == 2


def test_the_end_of_a_job_is_not_told_before_its_submit_is_answered(office: Office, boss: Guest) -> None:
    ann = office.worker("ann")
    slow = Slow(office)
    boss.say({"cmd": "find", "ref": "find"}, {"cmd": "submit", "kind": "saw", "ref": "submit", "follow": True})
    (run,) = ann.runs()
    ann.ok("done", id=run["id"], attempt=run["attempt"], result=1)
    early = boss.peer.lines()[1:]
    slow.go()
    assert early == []
    find, submit, end = boss.peer.lines()[1:]
    assert (find["ref"], submit["ref"]) == ("find", "submit")
    assert [job["id"] for job in end["end"]] == [submit["id"]]


def refs(guest: Guest) -> list[Any]:
    """The answers so far, in their order."""
    return [line["ref"] for line in guest.peer.lines()[1:] if "ref" in line]


def test_a_session_that_leaves_during_its_search_harms_nobody(office: Office, boss: Guest) -> None:
    slow = Slow(office)
    hasty = office.guest("hasty")
    hasty.say({"cmd": "find"}, {"cmd": "find"}, {"cmd": "get", "ids": []})
    hasty.leave()
    slow.go()
    assert boss.ok("find")["jobs"] == []


def test_a_search_that_runs_out_of_time_says_how_far_it_came(office: Office, boss: Guest) -> None:
    ids = boss.submit_many([{}] * 3)
    slow = Slow(office)
    slow.answer = Found([], int(ids[1], 16), int(ids[1], 16))
    slow.going = True
    page = boss.ok("find", kind="rare")
    assert page == {
        "ok": True, "ref": boss.last_ref, "jobs": [], "next": ids[1], "looked_back_to": "2027-01-15T12:00:00.000Z",
    }  # fmt: skip
    slow.answer = None
    assert [job["id"] for job in boss.ok("find", before=page["next"])["jobs"]] == [ids[0]]


def test_searches_under_way_are_answered_when_the_hall_ends(office: Office, boss: Guest) -> None:
    slow = Slow(office)
    late = office.guest("late")
    boss.say({"cmd": "find", "ref": "a"}, {"cmd": "ping", "ref": "b"}, {"cmd": "find", "ref": "c"})
    finishing = office.loop.create_task(office.hall.finish())
    office.settle()
    late.say({"cmd": "find", "ref": "d"})
    assert not finishing.done()
    slow.go()
    assert finishing.done()
    assert (refs(boss), refs(late)) == (["a", "b", "c"], []), "what came behind the end is not begun"


def test_a_search_out_of_time_says_how_far_back_it_looked_and_goes_on_from_there(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = boss.submit(kind="rare")
    office.pass_time(1)
    boss.ok("submit", jobs=[{"kind": "saw"}] * 600)
    read = office.hall.store.read

    async def hurried(query: Query[Any]) -> Any:
        return await read(msgspec.structs.replace(query, seconds=0.0) if isinstance(query, Search) else query)

    monkeypatch.setattr(office.hall.store, "read", hurried)
    looks = [boss.ok("find", kind="rare", limit=1)]
    while not looks[-1]["jobs"]:
        looks.append(boss.ok("find", kind="rare", limit=1, before=looks[-1]["next"]))
    assert len(looks) == 3
    assert [look["looked_back_to"] for look in looks[:2]] == ["2027-01-15T12:00:01.000Z"] * 2
    assert "looked_back_to" not in looks[2]
    assert [job["id"] for job in looks[2]["jobs"]] == [rare]
