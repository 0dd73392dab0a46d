"""Tokens over the wire: roles, limits, and an end that counts at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.hall_process import Hall
from tests.system.lines import Line, Message

SECOND = 1.0


def make(hall: Hall, name: str, *roles: str, **limits: Any) -> str:
    """A new token."""
    return str(hall.session().ok("token", do="create", name=name, roles=roles, **limits)["token"])


def enter(hall: Hall, token: str, **hello: Any) -> Line:
    """A session with this token."""
    line = hall.guest()
    line.ok("hello", token=token, **hello)
    return line


def error(reply: Message) -> tuple[str, str]:
    return reply["error"]["code"], reply["error"]["message"]


@pytest.fixture
def name(queue: str) -> Iterator[str]:
    """A token name that only this test uses."""
    return queue


# Roles.


def test_a_workers_token_cannot_submit(hall: Hall, queue: str, name: str) -> None:
    worker = enter(hall, make(hall, name, "work"))
    code, message = error(worker.ask("submit", kind="saw", queue=queue))
    assert code == "forbidden"
    assert "role submit" in message
    assert worker.ok("work", kinds=["saw"], queues=[queue])


def test_a_submitters_token_cannot_take_work(hall: Hall, queue: str, name: str) -> None:
    client = enter(hall, make(hall, name, "submit"))
    for request in ({"cmd": "work", "kinds": ["saw"]}, {"cmd": "keep", "jobs": []}, {"cmd": "beat"}):
        code, message = error(client.ask(**request))
        assert code == "forbidden"
        assert "role work" in message
    assert client.ok("submit", kind="saw", queue=queue)["id"]


def test_a_submitter_sees_and_cancels_its_own_jobs_only(hall: Hall, queue: str, name: str) -> None:
    first, second = (enter(hall, make(hall, f"{name}-{n}", "submit")) for n in (1, 2))
    job = first.ok("submit", kind="saw", queue=queue)["id"]
    assert second.ok("get", ids=[job])["missing"] == [job]
    assert second.refusal("cancel", id=job) == "not_found"
    assert first.ok("get", ids=[job])["jobs"]
    assert first.ok("cancel", id=job)


def test_only_an_admin_handles_tokens(hall: Hall, name: str) -> None:
    other = enter(hall, make(hall, name, "submit", "work", "read"))
    for request in ({"do": "create", "name": "x", "roles": ["admin"]}, {"do": "list"}, {"do": "revoke", "name": name}):
        code, message = error(other.ask("token", **request))
        assert code == "forbidden"
        assert "role admin" in message


def test_an_admin_with_limits_may_not_make_tokens_without(hall: Hall, queue: str, name: str) -> None:
    for limits in ({"queues": [queue]}, {"kinds": ["saw"]}):
        token = make(hall, f"{name}-{min(limits)}", "admin", **limits)
        assert enter(hall, token).refusal("token", do="create", name="x", roles=["admin"]) == "forbidden"


# Limits.


def test_a_submit_outside_a_tokens_queues_or_kinds_is_refused_by_name(hall: Hall, queue: str, name: str) -> None:
    client = enter(hall, make(hall, name, "submit", queues=[queue], kinds=["saw", "file"]))
    assert client.ok("submit", queue=queue, kind="saw")["id"]
    code, message = error(client.ask("submit", kind="saw"))
    assert code == "forbidden"
    assert "queue 'default'" in message
    assert queue in message
    code, message = error(client.ask("submit", queue=queue, kind="drill"))
    assert code == "forbidden"
    assert "kind 'drill'" in message
    assert "file, saw" in message


def test_one_job_outside_refuses_a_whole_bulk(hall: Hall, queue: str, name: str) -> None:
    client = enter(hall, make(hall, name, "submit", "read", queues=[queue]))
    jobs = [{"kind": "saw"}, {"kind": "saw", "queue": "elsewhere"}]
    assert client.refusal("submit", queue=queue, jobs=jobs) == "forbidden"
    assert hall.session().ok("find", queue=queue)["jobs"] == []


def test_a_worker_may_serve_only_its_tokens_queues_and_kinds(hall: Hall, queue: str, name: str) -> None:
    worker = enter(hall, make(hall, name, "work", queues=[queue], kinds=["saw"]))
    assert worker.refusal("work", kinds=["saw"]) == "forbidden"
    assert worker.refusal("work", queues=[queue, "other"], kinds=["saw"]) == "forbidden"
    code, message = error(worker.ask("work", queues=[queue], kinds=["*"]))
    assert code == "forbidden"
    assert "name them" in message
    assert worker.ok("work", queues=[queue], kinds=["saw"])
    job = hall.session().ok("submit", queue=queue, kind="saw")["id"]
    assert worker.runs()[0]["id"] == job


def test_a_job_of_another_queue_is_not_there_for_a_token_with_limits(hall: Hall, queue: str, name: str) -> None:
    limited = enter(hall, make(hall, name, "read", "admin", "submit", queues=[queue]))
    boss = hall.session()
    inside, outside = (boss.ok("submit", kind="saw", queue=where)["id"] for where in (queue, f"{queue[:50]}-other"))
    found = limited.ok("get", ids=[inside, outside])
    assert [job["id"] for job in found["jobs"]] == [inside]
    assert found["missing"] == [outside]
    assert limited.refusal("wait", ids=[outside], timeout_seconds=0) == "not_found"
    assert limited.refusal("cancel", id=outside) == "not_found"
    assert limited.ok("cancel", ids=[inside, outside])["refused"] == [{"id": outside, "code": "not_found"}]
    assert limited.refusal("can", queue="other", kind="saw") == "forbidden"


# Making, listing, revoking.


def test_a_token_is_told_once_and_only_its_digest_is_kept(own_hall: Hall) -> None:
    token = make(own_hall, "ci", "submit", queues=["a"], ttl_seconds=3600)
    assert token.startswith("hall_")
    assert len(token) == len("hall_") + 43
    (listed,) = own_hall.session().ok("token", do="list")["tokens"]
    assert (listed["name"], listed["roles"], listed["queues"], listed["kinds"]) == ("ci", ["submit"], ["a"], None)
    assert token not in str(listed)
    assert own_hall.stop() == 0
    for file in own_hall.data.iterdir():
        assert token.encode() not in file.read_bytes(), file


def test_a_list_knows_what_was_asked_for_before_it(hall: Hall, name: str) -> None:
    boss = hall.session()
    asked = [boss.post("token", do="create", name=name, roles=["read"]), boss.post("token", do="list")]
    assert boss.answer(asked[0])["ok"]
    assert name in [token["name"] for token in boss.answer(asked[1])["tokens"]]


def test_tokens_and_their_ends_survive_a_killed_hall(own_hall: Hall) -> None:
    kept, ended = make(own_hall, "kept", "submit"), make(own_hall, "ended", "submit")
    own_hall.session().ok("token", do="revoke", name="ended")
    own_hall.restart()
    assert enter(own_hall, kept).ok("submit", kind="saw")["id"]
    assert own_hall.guest().refusal("hello", token=ended) == "unauthenticated"


def test_a_name_that_is_taken_is_refused_with_the_remedy(hall: Hall, name: str) -> None:
    token = make(hall, name, "work")
    code, message = error(hall.session().ask("token", do="create", name=name, roles=["admin"]))
    assert code == "wrong_state"
    assert "revoke it first" in message
    assert enter(hall, token).refusal("submit", kind="saw") == "forbidden"


def test_the_token_of_the_access_file_cannot_be_revoked(hall: Hall) -> None:
    code, message = error(hall.session().ask("token", do="revoke", name="local"))
    assert code == "wrong_state"
    assert "remove that file" in message
    assert hall.session().ok("ping")


@pytest.mark.parametrize(
    ("request_fields", "words"),
    [
        ({"do": "mint", "name": "x"}, "use one of create, list, revoke"),
        ({"do": "create", "roles": ["work"]}, "name the token"),
        ({"do": "create", "name": "x"}, "needs a role"),
        ({"do": "create", "name": "x", "roles": ["wrok"]}, "did you mean 'work'?"),
        ({"do": "create", "name": "local", "roles": ["work"]}, "cannot be called"),
        ({"do": "create", "name": "anonymous", "roles": ["work"]}, "cannot be called"),
        ({"do": "create", "name": "a/b", "roles": ["work"]}, "cannot be called"),
        ({"do": "create", "name": "~1", "roles": ["work"]}, "cannot be called"),
        ({"do": "create", "name": "x", "roles": ["work"], "queues": []}, "leave queues out"),
        ({"do": "create", "name": "x", "roles": ["work"], "queues": ["a b"]}, "queue 'a b'"),
        ({"do": "create", "name": "x", "roles": ["work"], "kinds": ["*"]}, "leave kinds out"),
        ({"do": "create", "name": "x", "roles": ["work"], "ttl_seconds": 1, "expires_at": "2090-01-01"}, "not both"),
        ({"do": "create", "name": "x", "roles": ["work"], "expires_at": "2020-01-01"}, "which is over"),
        ({"do": "create", "name": "x", "roles": ["work"], "ttl_seconds": -1}, "ttl_seconds is -1"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_the_reason(
    hall: Hall, request_fields: dict[str, Any], words: str
) -> None:
    code, message = error(hall.session().ask("token", **request_fields))
    assert code == "bad_request"
    assert words in message
    assert "x" not in [token["name"] for token in hall.session().ok("token", do="list")["tokens"]]


def test_revoking_what_is_not_there_says_so(hall: Hall) -> None:
    assert hall.session().refusal("token", do="revoke", name="nobody") == "not_found"


def test_a_revoked_token_loses_its_connections_within_a_second(hall: Hall, queue: str, name: str) -> None:
    token = make(hall, name, "submit", "work")
    sessions = [enter(hall, token) for _ in range(3)]
    other = enter(hall, make(hall, f"{name}-other", "submit"))
    started = time.monotonic()
    hall.session().ok("token", do="revoke", name=name)
    for line in sessions:
        code, message = error(line.read(within=SECOND))
        assert code == "unauthenticated"
        assert "is revoked" in message
        assert line.closed(within=SECOND)
    assert time.monotonic() - started < SECOND
    assert hall.guest().refusal("hello", token=token) == "unauthenticated"
    assert other.ok("submit", kind="saw", queue=queue)


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("worker", ["named", ""])
def test_what_a_revoked_worker_had_in_hand_is_anothers_at_once(
    hall: Hall, queue: str, name: str, connected: bool, worker: str
) -> None:
    gone = enter(hall, make(hall, name, "work"), worker=worker)
    gone.ok("work", kinds=["saw"], queues=[queue], lease_seconds=600)
    job = hall.session().ok("submit", kind="saw", queue=queue)["id"]
    assert gone.runs()[0]["attempt"] == 1
    if not connected:
        gone.close()
    heir = hall.session(worker="heir")
    heir.ok("work", kinds=["saw"], queues=[queue])
    hall.session().ok("token", do="revoke", name=name)
    (run,) = heir.runs(within=SECOND)
    assert (run["id"], run["attempt"]) == (job, 2)


def test_an_admin_that_revokes_itself_hears_it_first(hall: Hall, name: str) -> None:
    boss = enter(hall, make(hall, name, "admin"))
    boss.ok("token", do="revoke", name=name)
    assert error(boss.read(within=SECOND))[0] == "unauthenticated"
    assert boss.closed(within=SECOND)


def test_a_token_that_expires_loses_its_connections_within_a_second(hall: Hall, name: str) -> None:
    started = time.monotonic()
    token = make(hall, name, "work", ttl_seconds=0.5)
    line = enter(hall, token)
    code, message = error(line.read(within=0.5 + SECOND))
    assert time.monotonic() - started > 0.49
    assert code == "unauthenticated"
    assert "has expired" in message
    assert line.closed(within=SECOND)
    code, message = error(hall.guest().ask("hello", token=token))
    assert code == "unauthenticated"
    assert "has expired" in message
    assert name in [listed["name"] for listed in hall.session().ok("token", do="list")["tokens"]]
