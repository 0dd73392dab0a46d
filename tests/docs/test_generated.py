"""The generated pages are what `make docs` would write."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hirehall.cli.exits import Exit
from hirehall.core.lifecycle import diagram

DOCS = Path(__file__).resolve().parents[2] / "docs"
spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
assert spec is not None
assert spec.loader is not None
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("name", ["configuration.md", "command-line.md", "architecture.md"])
def test_a_generated_page_is_fresh(name: str) -> None:
    page = DOCS / name
    assert page.read_text() == generate.pages()[page], "run `make docs`"


def test_the_state_diagram_is_that_of_the_table_of_steps() -> None:
    assert f"```mermaid\n{diagram()}```" in (DOCS / "architecture.md").read_text()


@pytest.mark.parametrize("status", Exit)
def test_every_exit_status_is_documented(status: Exit) -> None:
    assert f"\n| {int(status)} | " in (DOCS / "command-line.md").read_text()
