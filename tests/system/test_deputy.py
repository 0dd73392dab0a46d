"""Deputy's scenarios D1 to D8: its clients and workers, unmodified, on the hall's own port."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Connect
from tests.system.deputy import Deputy, serve
from tests.system.hall_process import Hall
from tests.system.lines import Silence

DEFAULT_PORT = 11746


# D1


def test_d1_can_do_do_and_did_have_deputys_fields(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind, f"{kind}-other")
    client.do("job-1", kind, {"w": 100})
    assert worker.expect("do") == {"cmd": "do", "id": "job-1", "type": kind, "arg": {"w": 100}}
    worker.did("job-1", "ok")
    assert client.expect("did") == {"cmd": "did", "id": "job-1", "res": "ok"}


VALUES: list[Any] = [
    {"w": [1, {"h": None}]},
    [1, "two", []],
    None,
    0,
    -1.5,
    True,
    False,
    "",
    "grüße \u2028 \\r\\n",
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_d1_values_of_every_type_survive_both_ways(connect: Connect, kind: str, value: Any) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    client.do("v", kind, value)
    assert serve(worker, value).get("arg") == value
    assert client.expect("did").get("res") == value


def test_d1_a_job_without_arg_and_a_result_without_res_are_fine(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    client.do("bare", kind)
    assert worker.expect("do").get("arg") is None
    worker.did("bare")
    done = client.expect("did")
    assert (done["id"], done.get("res")) == ("bare", None)


def test_d1_no_command_but_metrics_is_acknowledged(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    client.do("quiet", kind)
    worker.did(worker.expect("do")["id"])
    client.expect("did")
    assert worker.waiting() == client.waiting() == []


def test_d1_the_readmes_client_works_on_deputys_default_port(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "hall", tcp="")
    hall.data.mkdir()
    if not free(DEFAULT_PORT):
        pytest.skip(f"port {DEFAULT_PORT} is in use on this machine")
    try:
        hall.start()
        peer = Deputy(socket.create_connection(("127.0.0.1", DEFAULT_PORT), 5))
        peer.send_bytes(b'{ "cmd":"can_do", "types":["job-type"] }\r\n')
        peer.send_bytes(b'{ "cmd":"do", "id":"job-id", "type":"job-type", "arg":"value" }\r\n')
        assert peer.expect("do") == {"cmd": "do", "id": "job-id", "type": "job-type", "arg": "value"}
        peer.send_bytes(b'{ "cmd":"did", "id":"job-id", "res":"value" }\r\n')
        assert peer.expect("did") == {"cmd": "did", "id": "job-id", "res": "value"}
        peer.close()
    finally:
        hall.close()


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# D2


def test_d2_a_thousand_jobs_at_once_and_no_worker_ever_holds_two(connect: Connect, kind: str) -> None:
    client = connect()
    done = threading.Event()
    crew = [Busy(connect(), kind, done) for _ in range(3)]
    client.send(*({"cmd": "do", "id": f"j{n}", "type": kind, "arg": n} for n in range(1000)))
    results = [client.expect("did", within=20) for _ in range(1000)]
    done.set()
    did = [worker.finish() for worker in crew]
    assert sorted((answer["id"], answer["res"]) for answer in results) == sorted((f"j{n}", n) for n in range(1000))
    assert sum(did) == 1000
    assert min(did) > 100, f"one worker did nearly nothing: {did}"


class Busy:
    """A worker thread. Before each answer it asks for the metrics: no second job may stand before them."""

    def __init__(self, peer: Deputy, kind: str, done: threading.Event) -> None:
        self.peer = peer
        self.done = done
        self.jobs = 0
        self.faults: list[str] = []
        peer.can_do(kind)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def finish(self) -> int:
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert not self.faults, self.faults
        return self.jobs

    def _work(self) -> None:
        try:
            while not self.done.is_set():
                self._serve()
        except (AssertionError, OSError) as fault:
            self.faults.append(repr(fault))

    def _serve(self) -> None:
        try:
            job = self.peer.read(within=0.1)
        except Silence:
            return
        assert self.peer.waiting() == [], "a second job while one was in hand"
        self.jobs += 1
        self.peer.did(job["id"], job["arg"])


# D3


def test_d3_the_job_of_a_worker_that_leaves_goes_to_another_and_its_result_comes_once(
    connect: Connect, kind: str
) -> None:
    client, leaver, stayer = connect(), connect(), connect()
    before = client.metrics().get("jobs_reassigned", 0)
    leaver.can_do(kind)
    client.do("one", kind, 1)
    assert leaver.expect("do")["id"] == "one"
    stayer.can_do(kind)
    leaver.close()
    assert stayer.expect("do", within=1) == {"cmd": "do", "id": "one", "type": kind, "arg": 1}
    stayer.did("one", "done")
    assert client.expect("did")["res"] == "done"
    assert client.metrics()["jobs_reassigned"] == before + 1
    assert client.waiting() == []


def test_d3_the_reassigned_job_goes_to_the_end_of_its_line(connect: Connect, kind: str) -> None:
    client, leaver, stayer = connect(), connect(), connect()
    leaver.can_do(kind)
    for n in range(3):
        client.do(n, kind)
    assert leaver.expect("do")["id"] == 0
    leaver.close()
    stayer.can_do(kind)
    assert [serve(stayer)["id"] for _ in range(3)] == [1, 2, 0]


# D4


def test_d4_jobs_of_a_client_that_left_still_run_and_disturb_nobody(connect: Connect, kind: str) -> None:
    worker, leaver = connect(), connect()
    worker.can_do(kind)
    leaver.do("running", kind)
    leaver.do("queued", kind)
    assert worker.expect("do")["id"] == "running"
    leaver.close()
    stayer = connect()
    worker.did("running")
    assert serve(worker)["id"] == "queued"
    stayer.do("mine", kind)
    assert serve(worker)["id"] == "mine"
    assert stayer.expect("did")["id"] == "mine"
    assert worker.waiting() == stayer.waiting() == []


# D5


def test_d5_metrics_have_deputys_keys(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    before = client.metrics()
    for n in range(3):
        client.do(n, kind)
        serve(worker)
        client.expect("did")
    after = client.metrics()
    assert abs(after["up_since"] / 1000 - time.time()) < 600, "up_since is in milliseconds of the epoch"
    assert after["connections"] >= 2
    assert after["workers_added"] >= 1
    grown = {key: after[key] - before.get(key, 0) for key in ("jobs_added", "jobs_dispatched", "jobs_done")}
    assert grown == {"jobs_added": 3, "jobs_dispatched": 3, "jobs_done": 3}


# D6


@pytest.mark.parametrize("worker_on_unix", [True, False])
def test_d6_worker_and_client_may_come_by_different_sockets(connect: Connect, kind: str, worker_on_unix: bool) -> None:
    worker, client = connect(unix=worker_on_unix), connect(unix=not worker_on_unix)
    worker.can_do(kind)
    client.do("across", kind, "x")
    assert serve(worker, "y")["arg"] == "x"
    assert client.expect("did")["res"] == "y"


# D7


def test_d7_a_command_in_three_packets_is_one_command(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    line = json.dumps({"cmd": "do", "id": "split", "type": kind, "arg": "grüße"}, ensure_ascii=False).encode()
    middle = line.index("ü".encode()) + 1  # inside a character
    client.send_bytes(line[:5])
    worker.waiting()  # a round trip: the hall has seen the first part
    client.send_bytes(line[5:middle])
    worker.waiting()
    client.send_bytes(line[middle:] + b"\r")
    worker.waiting()
    client.send_bytes(b"\n")
    assert serve(worker)["arg"] == "grüße"
    assert client.expect("did")["id"] == "split"


def test_d7_three_commands_in_one_packet_are_three_commands(connect: Connect, kind: str) -> None:
    worker, client = connect(), connect()
    worker.can_do(kind)
    client.send(*({"cmd": "do", "id": n, "type": kind} for n in range(3)))
    assert [serve(worker)["id"] for _ in range(3)] == [0, 1, 2]
    assert [client.expect("did")["id"] for _ in range(3)] == [0, 1, 2]
