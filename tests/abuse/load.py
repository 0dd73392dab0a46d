"""Many who are welcome: ten thousand idle workers, workers whose hall was killed, producers with too much."""

from __future__ import annotations

import time

from tests.abuse.scene import Crowd, Scene, Told, scene
from tests.figures import Figures

BACK_SECONDS = 30.0
MIB_OVER = 64.0


def idle_workers(count: int, processes: int, submits: int, beats: float, seconds: float) -> Figures:
    """Workers that wait; then jobs for single ones of them, then beats."""
    with scene("--max-connections", str(count + 100)) as here:
        alone = _lonely(here, submits)
        before = here.rss_mib()
        each = count // processes
        crowds = [
            here.known("idle", count=each, name=f"w{at}", rate=beats / processes, seconds=seconds)
            for at in range(processes)
        ]
        arrived = [crowd.hear() for crowd in crowds]
        took = max(told["seconds"] for told in arrived)
        kib = (here.rss_mib() - before) * 1024 / count
        runs = _one_by_one(here, crowds, submits)
        spent, beaten = _beat(here, crowds, seconds)
        assert sum(told["there"] for told in arrived) == count
        assert here.metrics()["lost"] == 0
        assert here.metrics()["workers"] == count
        for crowd in crowds:
            crowd.end()
        return {
            "idle workers": count,
            "idle connected, s": took,
            "idle KiB each": round(kib, 1),
            "idle run p99, ms": runs["run_p99_ms"],
            "idle run p50, ms": runs["run_p50_ms"],
            "idle run p99 of one worker alone, ms": alone["run_p99_ms"],
            "idle beats per second": round(beaten["beats"] / seconds),
            "idle beat p99, ms": beaten["beat_p99_ms"],
            "idle CPU of a core, %": round(100 * spent / seconds, 1),
        }


def _lonely(here: Scene, submits: int) -> Told:
    """The same jobs with a single worker: how quick this machine is today."""
    crowd = here.known("idle", count=1, name="alone", rate=1, seconds=1)
    crowd.hear()
    told = _one_by_one(here, [crowd], submits)
    crowd.end()
    return told


def _one_by_one(here: Scene, crowds: list[Crowd], submits: int) -> Told:
    """Each submit wakes one worker and costs one commit, its result another; nobody else hears anything."""
    before = here.metrics()
    for _ in range(submits):
        here.line.ok("submit", kind="idle", payload=time.monotonic())
        time.sleep(0.005)
    deadline = time.monotonic() + 30
    while (now := here.metrics())["succeeded"] - before["succeeded"] < submits:
        assert time.monotonic() < deadline, now
        time.sleep(0.01)
    told = [crowd.ask("told") for crowd in crowds]
    assert sum(one["pushes"] for one in told) == submits, "others were woken, too"
    assert now["delivered"] - before["delivered"] == submits
    assert now["commits"] - before["commits"] <= 2 * submits + 5, "a submit among many takes more commits"
    return {what: max(one[what] for one in told) for what in ("run_p50_ms", "run_p99_ms")}


def _beat(here: Scene, crowds: list[Crowd], seconds: float) -> tuple[float, Told]:
    """The hall's CPU seconds, and how long beats took."""
    spent = here.cpu_seconds()
    for crowd in crowds:
        crowd.tell("beat")
    told = [crowd.hear(seconds + 60) for crowd in crowds]
    worst = {what: max(one[what] for one in told) for what in ("beat_p50_ms", "beat_p99_ms")}
    return here.cpu_seconds() - spent, {**worst, "beats": sum(one["beats"] for one in told)}


def reconnect_storm(count: int, processes: int) -> Figures:
    """All workers hold a job when the hall is killed; all come back with it."""
    with scene() as here:
        here.line.ok("submit", jobs=[{"kind": "storm", "queue": "storm"}] * count)
        crowds = [here.known("storm", count=count // processes, name=f"s{at}") for at in range(processes)]
        for crowd in crowds:
            crowd.hear()
        _until(crowds, lambda told: told["holding"] == count, 60)
        here.begin_again()
        started = time.monotonic()
        told = _until(crowds, lambda told: told["back"] == count, 2 * BACK_SECONDS)
        back = told["last_back_at"] - started
        assert told["kept"] == count, f"{count - told['kept']} leases were lost"
        told = _sum([crowd.ask("done") for crowd in crowds])
        metrics = here.metrics()
        assert told["runs"] == count, "jobs were run again"
        assert told["done"] == count
        assert (metrics["lost"], metrics["delivered"], metrics["succeeded"]) == (0, 0, count), metrics
        assert back <= BACK_SECONDS, f"all were back after {back:.1f} s"
        for crowd in crowds:
            crowd.end()
        return {
            "storm workers": count,
            "storm back, s": round(max(back, 0), 2),
            "storm leases lost": metrics["lost"],
            "storm jobs run again": told["runs"] - count,
        }


def _sum(told: list[Told]) -> Told:
    sums = {what: sum(one[what] for one in told) for what in ("holding", "runs", "back", "kept", "done")}
    return {**sums, "last_back_at": max(one["last_back_at"] for one in told)}


def _until(crowds: list[Crowd], is_so: object, within: float) -> Told:
    deadline = time.monotonic() + within
    while not is_so(told := _sum([crowd.ask("told") for crowd in crowds])):  # type: ignore[operator]
        assert time.monotonic() < deadline, f"not so within {within} s: {told}"
        time.sleep(0.1)
    return told


def overload(producers: int, seconds: float, times: float) -> Figures:
    """Producers that offer several times what the hall can take. It stops reading from them, TCP stops them, and what
    it has answered is what it has stored."""
    with scene() as here:
        capacity = _capacity(here, producers)
        before = here.rss_mib()
        crowd = here.known("produce", queue="much", count=producers, rate=times * capacity, seconds=seconds)
        crowd.hear()
        crowd.tell("go")
        peak, until = before, time.monotonic() + seconds
        while time.monotonic() < until:
            peak = max(peak, here.rss_mib())
            time.sleep(0.2)
        offered = crowd.hear()
        told = crowd.hear()
        peak = max(peak, here.rss_mib())
        crowd.end()
        stored = _stored(here, "much")
        assert offered["offered"] >= 0.8 * times * capacity * seconds, "the producers offered too little"
        assert told["ok"] == stored, f"{told['ok']} were accepted, {stored} are stored"
        assert told["ok"] + told["refused"] == told["written"]
        assert peak - before <= MIB_OVER, f"RSS grew from {before} to {peak} MiB"
        return {
            "overload capacity, jobs/s": round(capacity),
            "overload offered, jobs/s": round(offered["offered"] / seconds),
            "overload accepted": told["ok"],
            "overload stored": stored,
            "overload refused": told["refused"],
            "overload RSS, MiB": round(peak - before, 1),
        }


def _capacity(here: Scene, producers: int) -> float:
    """Jobs a second that the hall takes while it is offered more than any hall can."""
    crowd = here.known("produce", queue="warm", count=producers, rate=1e6, seconds=2.0)
    crowd.hear()
    crowd.tell("go")
    crowd.hear()
    told = crowd.hear()
    crowd.end()
    assert told["ok"] == _stored(here, "warm")
    return float(told["ok"] / told["seconds"])


def _stored(here: Scene, queue: str) -> int:
    return sum(count["jobs"] for count in here.line.ok("counts", queue=queue)["counts"])
