"""Speaks the dialogues of a page to a hall. docs/protocol.md says how they are written.

What the hall says is compared field by field. A text that ends in `...` matches any text that begins alike or, if it
was met before in the same dialogue, that one; said to the hall it becomes the text that it stood for.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.system.lines import Line, dial

Message = dict[str, Any]
EPOCH_MS = 1_500_000_000_000  # numbers above this are moments
LOST = "the connection is lost"
STEP = re.compile(r"(?P<who>C|W|S|S>C|S>W): (?P<said>.*)")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def steps(block: str) -> list[tuple[str, str]]:
    """Who says what; indented lines continue the one above."""
    joined = re.sub(r"\n\s+", "", block)
    found = [STEP.fullmatch(line) for line in joined.splitlines()]
    assert all(found), f"a line is no step: {joined}"
    return [(match["who"], match["said"]) for match in found if match]


class Stage:
    """One performance: two connections, and what the placeholders stand for."""

    def __init__(self, url: str, token: str, newline: bytes = b"\n") -> None:
        self._url, self._newline = url, newline
        self._known = {"hall_...": token}
        self._lines: dict[str, Line] = {}
        self._speaker = "C"

    def perform(self, block: str) -> None:
        for who, said in steps(block):
            if who.startswith("S"):
                self._hear(who.removeprefix("S>") if ">" in who else self._speaker, said)
            elif said == LOST:
                self._lines.pop(who).close()
            else:
                self._speaker = who
                self._line(who).send_bytes(self._filled(said).encode() + self._newline)

    def close(self) -> None:
        for line in self._lines.values():
            line.close()

    def _line(self, who: str) -> Line:
        if who not in self._lines:
            self._lines[who] = Line(dial(self._url), self._newline)
        return self._lines[who]

    def _hear(self, who: str, said: str) -> None:
        heard = self._line(who).read()
        self._compare(json.loads(said), heard, heard)

    def _filled(self, said: str) -> str:
        for shown, meant in self._known.items():
            said = said.replace(f'"{shown}"', json.dumps(meant))
        return said

    def _compare(self, shown: Any, heard: Any, whole: Message) -> None:
        if isinstance(shown, str) and "..." in shown and isinstance(heard, str):
            self._compare_text(shown, heard, whole)
        elif isinstance(shown, dict) and isinstance(heard, dict):
            assert list(shown) == list(heard), f"the page has {list(shown)}, the hall said {whole}"
            for name in shown:
                self._compare(shown[name], heard[name], whole)
        elif isinstance(shown, list) and isinstance(heard, list):
            assert len(shown) == len(heard), f"the page has {shown}, the hall said {whole}"
            for ours, theirs in zip(shown, heard, strict=True):
                self._compare(ours, theirs, whole)
        elif not (isinstance(heard, int) and isinstance(shown, int) and min(shown, heard) > EPOCH_MS):
            assert shown == heard, f"the page has {shown!r}, the hall said {whole}"

    def _compare_text(self, shown: str, heard: str, whole: Message) -> None:
        """A placeholder alone is learnt; within a sentence, what is known is filled in and the rest is anything."""
        if re.fullmatch(r"[0-9a-z]{6,8}\.\.\.", shown):
            assert self._known.setdefault(shown, heard) == heard, f"{shown} stood for something else: {whole}"
            return
        filled = shown
        for placeholder, meant in self._known.items():
            filled = filled.replace(placeholder, meant)
        pattern = ".*".join(map(re.escape, filled.split("...")))
        if re.match(r"\d{4}-\d\d-\d\dT", shown):
            pattern = r"\d{4}-\d\d-\d\dT[\d:.]+Z"
        assert re.fullmatch(pattern, heard), f"the page has {shown!r}, the hall said {whole}"
