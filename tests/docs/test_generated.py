"""The generated pages are what `make docs` would write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hirehall.cli.exits import Exit
from hirehall.core.lifecycle import diagram

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_generated_pages_are_fresh() -> None:
    """In a process of its own: click remembers in a command what other tests made of it."""
    root = {**os.environ, "PYTHONPATH": str(DOCS.parent)}
    look = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], env=root, capture_output=True, text=True, check=False
    )
    assert (look.returncode, look.stderr) == (0, "")


def test_the_state_diagram_is_that_of_the_table_of_steps() -> None:
    assert f"```mermaid\n{diagram()}```" in (DOCS / "architecture.md").read_text()


@pytest.mark.parametrize("status", Exit)
def test_every_exit_status_is_documented(status: Exit) -> None:
    assert f"\n| {int(status)} | " in (DOCS / "command-line.md").read_text()
