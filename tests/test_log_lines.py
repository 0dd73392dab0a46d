"""Our own log: a record is one line, whatever is in it, and JSON when JSON was asked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from hirehall.log_lines import CONSOLE, JSON, ConsoleLines, JsonLines, set_up

NASTY = "a\nhirehall: forged\r\x1b[2J\u202e\u2028\x85\ud800 end"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root, ours = logging.root, logging.getLogger("hirehall")
    before = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]


def line_of(text: str, *args: object, **fields: object) -> logging.LogRecord:
    made = logging.getLogger("hirehall").makeRecord("hirehall", logging.WARNING, "f", 1, text, args, None)
    vars(made).update(fields)
    return made


def test_people_read_the_sentence_and_then_the_fields() -> None:
    line = ConsoleLines().format(line_of("job %s", "x", job="0ca8d0169f686000", kind="two words", queue=None))
    assert line == 'hirehall: job x  job=0ca8d0169f686000 kind="two words"'
    assert ConsoleLines().format(line_of("plain")) == "hirehall: plain"


def test_programs_read_json_with_time_level_and_fields() -> None:
    line = json.loads(JsonLines().format(line_of("job %s", "x", job="0ca8d0169f686000", attempt=2)))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "warning", "logger": "hirehall", "event": "job x", "job": "0ca8d0169f686000", "attempt": 2}


@pytest.mark.parametrize("lines", [ConsoleLines(), JsonLines()])
def test_nobody_can_write_a_line_of_ours(lines: logging.Formatter) -> None:
    text = lines.format(line_of("refused %s", NASTY, kind=NASTY))
    assert text.isprintable()
    assert len(text.splitlines()) == 1
    assert "forged" in text


@pytest.mark.parametrize("lines", [ConsoleLines(), JsonLines()])
def test_an_exceptions_own_text_begins_no_line(lines: logging.Formatter) -> None:
    try:
        raise ValueError("x\nhirehall: forged")
    except ValueError:
        made = line_of("failed")
        made.exc_info = __import__("sys").exc_info()
    text = lines.format(made)
    assert "ValueError" in text
    assert sum(line.startswith("hirehall: ") for line in text.splitlines()) <= 1


@pytest.mark.parametrize(("level", "ours", "others"), [("warning", 1, 1), ("info", 2, 1), ("debug", 3, 1)])
def test_ours_from_the_level_on_and_everybodys_warnings(
    level: str, ours: int, others: int, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("warning", CONSOLE)
    set_up(level, JSON)
    for name in ("hirehall.worker", "somebody"):
        for number in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(number, "word")
    said = [json.loads(line)["logger"] for line in capsys.readouterr().err.splitlines()]
    assert (said.count("hirehall.worker"), said.count("somebody")) == (ours, others)
