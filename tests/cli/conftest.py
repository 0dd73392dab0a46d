"""One hall and one worker for all tests of the command line that need them, and commands run in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hirehall.cli.main import run
from tests.cli.program import Shell
from tests.cli.puppet import Puppet
from tests.system.hall_process import Hall

TASKS = """
import time
from hirehall import job

@job
def double(payload):
    return {"twice": 2 * payload}

@job
def stumble(payload):
    raise ValueError("no such \\x1b[31mcolour")

@job
def dawdle(payload, context):
    context.progress(40, "page 4 of 10")
    context.stopping.wait(60)
"""


class Said(NamedTuple):
    """What one command came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Runs commands as the program does, in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        status = run(arguments)
        return Said(status, *self._capsys.readouterr())


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A hall with a worker for `double`, `stumble` and `dawdle`."""
    folder = tmp_path_factory.mktemp("staffed")
    (folder / "tasks.py").write_text(TASKS)
    hall = Hall(folder / "hall", anonymous="")
    shell = Shell(folder / "home", folder, HIREHALL_DATA=str(hall.data))
    try:
        hall.start()
        shell.start("hirehall work tasks.py --name tester --offer gpu=1").says("connected to hall")
        yield hall
    finally:
        shell.close()
        hall.close()


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Commands where no hall is."""
    for name in ("HIREHALL_URL", "HIREHALL_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HIREHALL_DATA", str(tmp_path / "nowhere"))
    return Cli(capsys)


@pytest.fixture
def hall_cli(cli: Cli, staffed: Hall, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Commands where a hall and a worker are."""
    monkeypatch.setenv("HIREHALL_DATA", str(staffed.data))
    return cli


@pytest.fixture
def puppet(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Puppet]:
    """A hall that answers as the test says; commands find it."""
    puppet = Puppet()
    monkeypatch.setenv("HIREHALL_URL", puppet.url)
    yield puppet
    puppet.close()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Real programs, in an empty folder."""
    (tmp_path / "here").mkdir()
    shell = Shell(tmp_path / "home", tmp_path / "here", HIREHALL_TCP="127.0.0.1:0")
    yield shell
    shell.close()
