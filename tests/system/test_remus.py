"""Remus' scenarios (R1 to R11): discovery, progress that is not lost, failure, events, the end. And rz's Z4."""

from __future__ import annotations

import base64
import time

import pytest

from tests.system.agents import Agents
from tests.system.hall_process import Hall
from tests.system.jobs import at_work, ended, submit, submit_many, take_one_by_one, view
from tests.system.lines import Line, Message

LETTERS = [("a", 10), ("b", 20), ("c", 30)]


def texts(line: Line, job: str, stream: str = "progress", attempt: int | None = None) -> list[str]:
    """What this stream of an attempt's log says."""
    log = line.ok("log_of", id=job, **({"attempt": attempt} if attempt else {}))["log"]
    return [entry["text"] for entry in log["entries"] if entry["stream"] == stream]


def test_r1_who_can_turn_edges_into_a_mesh(hall: Hall, queue: str) -> None:
    client = hall.session()
    asked = {"queue": queue, "kind": "Edges-Mesh2D"}
    assert client.ok("can", **asked)["can"] is False
    worker = at_work(hall, queue, kinds=["Edges-Mesh2D"], offers={"mesher": "tetgen"}, credit=0)
    offered = {"kind": "Edges-Mesh2D", "queues": [queue], "workers": 1, "offers": [{"mesher": "tetgen"}]}
    assert offered in client.ok("kinds")["kinds"], "a worker that asks for nothing is listed"
    assert client.ok("can", **asked)["can"] is False, "and yet nobody can, now"
    worker.ok("credit", credit=1)
    assert client.ok("can", **asked)["can"] is True
    assert client.ok("can", queue=queue, kind="Mesh2D-Edges")["can"] is False


def test_r2_large_contents_arrive_as_they_were_sent(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue, credit=0)
    octets = bytes(range(256)) * 1000
    content = {"data": 'line\n"quoted"\t\x00\x7fżółć' * 5_000, "bin": base64.b64encode(octets).decode()}
    submitted = client.ok("submit", queue=queue, kind="mesh", payload=content)
    assert submitted["state"] == "ready"
    worker.ok("credit", credit=1)
    job = worker.runs(1)[0]
    assert job["payload"] == content
    assert base64.b64decode(job["payload"]["bin"]) == octets
    worker.ok("progress", id=job["id"], attempt=1, percent=50)
    shown = view(client, job["id"])
    assert (shown["state"], shown["progress"]["percent"]) == ("running", 50)
    result = {"mesh": "v" * 900_000}
    worker.ok("done", id=job["id"], attempt=1, result=result)
    shown = ended(client, job["id"])
    assert (shown["state"], shown["result"], shown["payload"]) == ("succeeded", result, content)


