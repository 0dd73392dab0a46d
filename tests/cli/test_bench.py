"""`hirehall bench`: every figure by its name, nothing made up, and nobody left behind."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from hirehall.bench import keeping
from hirehall.cli.main import run
from hirehall.client.sync_client import Hall as Client
from tests.certificates import make_pair
from tests.cli.conftest import Cli
from tests.cli.program import Program, Shell
from tests.system.hall_process import Hall

PATIENCE = 120.0  # on a machine that has much else to do
NAMES = """
end_to_end_jobs_per_s enqueue_jobs_per_s drain_jobs_per_s hall_only_jobs_per_s
latency_ms.p50 latency_ms.p95 latency_ms.p99 latency_floor_ms.p50 latency_floor_ms.p99
bulk.enqueue_jobs_per_s bulk.end_to_end_jobs_per_s
backlog.enqueue_ratio backlog.drain_ratio backlog.rss_growth_mib backlog.restart_to_first_delivery_seconds
idle.cpu_percent idle.rss_mib
idle_workers.count idle_workers.connect_seconds idle_workers.kib_each
idle_workers.latency_ms.p50 idle_workers.latency_ms.p99
""".split()  # noqa: SIM905 - one row for each sort
SMALL = "--quick --backlog 0 --idle-workers 0"


def figure(found: dict[str, Any], name: str) -> Any:
    """`a.b` of an object of JSON."""
    for part in name.split("."):
        found = found[part]
    return found


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where a bench puts what it makes."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def test_a_quick_run_measures_every_figure_and_leaves_nothing(shell: Shell, disk: Path) -> None:
    status, said = shell.run(f"hirehall bench --quick --directory {disk} --json figures.json", within=PATIENCE)
    assert status == 0, said
    found = json.loads((shell.cwd / "figures.json").read_text())
    assert [name for name in NAMES if not isinstance(figure(found, name), int | float)] == []
    assert all(figure(found, name) > 0 for name in NAMES if "idle.cpu" not in name and "rss_growth" not in name)
    assert found["ground"]["path"] == str(disk)
    assert found["ground"]["durability"] == "fsync"
    assert found["not_measured"] == {}
    assert found["incomplete"] is None
    assert all(row["hall_us"] > 0 and row["rss_after_mib"] > 10 and row["jobs"] > 0 for row in found["rows"])
    for words in (
        str(disk),
        found["ground"]["file_system"],
        "SQLite 3",
        "journal_mode wal, synchronous normal, durability fsync: the log is synced before every answer",
        "jobs/s",
        "latency_ms.p99",
        "latency_floor_ms is what this machine takes",
    ):
        assert words in said
    assert list(disk.iterdir()) == []


def test_a_running_hall_is_measured_and_what_is_not_known_of_it_is_said(tmp_path: Path, shell: Shell) -> None:
    hall = Hall(tmp_path / "hall", anonymous="").start()
    try:
        token = hall.access["token"]
        command = f"hirehall bench --quick --backlog 2000 --idle-workers 20 --url {hall.access['url']}"
        status, said = shell.run(f"{command} --token {token} --json figures.json", within=PATIENCE)
        assert status == 0, said
        found = json.loads((shell.cwd / "figures.json").read_text())
        unknown = ("latency_floor_ms", "idle.cpu_percent", "idle.rss_mib", "idle_workers.kib_each",
                   "backlog.rss_growth_mib", "backlog.restart_to_first_delivery_seconds")  # fmt: skip
        assert [figure(found, name) for name in unknown] == [None] * len(unknown)
        assert all(figure(found, name) > 0 for name in NAMES if not name.startswith(unknown))
        assert "not measured: idle: the hall is not a process of ours" in said
        with Client(hall.access["url"], token) as asking:
            assert asking.counts() == []
            assert asking.metrics()["succeeded"] > 0
    finally:
        hall.close()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("--role submit --role work", "admin, read (this needs the role read"),
        ("--role submit --role work --role read --role admin --queue images", "work (queue 'bench-"),
    ],
)
def test_a_token_that_may_too_little_is_told_the_roles_before_anything_is_measured(
    tmp_path: Path, cli: Cli, given: str, missing: str
) -> None:
    hall = Hall(tmp_path / "hall", anonymous="").start()
    try:
        where = ("--url", hall.access["url"], "--token")
        token = cli("token", "create", "few", *given.split(), *where, hall.access["token"]).out.split()[0]
        said = cli("bench", "--quick", *where, token)
        assert said.status == 3
        assert "roles admin, read, submit, work, and no limits; not allowed to this one: " in said.err
        assert missing in said.err
        assert "one at a time" not in said.err
        with Client(hall.access["url"], hall.access["token"]) as asking:
            assert asking.metrics()["submitted"] == 0
            assert asking.queues() == []
    finally:
        hall.close()


def test_a_running_hall_that_speaks_tls_is_measured_by_the_official_client(tmp_path: Path, shell: Shell) -> None:
    pair = make_pair(tmp_path)
    options = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))
    hall = Hall(tmp_path / "hall", anonymous="", options=options).start()
    try:
        shell.env["HIREHALL_TOKEN"] = hall.access["token"]
        command = f"hirehall bench --quick --url {hall.access['url']} --ca {pair.certificate} --json figures.json"
        status, said = shell.run(command, within=PATIENCE)
        assert status == 0, said
        found = json.loads((shell.cwd / "figures.json").read_text())
        assert found["end_to_end_jobs_per_s"] > 0
        assert found["hall_only_jobs_per_s"] is None
        assert "these loads are plain sockets" in said
    finally:
        hall.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--quick --sustained", "leave it or --sustained out"),
        ("--url hall://127.0.0.1:1 --directory .", "for a hall of its own"),
        ("--url=", "--url is empty"),
        ("--token hall_x", "name it with --url"),
        ("--json no/such/place.json", "cannot be written: No such file or directory"),
        ("--json /dev/null/figures.json", "cannot be written: Not a directory"),
        ("--backlog lots", "not a valid integer"),
        ("--sustained 0", "x>=0.1"),
        ("--directory no-such-place", "does not exist"),
    ],
)
def test_options_that_mean_nothing_together_are_met_before_anything_is_begun(
    cli: Cli, options: str, words: str
) -> None:
    said = cli("bench", *options.split())
    assert said.status == 2
    assert words in said.err


def test_a_directory_in_memory_is_refused_with_the_remedy(cli: Cli) -> None:
    said = cli("bench", "--directory", "/dev/shm")
    assert said.status == 2
    assert "/dev/shm is in memory (tmpfs)" in said.err
    assert "--directory" in said.err
    assert "--allow-tmpfs" in said.err


def test_memory_is_measured_when_that_is_said(shell: Shell) -> None:
    status, said = shell.run(f"hirehall bench {SMALL} --directory /dev/shm --allow-tmpfs", within=PATIENCE)
    assert status == 0, said
    assert "data in /dev/shm (tmpfs)" in said


def test_a_hall_that_is_not_there_is_named(cli: Cli) -> None:
    said = cli("bench", "--url", "hall://127.0.0.1:1")
    assert said.status == 3
    assert "127.0.0.1:1" in said.err


def members(running: Program, row: str) -> list[psutil.Process]:
    """The processes of a bench that is at this row."""
    running.says(f"hirehall: {row}\n", within=PATIENCE)
    return psutil.Process(running.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("row", "number"),
    [("end to end", signal.SIGINT), ("hall only, end to end", signal.SIGTERM), ("backlog", signal.SIGINT)],
)
def test_an_interrupted_run_leaves_no_process_and_no_file(
    shell: Shell, disk: Path, row: str, number: signal.Signals
) -> None:
    running = shell.start(f"hirehall bench --quick --directory {disk} --json figures.json")
    children = members(running, row)
    assert len(children) >= 2
    os.kill(running.pid, number)
    status, said = running.ends()
    assert status == 130
    assert "interrupted at " in said
    found = json.loads((shell.cwd / "figures.json").read_text())
    assert found["incomplete"] == f"interrupted at {row!r}"
    assert [row["what"] for row in found["rows"]][:1] == ["one at a time"]
    assert "Traceback" not in said
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "command", "name"),
    [
        ("end to end", "serve", "the hall"),
        ("hall only, end to end", "serve", "the hall"),
        ("enqueue", "work", "the official worker"),
    ],
)
def test_who_dies_ends_the_run_with_their_last_words(
    shell: Shell, disk: Path, row: str, command: str, name: str
) -> None:
    running = shell.start(f"hirehall bench --quick --directory {disk} --json figures.json")
    children = members(running, row)
    next(child for child in children if command in child.cmdline()).kill()
    status, said = running.ends(within=60)
    assert status == 3
    assert f"{name} ended with status -9" in said
    found = json.loads((shell.cwd / "figures.json").read_text())
    assert f": {name} ended with status -9" in found["incomplete"]
    assert found["latency_ms"]["p50"] > 0
    assert "Traceback" not in said
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize(("row", "least"), [("idle", 1), ("end to end", 2), ("beside the backlog", 4)])
def test_a_bench_that_is_killed_leaves_no_process_and_no_file(shell: Shell, disk: Path, row: str, least: int) -> None:
    running = shell.start(f"hirehall bench --quick --directory {disk}")
    children = members(running, row)
    assert len(children) >= least
    os.kill(running.pid, signal.SIGKILL)
    left = psutil.wait_procs(children, timeout=20)[1]
    for child in left:
        child.kill()
    assert left == []
    assert list(disk.iterdir()) == []


def test_a_bench_of_a_running_hall_that_is_killed_leaves_no_file(tmp_path: Path, shell: Shell, disk: Path) -> None:
    shell.env["TMPDIR"] = str(disk)
    hall = Hall(tmp_path / "hall", anonymous="").start()
    try:
        running = shell.start(f"hirehall bench {SMALL} --url {hall.access['url']} --token {hall.access['token']}")
        children = members(running, "hall only, end to end")
        assert len(list(disk.iterdir())) == 1
        os.kill(running.pid, signal.SIGKILL)
        assert psutil.wait_procs(children, timeout=20)[1] == []
        assert list(disk.iterdir()) == []
    finally:
        hall.close()


def test_few_waiting_jobs_and_one_idle_worker_can_be_measured(shell: Shell, disk: Path) -> None:
    """Fewer than a worker takes at once, so that every drain takes them all; and not a whole number of messages."""
    command = f"hirehall bench --quick --backlog 150 --idle-workers 1 --directory {disk} --json figures.json"
    status, said = shell.run(command, within=PATIENCE)
    assert status == 0, said
    found = json.loads((shell.cwd / "figures.json").read_text())
    assert found["backlog"]["jobs"] == 150
    assert 0 < found["backlog"]["restart_to_first_delivery_seconds"] < 20
    assert found["idle_workers"]["count"] == 1


def test_a_hall_that_loses_a_job_ends_the_run(
    disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One job too few from the first look on."""
    honest = keeping.held_in
    monkeypatch.setattr(keeping, "held_in", lambda *asked: {state: jobs - 1 for state, jobs in honest(*asked).items()})
    assert run(["bench", *SMALL.split(), "--directory", str(disk)]) == 1
    assert "where the client was answered" in capsys.readouterr().err
