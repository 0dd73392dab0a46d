"""What the hall alone can carry: a raw-socket load generator, every submit and every result durable.

    python benchmarks/raw_load.py                   # its own hall, on a temporary directory of this disk
    python benchmarks/raw_load.py --count 300000 --done single --json out.json
    python benchmarks/raw_load.py --url hall://127.0.0.1:11746 --token TOKEN --pid PID

One client process and one worker process on plain sockets. A job counts when its result (`end`) has reached
the submitting client. The rows:

    end to end        single submits with `follow`, `--window` of them under way, a worker with `--credit`
    end to end bulk   the same with `--batch` jobs in a submit
    enqueue           single submits without a worker, until the last one is answered; then
    drain             the worker comes and takes them, until the last end has reached the client
    enqueue bulk      the same two with `--batch` jobs in a submit
    closed loop       one job at a time, from submit to result: p50 and p99

Every row is bounded by `--count` and `--seconds`. CPU is in cores; RSS is the hall's after the row.
TMPDIR=/that/disk puts the data on another disk. `--done bulk` answers once per read, `single` once per job.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from raw_peers import PATIENCE, Load, Peer, Tally, submit_all, work

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Row:
    """One line of the table."""

    what: str
    jobs: int
    seconds: float
    jobs_per_second: float
    hall_cpu: float | None = None
    client_cpu: float | None = None
    worker_cpu: float | None = None
    hall_rss_mib: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


class Bench:
    """A client, a worker process, and the hall's process where it is known."""

    def __init__(self, url: str, token: str, pid: int | None, options: argparse.Namespace) -> None:
        self.options = options
        self.peer = Peer(url, token)
        self.hall = psutil.Process(pid) if pid else None
        self.client = psutil.Process()
        self.rows: list[Row] = []
        context = multiprocessing.get_context("spawn")
        self.orders, theirs = context.Pipe()
        self.worker = context.Process(target=work, args=(url, token, options.done, theirs), daemon=True)
        self.worker.start()
        self._told()

    def run(self) -> list[Row]:
        """All rows."""
        batch, bulk = self.options.batch, self.options.bulk_window
        self.end_to_end("end to end", 1, self.options.window)
        self.end_to_end(f"end to end bulk {batch}", batch, bulk)
        self.enqueue_and_drain("enqueue", 1, self.options.window)
        self.enqueue_and_drain(f"enqueue bulk {batch}", batch, bulk)
        self.closed_loop()
        return self.rows

    def close(self) -> None:
        self.orders.send(None)
        self.worker.join(5)
        self.peer.sock.close()

    def end_to_end(self, what: str, batch: int, window: int) -> None:
        """From submit to result, with the worker there from the beginning."""
        load = self._load(batch, window)
        self._send_worker_to(load.queue)
        with self._timed(what, load.count):
            self._all(load, lambda tally: tally.ended)
        self._send_worker_to(None)

    def enqueue_and_drain(self, what: str, batch: int, window: int) -> None:
        """Submit without a worker, then let it come."""
        load = self._load(batch, window)
        with self._timed(what, load.count):
            tally = self._all(load, lambda tally: tally.acked)
        with self._timed(what.replace("enqueue", "drain"), load.count):
            self._send_worker_to(load.queue)
            until = time.monotonic() + self.options.seconds
            while tally.ended < load.count and time.monotonic() < until:
                tally.hear(self.peer.hear())
        self._send_worker_to(None)
        if tally.ended < load.count:
            raise TimeoutError(f"{what}: {tally.ended} of {load.count} jobs drained in time")

    def closed_loop(self) -> None:
        """One job at a time."""
        load = self._load(1, 1)
        self._send_worker_to(load.queue)
        message, tally = load.messages(), Tally()
        took: list[float] = []
        until = time.monotonic() + self.options.seconds
        began = time.monotonic()
        while len(took) < self.options.loops and time.monotonic() < until:
            at = time.perf_counter()
            self.peer.sock.sendall(message(len(took), len(took) + 1))
            while tally.ended <= len(took):
                tally.hear(self.peer.hear())
            took.append((time.perf_counter() - at) * 1000)
        seconds = time.monotonic() - began
        ranked = sorted(took[len(took) // 10 :])  # the first tenth warms up
        p50, p99 = (round(ranked[int(len(ranked) * part)], 3) for part in (0.5, 0.99))
        rate = round(len(took) / seconds)
        self.rows.append(Row("closed loop", len(took), round(seconds, 3), rate, p50_ms=p50, p99_ms=p99))
        self._send_worker_to(None)

    def _load(self, batch: int, window: int) -> Load:
        count = self.options.count - self.options.count % batch
        return Load(f"bench-{secrets.token_hex(4)}", count, batch, max(window, batch))

    def _all(self, load: Load, done: Callable[[Tally], int]) -> Tally:
        tally = submit_all(self.peer, load, done, time.monotonic() + self.options.seconds)
        if done(tally) < load.count:
            raise TimeoutError(f"{done(tally)} of {load.count} jobs within {self.options.seconds} s")
        return tally

    def _send_worker_to(self, queue: str | None) -> None:
        """The worker serves this queue only, or none."""
        credit = self.options.credit if queue else 0
        self.orders.send({"queues": [queue or "nowhere"], "kinds": ["noop"], "credit": credit})
        self._told()

    def _told(self) -> None:
        if not self.orders.poll(PATIENCE):
            raise TimeoutError("the worker process does not answer")
        self.orders.recv()

    @contextmanager
    def _timed(self, what: str, jobs: int) -> Iterator[None]:
        before, began = self._cpu_seconds(), time.monotonic()
        yield
        seconds = time.monotonic() - began
        row = Row(what, jobs, round(seconds, 3), round(jobs / seconds))
        used = [round((now - then) / seconds, 2) for now, then in zip(self._cpu_seconds(), before, strict=True)]
        row.client_cpu, row.worker_cpu, *hall = used
        if self.hall is not None:
            row.hall_cpu = hall[0]
            row.hall_rss_mib = round(self.hall.memory_info().rss / (1 << 20), 1)
        self.rows.append(row)

    def _cpu_seconds(self) -> list[float]:
        """What the client, the worker and the hall, where it is known, have used."""
        watched = [self.client, psutil.Process(self.worker.pid), *([self.hall] if self.hall else [])]
        return [sum(process.cpu_times()[:2]) for process in watched]


# The hall.


@contextmanager
def own_hall() -> Iterator[tuple[str, str, int]]:
    """A hall of our own on a temporary directory; its address, token and process id."""
    with tempfile.TemporaryDirectory(prefix="hall-bench-") as folder:
        serve = [sys.executable, "-m", "hirehall", "serve", "--data", folder, "--tcp", "127.0.0.1:0"]
        process = subprocess.Popen([*serve, "--unix", f"{folder}/s"], cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            if b"ready" not in process.stdout.readline():
                raise RuntimeError("the hall did not start")
            access = json.loads((Path(folder) / "access.json").read_text())
            yield access["url"], access["token"], process.pid
        finally:
            process.terminate()
            process.wait(20)


COLUMNS = {
    "what": 22,
    "jobs": 9,
    "seconds": 9,
    "jobs_per_second": 17,
    "hall_cpu": 10,
    "client_cpu": 12,
    "worker_cpu": 12,
    "hall_rss_mib": 14,
    "p50_ms": 8,
    "p99_ms": 8,
}


def table(rows: list[Row]) -> str:
    """The rows for people."""
    lines = ["".join(f"{name:>{width}}" for name, width in COLUMNS.items())]
    for row in rows:
        cells = {name: "" if cell is None else cell for name, cell in asdict(row).items()}
        lines.append("".join(f"{cells[name]:>{width}}" for name, width in COLUMNS.items()))
    return "\n".join(lines)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="hall://HOST:PORT of a running hall; without it, one is started")
    parser.add_argument("--token", default="")
    parser.add_argument("--pid", type=int, help="the running hall's process, for CPU and RSS")
    parser.add_argument("--count", type=int, default=200_000, help="jobs in a row")
    parser.add_argument("--seconds", type=float, default=60.0, help="the longest time for a row")
    parser.add_argument("--window", type=int, default=2000, help="jobs under way, single submits")
    parser.add_argument("--bulk-window", type=int, default=10_000, help="jobs under way, bulk submits")
    parser.add_argument("--batch", type=int, default=100, help="jobs in a bulk submit")
    parser.add_argument("--credit", type=int, default=1000)
    parser.add_argument("--loops", type=int, default=3000, help="jobs in the closed loop")
    parser.add_argument("--done", choices=["bulk", "single"], default="bulk")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    return parser.parse_args()


def measure(url: str, token: str, pid: int | None, wanted: argparse.Namespace) -> None:
    """Run every row, print the table, write the JSON."""
    bench = Bench(url, token, pid, wanted)
    try:
        rows = bench.run()
    finally:
        bench.close()
    print(table(rows))
    if wanted.json:
        wanted.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def main() -> None:
    """Measure a running hall, or one of our own."""
    wanted = options()
    if wanted.url:
        measure(wanted.url, wanted.token, wanted.pid, wanted)
        return
    with own_hall() as (url, token, pid):
        measure(url, token, pid, wanted)


if __name__ == "__main__":
    main()
