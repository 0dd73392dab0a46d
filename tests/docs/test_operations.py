"""docs/operations.md: the unit is one that systemd takes, the limits are those of the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hirehall import model
from hirehall.core import checks, intake
from hirehall.doors import connection, remote
from hirehall.ports import ByIds
from hirehall.service import client_commands, events, token_commands, worker_commands
from hirehall.stores import sqlite_changes, sqlite_logs
from hirehall.wire import body

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"
UNIT = ROOT / "examples" / "hirehall.service"
PROGRAM = "/opt/hirehall/.venv/bin/hirehall"
EXPOSED = 20  # tenths: `systemd-analyze security` calls that OK
REMOTE_LINES = re.compile(r"^#(?=ExecStart|    --|LoadCredential|ExecReload)", re.MULTILINE)


def analyzed(*arguments: str | Path) -> None:
    """systemd has nothing to say against it."""
    command = ["systemd-analyze", *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout + found.stderr


@pytest.mark.parametrize("for_others", [False, True], ids=["for this machine", "for other machines"])
def test_systemd_takes_the_unit_and_finds_it_safe(tmp_path: Path, for_others: bool) -> None:
    """Where there is no systemd only its words are looked at: nothing is skipped."""
    text = UNIT.read_text()
    assert text.count(PROGRAM) == 2
    unit = tmp_path / "hirehall.service"
    unit.write_text((REMOTE_LINES.sub("", text) if for_others else text).replace(PROGRAM, sys.executable))
    if shutil.which("systemd-analyze"):
        analyzed("verify", "--man=no", unit)
        analyzed("security", "--offline=true", f"--threshold={EXPOSED}", "--no-pager", unit)


def test_the_unit_and_the_page_speak_of_the_same_files() -> None:
    page = PAGE.read_text()
    for said in ("systemctl reload", "/var/lib/hirehall", "DynamicUser"):
        assert said in UNIT.read_text() + page
    assert "StateDirectory=hirehall\n" in UNIT.read_text()


LIMITS = {
    "one line": model.MAX_MESSAGE,
    "payload; result": model.MAX_BODY,
    "levels deep": body.MAX_DEPTH,
    "jobs in one submit": client_commands.MAX_JOBS,
    "ids in one request": client_commands.MAX_IDS,
    "answer to": ByIds([]).max_bytes,
    "tags of a job": checks.MAX_TAGS,
    "labels of a job": checks.MAX_LABELS,
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
