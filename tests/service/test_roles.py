"""Which role opens which command, in which order many commands are answered, and what a limited token may name."""

from __future__ import annotations

from typing import Any

import pytest

from hirehall.service.commands import COMMANDS
from hirehall.wire import requests
from tests.service.office import Guest, Office
from tests.wire.stage import TOKEN

JOB = "0000000000000001"
EVERYBODY = {"submit", "work", "read", "admin"}

# As PROTOCOL.md says: the roles of which one suffices, and a request that says as little as it may.
TABLE: list[tuple[set[str], dict[str, Any]]] = [
    (EVERYBODY, {"cmd": "ping"}),
    (EVERYBODY, {"cmd": "can", "kind": "saw"}),
    (EVERYBODY, {"cmd": "link"}),
    (EVERYBODY, {"cmd": "kinds"}),
    (EVERYBODY, {"cmd": "metrics"}),
    ({"submit"}, {"cmd": "submit", "kind": "saw"}),
    ({"submit"}, {"cmd": "commit", "id": JOB}),
    ({"submit"}, {"cmd": "discard", "id": JOB}),
    ({"read", "submit"}, {"cmd": "get", "ids": [JOB]}),
    ({"read", "submit"}, {"cmd": "wait", "ids": [], "timeout_seconds": 0}),
    ({"read", "submit"}, {"cmd": "watch", "ids": [JOB]}),
    ({"read", "submit"}, {"cmd": "explain", "id": JOB}),
    ({"read", "submit"}, {"cmd": "log_of", "id": JOB}),
    ({"admin", "submit"}, {"cmd": "cancel", "id": JOB}),
    ({"read"}, {"cmd": "find"}),
    ({"read"}, {"cmd": "counts"}),
    ({"read"}, {"cmd": "queues"}),
    ({"read"}, {"cmd": "overview"}),
    ({"read"}, {"cmd": "workers"}),
    ({"admin"}, {"cmd": "retry", "id": JOB}),
    ({"admin"}, {"cmd": "remove", "id": JOB}),
    ({"admin"}, {"cmd": "change", "id": JOB, "set": {"priority": 1}}),
    ({"admin"}, {"cmd": "task", "id": "1"}),
    ({"admin"}, {"cmd": "queue", "queue": "q"}),
    ({"admin"}, {"cmd": "pause", "queue": "q"}),
    ({"admin"}, {"cmd": "resume", "queue": "q"}),
    ({"admin"}, {"cmd": "drain", "queue": "q"}),
    ({"admin"}, {"cmd": "worker", "worker": "nobody", "do": "pause"}),
    ({"admin"}, {"cmd": "token", "do": "list"}),
    ({"admin"}, {"cmd": "shutdown"}),
    ({"work"}, {"cmd": "work", "kinds": ["none"], "credit": 0}),
    ({"work"}, {"cmd": "credit", "credit": 0}),
    ({"work"}, {"cmd": "progress", "id": JOB, "attempt": 1}),
    ({"work"}, {"cmd": "log", "id": JOB, "attempt": 1, "text": "x"}),
    ({"work"}, {"cmd": "done", "id": JOB, "attempt": 1}),
    ({"work"}, {"cmd": "fail", "id": JOB, "attempt": 1}),
    ({"work"}, {"cmd": "release", "id": JOB, "attempt": 1}),
    ({"work"}, {"cmd": "beat"}),
    ({"work"}, {"cmd": "keep", "jobs": []}),
]


def name_of(row: object) -> str:
    return str(row["cmd"]) if isinstance(row, dict) else "or".join(sorted(row))  # type: ignore[call-overload]


def test_every_command_stands_in_the_table() -> None:
    untold = {"hello", "bye", "can_do", "do", "did"}
    tags = {str(struct.__struct_config__.tag) for struct in COMMANDS}
    assert tags - untold == {request["cmd"] for _, request in TABLE}
    assert set(COMMANDS) == set(requests.AnyRequest.__args__)


