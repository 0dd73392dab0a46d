"""Whatever a command's fields hold, it is answered exactly once, and the hall works on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hirehall.core.operations import Batch
from hirehall.wire import requests
from tests.service.odd_values import Odd, line
from tests.service.office import Guest, Office

ALL = [
    requests.Submit, requests.Get, requests.Cancel, requests.Retry, requests.Remove, requests.Change, requests.Task,
    requests.Find, requests.Watch, requests.Counts, requests.Queues, requests.Workers, requests.Explain, requests.LogOf,
    requests.Queue, requests.Pause, requests.Resume, requests.Drain, requests.WorkerOrder, requests.Token, requests.Can,
    requests.Kinds, requests.Metrics, requests.Work, requests.Credit, requests.Progress, requests.Log, requests.Done,
    requests.Fail, requests.Release, requests.Beat, requests.Keep, requests.Shutdown,
]  # fmt: skip
EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)


class Scene:
    """A hall with something of everything, and who talks to it."""

    def __init__(self) -> None:
        self.office = Office()
        boss = self.office.guest("boss")
        ann = self.office.worker("ann", credit=3, queues=["default", "limited"])
        boss.ok("queue", queue="limited", max_running=1, max_waiting=9, lock_limit=2)
        boss.ok("queue", queue="paused", state="paused")
        running = boss.submit_many([{"tags": ["tag"], "key": "db"}, {"timeout_seconds": 5}, {}], follow=True)
        ann.ok("fail", id=running[0], attempt=1, retry=False)
        waiting = [boss.submit(queue="limited", lock="db") for _ in range(3)]
        child, later = boss.submit(after=[running[1]]), boss.submit(delay_seconds=3, ttl_seconds=9)
        boss.ok("watch")
        boss.ok("log_of", id=running[1], follow=True)
        self.guests = [boss, ann, self.office.token("eve", ["submit", "admin", "read"], queues=["limited"])]
        self.ids = [*running, *waiting, child, later]

    def play(self, lines: list[tuple[int, dict[str, Any]]]) -> None:
        """Everybody says all that is theirs in one packet; then time passes."""
        packets = [b"", b"", b""]
        for ref, (who, request) in enumerate(lines):
            packets[who] += line(request, f"r{ref}")
        for guest, packet in zip(self.guests, packets, strict=True):
            guest.peer.send(packet)
        self.office.settle()
        self.office.pass_time(1.2)
        for _ in range(50):
            self.office.turn(2)

    def check(self, lines: list[tuple[int, dict[str, Any]]]) -> None:
        for ref, (who, request) in enumerate(lines):
            said = [one for one in self.guests[who].peer.lines() if one.get("ref") == f"r{ref}"]
            assert len(said) == 1, f"{len(said)} answers to {request}: {said}"
            assert said[0].get("ok") is True or set(said[0]["error"]) == {"code", "message"}, said
            assert "internal" not in str(said[0]), said
        late = Guest(self.office, self.office.peer("late"))
        assert late.ok("hello", token="a-token-for-everything")
        assert late.ok("ping")
        for job in late.ok("find", limit=1000)["jobs"]:
            assert late.why(job["id"]), "every job can be explained"
        late.ok("queues")
        self.office.pass_time(20)
        late.ok("ping")
        self.office.check_alive()
        assert self.office.problems == []


FIRST = Scene()  # ids are the same in every scene
FIRST.office.close()
ODD = Odd(FIRST.ids)
ANYTHING = st.one_of(*(ODD.request(struct) for struct in ALL))


def run(lines: list[tuple[int, dict[str, Any]]]) -> None:
    scene = Scene()
    try:
        assert scene.ids == FIRST.ids
        scene.play(lines)
        scene.check(lines)
    finally:
        scene.office.problems.append("closed")  # without a word to those who wait
        scene.office.close()


@pytest.mark.parametrize("struct", ALL, ids=lambda struct: struct.__struct_config__.tag)
def test_a_command_with_odd_values_is_answered_once(struct: type) -> None:
    @EXAMPLES
    @given(st.sampled_from([0, 1, 2]), ODD.request(struct))
    def play(who: int, request: dict[str, Any]) -> None:
        run([(who, request)])

    play()


@settings(EXAMPLES, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([0, 0, 1, 2]), ANYTHING), min_size=2, max_size=12))
def test_many_commands_with_odd_values_in_one_breath_are_each_answered_once(
    lines: list[tuple[int, dict[str, Any]]],
) -> None:
    run(lines)


def test_commits_for_which_nobody_waits_leave_others_their_turn(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, apply, job = list[str](), office.store.apply, boss.submit()

    async def at_once() -> None:
        """A disk that is so quick that the loop itself has synced."""

    async def noted(batch: Batch) -> None:
        seen.append("commit")
        asyncio.get_running_loop().call_soon(seen.append, "others")
        await apply(batch)

    monkeypatch.setattr(office.store, "_sync", at_once)
    monkeypatch.setattr(office.store, "apply", noted)
    boss.say(*[{"cmd": "cancel", "ids": [job]}] * 4)  # each needs a batch of its own
    assert seen == ["commit", "others"] * 4
