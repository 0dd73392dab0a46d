"""Hirehall and other job servers, one after the other on this machine: the same jobs, one client process, one worker
process.

Each round runs all of them in turn, the durable ones twice: as they are, and with 2 ms more in every fsync and
fdatasync of their servers. A row takes --seconds or a little more, unless --jobs jobs take less. After --minutes no
peer is begun any more, so the last round may be of some only. What was measured until then, or until Ctrl-C, is kept.
What is not installed is fetched with apt-get where this is root on Debian, and is left out elsewhere.

    python -m benchmarks.peers
    python -m benchmarks.peers --jobs 5000 --rounds 1 --only Hirehall --only Beanstalkd
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.contestant import python
from benchmarks.peers import packages, slow_disk
from benchmarks.peers.measure import ROWS
from benchmarks.peers.peer import Peer
from hirehall.bench.ground import IN_MEMORY, Ground, ground_of
from tests.command_line import above_zero, run, whole
from tests.figures import keep

CONTESTANTS = (
    ("hirehall_peer", "Hirehall"), ("hirehall_peer", "HirehallWorkerAsItComes"), ("beanstalkd_peer", "Beanstalkd"),
    ("beanstalkd_peer", "BeanstalkdSynced"), ("beanstalkd_raw_peer", "BeanstalkdRaw"),
    ("beanstalkd_raw_peer", "BeanstalkdRawSynced"), ("gearmand_peer", "Gearmand"),
    ("gearmand_peer", "GearmandPipelined"), ("dramatiq_peer", "Dramatiq"), ("dramatiq_peer", "DramatiqSafest"),
    ("huey_peer", "HueyRedis"), ("huey_peer", "HueyRedisSafest"), ("huey_peer", "HueySqlite"),
    ("celery_peer", "CeleryPeer"), ("rq_peer", "RQ"), ("procrastinate_peer", "Procrastinate"),
    ("pgqueuer_peer", "Pgqueuer"), ("rabbitmq_peer", "RabbitMQ"), ("dask_peer", "Dask"),
)  # fmt: skip
JOBS, SECONDS, ROUNDS, MINUTES = 400_000, 3.0, 3, 12.0
LONGEST_SECONDS = 90.0  # beyond what the rows were given
WITH_WORKER = ("end_to_end", "many_end_to_end", "latency")
WITHOUT_WORKER = tuple(row for row in ROWS if row not in WITH_WORKER)


@dataclass
class Entry:
    """One peer in one setting on one kind of disk, in all rounds."""

    module: str
    kind: type[Peer]
    slow: bool
    rounds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: str = ""
    left_out: str = "the run ended before its turn came"

    def __str__(self) -> str:
        variant = f"; {self.kind.variant}" if self.kind.variant else ""
        return f"{self.kind.name}, {self.kind.setting}{variant}{', sync + 2 ms' if self.slow else ''}"

    def add(self, rows: dict[str, dict[str, float]]) -> None:
        """What one round has measured."""
        for row, values in rows.items():
            for name in ("rate", "p50", "p99"):
                if name in values:
                    self.rounds[row if name == "rate" else name].append(values[name])
            kind = "single" if row == "latency" else "rate"
            self.sizes[f"{kind}_jobs"].append(values["jobs"])
            if "seconds" in values:
                self.sizes["seconds"].append(values["seconds"])
        self.left_out = ""

    def figures(self) -> dict[str, Any]:
        """For the page: what it is, the median, the least and the most of every row, how large rows were."""
        kind = self.kind
        said = {
            name: getattr(kind, name)
            for name in ("name", "setting", "variant", "lost", "client_is", "worker_is", "known")
        }
        rows = {name: [statistics.median(got), min(got), max(got)] for name, got in self.rounds.items()}
        sizes = {name: [min(got), max(got)] for name, got in self.sizes.items()}
        sizes["rounds"] = [len(self.rounds["p50"])] * 2
        failed = {"failed": self.failed} if self.failed else {}
        return {**said, "slow": self.slow, "rows": rows, "sizes": sizes, **failed}


def entries(wanted: list[str] | None, left_out: dict[str, str]) -> Iterator[Entry]:
    """All of them, or those `wanted`, and why some were left out."""
    for module, name in CONTESTANTS:
        if wanted and name not in wanted:
            continue
        kind: type[Peer] = getattr(import_module(f"benchmarks.peers.{module}"), name)
        if why := packages.missing(kind.needs):
            left_out[f"{kind.name}, {kind.setting}"] = why
            continue
        yield Entry(module, kind, slow=False)
        if kind.is_durable:
            yield Entry(module, kind, slow=True)


def compete(entry: Entry, jobs: int, seconds: float) -> dict[str, Any]:
    """One round of one entry: server, worker, client; then the client alone."""
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as made:
        folder = Path(made).absolute()
        peer = entry.kind(folder, slow=slow_disk.within_reach(folder) if entry.slow else None)
        try:
            peer.start_server()
            peer.prepare()
            peer.start_workers(1)
            served = measured(entry, peer, jobs, seconds, WITH_WORKER)
            peer.check_slow()
            peer.stop_workers()
            return {**served, **measured(entry, peer, jobs, seconds, WITHOUT_WORKER)}
        except slow_disk.NotSlow:
            raise
        except Exception as why:
            raise RuntimeError(f"{why}\n{peer.last_words()}") from why
        finally:
            peer.stop()


def measured(entry: Entry, peer: Peer, jobs: int, seconds: float, rows: tuple[str, ...]) -> dict[str, Any]:
    """What the client's process says."""
    what = [entry.module, entry.kind.__name__, peer.folder, peer.port, peer.slow or "", jobs, seconds, *rows]
    command = python("-m", "benchmarks.peers.measure", *map(str, what))
    client = subprocess.Popen(
        command, env=peer.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, complained = client.communicate(timeout=LONGEST_SECONDS + len(rows) * 2 * seconds)
    finally:
        if client.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)
            client.wait()
    if client.returncode:
        raise RuntimeError(complained.strip()[-1500:])
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def spoken(rows: dict[str, dict[str, float]]) -> str:
    """One round of one entry, for people."""
    return "  ".join(
        f"{row} {values['rate']:,.0f}/s" if "rate" in values else f"p50 {values['p50']} p99 {values['p99']} ms"
        for row, values in rows.items()
    )


