"""The part of docs/performance.md about who looks on, made of what `make bench-watching RECORD=--record` has kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docs.load import kept

FIGURES = Path(__file__).parent / "figures" / "watching.json"

INTRODUCTION = """\
## What watchers cost

`make bench-watching` puts a hall under full load (plain sockets, single submits, durable, 2,000 jobs under way) while
browsers have its pages open, each with its own stream (of twenty: 6 overviews, 6 lists of jobs, 4 pages of single jobs,
3 of queues, 1 of workers; some of the jobs report progress 10 times a second), and programs read all events over HTTP,
three a job. Pieces with all of them and without any take turns on one hall; ratios are medians of neighbours. Watchers
are one process, which reads and counts; on a machine with two cores it takes its CPU from the hall, from the client and
from the worker. So jobs a second and the hall's CPU for a job are both shown. At the end somebody asks for all events
and reads nothing.
"""


def section() -> str:
    """The part of the page."""
    found, where, load = kept(FIGURES)
    table = f"| | with | without | ratio |\n|---|--:|--:|--:|\n{rows(found)}"
    return f"{INTRODUCTION}\n{where}{load}\n\n{table}\n{heard(found)}"


def rows(found: dict[str, Any]) -> str:
    """With {pages} pages and {feeds} feeds, and without."""
    return "".join(
        f"| {what} | {found[name]:,} | {found[f'{name}_alone']:,} | {found.get(f'{name}_ratio', '')} |\n"
        for what, name in (
            ("jobs/s", "jobs_per_s"),
            ("hall, us of CPU a job", "hall_us"),
            ("most memory of the hall, MiB", "peak_mib"),
        )
    )


def heard(found: dict[str, Any]) -> str:
    """What the watchers heard, and what became of the one who did not read."""
    cut = found["cut_off_after_s"]
    gone = "was not cut off" if cut is None else f"was cut off after {cut} s, with {found['deaf_kib']:,} KiB under way"
    return (
        f"In {found['watched_seconds']} s and {found['jobs']:,} jobs each of the {found['pages']} pages heard"
        f" {found['page_messages_per_s']} messages a second ({found['page_messages_most_per_s']:.2f} the busiest,"
        f" {found['page_kib_per_s']} KiB a second each), each of the {found['feeds']} feeds"
        f" {found['feed_events_per_job']} of 3 events a job ({found['feed_mib_per_s']} MiB a second,"
        f" {found['feed_gaps']} gaps). The watchers took {found['audience_cores']} cores beside the hall's"
        f" {found['hall_cores']}. From the first piece to the last the hall grew by {found['growth_mib']} MiB."
        f" Who never read {gone}.\n"
    )
