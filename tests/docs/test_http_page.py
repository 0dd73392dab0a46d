"""The lines of docs/http.md, each said to a real hall."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hirehall.doors.http.operations import OPERATIONS
from tests.cli.program import ROOT
from tests.docs.dialogue import blocks
from tests.system.hall_process import Hall

ENDLESS = '"$HALL/events"'
LAST = '"$HALL/shutdown"'


@pytest.mark.slow
def test_every_line_of_the_page_is_understood_by_a_hall(tmp_path: Path) -> None:
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} in the PATH: install it")
    (block,) = blocks(ROOT / "docs" / "http.md", "sh")
    lines = block.splitlines()
    begin, calls = lines[:4], [line for line in lines[4:] if ENDLESS not in line and LAST not in line]
    assert len(calls) == len(OPERATIONS) - 2
    data = tmp_path / ".local" / "state" / "hirehall"
    data.mkdir(parents=True, mode=0o700)
    hall = Hall(data).start()
    try:
        script = "\n".join(
            [
                *begin,
                "JOB=0ca8abc2f0400000 UPLOAD=00000000000000000000000000000000",
                *(f"{call}; echo" for call in calls),
            ]
        )
        home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        ran = subprocess.run(["bash", "-c", script], env=home, capture_output=True, text=True, timeout=120, check=True)
    finally:
        hall.close()
    answers = ran.stdout.splitlines()
    assert len(answers) == len(calls)
    for call, answer in zip(calls, answers, strict=True):
        about_what_is_not_there = '"code":"not_found"' in answer or '"code":"stale_lease"' in answer
        assert '"ok":true' in answer or about_what_is_not_there, f"{call}\n{answer}"
