"""One case: a fault, and who is cut off by it. What is measured of it, and what must be true."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.partitions.faults import Fault
from tests.partitions.ground import PATIENCE, Ground, until, with_distant_hall
from tests.partitions.work import TICK_SECONDS
from tests.system.audit import Ack, Evidence, Findings, Mark, audit, dump_jobs, find_jobs
from tests.system.jobs import await_final
from tests.system.lines import Line, readable

JOBS = 3  # of those that are in hand when the cable is cut; one of them does not heed SIGTERM
CONVERGED_SECONDS = 5.0  # after the healing, more than a lease
RUNS_ON = "A3 overlapping attempts"  # what an audit says of a function that cannot be stopped
KINDS = {"command": "script", "pool": "function", "thread": "function", "client": "script"}


class Finding(NamedTuple):
    """`margins`: seconds between the last sign of an attempt and the start of the next one, negative when they
    overlapped. `converged`: seconds from the healing until the far end did its part again."""

    who: str
    fault: str
    margins: list[float]
    converged: float
    findings: Findings
    said: str  # the far worker's log

    @property
    def overlap(self) -> float:
        """The longest time for which two held one job; 0 when there was none."""
        return max(0.0, *(-margin for margin in self.margins)) if self.margins else 0.0

    def faults(self, lease: float) -> list[str]:
        """What must not be."""
        found = [f"{fault}: {count}" for fault, count in self.findings.found.items()]
        if self.who == "thread":  # it goes on, which must have been said, and its result must not have counted
            found = [fault for fault in found if not fault.startswith(RUNS_ON)]
            found += ["not reported"] if self.overlap and "still runs" not in self.said else []
            found += ["not refused"] if self.overlap and "is not reported" not in self.said else []
        elif self.overlap:
            found.append(f"overlap {self.overlap:.3f} s")
        limit = lease + CONVERGED_SECONDS
        return found + ([f"converged after {self.converged:.1f} s"] if self.converged > limit else [])

    def row(self) -> str:
        margins = (
            f"{min(self.margins):6.2f} {sorted(self.margins)[len(self.margins) // 2]:6.2f}" if self.margins else ""
        )
        return f"{self.who:8} {self.fault:22} {self.overlap:8.2f} {margins:13} {self.converged:9.1f}"


HEAD = f"{'who':8} {'fault':22} {'overlap':>8} {'least  median':13} {'converged':>9}   seconds"


def play(who: str, fault: Fault, folder: Path, lease: float) -> Finding:
    """Play the case in an empty folder. Raises CannotCut where that cannot be done, AssertionError when it hangs."""
    folder.mkdir(parents=True)
    distant = who == "client" and fault.kills
    ground = with_distant_hall(folder) if distant else fault.ground(folder)
    try:
        with ground.line() as line:
            converged = (client_is_cut_off if who == "client" else worker_is_cut_off)(ground, line, who, fault, lease)
        with ground.line() as line:
            return judge(ground, line, who, fault, converged)
    finally:
        ground.close()


def worker_is_cut_off(ground: Ground, line: Line, who: str, fault: Fault, lease: float) -> float:
    """A worker at the far end has jobs in hand; another one is here. The answer: when all was well again."""
    kind = ground.kind = KINDS[who]
    ground.agent("far", who, lease, far=True)
    seconds = lease * (2.5 if who == "thread" else 2)
    jobs = [ground.submit(line, kind, f"job-{n}", seconds, deaf=n == 0) for n in range(JOBS)]
    until(lambda: count(ground, "start") == JOBS, "the far worker has started its jobs")
    ground.agent("near", who, lease, far=False)
    until(lambda: line.ok("metrics")["metrics"]["workers"] == 2, "the near worker is there")
    fault.play(ground, lease)
    healed = time.monotonic()
    if fault.kills:
        ground.add_mark(Mark("-", 0, "far", "killed", healed))
        ground.agent("far-again", who, lease, far=True)
    await_final(line, [ground.submit(line, kind, "canary", 0.1, queue="far")], PATIENCE)
    converged = time.monotonic() - healed
    await_final(line, [*jobs, *large(ground)], PATIENCE)
    return converged


def large(ground: Ground) -> list[str]:
    return [ack.id for ack in ground.acks if ack.key == "large"]


def count(ground: Ground, event: str) -> int:
    return sum(mark.event == event for mark in ground.marks())


def client_is_cut_off(ground: Ground, line: Line, who: str, fault: Fault, lease: float) -> float:
    """A client at the far end waits for results; the workers are with the hall."""
    ground.agent("near", "command", lease, far=False)
    payload = json.dumps({"marks": str(ground.marks_file), "seconds": lease})
    command = [sys.executable, "-m", "tests.partitions.submitter", str(ground.folder / "acks"), payload]
    client = ground.start("client", command, far=True, stdout=subprocess.PIPE, text=True)
    assert said_by(client) == "waiting\n", ground.log_of("client")
    until(lambda: count(ground, "start") == JOBS, "the jobs have started")
    fault.play(ground, lease)
    if fault.kills:
        ground.hall.ended()
        ground.hall.start()
    healed = time.monotonic()
    said = said_by(client)
    converged = time.monotonic() - healed
    assert said.startswith("done"), ground.log_of("client")
    for ack in map(json.loads, (ground.folder / "acks").read_text().splitlines()):
        ground.acks.append(Ack(**ack))
        ground.keys.add(ack["key"])
    return converged


def said_by(client: subprocess.Popen[str]) -> str:
    """Its next line; empty when it has ended, or says nothing."""
    assert client.stdout is not None
    return client.stdout.readline() if readable(client.stdout, PATIENCE) else ""  # type: ignore[arg-type]


def judge(ground: Ground, line: Line, who: str, fault: Fault, converged: float) -> Finding:
    """Hold what the workers have done against what the hall says."""
    dump = dump_jobs(line, find_jobs(line))
    say_what_stopped(ground, dump)
    again = dump_jobs(line, dump)
    seen = Evidence(ground.acks, ground.marks(), dump, again, frozenset(ground.keys))
    logs = [name for name in ("far",) if (ground.folder / name).exists()]
    said = "".join(ground.log_of(name) for name in logs)
    return Finding(who, fault.name, margins(seen), converged, audit(seen), said)


def say_what_stopped(ground: Ground, dump: dict) -> None:
    """A process that was stopped writes no mark of it. The audit needs one: its work was dropped a tick after its last
    sign of life, if it was not the attempt that counts."""
    lasts: dict[tuple[str, int, str], Mark] = {}
    for mark in ground.marks():
        if mark.event != "killed":
            lasts[mark.id, mark.attempt, mark.worker] = mark
    for (job, attempt, worker), last in lasts.items():
        if last.event != "end" or dump[job]["attempt"] != attempt:
            ground.add_mark(Mark(job, attempt, worker, "drop", last.at + TICK_SECONDS))


def margins(seen: Evidence) -> list[float]:
    """Seconds between an attempt's last sign and the start of the next, for every job that had more than one."""
    found = []
    for job in seen.attempts:
        tries = seen.of(job)
        found += [b.started_at - max(at for times in a.times.values() for at in times) for a, b in pairwise(tries)]
    return found
