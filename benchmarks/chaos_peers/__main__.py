"""One kill -9 under load for Hirehall and other job servers: how many acknowledged jobs each loses, or runs twice.

When its workers have done a first job, a client hands in jobs one after the other, as fast as they are acknowledged;
two workers need 40 ms for each. When half are acknowledged and a tenth is waiting the server is killed, and started
again half a second later, as a supervisor would. A submit that meets an error is not repeated, except by clients that
do so by themselves. At the end every acknowledged job must have been done, once; what is not done a minute after the
last one counts as lost.

    python -m benchmarks.chaos_peers
    python -m benchmarks.chaos_peers --jobs 5000 --only Hirehall --only RQ
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from benchmarks.chaos_peers.peer import Peer
from tests.command_line import run, whole
from tests.figures import Figures, record

CONTESTANTS = (
    ("hirehall_peer", "Hirehall"), ("beanstalkd_peer", "Beanstalkd"), ("beanstalkd_peer", "BeanstalkdLog"),
    ("beanstalkd_peer", "BeanstalkdSynced"), ("redis_peers", "Dramatiq"), ("redis_peers", "DramatiqSafest"),
    ("redis_peers", "RQ"), ("redis_peers", "RQSafest"), ("huey_peer", "Huey"), ("huey_peer", "HueySynced"),
)  # fmt: skip
OURS = "Hirehall"
DOWN_SECONDS = 0.5
QUIET_SECONDS = 60.0  # nothing was done for so long: nothing more will be
LONGEST_SECONDS = 300.0


@dataclass
class Outcome:
    """What became of one run."""

    acknowledged: set[int] = field(default_factory=set)
    unknown: int = 0
    done: Counter[int] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        return len(self.acknowledged - self.done.keys())

    @property
    def twice(self) -> int:
        return sum(times > 1 for times in self.done.values())

    def __str__(self) -> str:
        return (
            f"{self.lost:6} lost  {self.twice:4} ran twice  of {len(self.acknowledged)} acknowledged;"
            f" {self.unknown} submits met an error"
        )


def hand_in(peer: Peer, jobs: int, outcome: Outcome) -> None:
    """Submit all jobs, with the kill in the middle."""
    submit = peer.client()
    supervisor = threading.Timer(DOWN_SECONDS, peer.restart)
    try:
        submit(0)
        outcome.acknowledged.add(0)
        await_quiet(peer, outcome)
        for number in range(1, jobs):
            if supervisor.ident is None and number >= jobs // 2 and waiting(peer, outcome) >= jobs // 10:
                peer.kill()
                supervisor.start()
            try:
                submit(number)
                outcome.acknowledged.add(number)
            except Exception:  # whatever a client says when its server is away
                outcome.unknown += 1
                time.sleep(0.01)
            if number % 100 == 0:
                peer.look_after_workers()
        if supervisor.ident is None:
            sys.exit(f"{peer.name} was never killed: its workers kept pace, so nothing waited; give more --jobs")
    except BaseException:
        supervisor.cancel()  # nothing is started again behind what ends
        raise
    finally:
        if supervisor.ident is not None:
            supervisor.join()


def waiting(peer: Peer, outcome: Outcome) -> int:
    """How many jobs are acknowledged and not done."""
    return len(outcome.acknowledged) - len(peer.marks.read_text().split())


def await_quiet(peer: Peer, outcome: Outcome) -> None:
    """Until all that was acknowledged is done, or nothing happens any more."""
    begun = last = time.monotonic()
    while time.monotonic() - last < QUIET_SECONDS and time.monotonic() - begun < LONGEST_SECONDS:
        peer.look_after_workers()
        time.sleep(0.2)
        done = Counter(map(int, peer.marks.read_text().split()))
        if done.total() > outcome.done.total():
            last = time.monotonic()
        outcome.done = done
        if outcome.lost == 0 and time.monotonic() - last > 2.0:
            return


def contest(peer: Peer, jobs: int) -> Outcome:
    """One run."""
    outcome = Outcome()
    try:
        peer.start()
        hand_in(peer, jobs, outcome)
        await_quiet(peer, outcome)
    finally:
        peer.stop()
    return outcome


def main() -> int:
    """Every contestant in turn; 1 when Hirehall lost a job or ran one twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=whole(10), default=1_000)
    parser.add_argument(
        "--only",
        action="append",
        choices=[name for _, name in CONTESTANTS],
        help="the class of a contestant",
        metavar="NAME",
    )
    parser.add_argument("--record", action="store_true", help="keep the figures for docs/reliability.md")
    wanted = parser.parse_args()
    if wanted.record and wanted.only:
        parser.error("--record is for all contestants together: leave out --only")
    figures: Figures = {}
    is_sound = True
    for module, name in CONTESTANTS:
        if wanted.only and name not in wanted.only:
            continue
        kind: type[Peer] = getattr(import_module(f"benchmarks.chaos_peers.{module}"), name)
        if kind.needs and shutil.which(kind.needs) is None:
            print(f"{kind.name:15} {kind.setting:45} left out: there is no {kind.needs} on this machine")
            continue
        with tempfile.TemporaryDirectory(prefix="hirehall-peers-") as folder:
            outcome = contest(kind(Path(folder).absolute()), wanted.jobs)
        print(f"{kind.name:15} {kind.setting:45} {outcome}", flush=True)
        if name == OURS and (outcome.lost or outcome.twice):
            is_sound = False
        figures[f"{kind.name}, {kind.setting}"] = (
            f"{outcome.lost} lost, {outcome.twice} run twice of {len(outcome.acknowledged)} with"
        )
    if wanted.record and is_sound:
        record("chaos-peers", figures)
    return 0 if is_sound else 1


if __name__ == "__main__":
    run(main)
