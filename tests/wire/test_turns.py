"""Sessions that meet in one batch: who must wait for the next one is neither forgotten nor outlives its connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.wire.stage import TOKEN, Peer, Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.check_alive()
    assert stage.problems == []
    stage.close()


def say(peer: Peer, *commands: dict[str, Any]) -> None:
    peer.send(b"".join(msgspec.json.encode(command) + b"\n" for command in commands))


def ask(stage: Stage, peer: Peer, **command: Any) -> dict[str, Any]:
    say(peer, command)
    stage.settle()
    return peer.lines()[-1]


def test_an_answer_that_waited_for_the_next_batch_is_written(stage: Stage) -> None:
    anna, bert = stage.peer("anna"), stage.peer("bert")
    ask(stage, bert, cmd="ping")
    job = ask(stage, anna, cmd="submit", kind="saw")["id"]
    say(anna, {"cmd": "cancel", "id": job})
    say(bert, {"cmd": "cancel", "ids": [job, job], "ref": "twice"})
    stage.settle()
    assert bert.lines()[-1]["ref"] == "twice"


def test_a_worker_whose_connection_is_gone_does_not_begin_to_work(stage: Stage) -> None:
    anna, gone = stage.peer("anna"), stage.peer("gone")
    job = ask(stage, anna, cmd="submit", kind="saw", delay_seconds=1000)["id"]
    cancel = {"cmd": "cancel", "id": job}
    say(gone, cancel, cancel, {"cmd": "work", "kinds": ["*"], "credit": 5})
    gone.leave()
    stage.settle()
    assert ask(stage, anna, cmd="submit", kind="saw")["state"] == "ready"
    assert ask(stage, anna, cmd="kinds")["kinds"] == []


def test_a_job_that_a_worker_names_twice_is_either_kept_or_lost(stage: Stage) -> None:
    worker = stage.peer("worker")
    ask(stage, worker, cmd="hello", token=TOKEN, worker="w")
    ask(stage, worker, cmd="work", kinds=["*"], credit=2)
    named = {"id": ask(stage, worker, cmd="submit", kind="saw")["run"][0]["id"], "attempt": 1}
    answer = ask(stage, worker, cmd="keep", jobs=[named, named])
    assert "error" in answer or not set(answer["kept"]) & set(answer["lost"])


def test_two_ids_that_never_were_are_not_the_same_job(stage: Stage) -> None:
    anna = stage.peer("anna")
    assert len(ask(stage, anna, cmd="cancel", ids=["x", "y"])["refused"]) == 2
    ask(stage, anna, cmd="work", kinds=["*"])
    jobs = [{"id": "x", "attempt": 1}, {"id": "y", "attempt": 1}]
    assert len(ask(stage, anna, cmd="done", jobs=jobs)["refused"]) == 2


def test_a_refused_cancel_reserves_nothing(stage: Stage) -> None:
    anna = stage.peer("anna")
    job = ask(stage, anna, cmd="submit", kind="saw")["id"]
    say(anna, {"cmd": "cancel", "ids": [job, job]}, {"cmd": "cancel", "id": job, "ref": 2})
    stage.settle()
    assert anna.lines()[-1] == {"ok": True, "ref": 2}


def test_hello_behind_work_is_refused_and_leaves_no_worker_behind(stage: Stage) -> None:
    late, anna = stage.peer("late"), stage.peer("anna")
    ask(stage, late, cmd="work", kinds=["*"], credit=5)
    assert "error" in ask(stage, late, cmd="hello", worker="w")
    late.leave()
    stage.settle()
    assert ask(stage, anna, cmd="submit", kind="saw")["state"] == "ready"


def test_a_wait_for_more_than_a_line_may_hold_is_answered_once(stage: Stage) -> None:
    anna = stage.peer("anna")
    ids = [ask(stage, anna, cmd="submit", kind="saw", payload="x" * 1_000_000)["id"] for _ in range(3)]
    say(anna, {"cmd": "wait", "ids": ids, "ref": "once"}, {"cmd": "cancel", "ids": ids})
    stage.settle()
    assert [line.get("ref") for line in anna.lines()].count("once") == 1
