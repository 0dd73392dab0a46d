"""HallTestServer: what users test their functions with."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hirehall import JobFailed, job
from hirehall.runners.registry import registry
from hirehall.testing import HallTestServer

ROOT = Path(__file__).resolve().parents[2]


def double(payload: int) -> int:
    return payload * 2


def test_functions_run_whether_they_are_jobs_or_not_yet() -> None:
    with HallTestServer() as server:
        jobs = server.client().submit_many([{"kind": "double", "payload": n} for n in range(50)])
        server.run_all(double)
        assert [job.result(timeout_seconds=10) for job in jobs] == [n * 2 for n in range(50)]


def test_a_decorated_function_keeps_its_kind_and_a_file_may_be_named(tmp_path: Path) -> None:
    before = dict(registry.functions)
    try:

        @job(kind="named-otherwise")
        def mine(payload: Any) -> str:
            return "mine"

        (tmp_path / "tasks_of_a_file.py").write_text(
            "from hirehall import job\n@job\ndef from_file(payload): return 1\n"
        )
        with HallTestServer() as server:
            first = server.client().submit("named-otherwise")
            second = server.client().submit("from_file")
            with server.worker(mine, tmp_path / "tasks_of_a_file.py"):
                assert (first.result(timeout_seconds=10), second.result(timeout_seconds=10)) == ("mine", 1)
    finally:
        registry.functions.clear()
        registry.functions.update(before)
        sys.path.remove(str(tmp_path))


def test_what_a_job_hands_in_is_run_too() -> None:
    with HallTestServer() as server:
        client = server.client()

        def chain(payload: int) -> int:
            threading.Event().wait(0.03)  # it takes its time
            if payload:
                client.submit("chain", payload - 1)
            return payload

        client.submit("chain", 5)
        server.run_all(chain)
        assert len(client.find(state="succeeded").jobs) == 6


def test_a_failure_is_seen_and_a_retry_is_left_for_later() -> None:
    def fail(payload: Any) -> None:
        raise ValueError("no")

    with HallTestServer() as server:
        client = server.client()
        once, again = client.submit("fail", max_attempts=1), client.submit("fail", delay_seconds=0)
        server.run_all(fail)
        with pytest.raises(JobFailed):
            once.result(timeout_seconds=10)
        assert client.get([again.id])[0].state == "scheduled"


def test_a_kind_that_nobody_runs_is_named() -> None:
    with HallTestServer() as server:
        server.client().submit("unknown-kind")
        with pytest.raises(TimeoutError, match="of kind 'unknown-kind'"):
            server.run_all(double, timeout_seconds=0)


def test_nothing_is_left_behind_by_a_test_that_fails() -> None:
    before = set(threading.enumerate())

    def broken() -> None:
        with HallTestServer() as server:
            server.client()
            server.worker(double)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    left = [thread.name for thread in set(threading.enumerate()) - before if not thread.name.startswith("hirehall-job")]
    assert left == []


def test_two_servers_do_not_know_each_other() -> None:
    with HallTestServer() as one, HallTestServer() as two:
        one.client().submit("double", 1)
        assert one.url != two.url
        assert two.client().find().jobs == []


def test_hirehall_without_its_plugin_does_not_import_pytest() -> None:
    program = "import sys, hirehall, hirehall.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_the_plugin_is_announced_and_loads_no_server() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert hasattr(import_module(declared["hirehall"]), "hall_server")
    program = "import sys, hirehall.pytest_plugin; sys.exit('hirehall.app' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.mark.slow
def test_the_example_of_a_test_passes_and_is_short() -> None:
    example = ROOT / "examples" / "test_tasks.py"
    first = example.read_text().split("\n\n\n")[1]
    assert len(first.splitlines()) <= 10
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "hirehall.pytest_plugin", "-c", os.devnull, "-q", str(example)]
    ran = subprocess.run(command, cwd=example.parent, env=env, capture_output=True, text=True, check=False)
    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr
