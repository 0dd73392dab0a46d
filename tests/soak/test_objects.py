"""Leaks of single objects: the same work three times leaves a hall with the same objects and the same memory.

Exact where the ratchet with processes cannot be: it sees one session, lease, lane or waiter that stays.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

import hirehall
from hirehall.service import events, tasks
from tests.service.office import Guest, Office

PACKAGE = str(Path(hirehall.__file__).parent)
SLACK_BYTES = 2_000  # a dict or two that has grown once more


def test_the_same_work_again_leaves_the_same_objects_and_the_same_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT_EVENTS", 50)  # else the ring grows for a hundred thousand events
    monkeypatch.setattr(events, "SLACK_EVENTS", 50)
    monkeypatch.setattr(tasks, "KEPT_TASKS", 2)
    office = Office()
    try:
        for _ in range(2):  # caches and containers find their sizes
            everything(office)
        tracemalloc.start()
        everything(office)
        before = objects(), memory()
        everything(office)
        grown = objects() - before[0]
        assert grown == Counter(), "objects that stay"
        left = {str(line.traceback): line.size_diff for line in memory().compare_to(before[1], "lineno")[:5]}
        total = sum(line.size for line in memory().statistics("lineno")) - sum(
            line.size for line in before[1].statistics("lineno")
        )
        assert total <= SLACK_BYTES, left
    finally:
        tracemalloc.stop()
        office.close()


def objects() -> Counter[str]:
    """How many of our own objects live, by type."""
    gc.collect()
    return Counter(
        f"{type(it).__module__}.{type(it).__qualname__}"
        for it in gc.get_objects()
        if str(type(it).__module__).startswith("hirehall.")
    )


def memory() -> tracemalloc.Snapshot:
    """What our own lines have allocated and is not freed. Structs that gc does not know are in it."""
    gc.collect()
    return tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, f"{PACKAGE}/*")])


def everything(office: Office) -> None:
    """A day in the hall, after which nobody is there and nothing is kept."""
    boss, watcher, clerk = office.guest("boss"), office.guest("watcher"), office.token("clerk", ["submit", "read"])
    boss.ok("queue", queue="q", keep_seconds=1, max_running=50, lock_limit=2)
    watcher.ok("watch")
    hand_in(boss, clerk)
    work(office, boss)
    look(boss, watcher)
    people_change_things(office, boss)
    for guest in (watcher, clerk):
        guest.peer.leave()
    boss.ok("token", do="revoke", name="clerk")
    boss.peer.leave()
    office.pass_time(12)
    assert office.guest("last").ok("find")["jobs"] == []
    for peer in office.peers.values():
        peer.leave()
    office.peers.clear()
    office.pass_time(5)


def hand_in(boss: Guest, clerk: Guest) -> None:
    for number in range(2):  # the second time as duplicates
        boss.ok("submit", kind="saw", queue="q", key="k", follow=number == 0)
    parent = boss.submit("saw", queue="q")
    for number in range(10):
        boss.submit("saw", queue="q", lock="l", after=[parent], priority=number % 3, requires={"gpu": 1})
        clerk.ok("submit", kind="plane", queue="q", share=f"s{number}", run_at=None, delay_seconds=0.1, meta={"a": "b"})
    boss.ok("submit", kind="saw", queue="q", jobs=[{"payload": number} for number in range(50)], ttl_seconds=5)
    boss.refused("submit", kind="saw", queue="q", max_attempts=0)


def work(office: Office, boss: Guest) -> None:
    ann, bob = office.worker("ann", queues=["q"], credit=9, offers={"gpu": 1}), office.worker("bob", queues=["q"])
    for _ in range(9):
        for job in ann.runs():
            hers = {"id": job["id"], "attempt": job["attempt"]}
            boss.ok("log_of", id=job["id"], follow=True)
            ann.ok("progress", **hers, percent=5, text="begun")
            ann.ok("log", **hers, stream="stdout", text="a line")
            ann.ok("done", **hers, result=[1])
    for job in bob.runs():
        bob.ok("fail", id=job["id"], attempt=job["attempt"], error={"message": "no"}, delay_seconds=0)
    for job in bob.runs():
        bob.ok("release", id=job["id"], attempt=job["attempt"], delay_seconds=1)
    ann.ok("beat")
    ann.ok("bye")
    bob.peer.leave()  # without a word: his lease runs out
    office.pass_time(5)


def look(boss: Guest, watcher: Guest) -> None:
    boss.ok("find", queue="q", limit=5)
    for job in boss.ok("find", queue="q", state="ready")["jobs"][:3]:
        boss.ok("explain", id=job["id"])
        boss.say({"cmd": "wait", "ids": [job["id"]], "ref": "never answered"})
    for command in ("counts", "queues", "workers", "kinds", "metrics", "ping"):
        boss.ok(command)
    watcher.events()


def people_change_things(office: Office, boss: Guest) -> None:
    ready = [job["id"] for job in boss.ok("find", queue="q", state="ready")["jobs"]]
    boss.ok("change", ids=ready[:5], set={"priority": 7})
    boss.ok("cancel", ids=ready[:5])
    boss.ok("retry", ids=ready[:2])
    boss.ok("pause", queue="q")
    boss.ok("resume", queue="q")
    for state in ("ready", "scheduled", "blocked"):
        boss.ok("cancel", where={"queue": "q", "state": state})
        office.settle()
    boss.pushes("task")
