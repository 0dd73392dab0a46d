"""A hall under a quarter of its peak for hours: `python -m tests.soak --hours H [--record]`.

A worker is killed every minute, and the hall every ten in the first half; in the second half it lives, so that its
rise can be seen. Connections come and go, people watch, jobs are removed a minute
after their end; one job waits for years. Every ten seconds a row of what everything takes is added to a CSV file.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.command_line import above_zero, kept_folder, run
from tests.figures import command, record
from tests.soak.gauge import files_of, taken_by
from tests.soak.verdict import Row, Sample, judge
from tests.system.hall_process import ROOT, Hall
from tests.system.lines import readable

QUEUE = "soak"
KEEP_SECONDS = 60
SAMPLE_SECONDS = 10.0
WORKER_LIVES_SECONDS = 60.0
HALL_LIVES_SECONDS = 600.0
YEARS = 10 * 365 * 86_400.0
TASKS = Path(__file__).with_name("tasks.py")


class Soak:
    """The processes, and what was seen of them. Worker 0 is never killed: it is one of those that are measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hall = Hall(folder / "hall")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.client: subprocess.Popen[bytes] | None = None
        self.hall_lives = self.worker_lives = 0
        self.samples: list[Sample] = []
        self.began = time.monotonic()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "HIREHALL_DATA": str(self.hall.data)}
        self._start = {"cwd": ROOT, "env": env, "stderr": (folder / "log").open("ab")}

    def start(self) -> float:
        """Everybody; the answer is the jobs a second that the load has settled for."""
        self.hall.start()
        with self.hall.session() as line:
            line.ok("queue", queue=QUEUE, keep_seconds=KEEP_SECONDS)
            self.oldest = line.ok("submit", kind="echo", queue="old", delay_seconds=YEARS)["id"]
        self.workers += [self._worker(), self._worker()]
        self.client = self._python("tests.soak.load", QUEUE, stdout=subprocess.PIPE)
        assert self.client.stdout is not None
        assert readable(self.client.stdout, 120), "the load says nothing"  # type: ignore[arg-type]
        return float(self.client.stdout.readline().split()[1])

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._python("hirehall", "work", str(TASKS), "--queue", QUEUE, "--concurrency", "50")

    def _python(self, *command: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", *command], stdout=stdout, **self._start)  # type: ignore[call-overload,no-any-return]

    def kill_worker(self) -> None:
        self.workers[1].kill()
        self.workers[1].wait()
        self.workers[1] = self._worker()
        self.worker_lives += 1

    def kill_hall(self) -> None:
        self.hall.restart()
        self.hall_lives += 1

    def look(self) -> list[Sample]:
        """One more sample of everything."""
        at = time.monotonic() - self.began
        assert self.hall.process is not None
        assert self.client is not None
        taken = taken_by(self.hall.process.pid)[:4]
        new = [Sample(at, "hall", self.hall_lives, *taken, *files_of(self.hall.data))]
        new += [Sample(at, "worker", 0, *taken_by(self.workers[0].pid)[:4])]
        new += [Sample(at, "client", 0, *taken_by(self.client.pid)[:4])]
        self.samples += new
        return new

    def run(self, seconds: float) -> None:
        """Kill and look until the time is over."""
        dues = {self.kill_hall: HALL_LIVES_SECONDS, self.kill_worker: WORKER_LIVES_SECONDS, self.look: SAMPLE_SECONDS}
        next_at = {act: time.monotonic() + every for act, every in dues.items()}
        over = time.monotonic() + seconds
        half = over - seconds / 2
        with (self.folder / "samples.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Sample._fields)
            while (now := time.monotonic()) < over:
                for act in [act for act, at in next_at.items() if at <= now]:
                    if act != self.kill_hall or now < half:
                        writer.writerows(act() or [])
                        file.flush()
                    next_at[act] += dues[act]
                time.sleep(max(0.0, min(next_at.values()) - time.monotonic()))

    def close(self) -> None:
        for process in (*self.workers, *([self.client] if self.client else [])):
            process.kill()
            process.wait()
        self.hall.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--hours", type=above_zero, default=2.0, metavar="H", help="how long the load goes on (default: 2)"
    )
    stays = "where the data and the samples stay; otherwise kept only when something does not hold"
    parser.add_argument("--folder", type=Path, help=stays)
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/figures")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="hall-soak-", dir=kept_folder()))
    folder.mkdir(exist_ok=True)
    failed = False
    try:
        failed = bool(play(folder, options))
        return int(failed)
    except Exception:
        failed = True
        raise
    finally:
        if failed:
            print(f"samples and data are in {folder}\nagain: {command()}", flush=True)
        elif options.folder is None:
            shutil.rmtree(folder)


def play(folder: Path, options: argparse.Namespace) -> int:
    """The whole of it; 1 when something rises that should not."""
    soak = Soak(folder)
    try:
        rate = soak.start()
        print(f"{options.hours:g} hours at {rate:.0f} jobs/s; samples in {folder / 'samples.csv'}", flush=True)
        soak.run(options.hours * 3600)
        rows = judge(soak.samples)
        with soak.hall.session() as line:
            shown = line.ok("get", ids=[soak.oldest])["jobs"]
        rows.append(Row("old jobs lost", float(not shown or shown[0]["state"] != "scheduled"), 0))
    finally:
        soak.close()
    return report(rows, soak, rate, options)


def report(rows: list[Row], soak: Soak, rate: float, options: argparse.Namespace) -> int:
    for row in rows:
        print(
            f"{row.what:28} {row.value:8.2f}  at most {row.limit:8.2f}  {'' if row.holds else 'TOO MUCH'}  {row.note}"
        )
    print(f"{soak.hall_lives} halls and {soak.worker_lives} workers killed")
    holds = all(row.holds for row in rows)
    if options.record and holds:
        measured = {row.what: round(row.value, 2) for row in rows}
        kills = {"halls killed": soak.hall_lives, "workers killed": soak.worker_lives}
        record("soak", {"hours": options.hours, "jobs/s": rate, **kills, **measured})
    return 0 if holds else 1


if __name__ == "__main__":
    run(main)
