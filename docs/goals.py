"""The goals of docs/performance.md: what was measured here, what peers do of the same, and whether each is reached.

Ours is what `make bench RECORD=--record` has kept; ratios to peers, and their figures, come from one run of
`make bench-peers RECORD=--record`. What was not measured is said to be so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from docs import peers
from docs.load import busy

FIGURES = Path(__file__).parent / "figures" / "bench.json"
PYTHON_QUEUES = ("Dramatiq", "Huey", "Celery", "RQ", "Procrastinate", "pgqueuer", "Dask")
HALL_ONLY = "hall only, end to end"  # the row of `hirehall bench`
LEVEL = 1.1  # files that level off grow by less in the last minute

Figures = dict[str, Any]
Entries = list[peers.Entry]


class Check(NamedTuple):
    """A figure by its name in what was measured, and the bound that it must keep to."""

    what: str
    at: str
    bound: float
    unit: str = ""
    is_least: bool = False  # else the bound is the most
    digits: int = 0

    def measured(self, found: Figures) -> str:
        """As a cell says it."""
        value = look(found, self.at)
        return f"{self.what} not measured" if value is None else f"{self.what} {self.number(value)}"

    def failure(self, found: Figures) -> str:
        """How far it is from its bound; empty when it is kept."""
        value = look(found, self.at)
        if value is None or (value >= self.bound if self.is_least else value <= self.bound):
            return ""
        return f"{self.what} {self.number(value)} of {self.number(self.bound)}"

    def number(self, value: float) -> str:
        """With its unit."""
        return f"{value:,.{self.digits}f}{self.unit}"


def least(what: str, at: str, bound: float, unit: str = "", digits: int = 0) -> Check:
    """So much or more."""
    return Check(what, at, bound, unit, True, digits)


def most(what: str, at: str, bound: float, unit: str = "", digits: int = 0) -> Check:
    """So much or less."""
    return Check(what, at, bound, unit, False, digits)


class Goal(NamedTuple):
    """A row of the table. `beside` says what peers do of the same; `also` are figures without a bound."""

    words: str
    checks: Sequence[Check]
    beside: Callable[[Entries], Iterable[str]] = lambda _entries: ()
    also: Sequence[Check] = ()
    later: str = ""  # what of it nobody can measure yet


def end_to_end_beside(entries: Entries) -> Iterable[str]:
    """Of one job a message."""
    yield from shown(best(entries, "end_to_end", named("beanstalkd"), is_slow=False), "end_to_end")
    yield from shown(best(entries, "end_to_end", synced("beanstalkd"), is_slow=False), "end_to_end")
    yield from shown(best(entries, "end_to_end", is_python), "end_to_end", "best Python queue: ")
    yield from shown(best(entries, "end_to_end", durable), "end_to_end", "best durable server: ")


def pipelined_beside(entries: Entries) -> Iterable[str]:
    """What other servers do for a plain socket."""
    yield from shown(best(entries, "end_to_end", lambda entry: "raw" in entry["name"]), "end_to_end", "best of all: ")
    yield from shown(best(entries, "end_to_end", synced("beanstalkd, raw")), "end_to_end", "durable: ")


def bulk_beside(entries: Entries) -> Iterable[str]:
    """Of libraries that can hand in many jobs with one call."""
    yield from shown(best(entries, "many_enqueue", others), "many_enqueue", "best enqueue: ")
    yield from shown(best(entries, "many_end_to_end", others), "many_end_to_end", "best end to end: ")


def one_job_beside(entries: Entries) -> Iterable[str]:
    """Of one job at a time."""
    for words, kind in (("best durable: ", durable), ("best without: ", lambda entry: not durable(entry))):
        entry = best(entries, "p50", kind, lowest=True)
        if entry is not None:
            said = ", ".join(f"{name} {entry['rows'][name][0]:,.2f} ms" for name in ("p50", "p99"))
            yield f"{words}{peers.title(entry)}: {said}"


def postgres_beside(entries: Entries) -> Iterable[str]:
    """The queues on it."""
    entry = best(entries, "end_to_end", lambda entry: "PostgreSQL" in entry["setting"])
    yield from shown(entry, "end_to_end", "best queue: ")


GOALS = (
    Goal(
        "Official client, durable hall on SQLite, official worker, jobs that do nothing, one process each: more jobs"
        " a second than beanstalkd *without* durability through its Python client, and 3 times beanstalkd with fsync",
        (
            least("times beanstalkd in memory:", "beside.memory", 1.0, digits=2),
            least("times beanstalkd with fsync:", "beside.synced", 3.0, digits=2),
            least("the same with 2 ms more a sync:", "beside.synced_slow", 3.0, digits=2),
        ),
        end_to_end_beside,
        (
            least("in that run", "beside.ours", 0, " jobs/s"),
            least("by `hirehall bench`", "end_to_end_jobs_per_s", 0, " jobs/s"),
            least("times the best Python queue:", "beside.python", 0, digits=1),
        ),
    ),
    Goal(
        "What the hall alone carries (plain sockets, pipelined, durable): 60,000 jobs/s on one core",
        (least("end to end", "hall_only_jobs_per_s", 60_000, " jobs/s"),),
        pipelined_beside,
        (least("the hall takes", "hall_only_us", 0, " us of CPU a job", 1),),
    ),
    Goal(
        "The same with 100 jobs a message: 200,000 jobs/s enqueued, 100,000 end to end",
        (
            least("enqueue", "hall_only_bulk.enqueue_jobs_per_s", 200_000, " jobs/s"),
            least("end to end", "hall_only_bulk.end_to_end_jobs_per_s", 100_000, " jobs/s"),
        ),
        bulk_beside,
    ),
    Goal(
        "From submit to result, one job at a time, idle hall, durable: p50 0.4 ms, p99 1.5 ms",
        (most("p50", "latency_ms.p50", 0.4, " ms", 2), most("p99", "latency_ms.p99", 1.5, " ms", 2)),
        one_job_beside,
        (
            least("this machine without a hall: p50", "latency_floor_ms.p50", 0, " ms", 2),
            least("p99", "latency_floor_ms.p99", 0, " ms", 2),
        ),
    ),
    Goal(
        "5 minutes at full rate, results kept 30 s: the last minute at 80 % of the first or more; file and WAL level"
        f" off (in the last minute they grow by less than {(LEVEL - 1) * 100:.0f} %)",
        (
            least("minutes:", "sustained.minutes", 5, digits=1),
            least("last of the first minute:", "sustained.ratio", 0.8, digits=2),
            most("files at the end of the last minute, of the one before:", "files_ratio", LEVEL, digits=2),
        ),
    ),
    Goal(
        "1,000,000 jobs wait: enqueue and drain at 90 % of the empty rate, the hall grows by at most 50 MiB, restart"
        " to first delivery in 2 s",
        (
            least("waiting:", "backlog.jobs", 1_000_000),
            least("enqueue", "backlog.enqueue_ratio", 0.9, digits=2),
            least("drain", "backlog.drain_ratio", 0.9, digits=2),
            most("hall grows by", "backlog.rss_growth_mib", 50, " MiB"),
            most("restart", "backlog.restart_to_first_delivery_seconds", 2, " s", 2),
        ),
    ),
    Goal(
        "PostgreSQL, one hall: 5 times the best PostgreSQL queue for Python, same settings",
        (),
        postgres_beside,
        later="comes later, with the store on PostgreSQL",
    ),
    Goal(
        "10,000 idle workers: 40 KiB each; a submit still reaches a worker in 10 ms (p99)",
        (
            least("workers:", "idle_workers.count", 10_000),
            most("each", "idle_workers.kib_each", 40, " KiB", 1),
            most("p99", "idle_workers.reach_ms.p99", 10, " ms", 2),
        ),
    ),
    Goal(
        "Idle hall: 0.5 % of a core, 80 MiB with the dashboard on",
        (most("CPU", "idle.cpu_percent", 0.5, " %", 2), most("memory", "idle.rss_mib", 80, " MiB")),
        later="the HTTP door is open, and nobody has asked for a page",
    ),
)


def section() -> str:
    """The part of the page."""
    ours, theirs = kept(FIGURES), kept(peers.FIGURES)
    entries: Entries = [] if theirs is None else theirs["figures"]["peers"]
    found = {**({} if ours is None else ours["figures"]), "beside": ratios(entries)}
    found["files_ratio"] = files_ratio(found.get("sustained"))
    found["hall_only_us"] = {line["what"]: line["hall_us"] for line in found.get("rows", ())}.get(HALL_ONLY)
    rows = "\n".join(row(goal, found, entries) for goal in GOALS)
    table = f"| goal | measured | peers | reached |\n|---|---|---|---|\n{rows}"
    return "\n\n".join([where(ours, theirs), table]) + "\n"


def kept(path: Path) -> Figures | None:
    """What a command has kept, if it has."""
    if not path.exists():
        return None
    figures: Figures = json.loads(path.read_text())
    return figures


def where(ours: Figures | None, theirs: Figures | None) -> str:
    """What the figures stand on."""
    parts = ["Ours was not measured yet: `make bench RECORD=--record`."]
    if ours is not None:
        ground, load = ours["figures"]["ground"], ours["figures"]["load"]
        disk = f"{ground['file_system']}, fdatasync {ground['sync_ms']:.2f} ms, durability {ground['durability']}"
        parts = [f"Ours: {ours['date']}, {ours['commit']}, {ours['machine']}, {disk}; `{ours['command']}`."]
        parts += busy(ours["machine"], load)
    if theirs is not None:
        parts.append(f"Peers, and ratios to them: [the run](#the-last-run) of {theirs['date']}, {theirs['commit']}.")
        parts += busy(theirs["machine"], theirs["figures"]["load"])
    return " ".join(parts)


def row(goal: Goal, found: Figures, entries: Entries) -> str:
    """A line of the table."""
    measured = "; ".join(check.measured(found) for check in (*goal.checks, *goal.also))
    beside = "; ".join(goal.beside(entries))
    return f"| {goal.words} | {measured} | {beside} | {reached(goal, found)} |"


def reached(goal: Goal, found: Figures) -> str:
    """Yes, or how far."""
    return "; ".join(part for part in (judged(goal, found), goal.later) if part)


def judged(goal: Goal, found: Figures) -> str:
    """Of what was measured."""
    if not goal.checks:
        return ""
    if failures := [failure for check in goal.checks if (failure := check.failure(found))]:
        return f"**no**: {'; '.join(failures)}"
    missing = [check for check in goal.checks if look(found, check.at) is None]
    if not missing:
        return "yes"
    return "not measured" if len(missing) == len(goal.checks) else "as far as it was measured"


def look(found: Figures, at: str) -> float | None:
    """The figure of that name, if there is one."""
    value: Any = found
    for name in at.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None else float(value)


def files_ratio(sustained: Figures | None) -> float | None:
    """Database and log at the end of the last minute over those a minute before."""
    if sustained is None:
        return None
    sizes = [
        sum(pair) for pair in zip(sustained["database_mib"], sustained["wal_mib"], strict=True) if None not in pair
    ]
    return sizes[-1] / sizes[-2] if len(sizes) > 1 else None


# Peers.


def ratios(entries: Entries) -> dict[str, float | None]:
    """Ours end to end, and over that of others in the same run."""

    def over(kind: Callable[[peers.Entry], bool], is_slow: bool = False) -> float | None:
        ours, other = (best(entries, "end_to_end", one, is_slow) for one in (ours_as_it_comes, kind))
        if ours is None or other is None:
            return None
        mine, theirs = (entry["rows"]["end_to_end"][0] for entry in (ours, other))
        return float(mine / theirs)

    ours = best(entries, "end_to_end", ours_as_it_comes)
    return {
        "ours": None if ours is None else ours["rows"]["end_to_end"][0],
        "memory": over(named("beanstalkd")),
        "synced": over(synced("beanstalkd")),
        "synced_slow": over(synced("beanstalkd"), is_slow=True),
        "python": over(is_python),
    }


def best(
    entries: Entries, figure: str, kind: Callable[[peers.Entry], bool], is_slow: bool = False, lowest: bool = False
) -> peers.Entry | None:
    """The entry of a kind whose median is the highest, if there is one that was measured."""
    those = [entry for entry in entries if entry["slow"] == is_slow and figure in entry["rows"] and kind(entry)]
    ranked = sorted(those, key=lambda entry: float(entry["rows"][figure][0]), reverse=not lowest)
    return ranked[0] if ranked else None


def shown(entry: peers.Entry | None, figure: str, words: str = "") -> Iterable[str]:
    """Its median."""
    if entry is not None:
        yield f"{words}{peers.title(entry)}: {entry['rows'][figure][0]:,.0f}"


def ours_as_it_comes(entry: peers.Entry) -> bool:
    """Hirehall with a worker that takes many jobs at once."""
    return entry["name"] == peers.OURS and not entry["variant"]


def others(entry: peers.Entry) -> bool:
    """Not Hirehall."""
    return bool(entry["name"] != peers.OURS)


def durable(entry: peers.Entry) -> bool:
    """Others that lose nothing with the power."""
    return others(entry) and bool(entry["lost"] == "nothing")


def is_python(entry: peers.Entry) -> bool:
    """A queue made for Python."""
    return str(entry["name"]).startswith(PYTHON_QUEUES)


def named(name: str) -> Callable[[peers.Entry], bool]:
    """This server where a power cut takes something."""
    return lambda entry: entry["name"] == name and not durable(entry)


def synced(name: str) -> Callable[[peers.Entry], bool]:
    """This server where it takes nothing."""
    return lambda entry: entry["name"] == name and durable(entry)
