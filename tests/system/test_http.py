"""The HTTP door of a real hall: what it costs while nobody comes, and what a polling worker keeps over a restart."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.system.hall_process import ROOT, Hall

pytestmark = pytest.mark.slow

# Starts a hall in its own process, and tells what that has loaded before and after the first request.
IDLE = """
import asyncio, json, sys, urllib.request
from hirehall.app import Building
from hirehall.config import settle
HEAVY = ("starlette", "uvicorn", "httptools", "hirehall.doors.http.site")

async def main():
    building = Building(settle({"data": sys.argv[1], "tcp": "127.0.0.1:0", "store": "memory:"}, {}))
    await building.open()
    before = [name for name in HEAVY if name in sys.modules]
    await asyncio.to_thread(urllib.request.urlopen, building.http + "/login")
    print(json.dumps([before, [name for name in HEAVY if name in sys.modules]]))
    await building.close()

asyncio.run(main())
"""
MOST_IDLE = 45 << 20  # bytes of a hall to which nobody has come by HTTP
MOST_VISITED = 80 << 20


def post(hall: Hall, path: str, body: Any) -> Any:
    access = hall.access
    request = urllib.request.Request(
        f"{access['http']}/api/v1{path}",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {access['token']}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_nothing_of_http_is_loaded_before_somebody_comes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IDLE, str(tmp_path / "d")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True)
    before, after = json.loads(ran.stdout)
    assert (before, len(after)) == ([], 4)


def test_an_idle_hall_is_small_and_stays_so_when_somebody_has_come(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "data").start()
    try:
        assert psutil.Process(hall.pid).memory_info().rss < MOST_IDLE
        post(hall, "/jobs", {"kind": "saw"})
        assert psutil.Process(hall.pid).memory_info().rss < MOST_VISITED
    finally:
        hall.close()


@pytest.mark.parametrize("way", ["killed", "stopped"])
def test_what_a_polling_worker_holds_stays_its_own_when_the_hall_starts_anew(tmp_path: Path, way: str) -> None:
    hall = Hall(tmp_path / "data").start()
    try:
        ids = post(hall, "/jobs", {"kind": "saw", "jobs": [{}, {}, {}]})["ids"]
        claim = {"worker": "w81f", "kinds": ["saw"], "n": 2, "lease_seconds": 600, "wait_seconds": 0}
        assert [run["id"] for run in post(hall, "/claim", claim)["run"]] == ids[:2]
        hall.kill() if way == "killed" else hall.stop()
        hall.start()
        assert [run["id"] for run in post(hall, "/claim", {**claim, "n": 1})["run"]] == ids[2:]
        named = [{"id": job, "attempt": 1} for job in ids]
        assert post(hall, "/beat", {"worker": "w81f", "jobs": named})["lost"] == []
        assert post(hall, "/done", {"worker": "w81f", "jobs": named})["refused"] == []
    finally:
        hall.close()


def test_a_hall_without_http_has_no_such_address(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "data", options=("--http", "off")).start()
    try:
        assert hall.access["http"] is None
        line = hall.session()
        assert line.ask(cmd="link")["error"]["code"] == "wrong_state"
    finally:
        hall.close()
