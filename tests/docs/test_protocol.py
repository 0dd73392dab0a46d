"""docs/protocol.md says what a hall does: its dialogues are spoken, its tables are compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hirehall import errors
from hirehall.model import SPEC_FIELDS
from hirehall.service.commands import COMMANDS
from tests.docs.dialogue import Stage, blocks
from tests.system.hall_process import Hall

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "protocol.md"


@pytest.mark.parametrize("number", range(len(blocks(PAGE, "dialogue"))))
def test_every_dialogue_of_the_protocol_is_what_a_hall_says(number: int, stage: Stage) -> None:
    stage.perform(blocks(PAGE, "dialogue")[number])


def test_deputys_dialogue_is_spoken_as_deputy_does(hall: Hall) -> None:
    (block,) = blocks(PAGE, "deputy")
    stage = Stage(hall.access["url"], "", newline=b"\r\n")
    stage.perform(block)
    stage.close()


def test_the_dialogue_of_the_readme_is_what_a_hall_says(stage: Stage) -> None:
    (block,) = blocks(ROOT / "README.md", "dialogue")
    stage.perform(block)


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table after a heading, by the words in code style of their first cell."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {name: [cell.strip() for cell in cells] for cells in rows for name in re.findall(r"`(\w+)`", cells[0])}


def test_the_page_names_every_command_with_its_roles_and_fields() -> None:
    rows = table("Commands")
    assert set(rows) == {str(kind.__struct_config__.tag) for kind in COMMANDS}
    for kind, command in COMMANDS.items():
        _, roles, fields = rows[str(kind.__struct_config__.tag)]
        assert set(re.findall("admin|read|submit|work", roles)) == set(command.roles), kind
        named = set(re.findall(r"`(\w+)`", fields)) | (set(SPEC_FIELDS) if "handing-in" in fields else set())
        assert set(kind.__struct_fields__) - {"ref"} <= named, kind


def test_the_page_names_every_field_of_a_submit() -> None:
    assert set(table("Handing in")) == set(SPEC_FIELDS)


def test_the_page_names_every_error_code() -> None:
    assert set(table("Errors")) == set(errors.BY_CODE) - {errors.StoreBroken.code}