def test_r3_no_progress_between_two_polls_is_lost(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.send(*[{"cmd": "progress", "id": job, "attempt": 1, "percent": p, "text": t} for t, p in LETTERS])
    worker.ok("ping")
    progress = view(client, job)["progress"]
    assert (progress["percent"], progress["text"]) == (30, "c")
    assert texts(client, job) == ["a", "b", "c"]


def test_r3_a_poll_in_between_takes_nothing_away(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    seen = []
    for text, percent in LETTERS:
        worker.ok("progress", id=job, attempt=1, percent=percent, text=text)
        progress = view(client, job)["progress"]
        seen.append((progress["text"], progress["percent"], texts(client, job)))
    assert seen == [("a", 10, ["a"]), ("b", 20, ["a", "b"]), ("c", 30, ["a", "b", "c"])]
    worker.ok("done", id=job, attempt=1)
    assert texts(client, job) == ["a", "b", "c"]


def test_r3_progress_that_was_polled_survives_a_killed_hall(own_hall: Hall) -> None:
    client, worker = own_hall.session(), at_work(own_hall, "default")
    job = submit(client)
    worker.runs(1)
    tell(worker, job, "a", 10)
    await_stored(own_hall, client, job)
    own_hall.restart()
    worker, client = own_hall.session(worker="ann-default", name="ann"), own_hall.session()
    assert worker.ok("keep", jobs=[{"id": job, "attempt": 1}])["kept"] == [job]
    tell(worker, job, "b", 20)
    tell(worker, job, "c", 30)
    progress = view(client, job)["progress"]
    assert (progress["percent"], progress["text"]) == (30, "c")
    assert texts(client, job) == ["a", "b", "c"]


def tell(worker: Line, job: str, text: str, percent: int) -> None:
    worker.ok("progress", id=job, attempt=1, percent=percent, text=text)


def await_stored(hall: Hall, client: Line, job: str) -> None:
    """A poll makes what was said durable; so it is seen again after a kill."""
    assert texts(client, job) == ["a"]


def test_r4_progress_stays_below_a_hundred_and_ends_nothing(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    for said, shown in ((250, 100), (-5, 0), (100, 100)):
        worker.ok("progress", id=job, attempt=1, percent=said, text="FINISHED")
        found = view(client, job)
        assert (found["progress"]["percent"], found["state"], found["result"]) == (shown, "running", None)


def test_r5_a_failure_is_told_and_a_later_result_changes_nothing(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    worker.ok("fail", id=job, attempt=1, error={"type": "Mesher", "message": "job failed"}, retry=False)
    assert worker.refusal("done", id=job, attempt=1, result="too late") == "stale_lease"
    found = ended(client, job)
    assert (found["state"], found["error"]["message"], found["result"]) == ("failed", "job failed", None)


def test_r6_a_cancelled_job_never_reaches_a_worker(hall: Hall, queue: str) -> None:
    client = hall.session()
    job = submit(client, queue)
    client.ok("cancel", id=job)
    assert view(client, job)["state"] == "cancelled"
    assert client.refusal("cancel", id=job) == "wrong_state"
    assert at_work(hall, queue).delivered() == []


def test_r6_a_running_job_that_is_cancelled_is_over_and_its_worker_told_at_once(hall: Hall, queue: str) -> None:
    client, worker = hall.session(), at_work(hall, queue)
    job = submit(client, queue)
    worker.runs(1)
    client.ok("cancel", id=job)
    assert view(client, job)["state"] == "cancelled"
    assert worker.push("stop", within=1) == {"id": job, "attempt": 1, "why": "cancelled"}
    assert worker.refusal("done", id=job, attempt=1, result=1) == "stale_lease"
    assert view(client, job)["state"] == "cancelled"


def test_r9_a_watcher_hears_one_jobs_life_in_order_and_the_halls_end(own_hall: Hall) -> None:
    watcher, client, worker = own_hall.session(), own_hall.session(), at_work(own_hall, "default", credit=0)
    watcher.ok("watch", queues=["default"], events=["submit", "deliver", "progress", "succeed", "shutdown"])
    job = submit(client)
    worker.ok("credit", credit=1)
    worker.runs(1)
    for text, percent in LETTERS:
        tell(worker, job, text, percent)
    worker.ok("done", id=job, attempt=1)
    client.ok("shutdown")
    heard = [hear(watcher) for _ in range(7)]
    names = ["submit", "deliver", "progress", "progress", "progress", "succeed", "shutdown"]
    assert [event["event"] for event in heard] == names
    assert {event["id"] for event in heard[:-1]} == {job}
    assert [(event["text"], event["percent"]) for event in heard[2:5]] == LETTERS
    assert [event["state"] for event in heard[:-1]] == ["ready", *["running"] * 4, "succeeded"]
    assert watcher.push("stop")["why"] == "shutdown"
    assert own_hall.ended() == 0


def hear(watcher: Line) -> Message:
    """The next event."""
    message = watcher.read()
    assert "event" in message, message
    return message


@pytest.mark.slow
def test_r10_workers_leave_and_waiters_are_told_when_the_hall_is_shut_down(own_hall: Hall, agents: Agents) -> None:
    client, boss = own_hall.session(), own_hall.session()
    jobs = submit_many(client, "default", [{"payload": {"ms": 50}}] * 100, kind="nap")
    for n in range(7):
        agents.hire(f"w{n}", "--concurrency", "1")
    client.ok("wait", ids=jobs[:18], timeout_seconds=30)
    while len(boss.ok("workers")["workers"]) < 7:
        boss.ok("wait", ids=jobs[-1:], timeout_seconds=0.05)
    waits = client.post("wait", ids=jobs)
    began = time.monotonic()
    boss.ok("shutdown", workers=True)
    told = client.answer(waits, within=10)
    assert (told["error"]["code"], told["error"]["message"]) == ("unavailable", "the hall was shut down")
    assert agents.codes(within=10) == [0] * 7
    assert own_hall.ended() == 0
    assert time.monotonic() - began < 10
    own_hall.start()
    states = [found["state"] for found in own_hall.session().ok("get", ids=jobs)["jobs"]]
    assert set(states) == {"succeeded", "ready"}, "what was in hand was finished, the rest waits"
    assert 18 <= states.count("succeeded") < 100


def test_r11_one_job_of_another_client_does_not_wait_for_a_thousand(hall: Hall, queue: str) -> None:
    ann, bob = [with_token(hall, f"{name}-{queue}"[:100]) for name in ("ann", "bob")]
    submit_many(ann, queue, [{}] * 1000)
    worker = at_work(hall, queue)
    take_one_by_one(worker, 5)
    job = submit(bob, queue)
    assert job in [one["id"] for one in take_one_by_one(worker, 3)]


def with_token(hall: Hall, name: str) -> Line:
    """A client with a token of its own."""
    secret = hall.session().ok("token", do="create", name=name, roles=["submit", "read"])["token"]
    line = hall.guest()
    line.ok("hello", token=secret)
    return line


# rz's answers


def test_z4_an_answer_carries_the_id_of_its_request_whatever_went_wrong(hall: Hall, queue: str) -> None:
    client = hall.session()
    for ref in (7, "seven", 7.5, True, [7]):
        client.send({"cmd": "no_such_command", "ref": ref}, {"cmd": "submit", "ref": ref, "nonsense": 1})
    for ref in (7, "seven", 7.5, True):
        for _ in range(2):
            assert client.answer(ref)["error"]["code"] == "bad_request", ref
    client.send_bytes(b'{"cmd":"ping","ref":"broken"\n{"cmd":"ping","ref":"after"}\n')
    assert client.answer("after")["ok"] is True
    assert client.ask("get")["error"]["code"] == "bad_request", "an argument is missing"
    assert client.ok("ping")


@pytest.mark.slow
def test_z4_an_echo_an_exception_and_an_unknown_kind(own_hall: Hall, agents: Agents) -> None:
    client = own_hall.session()
    agents.hire("rz")
    echo, wrong, unknown = (
        client.ok("submit", kind=kind, payload=payload, meta={"trace": "x-1"}, max_attempts=1)["id"]
        for kind, payload in (("echo", [1, 2]), ("echo", {"not": "a list"}), ("no-such-function", [1]))
    )
    done = ended(client, echo, within=15)
    assert (done["result"], done["meta"]) == ([1, 2], {"trace": "x-1"})
    failed = ended(client, wrong)
    assert (failed["state"], failed["error"]["type"]) == ("failed", "TypeError")
    assert failed["error"]["message"] == "echo takes a list"
    assert 'raise TypeError("echo takes a list")' in failed["error"]["trace"]
    assert client.ok("wait", ids=[unknown], timeout_seconds=0)["pending"] == [unknown]
    assert "No worker runs kind 'no-such-function'" in client.ok("explain", id=unknown)["why"][0]
