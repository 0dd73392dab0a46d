"""Watching and following over real sockets: who does not read, who comes back, who is many."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.system.agents import Agents
from tests.system.hall_process import Hall
from tests.system.jobs import at_work, await_final, submit, submit_many, take_one_by_one, view
from tests.system.lines import Line, Message


def heard(line: Line, last: str, within: float = 20.0) -> Iterator[Message]:
    """Events up to the first of this name."""
    deadline = time.monotonic() + within
    while True:
        message = line.read(deadline - time.monotonic())
        if "event" in message:
            yield message
            if message["event"] == last:
                return


@pytest.mark.slow
def test_a_watcher_that_does_not_read_gets_a_gap_and_keeps_its_connection(own_hall: Hall) -> None:
    """More events than the ring and every buffer on the way can hold."""
    watcher, client, worker = own_hall.session(), own_hall.session(), own_hall.session(worker="w", name="w")
    watcher.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    watcher.ok("watch")
    jobs = {"queue": "default", "kind": "k", "jobs": [{}] * 1000, "delay_seconds": 9999}
    for _ in range(17):
        for ref in [client.post("submit", **jobs) for _ in range(10)]:
            assert len(client.answer(ref, within=20)["ids"]) == 1000
    worker.ok("work", kinds=["*"], credit=1)
    submit(client, kind="last")
    names = [event["event"] for event in heard(watcher, "deliver")]
    assert names.count("gap") == 1
    gap = names.index("gap")
    assert 0 < gap < len(names) - 80_000, "it heard the oldest, then a gap, then what the ring still had"
    assert watcher.ok("ping")


def test_a_watcher_that_comes_back_hears_what_it_missed(hall: Hall, queue: str) -> None:
    watcher, client = hall.session(), hall.session()
    watcher.ok("watch", queues=[queue])
    first = submit(client, queue)
    seq = watcher.read()["seq"]
    watcher.close()
    missed = [submit(client, queue) for _ in range(3)]
    again = hall.session()
    assert "gap" not in again.ok("watch", queues=[queue], since=seq)
    assert [again.read()["id"] for _ in missed] == missed
    assert first not in missed


def test_after_a_restart_a_watcher_is_told_that_there_is_a_gap(own_hall: Hall) -> None:
    seq = own_hall.session().ok("watch")["seq"]
    own_hall.restart()
    again = own_hall.session()
    reply = again.ok("watch", since=seq)
    assert reply["gap"] is True
    job = submit(own_hall.session())
    assert again.read()["id"] == job


def test_many_watchers_hear_the_same(hall: Hall, queue: str) -> None:
    watchers = [hall.session() for _ in range(20)]
    for watcher in watchers:
        watcher.ok("watch", queues=[queue])
    client, worker = hall.session(), at_work(hall, queue)
    jobs = submit_many(client, queue, [{}] * 50)
    take_one_by_one(worker, 50)
    await_final(client, jobs, 10)
    for watcher in watchers:
        events = [watcher.read() for _ in range(150)]
        for name in ("submit", "deliver", "succeed"):
            assert [event["id"] for event in events if event["event"] == name] == jobs


def test_progress_reaches_a_watcher_at_once(hall: Hall, queue: str) -> None:
    watcher, worker = hall.session(), at_work(hall, queue)
    job = submit(hall.session(), queue)
    worker.runs(1)
    watcher.ok("watch", ids=[job])
    began = time.monotonic()
    for percent in range(20):
        worker.send({"cmd": "progress", "id": job, "attempt": 1, "percent": percent})
        assert watcher.read()["percent"] == percent
    assert time.monotonic() - began < 2, "a tick a time would take twenty seconds"


# Logs


def test_a_follower_hears_a_script_talk_and_end(hall: Hall, queue: str) -> None:
    follower, worker = hall.session(), at_work(hall, queue)
    job = submit(hall.session(), queue)
    worker.runs(1)
    assert follower.ok("log_of", id=job, follow=True)["log"]["ended"] is False
    for n in range(100):
        worker.send({"cmd": "log", "id": job, "attempt": 1, "text": f"line {n}"})
    worker.ok("done", id=job, attempt=1)
    texts: list[str] = []
    while True:
        log = follower.push("log")
        texts += [entry["text"] for entry in log["entries"]]
        if log["ended"]:
            break
    assert texts == [f"line {n}" for n in range(100)]


def test_a_log_is_there_after_the_hall_was_killed(own_hall: Hall) -> None:
    worker, client = at_work(own_hall, "default"), own_hall.session()
    job = submit(client)
    worker.runs(1)
    worker.ok("log", id=job, attempt=1, text="before")
    worker.ok("done", id=job, attempt=1)
    own_hall.restart()
    log = own_hall.session().ok("log_of", id=job)["log"]
    assert ([entry["text"] for entry in log["entries"]], log["ended"]) == (["before"], True)


@pytest.mark.slow
def test_a_follower_that_does_not_read_misses_nothing_of_ten_megabytes_but_what_is_cut(own_hall: Hall) -> None:
    follower, worker, client = own_hall.session(), at_work(own_hall, "default"), own_hall.session()
    job = submit(client)
    worker.runs(1)
    follower.ok("log_of", id=job, follow=True)
    for n in range(0, 10_000, 100):
        lines = [{"cmd": "log", "id": job, "attempt": 1, "text": f"{m:06} {'x' * 1000}"} for m in range(n, n + 100)]
        worker.send(*lines)
        worker.ok("ping")
    worker.ok("done", id=job, attempt=1)
    numbers: list[int] = []
    while True:
        log = follower.push("log", within=20)
        numbers += [int(entry["text"][:6]) for entry in log["entries"]]
        if log["ended"]:
            break
    assert numbers == sorted(set(numbers)), "in order, nothing twice"
    assert (numbers[0], numbers[-1]) == (0, 9_999)
    assert follower.ok("ping")


# Limits, tasks and people, over real processes


def test_max_running_holds_with_many_workers(hall: Hall, queue: str) -> None:
    client = hall.session()
    client.ok("queue", queue=queue, max_running=3)
    workers = [at_work(hall, queue, f"w{n}", credit=2) for n in range(5)]
    jobs = submit_many(client, queue, [{}] * 60)
    done = 0
    while done < 60:
        counts = {one["state"]: one["jobs"] for one in client.ok("counts", queue=queue)["counts"]}
        assert counts.get("running", 0) <= 3
        for worker in workers:
            for run in worker.delivered():
                worker.ok("done", id=run["id"], attempt=run["attempt"])
                done += 1
    await_final(client, jobs, 5)


@pytest.mark.slow
def test_a_hall_that_is_killed_in_the_middle_of_a_task_has_done_part_of_it(own_hall: Hall) -> None:
    client = own_hall.session()
    for _ in range(20):
        submit_many(client, "default", [{}] * 1000)
    client.post("cancel", where={"queue": "default"})
    assert client.push("task")["state"] == "running"
    own_hall.restart()
    client = own_hall.session()
    assert client.refusal("task", id="1") == "not_found"
    counts = {one["state"]: one["jobs"] for one in client.ok("counts")["counts"]}
    assert set(counts) == {"ready", "cancelled"}
    assert sum(counts.values()) == 20_000
    client.post("cancel", where={"queue": "default"})
    while client.push("task", within=20)["state"] == "running":
        pass
    assert {one["state"]: one["jobs"] for one in client.ok("counts")["counts"]} == {"cancelled": 20_000}


def test_a_search_over_many_jobs_stops_nobody_and_can_be_continued(hall: Hall, queue: str) -> None:
    client, other = hall.session(), hall.session()
    needle = submit(client, queue, kind="needle")
    for _ in range(30):
        submit_many(client, queue, [{}] * 1000)
    before: Message = {}
    while True:
        ref = client.post("find", queue=queue, kind="needle", limit=1, **before)
        began = time.monotonic()
        other.ok("ping")
        assert time.monotonic() - began < 1
        page = client.answer(ref)
        if page["jobs"] or page["next"] is None:
            break
        assert "looked_back_to" in page
        before = {"before": page["next"]}
    assert [job["id"] for job in page["jobs"]] == [needle]


def test_refs_of_every_json_scalar_come_back_from_every_sort_of_answer(hall: Hall) -> None:
    line = hall.session()
    for ref in (0, -1.5, "", "ż", True, None):
        for command in ({"cmd": "ping"}, {"cmd": "find"}, {"cmd": "counts"}, {"cmd": "explain", "id": "x"}):
            line.send_bytes(json.dumps({**command, "ref": ref}).encode() + b"\n")
            reply = line.read()
            assert reply.get("ref") == ref, reply


# The end of a hall


@pytest.mark.slow
def test_official_workers_come_back_after_a_shutdown_without_workers(own_hall: Hall, agents: Agents) -> None:
    client, waiting = own_hall.session(), own_hall.session()
    agents.hire("ann", "--concurrency", "1")
    job = submit(client, kind="nap", payload={"ms": 1500})
    while view(client, job)["state"] != "running":
        client.ok("wait", ids=[job], timeout_seconds=0.05)
    ref = waiting.post("wait", ids=[job])
    client.ok("shutdown")
    assert waiting.answer(ref)["error"]["code"] == "unavailable"
    assert own_hall.ended() == 0
    own_hall.start()
    client = own_hall.session()
    await_final(client, [job], 15)
    shown = view(client, job)
    assert (shown["state"], shown["attempt"], shown["worker"]) == ("succeeded", 1, "ann")
    again = submit(client, kind="nap", payload={"ms": 1})
    await_final(client, [again], 10)
