"""What was measured: for machines as one object of JSON, for people as the lines and cells of tables."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall import __version__
from hirehall.bench.bench import Bench
from hirehall.bench.gauge import Row
from hirehall.bench.ground import Ground

FIGURES = (
    "end_to_end_jobs_per_s", "enqueue_jobs_per_s", "drain_jobs_per_s", "latency_ms", "latency_floor_ms",
    "hall_only_jobs_per_s", "bulk", "hall_only_bulk", "idle", "backlog", "idle_workers", "sustained",
)  # fmt: skip
FIELDS = (
    *FIGURES, "rows", "ground", "hall", "hirehall", "not_measured", "remarks",
    "incomplete",
)  # fmt: skip
DIGITS = 3  # behind the point
FLOOR = (
    "latency_floor_ms is what this machine takes for the hops and syncs of latency_ms without a hall, measured right"
    " before it: beside other work both change from one moment to the next."
)


def report_json(bench: Bench, ground: Ground, hall: str) -> dict[str, Any]:
    """Every figure, null where it was not measured, and why not; `incomplete` says what ended the run too early."""
    found = {
        "hirehall": __version__,
        "hall": hall,
        "ground": msgspec.to_builtins(ground),
        **dict.fromkeys(FIGURES),
        **bench.figures,
        "rows": msgspec.to_builtins(bench.rows),
        "not_measured": bench.not_measured,
        "remarks": bench.remarks,
        "incomplete": bench.incomplete,
    }
    return {name: rounded(value) for name, value in found.items()}


def rounded(value: Any) -> Any:
    """Numbers that can be read."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


HEAD = ("row", "jobs", "seconds", "jobs/s", "hall us/job", "client", "worker", "MiB before", "after")


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table under HEAD; what was not measured is empty."""
    costs = (shown(cost, 1) for cost in (row.hall_us, row.client_us, row.worker_us))
    sizes = (shown(size, 0) for size in (row.rss_before_mib, row.rss_after_mib))
    return (row.what, f"{row.jobs:,}", shown(row.seconds, 1), shown(row.jobs_per_s, 0), *costs, *sizes)


def shown(value: float | None, digits: int) -> str:
    """A number, or nothing."""
    return "" if value is None else f"{value:,.{digits}f}"


def standing(ground: Ground, hall: str) -> list[str]:
    """What all of it stands on."""
    lines = [f"hirehall {__version__}, {hall}", f"{ground.machine}, Python {ground.python}"]
    if ground.path is not None:
        took = f"a write is durable after {shown(ground.sync_ms, 2)} ms"
        lines.append(f"data in {ground.path} ({ground.file_system}), where {took}")
    return [*lines, synced(ground)]


def synced(ground: Ground) -> str:
    """When the disk has what was answered, and how SQLite is told so."""
    if ground.durability != "fsync":
        return f"durability {ground.durability}: nothing survives"
    if ground.sqlite is None:
        return "durability fsync: the disk has it before an answer"
    modes = f"journal_mode {ground.journal_mode}, synchronous {ground.synchronous}"
    return f"SQLite {ground.sqlite}, {modes}, durability fsync: the log is synced before every answer"


def figures(value: Any, name: str = "") -> list[tuple[str, str]]:
    """The figures by the names that they have in JSON."""
    if isinstance(value, dict):
        return [pair for key, one in value.items() for pair in figures(one, f"{name}.{key}" if name else key)]
    return [(name, told(value))]


def told(value: Any) -> str:
    """A figure for people."""
    if isinstance(value, list):
        return " ".join(map(told, value))
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:,.3g}"
    return "not measured" if value is None else f"{value:,}"