def race(all_entries: list[Entry], wanted: argparse.Namespace) -> None:
    """Round after round, until all are done or the time is up. What fails is said, and not tried again."""
    begun = time.monotonic()
    for number in range(wanted.rounds):
        for place, entry in enumerate(all_entries):
            minutes = (time.monotonic() - begun) / 60
            if minutes >= wanted.minutes:
                print(f"the time is up: round {number + 1} ends after {place} of {len(all_entries)}", flush=True)
                return
            if not entry.failed:
                take_turn(entry, wanted)
                print(f"{minutes:4.1f} min  round {number + 1}, {place + 1}/{len(all_entries)}", flush=True)


def take_turn(entry: Entry, wanted: argparse.Namespace) -> None:
    """One round of one entry, or why there is none."""
    try:
        rows = compete(entry, wanted.jobs, wanted.seconds)
    except slow_disk.NotSlow as why:
        entry.failed = entry.left_out = str(why)
        print(f"left out: {entry}: {why}", flush=True)
    except Exception as why:  # whatever a peer's library raises
        entry.failed, entry.left_out = str(why), ""
        print(f"FAILED {entry}: {why}", file=sys.stderr, flush=True)
    else:
        entry.add(rows)
        print(f"{entry}: {spoken(rows)}", flush=True)


def figures_of(all_entries: list[Entry], wanted: argparse.Namespace, ground: Ground, load: float) -> dict[str, Any]:
    """What was measured so far, and under which conditions."""
    return {
        "disk": f"{ground.file_system}, fdatasync {ground.sync_ms:.2f} ms",
        "load": f"{load:.1f}",
        "jobs": wanted.jobs,
        "rounds": wanted.rounds,
        "versions": packages.versions({entry.kind for entry in all_entries}),
        "left_out": {str(entry): entry.left_out for entry in all_entries if entry.left_out},
        "peers": [entry.figures() for entry in all_entries if not entry.left_out],
    }


def read(arguments: list[str] | None = None) -> argparse.Namespace:
    """What is wanted. Ends the program when that cannot be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=whole(200), default=JOBS, help="the most of a row")
    parser.add_argument("--seconds", type=above_zero, default=SECONDS, help="of a row")
    parser.add_argument("--rounds", type=whole(1), default=ROUNDS, help="the most of them")
    parser.add_argument("--minutes", type=above_zero, default=MINUTES, help="of all")
    classes = [name for _, name in CONTESTANTS]
    parser.add_argument("--only", action="append", choices=classes, help="the class of a peer", metavar="NAME")
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/performance.md")
    wanted = parser.parse_args(arguments)
    if wanted.record and wanted.only:
        parser.error("--record is for all peers together: leave out --only")
    if not slow_disk.LIBRARY.exists():
        parser.error(f"there is no {slow_disk.LIBRARY.name}: `make bench-peers` builds it")
    return wanted


def main() -> int:
    """1 when a peer has failed, 2 when nothing would be durable here."""
    wanted = read()
    ground = ground_of(Path(tempfile.gettempdir()))
    if ground.file_system in IN_MEMORY:
        print(
            f"{ground.path} is in memory, where nothing is durable: set TMPDIR to a folder on a disk", file=sys.stderr
        )
        return 2
    load = os.getloadavg()[0]
    left_out: dict[str, str] = {}
    all_entries = list(entries(wanted.only, left_out))
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    try:
        race(all_entries, wanted)
    finally:
        if wanted.record and any(entry.rounds for entry in all_entries):
            figures = figures_of(all_entries, wanted, ground, load)
            keep("peers", {**figures, "left_out": left_out | figures["left_out"]})
    return 1 if any(entry.failed and not entry.left_out for entry in all_entries) else 0


if __name__ == "__main__":
    run(main)
