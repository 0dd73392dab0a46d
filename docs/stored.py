"""The part of docs/performance.md about pages of a full hall, made of what `make bench-stored RECORD=--record` kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docs.load import kept

FIGURES = Path(__file__).parent / "figures" / "stored.json"

INTRODUCTION = """\
## Pages and searches of a full hall

`make bench-stored` fills a hall (of ten jobs six have ended, most of them well; 500 run, the others wait), then asks
for pages as a browser does and for the API as a script does, in turn, and times each answer until its last byte, but
for the first of each. A search looks back for 60 ms and then answers with what it has; *out of time* says how many of
the answers ended so, with an offer to go on.
"""


def section() -> str:
    """The part of the page."""
    found, where, load = kept(FIGURES)
    size = f"{found['jobs']:,} jobs, each answer {found['rounds']} times."
    head = "| | median ms | most | out of time |\n|---|--:|--:|--:|\n"
    rows = "".join(row(what, of) for what, of in found["answers"].items())
    return f"{INTRODUCTION}\n{where} {size}{load}\n\n{head}{rows}"


def row(what: str, of: dict[str, Any]) -> str:
    """One thing that is asked for."""
    cut = f"{of['looked_back']:.0%}" if of["looked_back"] else ""
    return f"| {what} | {of['median_ms']} | {of['most_ms']} | {cut} |\n"
