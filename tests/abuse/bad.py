"""Peers that are too slow, too many, too long, or deaf."""

from __future__ import annotations

import time

from tests.abuse.scene import Crowd, Scene, Told, scene, unharmed, wait_for
from tests.figures import Figures

LINE_SECONDS = 30  # what a begun line may take
OTHERS_MS = 1_000.0  # what a beat may take beside any crowd
MAX_MESSAGE = 1 << 20
DROP_MIB = 8  # unread at one connection
ALONE_SECONDS = 1.5  # in which a canary is measured by itself


def by_itself(canary: Crowd, seconds: float) -> Told:
    """How the canary fares with nobody beside it, for as long: what it is compared with."""
    time.sleep(seconds)
    return canary.ask("mark")


def slowloris(count: int, seconds: float) -> Figures:
    """Lines that go on for ever, byte by byte. With `seconds` enough for it all are sent away in time."""
    with scene() as here:
        canary = here.canary()
        alone = by_itself(canary, min(seconds, 5) / 2)
        before = here.rss_mib()
        crowd = here.known("dribble", count=count, every_seconds=1.0)
        assert crowd.hear()["there"] == count
        if seconds > LINE_SECONDS:
            told = wait_for(crowd, "told", lambda told: told["sent_away"] == count, 2 * seconds)
            assert told["codes"] == {"bad_request": count}
            assert told["first_seconds"] >= LINE_SECONDS - 1
        else:
            time.sleep(seconds)
            told = crowd.ask("told")
            assert told["sent_away"] == 0
        beside = canary.ask("mark")
        unharmed(alone, beside, OTHERS_MS)
        grown = here.rss_mib() - before
        assert canary.end()["kept"]
        return {
            "slowloris connections": count,
            "slowloris sent away": told["sent_away"],
            "slowloris last away, s": told["last_seconds"],
            "slowloris beat p99, ms": beside["beat_p99_ms"],
            "slowloris beat p99 without, ms": alone["beat_p99_ms"],
            "slowloris RSS, MiB": round(grown, 1),
        }


def flood(count: int, places: int, processes: int) -> Figures:
    """More connections than there are places, all kept open."""
    with scene("--max-connections", str(places)) as here:
        canary = here.canary()
        here.metrics()  # the director's connection
        mine = int(here.metrics()["connections"])
        alone = by_itself(canary, ALONE_SECONDS)
        crowds = [here.crowd("flood", count=count // processes) for _ in range(processes)]
        told = [crowd.hear() for crowd in crowds]
        beside = canary.ask("mark")
        heard = {what: sum(one[what] for one in told) for what in ("ok", "busy", "refused", "silent")}
        metrics = here.metrics()
        assert heard == {"ok": places - mine, "busy": count - places + mine, "refused": 0, "silent": 0}, heard
        assert metrics["turned_away"] == heard["busy"]
        unharmed(alone, beside, OTHERS_MS)
        for crowd in crowds:
            crowd.end()
        _all_gone(here, mine)
        assert here.metrics()["lost"] == 0, "a lease was lost"
        assert canary.end()["kept"]
        return {
            "flood connects": count,
            "flood places": places,
            "flood busy": heard["busy"],
            "flood s": max(one["seconds"] for one in told),
            "flood beat p99, ms": beside["beat_p99_ms"],
            "flood beat worst, ms": beside["beat_worst_ms"],
            "flood beat p99 without, ms": alone["beat_p99_ms"],
        }


def _all_gone(here: Scene, left: int) -> None:
    """The places come free again."""
    deadline = time.monotonic() + 60
    while here.metrics()["connections"] > left:
        assert time.monotonic() < deadline, "connections stay that are gone"
        time.sleep(0.05)


def long_lines(count: int, megabytes: int) -> Figures:
    """Lines a byte too long, and lines without end."""
    with scene() as here:
        canary = here.canary()
        alone = by_itself(canary, ALONE_SECONDS)
        before = here.rss_mib()
        just = here.known("long", count=count, line_bytes=MAX_MESSAGE + 1, piece=MAX_MESSAGE + 1)
        endless = here.known("long", count=count, line_bytes=megabytes << 20, piece=16_384)
        peak, heard = before, []
        for crowd in (just, endless):
            crowd.hear()
            told = crowd.hear()
            peak = max(peak, here.rss_mib())
            assert set(told["codes"]) <= {"too_large", "closed"}, told
            heard.append(told)
            crowd.end()
        assert heard[0]["codes"] == {"too_large": count}
        beside = canary.ask("mark")
        unharmed(alone, beside, OTHERS_MS)
        assert here.line.ok("find", kind="stray")["jobs"] == [], "something behind a line that is too long ran"
        assert peak - before <= 2 * count * 1.5 + 32, f"RSS grew from {before} to {peak} MiB"
        assert canary.end()["kept"]
        return {
            "long lines": 2 * count,
            "long lines bytes taken": int(heard[1]["most_sent"]),
            "long lines RSS, MiB": round(peak - before, 1),
            "long lines beat p99, ms": beside["beat_p99_ms"],
        }


def slow_readers(count: int, asks: int, seconds: float) -> Figures:
    """Peers that ask for large answers and do not read them; one reads a byte a second."""
    with scene() as here:
        canary = here.canary()
        job = str(here.line.ok("submit", kind="large", queue="large", payload="x" * 900_000)["id"])
        alone = by_itself(canary, ALONE_SECONDS)
        before = here.rss_mib()
        crowd = here.known("deaf", count=count, job=job, asks=asks)
        assert crowd.hear()["there"] == count + 1
        peak, until = before, time.monotonic() + seconds
        while time.monotonic() < until:
            peak = max(peak, here.rss_mib())
            time.sleep(0.1)
        beside = canary.ask("mark")
        unharmed(alone, beside, OTHERS_MS)
        assert peak - before <= (count + 1) * DROP_MIB, f"RSS grew from {before} to {peak} MiB"
        assert here.line.ok("get", ids=[job])["jobs"], "others hear no large answer"
        crowd.end()
        assert canary.end()["kept"]
        return {
            "slow readers": count + 1,
            "slow readers RSS each, MiB": round((peak - before) / (count + 1), 2),
            "slow readers beat p99, ms": beside["beat_p99_ms"],
            "slow readers beat p99 without, ms": alone["beat_p99_ms"],
        }
