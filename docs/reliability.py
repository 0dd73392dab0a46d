"""docs/reliability.md: what is promised, the tests that show it, and what the last runs of the proofs have counted."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
GUARANTEES = DOCS / "guarantees.toml"
FIGURES = DOCS / "figures"
WIDTH = 120

SUITES = {  # in the order of the page
    "sim": "Simulation: the hall's own code on simulated time, network and disk, where everything fails that can",
    "mutants": "Mutants: deliberate faults in the hall, which the suites must see",
    "chaos": "Chaos: halls, workers and clients killed, frozen and ended under load, then audited",
    "disk": "Power cuts and I/O errors: every disk that a crash can leave, every system call that can fail",
    "fuzz": "Fuzz: bytes, messages and sequences of commands",
    "abuse": "Abuse: floods, slow and silent peers, ten thousand connections",
    "partitions": "Partitions: cut networks, and how long two workers held one lease",
    "soak": "Soak: a load that goes on, and what grows",
    "flakes": "Every test that starts a process, again and again",
    "chaos-peers": "The same kill for other job servers",
}


def page(mark: str) -> str:
    """The page, with `mark` where it begins to be generated."""
    told = tomllib.loads(GUARANTEES.read_text())
    parts = [INTRODUCTION, mark, figures(), *sections(told["promise"]), not_promised(told["not_promised"]["texts"])]
    return "# Reliability\n\n" + "\n".join(parts)


INTRODUCTION = """\
What a hall promises, each in a sentence, with the tests that would fail if it were not so and the suites that also show
it. Where a promise is not kept yet, or not wholly, it says that. The numbers stay what they are, so that they can be
spoken of. [How the proofs are made](decisions/008-proof.md).
"""


def figures() -> str:
    """The last run of every suite that was kept."""
    runs = {suite: json.loads(path.read_text()) for suite in SUITES if (path := FIGURES / f"{suite}.json").exists()}
    rows = "".join(row(SUITES[suite], run) for suite, run in runs.items())
    return f"## Last figures\n\n| what | figures | by | when, where |\n|---|---|---|---|\n{rows}"


def row(what: str, run: dict[str, Any]) -> str:
    """One line of the table."""
    counted = "; ".join(f"{spoken(value)} {name.replace('_', ' ')}" for name, value in run["figures"].items())
    return f"| {what} | {counted} | `{run['command']}` | {run['date']}, {run['commit']}, {run['machine']} |\n"


def spoken(value: float | str) -> str:
    """A number as people write it."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def sections(promises: list[dict[str, Any]]) -> Iterator[str]:
    """The promises under their headings."""
    for title, group in groupby(promises, key=lambda promise: promise["section"]):
        yield f"## {title}\n\n" + "".join(map(item, group))


def item(promise: dict[str, Any]) -> str:
    """One promise."""
    name = f"**{promise['id']}** " if "id" in promise else ""
    tests = ", ".join(link(test) for test in promise.get("tests", ()))
    suites = ", ".join(promise.get("figures", ()))
    shown = "; also ".join(filter(None, (tests, suites)))
    return bullet(" ".join(filter(None, (name + promise["text"], promise.get("limit"), shown and f"({shown})"))))


def link(test: str) -> str:
    """A test, by its file and name."""
    path, _, name = test.partition("::")
    return f'[test](../{path} "{name}")'


def not_promised(texts: list[str]) -> str:
    """What nobody should count on."""
    return "## Not promised\n\n" + "".join(map(bullet, texts))


def bullet(text: str) -> str:
    """A line of a list, wrapped."""
    lines = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "- " + "\n  ".join(lines) + "\n"
