"""The decoder's words for what is wrong with a line, as ours: they name the field and the remedy."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

import msgspec

from hirehall.model import Backoff, PartialSpec
from hirehall.wire import requests

COMMANDS: dict[str, type] = {str(kind.__struct_config__.tag): kind for kind in requests.AnyRequest.__args__}
NO_COMMAND = "this line"
LONGEST_WORD = 40  # characters of what nobody knows
FAR_LETTERS = 2
PARTS: dict[str, type] = {
    "where": requests.Filter,
    "set": requests.Edit,
    "backoff": Backoff,
    "error": requests.WireFault,
    "submit jobs": PartialSpec,
    "done jobs": requests.DoneJob,
    "keep jobs": requests.KeptJob,
    "beat jobs": requests.KeptJob,
}


class _Command(msgspec.Struct):
    cmd: str = ""


def sentence(problem: str, line: bytes) -> str:
    """What is wrong with `line`, of which the decoder says `problem`."""
    what, _, path = problem.partition(" - at `$")
    path = path.removesuffix("`").lstrip(".")
    if "recursion" in problem:
        return "the line is nested too deeply"
    if path == "cmd" and (command := re.search(r"Invalid value '(.*)'", what)):
        return f"there is no command {command[1][:LONGEST_WORD]!r}: {_near(command[1][:LONGEST_WORD], tuple(COMMANDS))}"
    if unknown := re.search(r"unknown field `(.*)`", what):
        return _unknown(unknown[1], path, line)
    if missing := re.search(r"missing required field `(.*)`", what):
        return f"{_place(path, line)} needs the field `{missing[1]}`"
    if path and not path.startswith("["):
        return f"{path}: {what[0].lower()}{what[1:]}"
    return f"cannot read this line: {problem}"


def _unknown(field: str, path: str, line: bytes) -> str:
    fields = _fields(path, line)
    hint = _near(field[:LONGEST_WORD], fields) if fields else "leave it out"
    return f"{_place(path, line)} has no field {field[:LONGEST_WORD]!r}: {hint}"


@lru_cache(maxsize=256)  # who makes a mistake makes it again and again
def _near(word: str, known: tuple[str, ...]) -> str:
    likely = [name for name in known if abs(len(name) - len(word)) <= FAR_LETTERS]  # to compare with all is dear
    near = difflib.get_close_matches(word, likely, 1, 0.75)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(sorted(known))}"


def _place(path: str, line: bytes) -> str:
    command = _command(line)
    where = re.sub(r"\[.*", "", path)
    named = command if command == NO_COMMAND else f"`{command}`"
    return f"`{where}` of {named}" if where else named


def _fields(path: str, line: bytes) -> tuple[str, ...]:
    command = _command(line)
    part = re.sub(r"\[.*", "", path)
    struct = PARTS.get(part, PARTS.get(f"{command} {part}")) if part else COMMANDS.get(command)
    return () if struct is None else tuple(struct.__struct_fields__)  # type: ignore[attr-defined]


def _command(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Command).cmd or NO_COMMAND
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return NO_COMMAND
