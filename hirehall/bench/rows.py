"""Each row of the table: a load with a budget in jobs and in seconds, what it says, and a look at the store after."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from hirehall.bench.backlog import Line, cost_ratio, rate, restart_seconds
from hirehall.bench.bench import Bench
from hirehall.bench.crowd import Crowd, room_for
from hirehall.bench.floor import floor_loop
from hirehall.bench.gauge import Gauge
from hirehall.bench.halls import OwnHall, RunningHall
from hirehall.bench.official import Official, Team, control, official_load, official_worker
from hirehall.bench.peers import Load
from hirehall.bench.raw import Raw, new_queue, raw_load
from hirehall.bench.rights import check_roles
from hirehall.bench.running import run
from hirehall.bench.sustained import sustained
from hirehall.client.address import parse

WARM_UP = 10  # the first one in so many does not count
BACKLOG_JOBS = 50_000  # of one turn beside it
NOT_OURS = "the hall is not a process of ours"
PLAIN = "these loads are plain sockets, and this hall speaks TLS"


def measure(bench: Bench) -> None:
    """Everything that the budget has room for."""
    budget = bench.budget
    with bench.hall() as hall:
        with control(hall) as asking:
            bench.durability = asking.welcome.durability
            if hall.pid is None:
                check_roles(asking, new_queue())
        idle(bench, hall)
        official(bench, hall)
        if parse(hall.url).tls:
            bench.not_measured["hall_only, backlog, idle_workers, sustained"] = PLAIN
            return
        hall_only(bench, hall)
    if budget.backlog:
        backlog(bench)
    if budget.idle_workers:
        idle_workers(bench)
    if budget.sustained_minutes:
        long_run(bench)


# A hall that has nothing to do.


def idle(bench: Bench, hall: RunningHall) -> None:
    """CPU and memory while nothing happens."""
    figures: dict[str, float | None] = {"cpu_percent": None, "rss_mib": None}
    bench.figures["idle"] = figures
    gauge, seconds = Gauge(hall.pid, None), bench.budget.idle_seconds
    before, began = gauge.cpu_seconds(), time.monotonic()
    if before is None:
        for what in ("idle", "CPU and memory of the hall"):
            bench.not_measured[what] = NOT_OURS
        return
    progress = bench.progress("idle", round(seconds * 10))
    for tenth in range(round(seconds * 10)):
        time.sleep(0.1)
        progress(tenth + 1)
    figures["cpu_percent"] = ((gauge.cpu_seconds() or 0.0) - before) / (time.monotonic() - began) * 100
    figures["rss_mib"] = gauge.rss_mib()


# The official client and worker.


def official(bench: Bench, hall: RunningHall) -> None:
    """What users get: closed loop, single and in bulk."""
    loop, *loads = bench.load(hall, jobs=bench.budget.loops), bench.load(hall), bench.load(hall)
    loads += [bench.load(hall, bulk=True), bench.load(hall, bulk=True)]
    machine_alone(bench, hall, loop)
    with official_worker(hall, [load.queue for load in (loop, *loads)]) as team:
        run(official_rows(bench, hall, team, loop, loads))


def machine_alone(bench: Bench, hall: RunningHall, load: Load) -> None:
    """What the closed loop that follows would take if the hall took nothing."""
    bench.figures["latency_floor_ms"] = None
    if hall.pid is None:
        bench.not_measured["latency_floor_ms"] = f"{NOT_OURS}: it may stand on another machine"
        return
    took = floor_loop(hall.folder, load.count, load.seconds, bench.progress("the machine alone", load.count))
    bench.figures["latency_floor_ms"] = percentiles(took)


async def official_rows(bench: Bench, hall: RunningHall, team: Team, loop: Load, loads: Sequence[Load]) -> None:
    """On one connection."""
    single, single_parts, bulk, bulk_parts = loads
    async with official_load(hall, team) as client:
        row, took = await client.closed_loop("one at a time", loop, bench.progress("one at a time", loop.count))
        bench.keep(row)
        bench.check(hall, loop, succeeded=row.jobs)
        bench.figures["latency_ms"] = percentiles(took)
        bench.figures["end_to_end_jobs_per_s"] = await end_to_end(bench, hall, client, "end to end", single)
        enqueue, drain = await in_parts(bench, hall, client, "", single_parts)
        bench.figures |= {"enqueue_jobs_per_s": enqueue, "drain_jobs_per_s": drain}
        figures = {"end_to_end_jobs_per_s": await end_to_end(bench, hall, client, "end to end, bulk", bulk)}
        enqueue, drain = await in_parts(bench, hall, client, ", bulk", bulk_parts)
        bench.figures["bulk"] = figures | {"enqueue_jobs_per_s": enqueue, "drain_jobs_per_s": drain}


async def end_to_end(bench: Bench, hall: RunningHall, client: Official, what: str, load: Load) -> float | None:
    """Its rate."""
    row = bench.keep(await client.end_to_end(what, load, bench.progress(what, load.count)))
    bench.check(hall, load, succeeded=row.jobs)
    return row.jobs_per_s


async def in_parts(
    bench: Bench, hall: RunningHall, client: Official, how: str, load: Load
) -> tuple[float | None, float | None]:
    """The rates of enqueue alone, then of drain alone."""
    client.team.pause()
    what = f"enqueue{how}"
    row, jobs = await client.enqueue(what, load, bench.progress(what, load.count))
    bench.keep(row)
    bench.check(hall, load, ready=row.jobs)
    what = f"drain{how}"
    drained = bench.keep(await client.drain(what, jobs, bench.progress(what, row.jobs)))
    bench.check(hall, load, succeeded=row.jobs)
    return row.jobs_per_s, drained.jobs_per_s


def percentiles(took: Sequence[float]) -> dict[str, float]:
    """Of milliseconds, without those at the beginning."""
    ranked = sorted(took[len(took) // WARM_UP :])
    return {f"p{part}": ranked[min(len(ranked) * part // 100, len(ranked) - 1)] for part in (50, 95, 99)}


# The raw load generator.


def hall_only(bench: Bench, hall: RunningHall) -> None:
    """What the hall alone can carry: single, and in bulk."""
    with raw_load(hall) as raw:
        load = bench.load(hall)
        bench.figures["hall_only_jobs_per_s"] = raw_end_to_end(bench, hall, raw, "hall only, end to end", load)
        load = bench.load(hall, bulk=True)
        rate = raw_end_to_end(bench, hall, raw, "hall only, end to end, bulk", load)
        load = bench.load(hall, bulk=True)
        what = "hall only, enqueue, bulk"
        row, tally = raw.enqueue(what, load, bench.progress(what, load.count))
        bench.keep(row)
        bench.check(hall, load, ready=row.jobs)
        what = "hall only, drain, bulk"
        bench.keep(raw.drain(what, load.queue, tally, row.jobs, bench.progress(what, row.jobs)))
        bench.check(hall, load, succeeded=row.jobs)
        bench.figures["hall_only_bulk"] = {"enqueue_jobs_per_s": row.jobs_per_s, "end_to_end_jobs_per_s": rate}


def raw_end_to_end(bench: Bench, hall: RunningHall, raw: Raw, what: str, load: Load) -> float | None:
    """Its rate."""
    row = bench.keep(raw.end_to_end(what, load, bench.progress(what, load.count)))
    bench.check(hall, load, succeeded=row.jobs)
    return row.jobs_per_s


# Beside many waiting jobs.


def backlog(bench: Bench) -> None:
    """Enqueue and drain beside the backlog, as ratios to the same without one."""
    jobs, count = min(bench.budget.jobs, BACKLOG_JOBS), bench.budget.backlog or 0
    with ExitStack() as halls:
        with ExitStack() as loads:  # gone before the restart, which would be their end
            empty, long = (line(bench, halls, loads, name) for name in ("no backlog", "backlog"))
            for one in (empty, long):
                one.warm_up(jobs, bench.seconds())
            if long.hall.pid is None:  # both are lines of one hall: there is no taking turns
                bench.remarks.append("one hall: its rates without a backlog were measured before, not in turn")
                take_turns(bench, jobs, empty)
            filled = bench.keep(long.fill(count, bench.progress("backlog", count)))
            long.check()
            take_turns(bench, jobs, *((long,) if long.hall.pid is None else (empty, long)))
            long.top_up()
        bench.figures["backlog"] = {
            "jobs": filled.jobs,
            **compare(long, empty),
            "rss_growth_mib": filled.rss_growth_mib,
            "restart_to_first_delivery_seconds": restart(bench, long),
        }


def restart(bench: Bench, long: Line) -> float | None:
    """Seconds until its first job is delivered again."""
    if not isinstance(long.hall, OwnHall):
        bench.not_measured["backlog.restart_to_first_delivery_seconds"] = NOT_OURS
        return None
    bench.progress("restart with the backlog", 1)
    return restart_seconds(long.hall, long.queue)


def compare(long: Line, empty: Line) -> dict[str, float | None]:
    """Rates, and ratios to those without a backlog."""
    return {
        "enqueue_jobs_per_s": rate(long.enqueued),
        "drain_jobs_per_s": rate(long.drained),
        "enqueue_ratio": rate(long.enqueued) / rate(empty.enqueued),
        "drain_ratio": rate(long.drained) / rate(empty.drained),
        "enqueue_cpu_ratio": cost_ratio(long.enqueued, empty.enqueued),
        "drain_cpu_ratio": cost_ratio(long.drained, empty.drained),
    }


def line(bench: Bench, halls: ExitStack, loads: ExitStack, name: str) -> Line:
    """A queue with a hall of its own, where halls are ours."""
    hall = halls.enter_context(bench.hall())
    return Line(hall, loads.enter_context(raw_load(hall)), name, bench.load(hall))


def take_turns(bench: Bench, jobs: int, *lines: Line) -> None:
    """A B A B; the last of each goes into the table."""
    progress = bench.progress("beside the backlog", bench.budget.turns)
    for turn in range(bench.budget.turns):
        for one in lines:
            one.turn(jobs, bench.seconds())
        progress(turn + 1)
    for one in lines:
        bench.keep(one.enqueued[-1])
        bench.keep(one.drained[-1])


# Many idle workers.


def idle_workers(bench: Bench) -> None:
    """What each takes, and the latency of a submit among them."""
    wanted = bench.budget.idle_workers or 0
    count = room_for(wanted)
    if count < wanted:
        bench.not_measured[f"{wanted} idle workers"] = (
            f"there is room for {count} open files: raise the limit (ulimit -n {wanted + 200}, LimitNOFILE)"
        )
    if not count:
        return
    with bench.hall(count) as hall:
        load = bench.load(hall, jobs=bench.budget.loops)
        gauge = Gauge(hall.pid, None)
        crowd = Crowd(hall.url, hall.token, load.queue)
        try:
            with gauge.measured("idle workers come") as row:
                crowd.come(count, bench.progress("idle workers", count))
                row.jobs = count
            bench.keep(row)
            with gauge.measured("one at a time among them") as loop:
                reached, took = crowd.closed_loop(load)
                loop.jobs = len(took)
            bench.keep(loop)
        finally:
            crowd.leave()
        bench.check(hall, load, succeeded=loop.jobs)
    bench.figures["idle_workers"] = {
        "count": count,
        "connect_seconds": row.seconds,
        "kib_each": None if row.rss_growth_mib is None else row.rss_growth_mib * 1024 / count,
        "reach_ms": percentiles(reached),
        "latency_ms": percentiles(took),
    }


# For minutes.


def long_run(bench: Bench) -> None:
    """Full rate, with pruning."""
    minutes = bench.budget.sustained_minutes or 0.0
    with bench.hall() as hall, raw_load(hall) as raw:
        row, figures = sustained(
            hall, raw, minutes, bench.load(hall).queue, bench.progress("sustained", round(minutes * 60))
        )
        bench.keep(row)
        bench.figures["sustained"] = figures
        if hall.pid is None:
            bench.not_measured["sustained.database_mib"] = NOT_OURS