@pytest.mark.parametrize(("roles", "request_"), TABLE, ids=name_of)
def test_a_command_is_open_to_its_roles_and_to_no_others(
    office: Office, roles: set[str], request_: dict[str, Any]
) -> None:
    for role in sorted(EVERYBODY):
        guest = office.token(f"{role}-only", [role])
        answer = guest.ask(**request_)
        code = answer.get("error", {}).get("code")
        assert (code == "forbidden") is (role not in roles), f"{role}: {answer}"


@pytest.mark.parametrize(("roles", "request_"), TABLE, ids=name_of)
def test_who_has_not_said_hello_and_has_no_role_gets_nothing(roles: set[str], request_: dict[str, Any]) -> None:
    office = Office(frozenset())
    stranger = Guest(office, office.peer("stranger"))
    answer = stranger.ask(**request_)
    office.close()
    if request_["cmd"] == "ping":
        assert answer["ok"] is True
    else:
        assert answer["error"]["code"] == "unauthenticated"
        assert answer["error"]["message"] == (
            "say hello with a token first: the hall wrote one to access.json in its data directory"
        )


def test_commands_of_every_sort_in_one_packet_are_answered_in_their_order(office: Office) -> None:
    guest = office.guest("guest", worker="w-guest")
    office.guest("other").submit()
    wanted = [request for _, request in TABLE if request["cmd"] not in ("shutdown", "wait")]
    guest.say(*({**request, "ref": place} for place, request in enumerate(wanted)))
    refs = [line["ref"] for line in guest.peer.lines()[1:] if "ref" in line]
    assert refs == list(range(len(wanted)))


LIMITED: list[dict[str, Any]] = [
    {"cmd": "submit", "kind": "saw", "queue": "theirs"},
    {"cmd": "submit", "kind": "saw", "queue": "mine", "jobs": [{}, {"queue": "theirs"}]},
    {"cmd": "submit", "kind": "plane", "queue": "mine"},
    {"cmd": "can", "kind": "saw", "queue": "theirs"},
    {"cmd": "work", "kinds": ["saw"], "queues": ["mine", "theirs"]},
    {"cmd": "work", "kinds": ["*"], "queues": ["mine"]},
    {"cmd": "queue", "queue": "theirs"},
    {"cmd": "pause", "queue": "theirs"},
    {"cmd": "change", "id": JOB, "set": {"queue": "theirs"}},
    {"cmd": "token", "do": "list"},
    {"cmd": "shutdown"},
]


@pytest.mark.parametrize("request_", LIMITED, ids=name_of)
def test_what_a_limited_token_may_not_name(office: Office, request_: dict[str, Any]) -> None:
    eve = office.token("eve", sorted(EVERYBODY), queues=["mine"], kinds=["saw"])
    assert eve.refused(**request_).startswith("forbidden: ")


SILENT: list[dict[str, Any]] = [
    {"cmd": "explain"}, {"cmd": "log_of"}, {"cmd": "cancel"}, {"cmd": "retry"}, {"cmd": "remove"},
    {"cmd": "change", "set": {"tags": ["x"]}}, {"cmd": "watch"},
]  # fmt: skip


@pytest.mark.parametrize("request_", SILENT, ids=name_of)
def test_a_job_of_another_queue_is_not_there_for_a_limited_token(office: Office, request_: dict[str, Any]) -> None:
    job = office.guest("boss").submit(queue="theirs")
    eve = office.token("eve", sorted(EVERYBODY), queues=["mine"], kinds=["saw"])
    named = {"ids": [job]} if request_["cmd"] == "watch" else {"id": job}
    answer = eve.ask(**request_, **named)
    if request_["cmd"] == "watch":
        assert answer["ok"] is True, "who may read everything may name anything, and hears only of its queues"
        office.guest("boss").ok("cancel", id=job)
        assert eve.events() == []
    else:
        assert answer["error"]["code"] == "not_found"


def test_hello_says_nothing_about_other_tokens(office: Office) -> None:
    stranger = Guest(office, office.peer("stranger"))
    said = stranger.refused("hello", token=TOKEN[:-1])
    assert said.startswith("unauthenticated: this token is not known here")
