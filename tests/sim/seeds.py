"""Seeds by the thousand: CI's three thirds, and as many as one likes from the command line."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from tests.command_line import Pool
from tests.sim.world import World

CI_SEEDS = 3_000
THIRD = CI_SEEDS // 3
CHUNKS = 10  # tests that a third is cut into
PORTION = 20  # seeds that a process of `many` runs at once

# What must have happened in every third of CI's seeds, or the simulation shows nothing of it.
RARE = (
    # the hall dies, sleeps, ends, and finds nothing
    "killed before commit", "killed after commit, before sync", "killed after sync, before replies",
    "killed before send", "killed, unsynced writes kept", "killed from outside", "killed before the first commit",
    "hall frozen", "sleep gave leases their time back", "wall clock jumped", "hall ended in order",
    "expired while the hall was down", "lease kept over a restart",
    # its store fails
    "store failed before commit", "store failed after commit", "store failed in a read", "slow sync", "storage full",
    # the network, and those who do not read or cannot be heard
    "half-open connection", "line dropped", "line reordered", "peer did not read", "worker that cannot hear",
    "worker that cannot say", "beat lost, result taken", "unknown, then found again", "watcher begins anew",
    "watcher fell behind",
    # workers
    "worker died", "worker dozed", "worker fenced itself", "worker hangs", "worker lies", "worker told to leave",
    "worker outlived the trouble", "worker sent away", "late result taken", "late result refused", "result said twice",
    "poison dead", "job that runs at most once",
    # people and clients
    "key conflict", "cancel came before the result", "result came before the cancel", "queue set", "answered busy",
    "answered unavailable", "rate kept", "job waited for another", "job waited for its lock", "job tried again",
    "job removed", "delayed job went", "log kept", "log followed", "follower to be told", "task done: cancel",
    "task done: retry", "task done: remove", "draft committed", "draft discarded", "token made", "token revoked",
    "thousands of lanes",
)  # fmt: skip


@dataclass
class Tally:
    """What some seeds came to. `failed` maps a seed to what went wrong."""

    seeds: int = 0
    steps: int = 0
    jobs: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, seed: int) -> None:
        """Run one seed."""
        world = World(seed)
        try:
            world.run()
        except Exception as exc:
            self.failed[seed] = repr(exc)
        self.seeds += 1
        self.steps += world.timeline.steps
        self.jobs += len(world.audit.ledger.finals)
        self.seen.update(world.seen)

    def join(self, other: Tally) -> None:
        """Both together."""
        self.seeds, self.steps, self.jobs = (
            self.seeds + other.seeds, self.steps + other.steps, self.jobs + other.jobs
        )  # fmt: skip
        self.seen.update(other.seen)
        self.failed |= other.failed

    @property
    def missing(self) -> list[str]:
        """What should have happened and has not."""
        return [what for what in RARE if not self.seen[what]]

    @property
    def kills(self) -> int:
        """How often a hall was killed."""
        return sum(times for what, times in self.seen.items() if what.startswith("killed "))


def replay(seed: int) -> str:
    """The one command that shows it again."""
    return f"python -m tests.sim --seed {seed}"


class Third:
    """One of the three parts of CI's seeds. pytest-xdist keeps a file on one process, so each is a file."""

    def __init__(self, number: int) -> None:
        self._first = number * THIRD
        self._tally = Tally()
        self._done: set[int] = set()

    def run(self, chunk: int) -> None:
        """Run one tenth of it; fail with the command that replays the seed that broke a promise."""
        self._done.add(chunk)
        size = THIRD // CHUNKS
        for seed in range(self._first + chunk * size, self._first + (chunk + 1) * size):
            self._tally.add(seed)
            problem = self._tally.failed.get(seed)
            assert problem is None, f"replay with: {replay(seed)}\n{problem}"

    def missing(self) -> list[str]:
        """What did not happen in the whole of it."""
        for chunk in range(CHUNKS):
            if chunk not in self._done:
                self.run(chunk)
        return self._tally.missing


def many(begin: int, count: int, processes: int) -> Tally:
    """`count` seeds from `begin` on, on so many processes; each failure is printed as it comes."""
    tally = Tally()
    with Pool(processes) as pool:
        for part in pool.map(_portion, range(begin, begin + count, PORTION), [begin + count] * (-(-count // PORTION))):
            tally.join(part)
            for seed, problem in part.failed.items():
                print(f"{replay(seed)}   # {problem[:200]}", flush=True)
    return tally


def _portion(begin: int, end: int) -> Tally:
    logging.disable(logging.CRITICAL)  # a hall whose store is made to fail says so
    tally = Tally()
    for seed in range(begin, min(begin + PORTION, end)):
        tally.add(seed)
    return tally
