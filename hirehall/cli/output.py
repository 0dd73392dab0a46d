"""What commands say: results on stdout, remarks on stderr, and nothing that could steer a terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from hirehall.client.jobs import JobInfo


def say(text: str) -> None:
    """One line for people or scripts, now."""
    click.echo(text)


def note(text: str) -> None:
    """A remark: on stderr, so that stdout stays the result."""
    click.echo(f"hirehall: {clean(text)}", err=True)


complain = note  # an error is said in the same way


def say_json(value: Any) -> None:
    """`value` as one line of JSON."""
    click.echo(json_text(value))


def json_text(value: Any) -> str:
    """`value` as JSON."""
    return msgspec.json.encode(value).decode()


def clean(text: str) -> str:
    """`text` without what a terminal would obey: errors and names come from strangers."""
    return "".join(letter if letter.isprintable() or letter == "\n" else _escaped(letter) for letter in text)


def clean_but_colours(text: str) -> str:
    """The same, but colours stay: they cannot do more than look odd, and are ended with the text."""
    kept = _COLOUR.split(text)
    colours = _COLOUR.findall(text)
    shown = "".join(clean(plain) + colour for plain, colour in zip(kept, [*colours, ""], strict=True))
    return shown + ("\x1b[0m" if colours else "")


def style(text: str, colour: str | None) -> str:
    """Coloured, where that is wanted; click leaves it out for a pipe."""
    return text if colour is None or not wants_colours() else click.style(text, fg=colour)


def wants_colours() -> bool:
    """Whether anything may be coloured or bold: NO_COLOR means both."""
    return not os.environ.get("NO_COLOR")


_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def _escaped(letter: str) -> str:
    return "    " if letter == "\t" else ascii(letter)[1:-1]


def one_line(text: str) -> str:
    """The first line that says something, cleaned."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return clean(lines[0]) + (" ..." if len(lines) > 1 else "") if lines else ""


def reason(job: JobInfo) -> str:
    """Why a job ended without success, as the worker or the hall said it."""
    error = job.error
    if not isinstance(error, Mapping):
        return "" if error is None else str(error)
    return ": ".join(str(error[part]) for part in ("type", "message") if error.get(part))


def outcome(job: JobInfo) -> str:
    """How a job ended, as a sentence."""
    why = reason(job)
    return f"job {job.id} {job.state}" + (f": {why}" if why else "")


def age(moment: str | None, now: datetime | None = None) -> str:
    """How long ago an RFC 3339 time is, or how far ahead."""
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds()
    return span(seconds) + " ago" if seconds >= 0 else "in " + span(-seconds)


def span(seconds: float) -> str:
    """A duration in its two largest units at most."""
    if seconds < 10:
        return f"{round(seconds, 1):g} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86_400:
        return _two(int(seconds // 3600), "h", int(seconds % 3600 // 60), "min")
    return _two(int(seconds // 86_400), "d", int(seconds % 86_400 // 3600), "h")


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large} {unit}" + (f" {small} {smaller}" if small else "")


def is_terminal() -> bool:
    """Whether a person watches stderr."""
    return sys.stderr.isatty()
