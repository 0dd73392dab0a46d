"""docs/operations.md: the unit is one that systemd takes, the limits are those of the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from hirehall import model
from hirehall.core import checks, intake
from hirehall.doors import connection, remote
from hirehall.ports import ByIds
from hirehall.runners import port
from hirehall.service import client_commands, events, token_commands, worker_commands
from hirehall.stores import sqlite_changes, sqlite_logs
from hirehall.wire import body
from hirehall.worker.settings import SETTINGS
from tests.cli.program import ROOT, Shell
from tests.docs.dialogue import blocks

PAGE = ROOT / "docs" / "operations.md"
EXAMPLES = ROOT / "examples"
PROGRAM = "/opt/hirehall/.venv/bin/hirehall"
HALL_EXPOSED = 20  # tenths: `systemd-analyze security` calls that OK
WORKER_EXPOSED = 90  # it may do what its jobs do
REMOTE_LINES = re.compile(r"^#(?=ExecStart|    --|LoadCredential)", re.MULTILINE)


def analyzed(*arguments: str | Path) -> None:
    """systemd has nothing to say against it."""
    command = ["systemd-analyze", *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout + found.stderr


@pytest.mark.parametrize(
    ("unit", "edit", "exposed"),
    [
        ("hirehall.service", str, HALL_EXPOSED),
        ("hirehall.service", lambda text: REMOTE_LINES.sub("", text), HALL_EXPOSED),
        ("hirehall-worker.service", str, WORKER_EXPOSED),
    ],
    ids=["for this machine", "for other machines", "a worker"],
)
def test_systemd_takes_the_units(tmp_path: Path, unit: str, edit: Callable[[str], str], exposed: int) -> None:
    """Where there is no systemd they are only looked at: nothing is skipped."""
    text = edit((EXAMPLES / unit).read_text())
    assert f"\nExecStart={PROGRAM} " in text
    (tmp_path / unit).write_text(text.replace(PROGRAM, sys.executable))
    if shutil.which("systemd-analyze"):
        analyzed("verify", "--man=no", tmp_path / unit)
        analyzed("security", "--offline=true", f"--threshold={exposed}", "--no-pager", tmp_path / unit)


def test_the_unit_and_the_page_speak_of_the_same_files() -> None:
    page = PAGE.read_text()
    assert "/var/lib/hirehall`" in page
    assert "\nStateDirectory=hirehall\n" in (EXAMPLES / "hirehall.service").read_text()
    assert "`/etc/hirehall/worker.toml`" in page
    assert "--config /etc/hirehall/worker.toml\n" in (EXAMPLES / "hirehall-worker.service").read_text()


def test_the_settings_of_the_pages_worker_are_settings() -> None:
    (block,) = blocks(PAGE, "toml")
    assert tomllib.loads(block).keys() <= {setting.name for setting in SETTINGS}


def test_the_counters_can_be_asked_for_as_the_page_says(tmp_path: Path) -> None:
    (program,) = blocks(PAGE, "python")
    (tmp_path / "counters.py").write_text(program)
    shell = Shell(tmp_path, tmp_path, HIREHALL_TCP="127.0.0.1:0")
    try:
        shell.start("hirehall serve").says("ready")
        status, said = shell.run(f"env PYTHONPATH='{ROOT}' '{sys.executable}' counters.py")
    finally:
        shell.close()
    assert status == 0, said
    assert "'up_since_ms': " in said


LIMITS = {
    "one line": model.MAX_MESSAGE,
    "payload; result": model.MAX_BODY,
    "large result": port.MAX_RESULT,
    "levels deep": body.MAX_DEPTH,
    "jobs in one submit": client_commands.MAX_JOBS,
    "ids in one request": client_commands.MAX_IDS,
    "answer to": ByIds([]).max_bytes,
    "tags of a job": checks.MAX_TAGS,
    "labels of a job": checks.MAX_LABELS,
    "values in one list": checks.MAX_VALUES,
    "meta": checks.MAX_META,
    "`after`": intake.MAX_AFTER,
    "kinds and queues": worker_commands.MAX_NAMES,
    "names in a": token_commands.MAX_NAMES,
    "credit": worker_commands.MAX_CREDIT,
    "`max_attempts`": checks.MAX_TRIES,
    "priority": checks.MAX_PRIORITY,
    "448 KiB": sqlite_logs.HALF_BYTES >> 10,
    "last 20 attempts |": sqlite_logs.ATTEMPTS,
    "entry of a log": worker_commands.MAX_ENTRY,
    "text of a progress": worker_commands.MAX_PROGRESS,
    "trace": worker_commands.MAX_ERROR_BYTES,
    "history": sqlite_changes.HISTORY_ENTRIES,
    "events": events.KEPT_EVENTS,
    "| tokens": token_commands.MAX_TOKENS,
    "held back": connection.CLOGGED_BYTES >> 20,
    "dropped": connection.DROP_BYTES >> 20,
}


@pytest.mark.parametrize("words", LIMITS)
def test_a_limit_of_the_page_is_that_of_the_code(words: str) -> None:
    rows = PAGE.read_text().partition("## Sizes and limits")[2].splitlines()
    (row,) = [row for row in rows if row.startswith("|") and words in row]
    assert re.search(rf"(?<![\d,]){LIMITS[words]:,}(?![\d,])", row), row


def test_the_patience_with_a_remote_hello_is_that_of_the_code() -> None:
    assert f"within {remote.HELLO_SECONDS:g} seconds and {remote.HELLO_BYTES:,} bytes" in PAGE.read_text()
