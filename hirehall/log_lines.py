"""How our own log is written: a record is a line, for people or as JSON. What `extra` holds are its fields.

Names that others chose come into it (kinds, workers): control characters are escaped, so none can write our lines.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

CONSOLE, JSON = "console", "json"
OURS = "hirehall"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ConsoleLines(logging.Formatter):
    """`hirehall: what happened  job=0ca8d0169f686000 queue=images`; lines of a traceback stand further in."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        fields = "".join(f" {name}={_word(value)}" for name, value in _fields(record).items())
        line = f"hirehall: {escaped(record.getMessage())}{' ' if fields else ''}{fields}"
        return line + "".join(f"\n    {escaped(part)}" for part in _trace(self, record).splitlines())


class JsonLines(logging.Formatter):
    """`{"time":...,"level":...,"logger":...,"event":...}` and the fields beside them."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {
            "time": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": escaped(record.getMessage()),
        }
        for name, value in _fields(record).items():
            line[name] = escaped(value) if isinstance(value, str) else value
        if trace := _trace(self, record):
            line["trace"] = trace.encode("utf-8", "replace").decode()
        return msgspec.json.encode(line, enc_hook=str).decode()


def set_up(level: str, form: str) -> None:
    """Write to stderr what is ours from `level` on, and everybody's warnings."""
    least = getattr(logging, level.upper())
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines() if form == JSON else ConsoleLines())
    lines.addFilter(lambda record: record.levelno >= (least if _is_ours(record) else logging.WARNING))
    for handler in [one for one in logging.root.handlers if isinstance(one.formatter, ConsoleLines | JsonLines)]:
        logging.root.removeHandler(handler)
    logging.root.addHandler(lines)
    logging.getLogger(OURS).setLevel(least)


def escaped(text: str) -> str:
    """Without characters that end a line, move a cursor or turn text around."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _word(value: object) -> str:
    text = escaped(str(value))
    return f'"{text}"' if " " in text or '"' in text or not text else text


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and value is not None}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == OURS
