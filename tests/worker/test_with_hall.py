"""Agents and a real hall: logs arrive, orders are followed, hung functions end."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from hirehall import Context, JobFailed, Retry
from hirehall.errors import BadRequest
from hirehall.runners.command import CommandRunner
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import load, registry
from hirehall.service import worker_commands
from hirehall.testing import functions_of
from tests.patience import eventually
from tests.worker.house import PATIENCE, House

logger = logging.getLogger("users.module")


def test_what_functions_log_is_in_their_jobs_logs(house: House) -> None:
    def work(payload: int, context: Context) -> None:
        logger.warning("page %d", payload)
        context.log(f"said {payload}")

    jobs = house.client.submit_many([{"kind": "work", "payload": n} for n in range(20)])
    house.hire(PythonRunner(functions_of([work])))
    for n, job in enumerate(jobs):
        job.result(timeout_seconds=PATIENCE)
        assert house.log(job.id, "log") == [f"WARNING users.module: page {n}", f"said {n}"]


def test_what_a_script_writes_can_be_read_while_it_runs(house: House, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job = house.client.submit("script")
    text = f"echo one; echo oops >&2; while [ ! -e {go} ]; do sleep 0.01; done; echo two"
    house.hire(CommandRunner("script", ["sh", "-c", text]))
    eventually(lambda: house.log(job.id, "stdout") == ["one"] and house.log(job.id, "stderr") == ["oops"])
    go.touch()
    assert job.result(timeout_seconds=PATIENCE) == "one\ntwo"
    assert house.log(job.id, "stdout") == ["one", "two"]


def test_a_function_that_floods_its_log_harms_neither_its_result_nor_its_worker(house: House) -> None:
    def flood(payload: Any, context: Context) -> str:
        for n in range(50_000):
            context.log(f"line {n} " + "x" * 100)
        return "done"

    job = house.client.submit("flood")
    house.hire(PythonRunner(functions_of([flood])), lease_seconds=2.0)
    assert job.result(timeout_seconds=PATIENCE) == "done"
    assert house.client.get([job.id])[0].attempt == 1


def test_the_hall_sets_a_workers_concurrency_while_it_works(house: House) -> None:
    gate = threading.Event()

    def wait(payload: Any) -> None:
        assert gate.wait(PATIENCE)

    agent = house.hire(PythonRunner(functions_of([wait])), concurrency=4)
    house.client.submit_many([{"kind": "wait"} for _ in range(10)])
    eventually(lambda: len(house.view(agent).get("running", [])) == 4)
    house.order(agent, "set", credit=6)
    eventually(lambda: len(house.view(agent)["running"]) == 6)
    house.order(agent, "set", credit=2)
    eventually(lambda: house.view(agent)["credit"] == 2)
    assert len(house.view(agent)["running"]) == 6, "lowering takes nothing back"
    gate.set()
    eventually(lambda: len(house.client.find(state="succeeded").jobs) == 10)


def test_a_worker_that_the_hall_drains_finishes_and_leaves(house: House) -> None:
    gate = threading.Event()

    def wait(payload: Any) -> str:
        assert gate.wait(PATIENCE)
        return "finished"

    job = house.client.submit("wait")
    agent = house.hire(PythonRunner(functions_of([wait])))
    eventually(lambda: house.view(agent).get("running"))
    house.order(agent, "drain")
    later = house.client.submit("wait")
    gate.set()
    assert job.result(timeout_seconds=PATIENCE) == "finished"
    eventually(house.has_left)
    assert house.client.get([later.id])[0].state == "ready"


def test_a_worker_that_the_hall_stops_gives_its_jobs_back_and_leaves_at_once(house: House) -> None:
    job = house.client.submit("script")
    agent = house.hire(CommandRunner("script", ["sleep", "1000"]))
    eventually(lambda: house.view(agent).get("running"))
    house.order(agent, "stop")
    eventually(house.has_left)
    found = house.client.get([job.id])[0]
    assert (found.state, found.forgiven) == ("ready", 1)


def test_a_hung_function_fails_by_its_timeout_and_its_place_is_free(house: House) -> None:
    gate = threading.Event()

    def hang(payload: bool) -> str:
        assert not payload or gate.wait(PATIENCE)
        return "ended"

    hung = house.client.submit("hang", True, timeout_seconds=0.2, max_attempts=1)
    house.hire(PythonRunner(functions_of([hang]), give_up_seconds=0.2), concurrency=1)
    with pytest.raises(JobFailed, match="still runs: it cannot be stopped"):
        hung.result(timeout_seconds=PATIENCE)
    assert house.client.submit("hang", False).result(timeout_seconds=PATIENCE) == "ended"
    gate.set()


def test_a_failure_that_the_hall_does_not_admit_is_a_failure_nevertheless(house: House) -> None:
    def retry(payload: Any) -> None:
        raise Retry(delay_seconds=1e12)

    job = house.client.submit("retry", max_attempts=1)
    house.hire(PythonRunner(functions_of([retry])), lease_seconds=2.0)
    with pytest.raises(JobFailed, match="did not admit"):
        job.result(timeout_seconds=PATIENCE)


def test_a_job_whose_worker_cannot_answer_for_it_is_not_kept_running_by_beats(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def refuse(what: str, _seconds: float | None) -> None:
        if len(refused) < 3:
            refused.append(what)
            raise BadRequest("not like this")

    def fail(payload: Any) -> None:
        raise ValueError("once more")

    monkeypatch.setattr(worker_commands, "check_seconds", refuse)
    job = house.client.submit("fail", max_attempts=1)
    house.hire(PythonRunner(functions_of([fail])), lease_seconds=2.0)
    with pytest.raises(JobFailed, match="once more"):
        job.result(timeout_seconds=PATIENCE)
    assert len(refused) == 3


TASKS = """
import time
from hirehall import job

@job
def hang_in_process(payload):
    print("on it", flush=True)
    while payload:
        time.sleep(0.01)
    return "ended"
"""


@pytest.mark.slow
def test_a_hung_function_in_a_process_is_killed_by_the_halls_timeout(house: House, tmp_path: Path) -> None:
    file = tmp_path / "tasks_that_hang.py"
    file.write_text(TASKS)
    before = dict(registry.functions)
    try:
        functions = [function for function in load(str(file)) if function.kind == "hang_in_process"]
        hung = house.client.submit("hang_in_process", True, timeout_seconds=1, max_attempts=1)
        house.hire(ProcessRunner(functions, [str(file)]), concurrency=1)
        with pytest.raises(JobFailed, match="it took longer than its timeout"):
            hung.result(timeout_seconds=PATIENCE)
        assert house.log(hung.id, "stdout") == ["on it"]
        assert house.client.submit("hang_in_process", False).result(timeout_seconds=PATIENCE) == "ended"
    finally:
        registry.functions.clear()
        registry.functions.update(before)
        sys.path.remove(str(tmp_path))
