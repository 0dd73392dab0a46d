"""`hirehall work` with a lease of a length that these tests can wait for.

python -m tests.partitions.agent NAME RUNNER LEASE
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from hirehall.runners.command import CommandRunner
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.port import Runner
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import load
from hirehall.worker.agent import Agent
from hirehall.worker.process import work
from tests.partitions.work import WORKER

HERE = Path(__file__).parent
TASKS = str(HERE / "tasks.py")
KINDS = {"command": "script", "pool": "function", "thread": "function"}  # of runner


def runner_of(name: str, worker: str) -> Runner:
    if name == "command":
        script = [sys.executable, "-S", "-E", str(HERE / "work.py")]
        return CommandRunner("script", script, env={WORKER: worker})
    functions = load(TASKS)
    return ProcessRunner(functions, [TASKS]) if name == "pool" else PythonRunner(functions)


def queues(name: str) -> tuple[str, ...]:
    """Only who is at the far end takes from `far`."""
    return ("default", "far") if name.startswith("far") else ("default",)


def main() -> None:
    name, runner, lease = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG, format="%(created).3f %(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    os.environ[WORKER] = name
    work(Agent([runner_of(runner, name)], name=name, queues=queues(name), concurrency=4, lease_seconds=float(lease)))


if __name__ == "__main__":
    main()
