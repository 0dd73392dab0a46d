"""What a job of these tests does: it writes a mark when it starts, every 50 ms while it works, and when it has ended.

Run as a command it is a script as anybody would write it; imported it is the body of a function. It ignores SIGTERM
where the payload says so, and it never looks at whether it should stop.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

TICK_SECONDS = 0.05
WORKER = "PARTITION_WORKER"  # the environment variable that says whose process this is


def work(job: str, attempt: int, payload: dict) -> dict:
    """Take `seconds`; the result says which attempt of which worker made it."""
    worker = os.environ[WORKER]
    if payload.get("deaf"):
        with suppress(ValueError):  # on another thread than the main one there is nothing to ignore
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    log = os.open(payload["marks"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def mark(event: str) -> None:
        os.write(log, f"{job} {attempt} {worker} {event} {time.monotonic():.6f}\n".encode())

    mark("start")
    over = time.monotonic() + payload["seconds"]
    while time.monotonic() < over:
        time.sleep(TICK_SECONDS)
        mark("tick")
    mark("end")
    os.close(log)
    return {"by": [attempt, worker], "marker": payload["marker"]}


def main() -> None:
    result = work(os.environ["HALL_JOB_ID"], int(os.environ["HALL_ATTEMPT"]), json.load(sys.stdin))
    Path(os.environ["HALL_RESULT"]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
