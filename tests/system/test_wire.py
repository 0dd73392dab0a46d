"""The protocol: hello, keys, bulk, follow and wait, order of replies, errors that name things."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.system.audit import find_jobs
from tests.system.hall_process import Hall
from tests.system.jobs import at_work, submit, submit_many, view

# Hello


def test_hello_says_what_the_hall_is(hall: Hall) -> None:
    line = hall.guest()
    reply = line.ok("hello", token=hall.access["token"], protocol=1, name="n", worker="w")
    assert reply["protocol"] == 1
    assert reply["server"].startswith("hirehall/")
    assert reply["durability"] == "fsync"
    assert reply["http"] == hall.access["http"]
    assert reply["hall"]
    assert (reply["lease_seconds"], reply["beat_seconds"]) == (30, 10)


def test_a_wrong_token_is_unauthenticated(hall: Hall) -> None:
    assert hall.guest().refusal("hello", token="wrong", protocol=1) == "unauthenticated"


def test_a_guest_may_submit_and_work_but_not_read(hall: Hall, queue: str) -> None:
    guest, other = hall.guest(), hall.guest()
    job = submit(guest, queue)
    assert view(guest, job)["state"] == "ready"
    assert other.refusal("find") in {"forbidden", "unauthenticated"}
    stranger = other.ask("get", ids=[job])
    assert "error" in stranger or stranger["missing"] == [job], "another session's job is not shown"


def test_the_access_file_is_private(hall: Hall) -> None:
    assert (hall.data / "access.json").stat().st_mode & 0o777 == 0o600


# Keys


def test_the_same_key_and_content_give_the_same_job(hall: Hall, queue: str) -> None:
    client = hall.session()
    first = client.ok("submit", queue=queue, kind="k", payload={"n": 1}, key="a")
    again = client.ok("submit", queue=queue, kind="k", payload={"n": 1}, key="a")
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert not first.get("duplicate")
    assert len(find_jobs(client, queue=queue)) == 1


def test_a_key_stays_taken_when_its_job_has_ended(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, key="a")
    worker.runs(1)
    worker.ok("done", id=job, attempt=1)
    assert client.ok("submit", queue=queue, kind="k", key="a")["duplicate"] is True
    assert worker.delivered() == []


@pytest.mark.parametrize("other", [{"payload": {"n": 2}}, {"kind": "j"}], ids=str)
def test_the_same_key_with_other_content_is_a_conflict(hall: Hall, queue: str, other: dict[str, Any]) -> None:
    client = hall.session()
    fields = {"queue": queue, "kind": "k", "payload": {"n": 1}, "key": "a"}
    job = client.ok("submit", **fields)["id"]
    assert client.refusal("submit", **{**fields, **other}) == "key_conflict"
    assert list(find_jobs(client, queue=queue)) == [job]


def test_a_key_counts_in_its_queue_only(hall: Hall, queue: str) -> None:
    client = hall.session()
    assert submit(client, queue, key="a") != submit(client, f"{queue[:50]}-2", key="a")


def test_a_duplicate_gives_back_the_place_that_it_was_given(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue, key="a")
    worker.runs(1)
    worker.ok("done", id=job, attempt=1)
    refs = [client.post("submit", queue=queue, kind="k", key="a") for _ in range(5)]
    assert {client.answer(ref)["id"] for ref in refs} == {job}
    following = submit(client, queue)
    assert worker.runs(1)[0]["id"] == following


# Bulk


def test_bulk_fields_beside_jobs_are_defaults(hall: Hall, queue: str) -> None:
    client = hall.session()
    ids = submit_many(client, queue, [{"payload": 1}, {"kind": "j", "priority": 2}], kind="k", priority=1)
    shown = [view(client, job) for job in ids]
    assert [(job["kind"], job["priority"], job["payload"]) for job in shown] == [("k", 1, 1), ("j", 2, None)]


@pytest.mark.parametrize("bad", [{"kind": ""}, {"priority": "high"}, {"key": "taken"}, {"colour": "red"}], ids=str)
def test_a_bulk_with_one_bad_job_submits_none(hall: Hall, queue: str, bad: dict[str, Any]) -> None:
    client = hall.session()
    job = submit(client, queue, key="taken", payload="other")
    code = client.refusal("submit", queue=queue, kind="k", jobs=[{"payload": 1}, bad, {"payload": 2}])
    assert code == ("key_conflict" if "key" in bad else "bad_request")
    assert list(find_jobs(client, queue=queue)) == [job]


def test_a_bulk_says_which_of_its_jobs_were_there_before(hall: Hall, queue: str) -> None:
    client = hall.session()
    job = submit(client, queue, key="b")
    reply = client.ok("submit", queue=queue, kind="k", jobs=[{"key": "a"}, {"key": "b"}, {"key": "c"}])
    assert reply["ids"][1] == job
    assert len(set(reply["ids"])) == 3
    assert reply["duplicates"] == [job]


def test_a_bulk_of_a_thousand_is_delivered_in_order(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=1000)
    ids = submit_many(client, queue, [{"payload": n} for n in range(1000)])
    assert [job["id"] for job in worker.runs(1000)] == ids


# Follow and wait


def test_follow_tells_the_submitter_every_kind_of_end(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=3)
    jobs = [submit(client, queue, follow=True, payload=n) for n in range(3)]
    worker.runs(3)
    worker.ok("done", id=jobs[0], attempt=1, result={"n": 1})
    worker.ok("fail", id=jobs[1], attempt=1, retry=False, error={"type": "T", "message": "m"})
    client.ok("cancel", id=jobs[2])
    ends: dict[str, Any] = {}
    while len(ends) < 3:
        ends |= {end["id"]: end for end in client.push("end")}
    assert [ends[job]["state"] for job in jobs] == ["succeeded", "failed", "cancelled"]
    assert ends[jobs[0]]["result"] == {"n": 1}
    assert ends[jobs[1]]["error"]["message"] == "m"


def test_without_follow_nothing_is_pushed(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.ok("done", id=job, attempt=1)
    assert view(client, job)["state"] == "succeeded"
    assert not client.inbox


def test_wait_is_answered_out_of_order_when_all_have_ended(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=2)
    jobs = [submit(client, queue) for _ in range(2)]
    waiting = client.post("wait", ids=jobs, timeout_seconds=5)
    client.ok("ping")
    worker.runs(2)
    worker.ok("done", id=jobs[0], attempt=1, result="a")
    client.ok("ping")
    assert not client.inbox, "one of them still runs"
    worker.ok("done", id=jobs[1], attempt=1, result="b")
    reply = client.answer(waiting)
    assert ({job["result"] for job in reply["jobs"]}, reply["pending"]) == ({"a", "b"}, [])


def test_wait_ends_at_its_timeout_and_says_what_is_pending(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    done, pending = submit(client, queue), submit(client, queue)
    worker.runs(1)
    worker.ok("credit", credit=0)
    worker.ok("done", id=done, attempt=1)
    reply = client.ok("wait", ids=[done, pending], timeout_seconds=0.2)
    assert ([job["id"] for job in reply["jobs"] if job["state"] == "succeeded"], reply["pending"]) == (
        [done],
        [pending],
    )


def test_the_time_of_a_wait_is_kept_to_a_fifth_of_a_second(hall: Hall, queue: str) -> None:
    line = hall.session()
    job = submit(line, queue)
    begun = time.monotonic()
    assert line.ok("wait", ids=[job], timeout_seconds=0.3)["pending"] == [job]
    assert 0.3 <= time.monotonic() - begun < 0.5


def test_wait_for_what_has_already_ended_answers_at_once(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.ok("done", id=job, attempt=1)
    assert client.ok("wait", ids=[job])["jobs"][0]["state"] == "succeeded"


# Order of replies


def test_replies_come_in_the_order_of_the_requests(hall: Hall, queue: str) -> None:
    client = hall.session()
    job = submit(client, queue)
    requests: list[dict[str, Any]] = [
        {"cmd": "submit", "queue": queue, "kind": "k"},
        {"cmd": "ping"},
        {"cmd": "get", "ids": [job]},
        {"cmd": "cancel", "id": job},
        {"cmd": "submit", "queue": queue, "kind": ""},
        {"cmd": "get", "ids": [job]},
    ]
    client.send(*({**request, "ref": n} for n, request in enumerate(requests * 5)))
    assert [client.read()["ref"] for _ in requests * 5] == list(range(30))


def test_get_sees_every_command_of_its_session_before_it(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=50)
    jobs = submit_many(client, queue, [{}] * 50)
    worker.runs(50)
    for job in jobs[:25]:
        worker.post("done", id=job, attempt=1, result=job)
        shown = worker.ok("get", ids=[job])["jobs"][0]
        assert (shown["state"], shown["result"]) == ("succeeded", job)
    for job in jobs[25:]:
        client.post("cancel", id=job)
        assert view(client, job)["state"] == "cancelled"


def test_get_names_what_is_missing(hall: Hall, queue: str) -> None:
    client = hall.session()
    job = submit(client, queue)
    reply = client.ok("get", ids=["0000000000000001", job, "nonsense"])
    assert [shown["id"] for shown in reply["jobs"]] == [job]
    assert reply["missing"] == ["0000000000000001", "nonsense"]


def test_commands_about_one_job_in_one_packet_happen_in_their_order(hall: Hall, queue: str) -> None:
    worker = at_work(hall, queue)
    job = submit(worker, queue)
    worker.runs(1)
    worker.send(
        {"cmd": "done", "ref": "a", "id": job, "attempt": 1, "result": "first"},
        {"cmd": "cancel", "ref": "b", "id": job},
        {"cmd": "done", "ref": "c", "id": job, "attempt": 1, "result": "second"},
        {"cmd": "get", "ref": "d", "ids": [job]},
    )
    replies = {ref: worker.answer(ref) for ref in "abcd"}
    assert replies["d"]["jobs"][0]["result"] == "first"
    assert replies["a"].get("ok") is True
    assert "wrong_state" in str(replies["b"])


# Errors


@pytest.mark.parametrize("ref", [7, 0, -1, 1.5, "x", "", True], ids=repr)
def test_a_reply_repeats_any_scalar_ref_also_in_an_error(hall: Hall, ref: Any) -> None:
    line = hall.session()
    line.send({"cmd": "ping", "ref": ref}, {"cmd": "get", "ref": ref, "ids": "no list"})
    good, bad = line.read(), line.read()
    assert good == {"ok": True, "ref": ref}
    assert (bad["error"]["code"], bad["ref"]) == ("bad_request", ref)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"cmd": "submit", "kind": "k", "colour": "red"}, "colour"),
        ({"cmd": "submit", "kind": "k", "jobs": [{"colour": 1}]}, "colour"),
        ({"cmd": "done", "id": "0000000000000001", "attempt": 1, "outcome": 1}, "outcome"),
        ({"cmd": "work", "kinds": ["k"], "prefetch": 3}, "prefetch"),
        ({"cmd": "frobnicate"}, "frobnicate"),
        ({"cmd": "submit", "kind": "k", "queue": "no spaces"}, "no spaces"),
        ({"cmd": "submit", "queue": "q"}, "kind"),
        ({"cmd": "submit", "kind": "k", "max_attempts": 0}, "max_attempts"),
        ({"cmd": "submit", "kind": "k", "max_attempts": "two"}, "max_attempts"),
        ({"cmd": "submit", "kind": "k", "run_at": "tomorrow"}, "run_at"),
        ({"cmd": "work", "kinds": ["k"], "lease_seconds": 0.1}, "lease_seconds"),
        ({"cmd": "work", "kinds": ["k"], "credit": -1}, "credit"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["cmd"],
)
def test_a_bad_request_is_refused_with_its_fault_named(hall: Hall, request_: Any, named: str) -> None:
    line = hall.session()
    line.send({**request_, "ref": "r"})
    reply = line.answer("r")
    assert reply["error"]["code"] == "bad_request"
    assert named in reply["error"]["message"]
    line.ok("ping")
