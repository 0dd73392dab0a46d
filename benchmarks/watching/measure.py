"""Pieces of full load, watched and not in turn, on one hall: what the watchers cost, and what they hear."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from benchmarks.watching.audience import Said, Wanted
from benchmarks.watching.streams import Deaf, Visitor
from hirehall.bench.gauge import Row, used_by
from hirehall.bench.halls import OwnHall
from hirehall.bench.keeping import check_queue
from hirehall.bench.official import control
from hirehall.bench.peers import PATIENCE, Load, Peer
from hirehall.bench.raw import Raw, new_queue
from hirehall.processes import Member

KINDS = ("noop", "thumbnail", "report", "import")
QUEUES = 12  # where some jobs wait all the time
WAITING, RUNNING = 30, 5  # jobs that have a page of their own
CUT_SECONDS = 90.0  # who never reads is gone until then
MIX = (  # of twenty pages that somebody has open
    *("overview",) * 6,
    "jobs", "jobs", "jobs&state=running", "jobs&state=succeeded", "jobs&queue={queue}", "jobs&kind=noop",
    *("job&id={job}",) * 4,
    "queues", "queues", "queue&queue={queue}",
    "workers",
)  # fmt: skip


class Piece(Struct):
    """So long of full load. `peak_mib` is the most memory that the hall took meanwhile."""

    row: Row
    peak_mib: float
    audience_cores: float = 0.0  # how much of them the watchers took
    said: Said | None = None


class Stage:
    """A hall with jobs to look at, and a load."""

    def __init__(self, hall: OwnHall, raw: Raw, pages: int, feeds: int) -> None:
        self._hall, self._raw = hall, raw
        self._queue = new_queue()
        waiting, running = self._jobs()
        jobs = [job for pair in zip(waiting, running * 6, strict=False) for job in pair]
        where = hall.url, hall.http, hall.token or ""
        self._wanted = Wanted(*where, self._queries(pages, jobs), feeds, "shown", RUNNING)

    def _jobs(self) -> tuple[list[str], list[str]]:
        """Some that wait in many queues, and some that will run."""
        peer = Peer(self._hall.url, self._hall.token)
        waiting: list[str] = []
        for number in range(QUEUES):
            jobs = [{"kind": kind, "payload": {"part": number}} for kind in KINDS]
            waiting += peer.ask({"cmd": "submit", "queue": f"queue-{number}", "jobs": jobs}).ids
        shown = {"cmd": "submit", "queue": "shown", "jobs": [{"kind": "show"}] * RUNNING}
        running = list(peer.ask(shown).ids)
        peer.close()
        return waiting[:WAITING], running

    def _queries(self, pages: int, jobs: Sequence[str]) -> list[str]:
        """Each page of a job shows another one, for as long as there are some."""
        turn = cycle(jobs)
        mixed = [MIX[number % len(MIX)] for number in range(pages)]
        return [f"page={one.format(queue=self._queue, job=next(turn) if '{job}' in one else '')}" for one in mixed]

    def deaf(self) -> Deaf:
        """Somebody who never reads, from now on."""
        return Visitor(self._hall.http, self._hall.token or "").deaf()

    def piece(self, seconds: float, *, is_watched: bool) -> Piece:
        """Full load for so long."""
        load = Load(self._queue, 10**9, seconds=seconds)
        if not is_watched:
            return self._loaded(load)
        with audience(self._wanted, self._hall.folder) as member:
            tell(member)  # what is heard until here does not count
            used, began = used_by(member.pid), time.monotonic()
            piece = self._loaded(load)
            piece.audience_cores = (used_by(member.pid) - used) / (time.monotonic() - began)
            piece.said = tell(member)
        return piece

    def _loaded(self, load: Load) -> Piece:
        with peak_of(self._hall.pid) as peak_mib:
            row = self._raw.end_to_end("a piece", load)
            return Piece(row, peak_mib())

    def check_held(self, jobs: int) -> None:
        """Raises JobsMissing unless the hall holds so many of the load's, with their ends."""
        with control(self._hall) as asking:
            check_queue(asking, self._queue, {"succeeded": jobs})

    def cut_off(self, deaf: Deaf) -> float | None:
        """After how many seconds the hall had no connection to it any more; None when it still has one."""
        while self._has(deaf):
            if time.monotonic() > deaf.since + CUT_SECONDS:
                return None
            time.sleep(0.2)
        return time.monotonic() - deaf.since

    def _has(self, deaf: Deaf) -> bool:
        connections = psutil.Process(self._hall.pid).net_connections("tcp4")
        return any(one.raddr and one.raddr.port == deaf.port for one in connections)


@contextmanager
def audience(wanted: Wanted, folder: Path) -> Iterator[Member]:
    """Who looks on, once everything is open."""
    member = Member("audience", "benchmarks.watching.audience", log=folder / "audience.log")
    try:
        member.tell(msgspec.json.encode(wanted).decode())
        member.ready()
        yield member
    finally:
        member.end()


def tell(member: Member) -> Said:
    """What it has heard since the last time."""
    member.tell("say")
    line = member.hear(PATIENCE)
    if not line:
        member.check(PATIENCE)
    return msgspec.json.decode(line, type=Said)


@contextmanager
def peak_of(pid: int) -> Iterator[Callable[[], float]]:
    """Answers, within, the most memory that a process has taken since it began, MiB."""
    process = Path("/proc", str(pid))
    process.joinpath("clear_refs").write_text("5")  # proc(5): the peak is what it takes now

    def peak() -> float:
        lines = process.joinpath("status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    yield peak
