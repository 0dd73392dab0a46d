"""The same work again and again, and what three processes hold after each time: the hall, a worker, a client."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.soak.gauge import MIB, Taken, taken_by
from tests.system.hall_process import ROOT, Hall
from tests.system.lines import Line, readable

ROUND_SECONDS = 120.0
TASKS = Path(__file__).with_name("tasks.py")
IDLE = {"connections": 3, "workers": 1, "running": 0, "ready": 0}  # the client, the worker, and who asks


class Round(NamedTuple):
    """By process: what it held when the round was over."""

    hall: Taken
    worker: Taken
    client: Taken


def play(folder: Path, jobs: int, rounds: int) -> list[Round]:
    """Every round's end. Raises AssertionError when a round hangs, or when a hall at rest holds on to something."""
    folder.mkdir(exist_ok=True)
    hall = Hall(folder / "hall").start()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HIREHALL_DATA": str(hall.data), "PYTHONHASHSEED": "0"}
    started = []
    with (folder / "log").open("wb") as log:
        start = {"cwd": ROOT, "env": env, "stderr": log}
        command = ["-m", "hirehall", "work", str(TASKS), "--queue", "soak", "--concurrency", "50", "--name", "ann"]
        started.append(subprocess.Popen([sys.executable, *command], **start, stdout=log))
        command = ["-m", "tests.soak.client", str(jobs)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen([sys.executable, *command], **start, **pipes))
    try:
        return [one_round(hall, *started, f"round-{number}") for number in range(rounds)]
    finally:
        print((folder / "log").read_text()[-3000:])
        for process in started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        hall.close()


def one_round(hall: Hall, worker: subprocess.Popen[bytes], client: subprocess.Popen[bytes], name: str) -> Round:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(f"{name}\n".encode())
    client.stdin.flush()
    assert readable(client.stdout, ROUND_SECONDS), "the round did not end"  # type: ignore[arg-type]
    assert client.stdout.readline() == b"done\n", "the client broke off"
    with hall.session() as line:
        await_rest(line)
        return Round(*(taken_by(process.pid) for process in (hall.process, worker, client)))  # type: ignore[union-attr]


def await_rest(line: Line) -> None:
    """Until the hall holds nothing for anybody but who is there."""
    deadline = time.monotonic() + 20
    while (shown := line.ok("metrics")["metrics"]) and {key: shown[key] for key in IDLE} != IDLE:
        assert time.monotonic() < deadline, f"the hall does not come to rest: {shown}"
        time.sleep(0.02)
    assert line.ok("find", queue="soak")["jobs"] == [], "every job was removed"


def table(rounds: list[Round]) -> str:
    """Memory and descriptors after each round."""
    rows = [f"{'':8}" + "".join(f"   after {number + 1}: MiB  fds" for number in range(len(rounds)))]
    for name in Round._fields:
        taken = [getattr(it, name) for it in rounds]
        rows.append(f"{name:8}" + "".join(f"{it.anonymous / MIB:14.2f} {it.fds:4}" for it in taken))
    return "\n".join(rows)
