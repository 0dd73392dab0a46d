"""docs/protocol.md says what a hall does: its dialogues are spoken, its tables are compared with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import NODEFAULT, Raw, Struct
from msgspec.structs import FieldInfo, fields

from hirehall import errors
from hirehall.core.effects import CANCELLED, LOST, TIMED_OUT
from hirehall.core.lifecycle import STEPS
from hirehall.core.queues import QUEUE_STATES
from hirehall.model import SPEC_FIELDS, QueueSettings, State
from hirehall.service import metrics
from hirehall.service.access import ROLES
from hirehall.service.commands import COMMANDS
from hirehall.service.hall_commands import ORDERS
from hirehall.wire import glance, replies, requests
from tests.docs.dialogue import Stage, blocks
from tests.system.hall_process import Hall

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "protocol.md"
SAID = {**vars(replies), **vars(glance)}
STRUCTS = [kind for kind in SAID.values() if isinstance(kind, type) and issubclass(kind, Struct)]
FIELD = re.compile(r"`(\w+)`(?: \(([^)]*)\))?")  # and its default


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


def section(heading: str) -> str:
    """What stands under a heading."""
    return PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(heading: str, first_column: str) -> dict[str, list[str]]:
    """The rows of the table whose first column is called so, by the words in code style of their first cell."""
    rows = section(heading).partition(f"\n| {first_column} | ")[2].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    return {name: row for row in cells for name in re.findall(r"`(\w+)`", row[0])}


COMMAND_ROWS = table("Commands", "command")


def names_in(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def shown_default(field: FieldInfo) -> str:
    """A default as the page writes it; empty for one that means "not given"."""
    value: Any = field.default if field.default is not NODEFAULT else field.default_factory()
    value = value[0] if value == ("default",) else value
    if isinstance(value, Raw):
        return bytes(value).decode()
    return str(value).lower().removesuffix(".0") if isinstance(value, bool | int | float) or value else ""


def test_the_page_names_every_command_with_its_roles() -> None:
    assert set(COMMAND_ROWS) == {str(kind.__struct_config__.tag) for kind in COMMANDS}
    for kind, command in COMMANDS.items():
        roles = COMMAND_ROWS[str(kind.__struct_config__.tag)][1]
        assert set(re.findall("admin|read|submit|work", roles)) == set(command.roles), kind


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__struct_config__.tag)
def test_the_page_says_which_fields_a_command_has_and_what_they_are_if_not_said(kind: type[Struct]) -> None:
    cell = COMMAND_ROWS[str(kind.__struct_config__.tag)][2]
    required, _, optional = cell.partition(";")
    known = {field.encode_name: field for field in fields(kind) if field.name != "ref"}
    must = {name for name, field in known.items() if field.required}
    assert {name for name, _ in FIELD.findall(required)} == must
    given = dict(FIELD.findall(optional))
    assert given.keys() == known.keys() - must - (set(SPEC_FIELDS) if "handing-in" in cell else set())
    for name, default in given.items():
        if not default.startswith("`"):  # the fields within it
            assert default == ("" if "UNSET" in repr(known[name].default) else shown_default(known[name])), name


def test_the_errors_and_answers_of_the_commands_are_words_of_the_wire() -> None:
    replied = {name for kind in STRUCTS if issubclass(kind, replies.Reply) for name in kind.__struct_fields__}
    for row in COMMAND_ROWS.values():
        assert names_in(row[4]) <= set(errors.BY_CODE), row
        assert names_in(row[3]) - {"ref"} <= replied, row


@pytest.mark.parametrize("kind", [*STRUCTS, requests.WireFault, requests.KeptJob, requests.DoneJob])
def test_the_page_names_every_field_that_a_hall_says(kind: type[Struct]) -> None:
    assert set(kind.__struct_fields__) <= set(re.findall(r'[`"](\w+)[`"]', PAGE.read_text())) | {"ref"}


def test_the_page_names_every_field_of_a_submit_a_change_and_a_queue() -> None:
    assert set(table("Handing in", "field")) == set(SPEC_FIELDS)
    assert set(table("Changing", "in `set`")) == set(requests.Edit.__struct_fields__)
    assert set(table("Queues", "setting")) == set(QueueSettings.__struct_fields__)


def test_the_page_names_every_push_event_and_order() -> None:
    pushes = {name for kind in STRUCTS if kind.__name__.endswith("Push") for name in kind.__struct_fields__[:1]}
    assert set(table("Pushes", "push")) == pushes
    assert {CANCELLED, TIMED_OUT, LOST, "draining", "stop", "shutdown"} <= names_in(table("Pushes", "push")["stop"][2])
    others = {"submit", "progress", "queue", "join", "leave", "gap", "shutdown"}
    assert set(table("Watching", "event")) == {step.name for step in STEPS} | others
    assert set(table("Workers and the hall", "`do`")) == set(ORDERS)


def test_the_page_names_every_state_role_and_counter() -> None:
    assert {state.word for state in State} <= names_in(section("Asking"))
    assert set(QUEUE_STATES) <= names_in(section("Queues"))
    assert set(table("Tokens", "role")) == ROLES
    assert set(metrics.COUNTERS) <= names_in(section("Asking"))


def test_the_page_names_every_error_code() -> None:
    assert set(table("Errors", "code")) == set(errors.BY_CODE) - {errors.StoreBroken.code}
