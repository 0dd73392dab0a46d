"""Makes schema-1.db: a hall of schema 1 with jobs in every state, stopped while a worker holds one of them.

python -m tests.stores.data.make_schema_1 FILE
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import apsw

from tests.system.hall_process import Hall
from tests.system.lines import Line

KEPT = {"keep_seconds": 50 * 366 * 86_400}  # or the sweep would take them away before anybody looks
PATIENCE = 10.0  # seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        hall = Hall(Path(folder) / "data")
        try:
            hall.start()
            fill(hall)
            hall.stop()
        finally:
            hall.close()
        file = hall.data / "hall.db"
        db = apsw.Connection(str(file))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.close()  # the last one to close takes the log away
        shutil.copyfile(file, sys.argv[1])


def fill(hall: Hall) -> None:
    """Every state, its job's kind named after it."""
    client = hall.session(name="submitter")
    worker = hall.session(worker="w-1", name="render-01")
    worker.ok("work", queues=["default", "images"], kinds=["succeeded", "failed", "again", "running"], credit=1)
    submit(client, "succeeded", payload=[1, 2], key="sum", meta={"trace": "abc"})
    worker.ok("done", **taken(worker), result={"sum": 3})
    submit(client, "failed", max_attempts=2, key="broken")
    for _ in range(2):
        worker.ok("fail", **taken(worker), error={"type": "ValueError", "message": "no such file"}, delay_seconds=0)
    submit(client, "again", queue="images")
    worker.ok("fail", **taken(worker), error={"message": "try later"}, delay_seconds=20 * 366 * 86_400)
    submit(client, "running", queue="images", payload={"file": "a.png"}, priority=3, timeout_seconds=3600)
    taken(worker)
    client.ok("cancel", id=submit(client, "cancelled"))
    submit(client, "scheduled", run_at="2060-01-01T00:00:00Z", key="new-year")
    await_state(client, submit(client, "expired", ttl_seconds=0.2), "expired")
    for priority in (0, 5, -1):
        submit(client, "ready", queue="images", priority=priority, key=f"first-{priority}")
        submit(client, "ready", queue="images", priority=priority)
    submit(client, "ready", requires={"gpu": 1}, backoff={"kind": "constant", "base_seconds": 2})


def submit(client: Line, kind: str, **fields: Any) -> str:
    return str(client.ok("submit", kind=kind, **KEPT, **fields)["id"])


def taken(worker: Line) -> dict[str, Any]:
    (run,) = worker.runs(1)
    return {"id": run["id"], "attempt": run["attempt"]}


def await_state(client: Line, job: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while client.ok("get", ids=[job])["jobs"][0]["state"] != state:
        assert time.monotonic() < deadline, f"{job} is not {state} in time"


if __name__ == "__main__":
    main()
