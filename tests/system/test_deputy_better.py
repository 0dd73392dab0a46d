"""D8: where Deputy wedged, lost or crossed results, the hall does not; and its peers beside native ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.system.conftest import Connect
from tests.system.deputy import Deputy, serve
from tests.system.hall_process import Hall
from tests.system.lines import dial

# D8


@pytest.mark.parametrize("bad", [b"{broken", b"[1,2]", b'"do"', b"\xff\xfe", b'{"cmd":"do","id":"x"}', b"{}"])
def test_d8_a_bad_line_costs_one_error_and_its_neighbours_run_once(connect: Connect, kind: str, bad: bytes) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    good = [json.dumps({"cmd": "do", "id": n, "type": kind}).encode() for n in range(3)]
    client.send_bytes(b"\r\n".join([good[0], good[1], bad, good[2]]) + b"\r\n")
    assert [serve(worker)["id"] for _ in range(3)] == [0, 1, 2]
    answers = [client.read() for _ in range(4)]
    assert ["error" in answer for answer in answers].count(True) == 1, client.dialogue
    assert [answer["id"] for answer in answers if "error" not in answer] == [0, 1, 2]
    assert worker.waiting() == client.waiting() == []


def test_d8_a_bad_line_of_a_worker_does_not_wedge_it(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    client.do("first", kind)
    worker.expect("do")
    worker.send_bytes(b"{broken\r\n")
    worker.hurt()
    worker.did("first", "ok")
    assert client.expect("did")["res"] == "ok"
    client.do("second", kind)
    assert serve(worker)["id"] == "second"
    assert client.expect("did")["id"] == "second"


def test_d8_an_unknown_id_in_did_neither_wedges_the_worker_nor_ends_its_job(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    worker.did("never-heard-of", "x")
    client.do("real", kind)
    job = next(message for message in iter(worker.read, None) if "error" not in message)
    assert job["id"] == "real"
    worker.did("another", "x")
    worker.did("real", "right")
    assert client.expect("did") == {"cmd": "did", "id": "real", "res": "right"}
    client.do("next", kind)
    job = next(message for message in iter(worker.read, None) if "error" not in message)
    assert job["id"] == "next"


def test_d8_can_do_twice_makes_one_worker_and_its_death_leaves_no_ghost(connect: Connect, kind: str) -> None:
    twice, client = connect(), connect()
    twice.can_do(kind)
    twice.can_do(kind)
    client.do("a", kind)
    client.do("b", kind)
    assert twice.expect("do")["id"] == "a"
    assert twice.waiting() == [], "registered twice, it would hold two jobs"
    twice.close()
    heir = connect()
    heir.can_do(kind)
    assert [serve(heir)["id"] for _ in range(2)] == ["b", "a"]
    client.do("c", kind)
    assert serve(heir)["id"] == "c"
    assert [client.expect("did")["id"] for _ in range(3)] == ["b", "a", "c"]


def test_d8_can_do_again_adds_types(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(f"{kind}-1")
    worker.can_do(f"{kind}-2")
    for n in (1, 2):
        client.do(n, f"{kind}-{n}")
        assert serve(worker)["id"] == n


def test_d8_two_clients_with_the_same_id_each_get_their_own_result(connect: Connect, kind: str) -> None:
    one, two, left, right = connect(), connect(), connect(), connect()
    left.can_do(kind)
    one.do("1", kind, "of one")
    first = left, left.expect("do")
    right.can_do(kind)
    two.do("1", kind, "of two")
    second = right, right.expect("do")
    for worker, job in (second, first):
        assert job["id"] == "1"
        worker.did(job["id"], f"result {job['arg']}")
    assert one.expect("did") == {"cmd": "did", "id": "1", "res": "result of one"}
    assert two.expect("did") == {"cmd": "did", "id": "1", "res": "result of two"}
    assert one.waiting() == two.waiting() == []


def test_d8_one_client_may_use_an_id_again(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    for n in range(3):
        client.do("same", kind, n)
    for n in range(3):
        assert serve(worker, n)["arg"] == n
    assert [client.expect("did") for _ in range(3)] == [{"cmd": "did", "id": "same", "res": n} for n in range(3)]


# Beside the scenarios: any door in, any worker out.


def test_a_native_worker_does_a_deputy_clients_job(hall: Hall, connect: Connect, kind: str) -> None:
    client, worker = connect(), hall.session(worker="native")
    worker.ok("work", kinds=[kind], credit=1)
    client.do("d", kind, [1])
    job = worker.runs(1)[0]
    assert (job["kind"], job["queue"], job["payload"]) == (kind, "default", [1])
    worker.ok("done", id=job["id"], attempt=1, result={"n": 2})
    assert client.expect("did") == {"cmd": "did", "id": "d", "res": {"n": 2}}


def test_a_deputy_worker_does_a_native_job_under_the_halls_id(hall: Hall, connect: Connect, kind: str) -> None:
    client, worker = hall.session(), connect()
    worker.can_do(kind)
    job = client.ok("submit", kind=kind, payload={"a": 1}, follow=True)["id"]
    assert serve(worker, "res") == {"cmd": "do", "id": job, "type": kind, "arg": {"a": 1}}
    assert client.push("end") == [{"id": job, "state": "succeeded", "result": "res", "error": None}]


def test_deputys_jobs_survive_a_restart_of_the_hall(own_hall: Hall) -> None:
    client = Deputy(dial(own_hall.access["url"]))
    client.do("kept", "t", "arg")
    client.waiting()
    client.close()
    own_hall.restart()
    worker = Deputy(dial(own_hall.access["url"]))
    worker.can_do("t")
    assert worker.expect("do")["arg"] == "arg"
    worker.close()


def test_without_anonymous_roles_deputys_commands_are_refused(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "hall", anonymous="")
    hall.data.mkdir()
    try:
        hall.start()
        peer = hall.guest(newline=b"\r\n")
        peer.send({"cmd": "do", "id": "x", "type": "t"})
        assert peer.read()["error"]["code"] == "unauthenticated"
        assert hall.session().ok("find")["jobs"] == []
    finally:
        hall.close()
