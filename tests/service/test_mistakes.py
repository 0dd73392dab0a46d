"""A mistake of ours in one command costs that command, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pytest
from msgspec import Raw

from hirehall.core.leases import Leases
from hirehall.model import id_number
from hirehall.service import client_commands, worker_commands
from hirehall.service.commands import COMMANDS, Command
from hirehall.wire import requests
from tests.service.office import Guest, Office


def test_a_command_that_fails_unexpectedly_is_answered_and_the_hall_works_on(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setitem(COMMANDS, requests.Counts, Command(broken))
    assert boss.refused("counts").startswith("unknown: the hall failed at this")
    assert boss.ok("ping")
    office.problems.clear()  # it was one, and wanted


def test_commands_in_a_row_whose_answers_cannot_be_made_are_all_in_doubt_and_the_hall_works_on(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(client_commands, "_submitted_row", broken)
    boss.say(*({"cmd": "submit", "kind": "k", "ref": ref} for ref in ("a", "b")))
    assert [boss.answer(ref)["error"]["code"] for ref in ("a", "b")] == ["unknown", "unknown"]
    assert boss.ok("ping")
    assert boss.ok("counts")["counts"][0]["jobs"] == 2  # they are there, and nobody knows
    office.problems.clear()


def test_of_submits_in_a_row_only_the_one_at_which_the_hall_fails_is_in_doubt(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_commands, "check_bodies", fails_at(client_commands.check_bodies, b"13"))
    boss.say(*({"cmd": "submit", "kind": "k", "payload": ref, "ref": ref} for ref in (12, 13, 14)))
    assert boss.answer(13)["error"]["code"] == "unknown"
    stored = [boss.answer(ref)["id"] for ref in (12, 14)]
    found = boss.ok("find")["jobs"]
    assert {job["id"] for job in found} == set(stored)
    assert len(found) == 2
    assert sorted(job["payload"] for job in boss.ok("get", ids=stored)["jobs"]) == [12, 14]
    office.problems.clear()


@pytest.mark.parametrize("half_way", [False, True])  # while they are looked at; while leases are taken out of the hand
def test_of_results_in_a_row_only_the_one_at_which_the_hall_fails_is_in_doubt(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch, half_way: bool
) -> None:
    worker = office.worker("w", credit=3)
    ids = [boss.ok("submit", kind="k", payload=number)["id"] for number in (12, 13, 14)]
    if half_way:
        monkeypatch.setattr(Leases, "answered", fails_at(Leases.answered, (id_number(ids[1]), 1)))
    else:
        monkeypatch.setattr(worker_commands, "check_bodies", fails_at(worker_commands.check_bodies, b"13"))
    results = [{"id": job, "attempt": 1, "result": ref, "ref": ref} for job, ref in zip(ids, (12, 13, 14), strict=True)]
    worker.say(*({"cmd": "done", **result} for result in results))
    assert worker.answer(13)["error"]["code"] == "unknown"
    assert all(worker.answer(ref)["ok"] for ref in (12, 14))
    monkeypatch.undo()
    assert [job["state"] for job in boss.ok("get", ids=ids)["jobs"]] == ["succeeded", "running", "succeeded"]
    assert worker.ok("done", id=ids[1], attempt=1, result=13) == {
        "ok": True,
        "ref": ANY,
    }  # no duplicate: it is stored now
    assert [job["result"] for job in boss.ok("get", ids=ids)["jobs"]] == [12, 13, 14]
    office.problems.clear()


def fails_at(honest: Callable[..., Any], culprit: object) -> Callable[..., Any]:
    """`honest`, but where `culprit` is among what it is given."""

    def mistaken(*given: Any) -> Any:
        several = [part for one in given if isinstance(one, list) for part in one]
        if culprit in [bytes(part) if isinstance(part, Raw) else part for part in (*given, *several)]:
            raise ZeroDivisionError("a mistake")
        return honest(*given)

    return mistaken
