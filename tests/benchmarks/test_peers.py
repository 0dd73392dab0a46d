"""The race beside other job servers: what makes a disk slow, what each peer says of itself, a short race of our own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers"
SHIM = PEERS / "slow_sync.so"
LIBRARIES = (
    "asyncpg", "celery", "celery.result", "distributed", "dramatiq", "dramatiq.brokers", "dramatiq.brokers.redis",
    "dramatiq.results", "dramatiq.results.backends", "greenstalk", "huey", "huey.api", "pgqueuer", "pgqueuer.adapters",
    "pgqueuer.adapters.drivers", "pgqueuer.adapters.drivers.asyncpg", "pgqueuer.models", "pgqueuer.queries", "pika",
    "pika.adapters", "pika.adapters.asyncio_connection", "procrastinate", "redis", "rq", "rq.job", "rq.registry",
)  # fmt: skip
FASTEST_SYNC = """
import os, sys, tempfile, time
def seconds(sync, file):
    at = time.perf_counter()
    sync(file.fileno())
    return time.perf_counter() - at
with tempfile.TemporaryFile() as file:
    for sync in (os.fsync, os.fdatasync):
        print(min(seconds(sync, file) for _ in range(20)))
"""


@pytest.fixture(scope="module", autouse=True)
def _shim() -> None:
    subprocess.run(["make", "--silent", str(SHIM.relative_to(ROOT))], cwd=ROOT, check=True)


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """All peers, with stand-ins for the libraries, which are only in the environment of the race."""
    before = set(sys.modules)
    for library in LIBRARIES:
        monkeypatch.setitem(sys.modules, library, MagicMock())
    yield {path.stem: importlib.import_module(f"benchmarks.peers.{path.stem}") for path in PEERS.glob("*_peer.py")}
    for name in set(sys.modules) - before:
        if name.startswith("benchmarks."):
            del sys.modules[name]


def fastest_syncs(**environment: str) -> list[float]:
    """The least that fsync and fdatasync of a Python process take, in seconds."""
    command = [sys.executable, "-c", FASTEST_SYNC]
    said = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return [float(line) for line in said.stdout.split()]


def test_every_sync_of_a_process_takes_two_milliseconds_more_with_the_slow_disk() -> None:
    assert all(took < 0.002 for took in fastest_syncs())
    assert all(took >= 0.002 for took in fastest_syncs(LD_PRELOAD=str(SHIM)))


def test_the_race_knows_every_peer_and_each_says_what_it_is(modules: dict[str, ModuleType]) -> None:
    race = importlib.import_module("benchmarks.peers.__main__")
    packages = importlib.import_module("benchmarks.peers.packages")
    peer = importlib.import_module("benchmarks.peers.peer")
    assert {module for module, _ in race.CONTESTANTS} == set(modules)
    kinds = [getattr(modules[module], name) for module, name in race.CONTESTANTS]
    assert len({(kind.name, kind.setting, kind.variant) for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert issubclass(kind, peer.Peer)
        said = [getattr(kind, name) for name in ("name", "setting", "lost", "client_is", "worker_is", "known")]
        assert all(said), kind
        assert kind.is_durable == (kind.lost == "nothing"), kind
        assert kind.client is not peer.Peer.client, kind
        assert kind.worker_command is not peer.Peer.worker_command, kind
        assert not kind.needs or kind.needs in packages.PACKAGES, kind


def test_a_slow_peer_has_the_slow_disk_under_its_server_only(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    ours = modules["hirehall_peer"].Hirehall(tmp_path, slow=SHIM)
    assert ours.server_environment()["LD_PRELOAD"] == str(SHIM)
    assert "LD_PRELOAD" not in ours.environment
    without_server = modules["huey_peer"].HueySqlite(tmp_path, slow=SHIM)
    assert without_server.environment["LD_PRELOAD"] == str(SHIM)


@pytest.mark.slow
def test_a_race_measures_every_row_and_leaves_nothing_running(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.peers", "--only", "Hirehall", "--jobs", "200", "--rounds", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    race = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert race.returncode == 0, race.stderr
    lines = race.stdout.splitlines()
    assert [("sync + 2 ms" in line) for line in lines] == [False, True]
    for row in ("end_to_end", "many_end_to_end", "p50", "enqueue", "many_enqueue"):
        assert all(f" {row} " in line for line in lines), row
    assert not list(tmp_path.iterdir())
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in read(path)]
    assert left == []


def read(path: Path) -> bytes:
    """What is there, unless it has gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
