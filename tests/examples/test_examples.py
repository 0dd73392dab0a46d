"""The examples, each run as it stands."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Shell

EXAMPLES = ROOT / "examples"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A newcomer in `examples` with a hall that is ready."""
    shell = Shell(tmp_path, EXAMPLES, HIREHALL_TCP="127.0.0.1:0")
    shell.start("hirehall serve").says("ready")
    yield shell
    shell.close()


def test_the_python_tasks_run_sync_and_async_functions(shell: Shell) -> None:
    shell.start("hirehall work tasks.py").says("connected to hall")
    assert shell.run("""hirehall submit resize '{"file": "a.png"}' --wait""") == (0, '{"file":"a.png","width":100}\n')
    assert shell.run("""hirehall submit greet '"you"' --wait""") == (0, '"hello, you"\n')


def test_the_worker_of_the_config_file_runs_them_too(shell: Shell) -> None:
    shell.start("hirehall work --config worker.toml").says("as office-7")
    job = """hirehall submit resize '{"file": "a.png"}' --require mesher=gmsh --wait"""
    assert shell.run(job) == (0, '{"file":"a.png","width":100}\n')


@pytest.mark.parametrize("worker", ["pack.py", "--script pack=./pack.sh"])
def test_a_function_and_a_script_read_files_and_leave_some(shell: Shell, worker: str) -> None:
    shell.start(f"hirehall work {worker}").says("connected to hall")
    (shell.home / "a.txt").write_text("hello\n" * 1000)
    status, said = shell.run(f"hirehall submit pack --file {shell.home}/a.txt --wait")
    assert (status, "a.txt" in said) == (0, True)
    status, said = shell.run(f"hirehall fetch last --into {shell.home}")
    assert (status, said.strip()) == (0, f"{shell.home}/a.txt.gz")
    assert gzip.decompress((shell.home / "a.txt.gz").read_bytes()) == b"hello\n" * 1000


def test_the_bash_worker_does_any_payload_and_goes_on(shell: Shell) -> None:
    shell.start("./worker.sh")
    for payload in ("'\"plain\"'", """'{"quote \\" and \\\\ back": [1, null, "ü"]}'""", "null"):
        status, said = shell.run(f"hirehall submit cksum {payload} --wait")
        checksum, length = said.strip().strip('"').split()
        assert (status, checksum.isdigit(), int(length) > 1) == (0, True, True)


def test_the_bash_worker_has_fifteen_lines_at_most() -> None:
    lines = (EXAMPLES / "worker.sh").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 15


def test_every_example_is_run_here() -> None:
    """But for the units, which tests/docs/test_operations.py shows to systemd, and what test_node_worker.py runs."""
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix != ".service" and path.is_file()} == {
        "pack.py",
        "pack.sh",
        "tasks.py",
        "test_tasks.py",
        "worker-curl.sh",  # by test_http_examples.py, as what is in node/
        "worker.mjs",
        "worker.sh",
        "worker.toml",
    }
