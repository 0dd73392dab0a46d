"""The part of docs/performance.md beside the peers, and its chart, made of what `make bench-peers` has kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from docs.load import busy

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures" / "peers.json"
CHART = DOCS / "peers.svg"
OURS = "Hirehall"

Entry = dict[str, Any]

COLUMNS = (  # heading, row of the figures, digits
    ("enqueue jobs/s", "enqueue", 0),
    ("end to end jobs/s", "end_to_end", 0),
    ("100 a call: enqueue", "many_enqueue", 0),
    ("100 a call: end to end", "many_end_to_end", 0),
    ("one job, p50 ms", "p50", 2),
    ("p99 ms", "p99", 2),
)


def section() -> str:
    """The part of the page."""
    kept = json.loads(FIGURES.read_text())
    figures = kept["figures"]
    entries = figures["peers"]
    fast, slow = ([entry for entry in entries if entry["slow"] is is_slow] for is_slow in (False, True))
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    ground = f"{kept['date']}, {kept['commit']}, {kept['machine']}, {figures['disk']}, load average before"
    parts = [
        "### The last run",
        f"{ground} {figures['load']}; at most {figures['rounds']} rounds in turn and {figures['jobs']:,} jobs a row.",
        *busy(kept["machine"], figures["load"]),
        f"![Jobs per second, end to end]({CHART.name})",
        "With the disk as it is:",
        table(fast),
        *how_large(fast),
        "With 2 ms more in every fsync and fdatasync; what does not wait for the disk stays as above:",
        table(slow),
        *how_large(slow),
        "How each is run:",
        ways(fast),
        *left_out(figures["left_out"], entries),
        f"Versions: {versions}.",
    ]
    return "\n\n".join(parts) + "\n"


def table(entries: Iterable[Entry]) -> str:
    """A row for every entry."""
    head = "| server | a power cut takes | " + " | ".join(heading for heading, *_ in COLUMNS) + " |\n"
    rule = "|---|---|" + "--:|" * len(COLUMNS) + "\n"
    return head + rule + "\n".join(line(entry) for entry in entries)


def how_large(entries: Iterable[Entry]) -> list[str]:
    """How many jobs and seconds the rows of a table are, and how many rounds there were."""
    seen: dict[str, list[float]] = {}
    for entry in entries:
        for name, ends in entry.get("sizes", {}).items():
            seen.setdefault(name, []).extend(ends)
    if not {"rounds", "rate_jobs", "seconds", "single_jobs"} <= seen.keys():
        return []
    rounds, jobs, single = (span(seen[name], 0) for name in ("rounds", "rate_jobs", "single_jobs"))
    rates = f"A rate is of {jobs} jobs in {span(seen['seconds'], 1)} s a round"
    return [f"Rounds: {rounds}. {rates}; p50 and p99 are of {single} jobs a round, one by one."]


def span(values: Sequence[float], digits: int) -> str:
    """From the least to the most."""
    least, most = (f"{value:,.{digits}f}" for value in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"


def line(entry: Entry) -> str:
    """One row of the table."""
    cells = [spoken(entry["rows"].get(row), digits) for _, row, digits in COLUMNS]
    return f"| {title(entry)} | {entry['lost']} | {' | '.join(cells)} |"


def title(entry: Entry) -> str:
    """Which server it is, and what sets it apart from its other rows."""
    name = f"**{entry['name']}**" if entry["name"] == OURS else entry["name"]
    apart = f"; {entry['variant']}" if entry["variant"] else ""
    return f"{name}, {entry['setting']}{apart}"


def spoken(values: Sequence[float] | None, digits: int) -> str:
    """The median with the least and the most."""
    if values is None:
        return ""
    median, least, most = (f"{value:,.{digits}f}" for value in values)
    return median if least == most else f"{median} ({least} to {most})"


def ways(entries: Iterable[Entry]) -> str:
    """What client and worker of each are, and how the client knows."""
    rows = [f"| {title(entry)} | {entry['client_is']} | {entry['worker_is']} | {entry['known']} |" for entry in entries]
    return "| server | client | worker | a job is known to be done by |\n|---|---|---|---|\n" + "\n".join(rows)


def left_out(missing: dict[str, str], entries: Iterable[Entry]) -> list[str]:
    """Which rows are not there, and why."""
    why = {**missing, **{title(entry): "it failed" for entry in entries if entry.get("failed")}}
    return ["Left out: " + "; ".join(f"{name} ({reason})" for name, reason in why.items()) + "."] if why else []


# The chart: end to end on a logarithmic axis, a dot for the disk as it is and a ring for the slow one.

LEFT, RIGHT, TOP, STEP = 365, 865, 64, 24
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    ' role="img" aria-label="Jobs per second, end to end, of each job server">'
)
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a }
.ours { font-weight: 600 }
.grid { stroke: #d0d7de }
.range { stroke: #57606a; stroke-width: 1.5 }
.dot { fill: #57606a; stroke: #57606a; stroke-width: 2 }
.ring { fill: #ffffff }
.ours.dot, .ours.range { stroke: #0969da }
.ours.dot:not(.ring) { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .range { stroke: #9198a1 }
  .dot { fill: #9198a1; stroke: #9198a1 }
  .ring { fill: #0d1117 }
  .ours.dot, .ours.range { stroke: #4493f8 }
  .ours.dot:not(.ring) { fill: #4493f8 }
}
"""


