"""The colours of a terminal as classes of ours; whatever else a terminal would obey is dropped."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_SGR = r"\x1b\[(?P<sgr>[0-9;]{0,64})m"
# In this order: another CSI, a string (OSC with its links and titles, DCS, PM, APC), another escape, control
# characters. What turns the direction of writing goes too: it would show a line otherwise than it is.
_DROPPED = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_TOKEN = re.compile(rf"{_SGR}|(?:(?!\x1b\[[0-9;]{{0,64}}m)(?:{_DROPPED}))+")
_LOOKS = {1: "a1", 2: "a2", 3: "a3", 4: "a4"}
_ENDS = {22: ("a1", "a2"), 23: ("a3",), 24: ("a4",)}
_LONGER = {5: 2, 2: 4}  # arguments of 38 and 48: a palette's number, red green blue


class Paint:
    """What a stream of text has set so far; lines go on in the colours of the one before."""

    def __init__(self) -> None:
        self._looks: set[str] = set()
        self._colour = ""
        self._ground = ""

    def html(self, text: str) -> Markup:
        """`text` as it would be seen, safe to be shown."""
        text = "\n".join(map(_overwritten, text.split("\n")))
        parts: list[Markup] = []
        end = 0
        for found in _TOKEN.finditer(text):
            if found.start() > end:
                parts.append(self._span(text[end : found.start()]))
            end = found.end()
            if found["sgr"] is not None:
                self._set([int(code or "0") for code in found["sgr"].split(";")])
        parts.append(self._span(text[end:]))
        return Markup("").join(parts)

    def _span(self, text: str) -> Markup:
        classes = " ".join(sorted(self._looks | ({self._colour, self._ground} - {""})))
        if not classes:
            return escape(text)
        return Markup('<span class="{}">{}</span>').format(classes, text)

    def _set(self, codes: list[int]) -> None:
        at = 0
        while at < len(codes):
            code = codes[at]
            if code in (38, 48):
                self._extended(codes[at : at + 3])
                at += _LONGER.get(codes[at + 1], 0) if at + 1 < len(codes) else 0
            else:
                self._one(code)
            at += 1

    def _extended(self, codes: list[int]) -> None:
        """The sixteen colours of the palette; there is no class for the others."""
        if len(codes) == 3 and codes[1] == 5 and codes[2] < 16:
            self._one(codes[2] + (30 if codes[2] < 8 else 82) + (10 if codes[0] == 48 else 0))

    def _one(self, code: int) -> None:
        if code == 0:
            self._looks, self._colour, self._ground = set(), "", ""
        elif code in _LOOKS:
            self._looks.add(_LOOKS[code])
        elif code in _ENDS:
            self._looks.difference_update(_ENDS[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            self._colour = f"a{code}"
        elif 40 <= code <= 47 or 100 <= code <= 107:
            self._ground = f"a{code}"
        elif code == 39:
            self._colour = ""
        elif code == 49:
            self._ground = ""


def _overwritten(line: str) -> str:
    """A line as it stands after its carriage returns: a bar that draws itself anew is one line."""
    return line.rstrip("\r").rpartition("\r")[2]
