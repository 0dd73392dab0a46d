"""The race beside other job servers: what makes a disk slow, what each peer says of itself, a short race of our own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest

from benchmarks.peers import slow_disk
from benchmarks.peers.peer import Client
from hirehall.bench.ground import Ground

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


class Dawdler(Client):
    """Slow with few jobs, quick with many: small runs say little about it."""

    def submit(self, count: int) -> int:
        until = time.perf_counter() + count * (1e-5 if count > 1000 else 1e-4)
        while time.perf_counter() < until:
            pass
        return count

    def await_all(self, submitted: int) -> None:
        pass


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
    assert len({str(race.Entry("", kind, slow)) for kind in kinds for slow in (False, True)}) == 2 * len(kinds)
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


@contextmanager
def process(**options: Any) -> Iterator[int]:
    """The pid of one that has loaded what it was told to."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "bufsize": 0}
    with subprocess.Popen(["cat"], **pipes, **options) as cat:
        assert cat.stdin is not None
        assert cat.stdout is not None
        cat.stdin.write(b"up\n")
        assert cat.stdout.readline() == b"up\n"
        yield cat.pid
        cat.stdin.close()


def test_a_server_without_the_slow_disk_is_seen(tmp_path: Path) -> None:
    library = slow_disk.within_reach(tmp_path)
    with process(env={**os.environ, "LD_PRELOAD": str(library)}) as pid:
        slow_disk.check(pid, library)
    with process() as pid, pytest.raises(slow_disk.NotSlow, match="cat has not loaded"):
        slow_disk.check(pid, library)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a process as another user")
def test_the_slow_disk_reaches_a_server_of_another_user_unless_it_cannot_read_the_library() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        library = slow_disk.within_reach(Path(made))
        slow = {"env": {**os.environ, "LD_PRELOAD": str(library)}, "user": "nobody", "cwd": "/"}
        with process(**slow) as pid:
            slow_disk.check(pid, library)
        library.chmod(0o700)
        with process(**slow) as pid, pytest.raises(slow_disk.NotSlow):
            slow_disk.check(pid, library)


def test_a_row_without_the_slow_disk_is_left_out_with_the_reason(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    race = importlib.import_module("benchmarks.peers.__main__")

    def fail(*_: object) -> None:
        raise race.slow_disk.NotSlow("no library")

    monkeypatch.setattr(race, "compete", fail)
    entry = race.Entry("hirehall_peer", modules["hirehall_peer"].Hirehall, slow=True)
    race.race([entry], race.read(["--rounds", "2"]))
    ground = Ground(machine="M", python="P", file_system="ext4", sync_ms=0.1)
    figures = race.figures_of([entry], race.read([]), ground, 0.0)
    assert (figures["left_out"], figures["peers"]) == ({"Hirehall, SQLite, as it comes, sync + 2 ms": "no library"}, [])


def test_when_the_time_is_up_what_has_had_its_turn_is_kept(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    race = importlib.import_module("benchmarks.peers.__main__")
    first, second = (
        race.Entry("hirehall_peer", modules["hirehall_peer"].Hirehall, slow=slow) for slow in (False, True)
    )
    wanted = race.read([])

    def turn(entry: Any, *_: object) -> dict[str, dict[str, float]]:
        wanted.minutes = 0.0
        return {
            "end_to_end": {"jobs": 300, "seconds": 3.1, "rate": 96.0},
            "latency": {"jobs": 200, "p50": 1.0, "p99": 2.0},
        }

    monkeypatch.setattr(race, "compete", turn)
    race.race([first, second], wanted)
    ground = Ground(machine="M", python="P", file_system="ext4", sync_ms=0.1)
    figures = race.figures_of([first, second], wanted, ground, 0.0)
    assert [kept["sizes"]["rounds"] for kept in figures["peers"]] == [[1, 1]]
    assert list(figures["left_out"].values()) == ["the run ended before its turn came"]


def test_a_row_takes_its_seconds_and_a_p99_has_two_hundred_samples() -> None:
    measure = importlib.import_module("benchmarks.peers.measure")
    client = Dawdler()
    row = measure.enqueue(client, 400_000, 0.2)
    assert row["seconds"] >= 0.2
    assert measure.enqueue(client, 250, 0.2)["jobs"] == 250
    assert measure.latency(client, 0, 0.001)["jobs"] >= 200


@pytest.mark.slow
def test_a_race_measures_every_row_and_leaves_nothing_running(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.peers", "--only", "Hirehall", "--jobs", "200", "--rounds", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    race = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert race.returncode == 0, race.stderr
    lines = [line for line in race.stdout.splitlines() if line.startswith("Hirehall")]
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
