"""Whoever sees badly reads every colour of ours, in light and in dark."""

from __future__ import annotations

import re

import pytest

from hirehall.doors.http.dashboard.statics import FOLDER

SHEET = (FOLDER / "style.css").read_text()
PAIR = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
LEAST = 4.5  # WCAG 2.2, 1.4.3
LEAST_EDGE = 3.0  # 1.4.11: where a field ends
GROUNDS = ("ground", "sheet", "raised", "accent-soft", "red-ground", "amber-ground")
WORDS = (
    "text", "quiet", "faint", "accent", "ready", "running", "succeeded", "failed", "cancelled", "expired", "scheduled",
    "blocked", "draft",
)  # fmt: skip


def luminance(colour: str) -> float:
    """Relative, as WCAG counts it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of a theme."""
    return {name: light if request.param == "light" else dark for name, light, dark in PAIR.findall(SHEET)}


def test_every_word_can_be_read_wherever_it_may_stand(colours: dict[str, str]) -> None:
    pairs = [(word, ground) for word in WORDS for ground in GROUNDS] + [("accent-text", "accent")]
    low = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < LEAST} == {}


def test_a_field_can_be_seen_where_it_ends(colours: dict[str, str]) -> None:
    assert min(contrast(colours["edge"], colours[ground]) for ground in ("sheet", "ground")) >= LEAST_EDGE


def test_the_colours_of_a_log_can_be_read() -> None:
    rules = dict(re.findall(r"\.log( [.a-z0-9]+|) \{[^}]*?(?<![-a-z])color: (#[0-9a-f]{6})", SHEET))
    grounds = re.findall(r"\.log(?: \.a(?:4|10)\d)? \{ background: (#[0-9a-f]{3,6})", SHEET)
    assert len(rules) > 10
    assert len(grounds) > 5
    for name, colour in rules.items():
        assert contrast(colour, "#0f1418") >= LEAST, name
    for ground in grounds:
        assert contrast("#d8dee4", ground if len(ground) == 7 else "#000000") >= LEAST, ground


def test_each_colour_stands_in_one_place() -> None:
    names = re.findall(r"(--[a-z-]+):", SHEET[: SHEET.index("* {")])
    assert len(names) == len(set(names))
    assert {name for name, _, _ in PAIR.findall(SHEET)} >= {*WORDS, *GROUNDS}


def test_who_wants_no_motion_gets_none_and_who_has_no_mouse_sees_where_they_are() -> None:
    assert "@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none" in SHEET
    assert re.search(r":focus-visible \{ outline: 2px solid", SHEET)
    assert not re.search(r"outline: (none|0)", SHEET)
