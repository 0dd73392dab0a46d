"""Speaks the dialogues of a page to a hall. docs/protocol.md says how they are written.

What the hall says is compared field by field. `0ca8abc2...`, digits and letters with three dots, stands for a word that
is learnt where it is met first and is the same in the rest of the dialogue, also when it is said to the hall; three
dots elsewhere stand for any text, and `"...":"..."` for more fields. Moments and measured numbers are not compared.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.system.lines import Line, dial

Message = dict[str, Any]
MEASURED = frozenset(
    {
        "at_ms", "up_since", "up_since_ms", "silent_seconds", "commits", "connected", "connections", "in_per_second",
        "into", "out", "oldest_waiting_seconds", "database_bytes", "log_bytes", "ballast_bytes", "free_bytes",
    }
)  # fmt: skip
LOST = "the connection is lost"
CLOSED = "closes the connection"
HELLO = re.compile(r"says hello(?:, worker (?P<worker>\w+))?")
STEP = re.compile(r"(?P<who>(?:S>)?[A-Z]): (?P<said>.*)")
PLACEHOLDER = re.compile(r"(?<!\w)((?:hall_)?[0-9][0-9a-z]{5,7}\.\.\.)")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT")


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
    """One performance: a connection for each letter, and what the placeholders stand for."""

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
            elif greeting := HELLO.fullmatch(said):
                self._greet(who, greeting["worker"])
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

    def _greet(self, who: str, worker: str | None) -> None:
        """With the hall's own token; whoever names a worker is called so too."""
        self._speaker = who
        self._line(who).ok("hello", token=self._known["hall_..."], **({"worker": worker} if worker else {}))

    def _hear(self, who: str, said: str) -> None:
        if said == CLOSED:
            assert self._line(who).closed(), f"{who}'s connection stays open"
            return
        heard = self._line(who).read()
        self._compare(json.loads(said), heard, heard)

    def _filled(self, said: str) -> str:
        for shown, meant in self._known.items():
            said = said.replace(shown, meant)
        return said

    def _compare(self, shown: Any, heard: Any, whole: Message) -> None:
        if isinstance(shown, str) and isinstance(heard, str):
            self._compare_text(shown, heard, whole)
        elif isinstance(shown, dict) and isinstance(heard, dict):
            names = [name for name in shown if name != "..."]
            known = [name for name in heard if name in shown or "..." not in shown]
            assert names == known, f"the page has {names}, the hall said {whole}"
            for name in names:
                if name not in MEASURED or type(shown[name]) is not type(heard[name]):
                    self._compare(shown[name], heard[name], whole)
        elif isinstance(shown, list) and isinstance(heard, list):
            assert len(shown) == len(heard), f"the page has {shown}, the hall said {whole}"
            for ours, theirs in zip(shown, heard, strict=True):
                self._compare(ours, theirs, whole)
        else:
            assert shown == heard, f"the page has {shown!r}, the hall said {whole}"

    def _compare_text(self, shown: str, heard: str, whole: Message) -> None:
        if MOMENT.match(shown):
            found = re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", heard)
        else:
            found = re.fullmatch("".join(map(self._pattern, PLACEHOLDER.split(shown))), heard)
        assert found, f"the page has {shown!r}, the hall said {whole}"
        self._known |= dict(zip(self._new(shown), found.groups(), strict=True))

    def _pattern(self, part: str) -> str:
        """A known placeholder is its text, a new one any word; three dots elsewhere are anything."""
        if PLACEHOLDER.fullmatch(part):
            return re.escape(self._known[part]) if part in self._known else r"([\w-]+)"
        return ".*".join(map(re.escape, part.split("...")))

    def _new(self, shown: str) -> list[str]:
        return [] if MOMENT.match(shown) else [one for one in PLACEHOLDER.findall(shown) if one not in self._known]
