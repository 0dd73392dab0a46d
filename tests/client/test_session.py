"""The client's protocol by plain bytes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from hirehall.client import submits, verbs
from hirehall.client.jobs import Handle
from hirehall.client.outcomes import Broken, JobCancelled, JobExpired, JobFailed, value_of
from hirehall.client.session import Welcome
from hirehall.errors import HallError, KeyConflict, NotFound, TooLarge, Unavailable, Unknown
from hirehall.wire.replies import Delivery, Ended, Stop
from tests.client.talk import Box, Talk


@pytest.fixture
def talk() -> Talk:
    talk = Talk(token="secret", name="me")
    talk.open()
    return talk


def end(job: str, state: str = "succeeded", result: Any = None, error: Any = None) -> dict[str, Any]:
    return {"id": job, "state": state, "result": result, "error": error}


def test_hello_comes_first_with_protocol_token_and_name() -> None:
    talk = Talk(token="secret", name="me")
    talk.submit()
    assert not talk.session.has_output
    greeter = talk.open()
    assert talk.hello == {"cmd": "hello", "ref": 0, "protocol": 1, "token": "secret", "name": "me"}
    assert isinstance(greeter.value, Welcome)
    assert [line["cmd"] for line in talk.said()] == ["submit"]


def test_a_refused_hello_is_told_to_the_greeter() -> None:
    talk, greeter = Talk(), Box()
    talk.session.greet(greeter)
    talk.hear({"ref": 0, "error": {"code": "unauthenticated", "message": "who?"}})
    assert greeter.error is not None
    assert greeter.error.code == "unauthenticated"


def test_whatever_is_asked_meanwhile_goes_out_in_one_piece(talk: Talk) -> None:
    for number in range(3):
        talk.submit(payload=number)
    text = talk.session.take_output()
    assert text.endswith(b"\n")
    assert [json.loads(line)["payload"] for line in text.splitlines()] == [0, 1, 2]
    assert not talk.session.has_output


def test_a_submit_says_only_what_was_given(talk: Talk) -> None:
    talk.submit("resize", {"file": "a"}, queue="images", priority=5)
    said = {
        "cmd": "submit",
        "kind": "resize",
        "payload": {"file": "a"},
        "queue": "images",
        "priority": 5,
        "ref": 1,
    }
    assert talk.said() == [said]


def test_replies_go_to_whoever_asked(talk: Talk) -> None:
    first, second = talk.submit(), talk.submit(key="k")
    talk.hear({"ok": True, "ref": 1, "id": "a", "state": "ready"})
    talk.hear({"ok": True, "ref": 2, "id": "b", "state": "ready", "duplicate": True})
    assert (first.value.id, first.value.state, first.value.duplicate) == ("a", "ready", False)
    assert (second.value.id, second.value.duplicate) == ("b", True)


def test_a_wait_may_be_answered_out_of_order(talk: Talk) -> None:
    waiting, other = talk.ask(verbs.wait(["a"], 10)), talk.submit()
    talk.hear({"ok": True, "ref": 2, "id": "b", "state": "ready"})
    assert other.value.id == "b"
    assert not waiting.answers
    talk.hear({"ok": True, "ref": 1, "jobs": [end("a", result=7)], "pending": []})
    assert waiting.value.jobs[0].result == 7


def test_an_error_reply_is_the_error_of_its_code(talk: Talk) -> None:
    box = talk.submit(key="k")
    talk.hear({"ref": 1, "error": {"code": "key_conflict", "message": "k names another job"}})
    assert isinstance(box.error, KeyConflict)
    assert box.error.message == "k names another job"


def test_an_error_code_of_a_later_version_is_still_an_error(talk: Talk) -> None:
    box = talk.submit()
    talk.hear({"ref": 1, "error": {"code": "too_beautiful", "message": "no"}})
    assert isinstance(box.error, HallError)


def test_an_error_without_a_ref_goes_to_the_oldest_request_that_keeps_the_order(talk: Talk) -> None:
    waiting, first, second = talk.ask(verbs.wait(["a"], None)), talk.submit(), talk.submit()
    talk.hear({"error": {"code": "bad_request", "message": "what?"}})
    assert (waiting.answers, first.answers, second.answers) == (0, 1, 0)


def test_bulk_submits_are_split_by_size_and_joined_again(talk: Talk) -> None:
    jobs = [{"kind": "echo", "payload": "x" * 300_000} for _ in range(5)]
    asks = submits.submit_many(talk.maker, jobs, {"queue": "q"})
    boxes = [talk.ask(ask) for ask in asks]
    said = talk.said()
    assert [len(line["jobs"]) for line in said] == [3, 2]
    assert all(line["queue"] == "q" for line in said)
    talk.hear({"ok": True, "ref": 1, "ids": ["a", "b", "c"], "duplicates": ["b"]})
    talk.hear({"ok": True, "ref": 2, "ids": ["d", "e"], "duplicates": []})
    handles = submits.joined([box.value for box in boxes])
    assert [handle.id for handle in handles] == ["a", "b", "c", "d", "e"]
    assert [handle.duplicate for handle in handles] == [False, True, False, False, False]


def test_a_bulk_submit_of_which_a_part_was_refused_is_unknown() -> None:
    parts: list[list[Handle] | BaseException] = [[Handle("a")], NotFound("no")]
    with pytest.raises(Unknown, match="only 1 of the jobs were submitted"):
        submits.joined(parts)


def test_a_request_that_is_too_large_is_refused_before_it_is_sent(talk: Talk) -> None:
    with pytest.raises(TooLarge, match="the submit takes"):
        talk.submit(payload="x" * (1 << 20))
    with pytest.raises(TypeError):
        talk.submit(payload=object())
    assert not talk.session.has_output
    assert talk.get("a").answers == 0


# Followed jobs.


def test_the_end_of_a_followed_job_becomes_its_value(talk: Talk) -> None:
    box = talk.submit(follow=True)
    talk.hear({"ok": True, "ref": 1, "id": "a", "state": "ready"}, {"end": [end("a", result={"w": 1})]})
    assert box.value.is_ended
    assert box.value._value() == {"w": 1}
    assert box.value.state == "succeeded"


@pytest.mark.parametrize(
    ("state", "kind"), [("failed", JobFailed), ("cancelled", JobCancelled), ("expired", JobExpired)]
)
def test_other_ends_are_errors_that_carry_the_fault(state: str, kind: type[JobFailed]) -> None:
    talk = Talk()
    talk.open()
    box = talk.submit(follow=True)
    fault = {"type": "ValueError", "message": "bad", "trace": "line 1"}
    talk.hear({"ok": True, "ref": 1, "id": "a", "state": "ready"}, {"end": [end("a", state, error=fault)]})
    with pytest.raises(kind, match=f"job a {state}: ValueError: bad") as caught:
        box.value._value()
    assert (caught.value.error.type, caught.value.error.message, caught.value.error.trace) == tuple(fault.values())


def test_a_fault_of_another_shape_is_shown_as_it_is() -> None:
    outcome = msgspec.json.decode(b'{"id":"a","state":"failed","error":["odd"]}', type=Ended)
    with pytest.raises(JobFailed, match="odd"):
        value_of(outcome)


def test_a_followed_twin_is_asked_for_since_its_end_may_be_past(talk: Talk) -> None:
    box = talk.submit(follow=True, key="k")
    talk.said()
    talk.hear({"ok": True, "ref": 1, "id": "a", "state": "succeeded", "duplicate": True})
    assert talk.said() == [{"cmd": "wait", "ids": ["a"], "ref": 2}]
    talk.hear({"ok": True, "ref": 2, "jobs": [end("a", result=5)], "pending": []})
    assert box.value._value() == 5


def test_a_wait_that_the_hall_gave_up_is_asked_again(talk: Talk) -> None:
    job = Handle("a")
    talk.session.followed.ask(job)
    talk.said()
    talk.hear({"ok": True, "ref": 1, "jobs": [], "pending": ["a"]})
    assert talk.said() == [{"cmd": "wait", "ids": ["a"], "ref": 2}]


def test_a_job_that_the_hall_does_not_know_ends_the_waiting(talk: Talk) -> None:
    job = Handle("a")
    talk.session.followed.ask(job)
    talk.hear({"ref": 1, "error": {"code": "not_found", "message": "no job a"}})
    with pytest.raises(NotFound):
        job._value()
    assert len(talk.session.followed) == 0


def test_an_end_for_nobody_is_passed_over(talk: Talk) -> None:
    talk.hear({"end": [end("zz")]})


# Lost connections.


def test_after_a_reconnect_reads_and_keyed_submits_are_repeated_and_other_submits_are_unknown(
    talk: Talk,
) -> None:
    plain, keyed, read = talk.submit(), talk.submit(key="k"), talk.get("a")
    bulk = [{"kind": "x", "key": "1"}, {"kind": "x", "key": "2"}]
    many = talk.ask(submits.submit_many(talk.maker, bulk, {})[0])
    talk.said()
    talk.session.lost()
    assert isinstance(plain.error, Unknown)
    talk.open()
    assert [(line["cmd"], line["ref"]) for line in talk.said()] == [("submit", 2), ("get", 3), ("submit", 4)]
    talk.hear({"ok": True, "ref": 2, "id": "b", "state": "ready", "duplicate": True})
    talk.hear({"ok": True, "ref": 3, "jobs": [end("a")], "missing": []})
    talk.hear({"ok": True, "ref": 4, "ids": ["c", "d"], "duplicates": []})
    assert keyed.value.id == "b"
    assert read.value[0].id == "a"
    assert len(many.value) == 2


def test_what_never_left_is_sent_after_the_reconnect_even_without_a_key(talk: Talk) -> None:
    box = talk.submit()
    talk.session.lost()
    assert not box.answers
    later = talk.submit()
    talk.open()
    assert [line["ref"] for line in talk.said()] == [1, 2]
    talk.session.lost()
    assert isinstance(box.error, Unknown)
    assert isinstance(later.error, Unknown)


def test_followed_jobs_are_asked_for_after_a_reconnect(talk: Talk) -> None:
    box = talk.submit(follow=True)
    talk.said()
    talk.hear({"ok": True, "ref": 1, "id": "a", "state": "ready"})
    talk.session.lost()
    talk.open()
    assert talk.said() == [{"cmd": "wait", "ids": ["a"], "ref": 2}]
    talk.session.lost()
    talk.open()
    assert talk.said() == [{"cmd": "wait", "ids": ["a"], "ref": 2}]
    talk.hear({"ok": True, "ref": 2, "jobs": [end("a", result=1)], "pending": []})
    assert box.value._value() == 1


def test_half_a_line_of_the_old_connection_does_not_reach_into_the_new_one(talk: Talk) -> None:
    talk.get("a")
    talk.said()
    talk.session.received(b'{"ok":true,"re')
    talk.session.lost()
    talk.open()
    talk.hear({"ok": True, "ref": 1, "jobs": []})


def test_the_end_of_the_session_answers_everything_and_refuses_more(talk: Talk) -> None:
    read, followed = talk.get("a"), Handle("b")
    talk.session.followed.add(followed)
    talk.session.end(Unavailable("gone"))
    assert isinstance(read.error, Unavailable)
    with pytest.raises(Unavailable, match="gone"):
        followed._value()
    with pytest.raises(Unavailable, match="gone"):
        talk.get("a")


# Nonsense.


def test_an_answer_to_nothing_is_broken(talk: Talk) -> None:
    with pytest.raises(Broken, match="answered request 99"):
        talk.hear({"ok": True, "ref": 99})


def test_an_answer_that_cannot_be_read_fails_its_request_and_the_connection(talk: Talk) -> None:
    box = talk.get("a")
    with pytest.raises(Broken):
        talk.hear({"ok": True, "ref": 1, "jobs": 17})
    assert isinstance(box.error, Broken)


def test_after_nonsense_nothing_is_repeated_since_it_would_come_again(talk: Talk) -> None:
    box = talk.get("a")
    talk.said()
    talk.session.lost(Broken("nonsense"))
    assert isinstance(box.error, Broken)


def test_an_unknown_push_is_passed_over(talk: Talk) -> None:
    talk.hear({"weather": "fine"}, {"event": "succeed", "seq": "1", "id": "a"})


# Workers.


class Worker:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def opened(self, welcome: Welcome) -> None:
        self.heard.append(welcome)

    def run_jobs(self, jobs: list[Delivery]) -> None:
        self.heard += jobs

    def stop(self, order: Stop) -> None:
        self.heard.append(order)

    def refused(self, error: HallError) -> None:
        self.heard.append(error)


def test_run_and_stop_pushes_and_refusals_are_handed_through() -> None:
    worker = Worker()
    talk = Talk(pushes=worker, worker="w1")
    talk.open()
    assert talk.hello["worker"] == "w1"
    job = {
        "id": "a",
        "attempt": 2,
        "kind": "k",
        "queue": "q",
        "payload": {"x": [1]},
        "lease_seconds": 5,
        "new": 1,
    }
    talk.hear({"run": [job]}, {"stop": {"id": "a", "attempt": 2, "why": "cancelled"}})
    talk.hear({"error": {"code": "stale_lease", "message": "late"}})
    welcome, run, stop, refusal = worker.heard
    assert welcome.hall == "h1"
    assert (run.id, run.attempt, bytes(run.payload)) == ("a", 2, b'{"x": [1]}')
    assert (stop.id, stop.why) == ("a", "cancelled")
    assert refusal.code == "stale_lease"


def test_a_workers_requests_are_not_repeated_by_themselves() -> None:
    talk = Talk(pushes=Worker())
    talk.open()
    box = talk.get("a")
    talk.session.lost()
    assert isinstance(box.error, Unknown)
    talk.open()
    assert not talk.session.has_output
