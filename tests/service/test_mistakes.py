"""A mistake of ours in one command costs that command, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from hirehall.service import client_commands
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


@pytest.mark.parametrize("where", ["alike", "_submitted_row"])  # while they run; while their answers are made
def test_commands_in_a_row_that_fail_unexpectedly_are_all_answered_and_the_hall_works_on(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(client_commands, where, broken)
    boss.say(*({"cmd": "submit", "kind": "k", "ref": ref} for ref in ("a", "b")))
    assert [boss.answer(ref)["error"]["code"] for ref in ("a", "b")] == ["unknown", "unknown"]
    assert boss.ok("ping")
    office.problems.clear()