def chart() -> str:
    """The chart as SVG."""
    entries = [entry for entry in json.loads(FIGURES.read_text())["figures"]["peers"] if "end_to_end" in entry["rows"]]
    groups = [
        ("nothing is lost with the power", [entry for entry in entries if entry["lost"] == "nothing"]),
        ("acknowledged before it is on the disk", [entry for entry in entries if entry["lost"] != "nothing"]),
    ]
    axis = Axis(value for entry in entries for value in entry["rows"]["end_to_end"])
    body: list[str] = []
    y = TOP
    for heading, members in groups:
        y += STEP
        body.append(text(LEFT - 12, y, heading, "small", "end"))
        for titled, dots in ranked(members):
            y += STEP
            body += row(titled, dots, y, axis)
    height = y + STEP
    lines = [
        SVG.format(width=RIGHT + 60, height=height),
        f"<style>\n{STYLE}</style>",
        text(LEFT, 20, "jobs per second, end to end, one client and one worker (logarithmic)", "", "start"),
        f'<circle class="dot" cx="{LEFT + 6}" cy="37" r="4"/>',
        text(LEFT + 16, 41, "disk as it is", "small", "start"),
        f'<circle class="dot ring" cx="{LEFT + 116}" cy="37" r="4"/>',
        text(LEFT + 126, 41, "2 ms more for every sync", "small", "start"),
        *axis.lines(height - 8),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def ranked(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    """The entries of each title, the fastest title first."""
    titled: dict[str, list[Entry]] = {}
    for entry in entries:
        titled.setdefault(title(entry).replace("**", ""), []).append(entry)
    return sorted(titled.items(), key=lambda item: -max(entry["rows"]["end_to_end"][0] for entry in item[1]))


class Axis:
    """From values to the width of the chart."""

    def __init__(self, values: Iterable[float]) -> None:
        logs = [math.log10(value) for value in values]
        self.first, self.last = math.floor(min(logs)), math.ceil(max(logs))

    def at(self, value: float) -> float:
        """Where it is."""
        return round(LEFT + (math.log10(value) - self.first) / (self.last - self.first) * (RIGHT - LEFT), 1)

    def lines(self, bottom: int) -> list[str]:
        """A line for every power of ten."""
        parts = []
        for power in range(self.first, self.last + 1):
            x = self.at(10**power)
            parts.append(f'<line class="grid" x1="{x}" y1="{TOP + 4}" x2="{x}" y2="{bottom}"/>')
            parts.append(text(x, TOP, f"{10**power:,}", "small", "middle"))
        return parts


def row(titled: str, entries: Sequence[Entry], y: int, axis: Axis) -> list[str]:
    """A title, and for each disk a dot with the range of the rounds; the number is the fastest's."""
    ours = " ours" if titled.startswith(OURS) else ""
    parts = [text(LEFT - 12, y + 4, titled, ours.strip(), "end")]
    for entry in entries:
        median, least, most = entry["rows"]["end_to_end"]
        ring = " ring" if entry["slow"] else ""
        parts.append(f'<line class="range{ours}" x1="{axis.at(least)}" y1="{y}" x2="{axis.at(most)}" y2="{y}"/>')
        parts.append(f'<circle class="dot{ring}{ours}" cx="{axis.at(median)}" cy="{y}" r="4"/>')
    fastest, farthest = (max(entry["rows"]["end_to_end"][at] for entry in entries) for at in (0, 2))
    parts.append(text(axis.at(farthest) + 9, y + 4, f"{fastest:,.0f}", "small", "start"))
    return parts


def text(x: float, y: int, words: str, kind: str, anchor: str) -> str:
    """Some words."""
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x}" y="{y}" text-anchor="{anchor}">{escaped}</text>'
