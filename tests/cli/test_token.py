"""`hirehall token`: made, listed, used and revoked as a person does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.system.hall_process import Hall


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "hall", anonymous="")
    try:
        yield hall.start()
    finally:
        hall.close()


@pytest.fixture
def boss(cli: Cli, hall: Hall, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Commands of the hall's own user."""
    monkeypatch.setenv("HIREHALL_DATA", str(hall.data))
    return cli


def test_a_made_token_is_the_only_thing_on_stdout_and_works(boss: Cli) -> None:
    made = boss("token", "create", "ci", "--role", "submit", "--queue", "images", "--ttl", "30d")
    assert (made.status, made.out.count("\n")) == (0, 1)
    assert "it is not told again" in made.err
    token = made.out.strip()
    assert boss("submit", "resize", "1", "--queue", "images", "--token", token).status == 0
    refused = boss("submit", "resize", "1", "--token", token)
    assert refused.status == 3
    assert "queue 'default' is not for token 'ci'" in refused.err


def test_tokens_are_listed_with_what_they_may_do_and_without_what_they_are(boss: Cli) -> None:
    assert boss("token", "list").out == "no tokens but the one in access.json\n"
    token = boss(
        "token", "create", "ci", "--role", "submit", "--role", "read", "--kind", "saw", "--ttl", "2h"
    ).out.strip()
    boss("token", "create", "all", "--role", "work")
    listed = boss("token", "list").out
    head, everywhere, limited = listed.splitlines()
    assert head.split() == ["name", "roles", "queues", "kinds", "made", "expires"]
    assert everywhere.split()[:4] == ["all", "work", "all", "all"]
    assert everywhere.split()[-1] == "never"
    assert limited.startswith("ci    read, submit  all     saw")
    assert "in 1 h 59 min" in limited
    assert token not in listed


def test_a_script_reads_all_of_it_as_json(boss: Cli) -> None:
    made = boss("token", "create", "ci", "--role", "work", "--expires", "2090-01-31T12:00:00Z", "--json").json
    assert sorted(made) == ["name", "token"]
    (listed,) = boss("token", "list", "--json").json["tokens"]
    assert (listed["name"], listed["expires_at"]) == ("ci", "2090-01-31T12:00:00.000Z")
    assert boss("token", "revoke", "ci", "--json").json == {"revoked": "ci"}
    assert boss("token", "list", "--json").json == {"tokens": []}


def test_a_revoked_token_opens_nothing(boss: Cli, hall: Hall) -> None:
    token = json.loads(boss("token", "create", "ci", "--role", "submit", "--json").out)["token"]
    assert boss("token", "revoke", "ci").status == 0
    refused = boss("submit", "saw", "--token", token)
    assert refused.status == 3
    assert "it was revoked or never made; `hirehall token create` makes another" in refused.err
    again = boss("token", "revoke", "ci")
    assert again.status == 3
    assert "there is no token 'ci'" in again.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("create", "x"), "--role"),
        (("create", "x", "--role", "wrok"), "'wrok' is not one of"),
        (("create", "x", "--role", "work", "--ttl", "soon"), "'soon' is no duration"),
        (("create", "x", "--role", "work", "--expires", "soon"), "'soon' is no time"),
        (("create", "local", "--role", "work"), "cannot be called 'local'"),
        (("creat", "x"), "creat"),
    ],
)
def test_a_slip_is_a_usage_error_that_says_what_is_wrong(boss: Cli, words: tuple[str, ...], reason: str) -> None:
    said = boss("token", *words)
    assert said.status == 2
    assert reason in said.err


def test_the_own_token_of_the_hall_stays(boss: Cli) -> None:
    said = boss("token", "revoke", "local")
    assert said.status == 3
    assert "remove that file" in said.err
