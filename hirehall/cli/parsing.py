"""From words on a command line to values: payloads and labels. What is wrong is shown where it stands."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click
import msgspec

Label = str | bool | int | float


def read_payload(word: str | None) -> msgspec.Raw:
    """The JSON that `word` is, or that `-` (stdin) or `@FILE` hold; None is null. As it came, on one line."""
    if word is None:
        return msgspec.Raw(b"null")
    source, data = _source(word)
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        _refuse(source, data, str(exc))
    # In valid JSON a line break stands only between tokens.
    return msgspec.Raw(data.replace(b"\r", b" ").replace(b"\n", b" ").strip())


def _source(word: str) -> tuple[str, bytes]:
    if word == "-":
        return "stdin", sys.stdin.buffer.read()
    if not word.startswith("@"):
        return "the payload", word.encode("utf-8", "surrogateescape")
    try:
        return word[1:], Path(word[1:]).read_bytes()
    except OSError as exc:
        raise click.UsageError(f"cannot read the payload from {word[1:]}: {exc.strerror}") from exc


def _refuse(source: str, data: bytes, problem: str) -> NoReturn:
    """Show the line and the place; the standard library knows it to the character."""
    import json  # noqa: PLC0415 - only for who slips

    try:
        json.loads(data)
    except json.JSONDecodeError as exc:
        line = exc.doc.splitlines()[exc.lineno - 1] if exc.doc.splitlines() else ""
        start = max(exc.colno - 60, 0)
        shown, mark = line[start : start + 100], " " * (exc.colno - 1 - start) + "^"
        raise click.UsageError(
            f"{source} is not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})\n  {shown}\n  {mark}"
            + _hint(data)
        ) from None
    except (UnicodeDecodeError, RecursionError, ValueError) as exc:
        raise click.UsageError(f"{source} is not JSON: {exc}") from None
    raise click.UsageError(f"{source} is not JSON: {problem}")


def _hint(data: bytes) -> str:
    """The commonest slip: a shell that ate the quotes, or a plain word."""
    text = data.strip()
    if text and text[:1] not in b'[{"' and b'"' not in text:
        return "\na text needs its quotes: '\"...\"'"
    return ""


def read_labels(option: str, words: Iterable[str]) -> dict[str, Label]:
    """`name=value` words as labels; a name given twice is a mistake."""
    labels: dict[str, Label] = {}
    for name, value in _pairs(option, words):
        if name in labels:
            raise click.UsageError(f"{option} {name}: given twice; a job requires one value")
        labels[name] = value
    return labels


def read_offers(option: str, words: Iterable[str]) -> dict[str, Label | list[Label]]:
    """The same for a worker, where a name given several times offers each of its values."""
    values: dict[str, list[Label]] = {}
    for name, value in _pairs(option, words):
        values.setdefault(name, []).append(value)
    return {name: many[0] if len(many) == 1 else list(many) for name, many in values.items()}


def _pairs(option: str, words: Iterable[str]) -> Iterable[tuple[str, Label]]:
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise click.UsageError(f"{option} {word!r}: write name=value, for example gpu=1 or mesher=tetgen")
        yield name, _label(value)


def _label(word: str) -> Label:
    """true and false are booleans, numbers are numbers, everything else is a text."""
    if word in {"true", "false"}:
        return word == "true"
    for kind in (int, float):
        try:
            number = kind(word)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return word
