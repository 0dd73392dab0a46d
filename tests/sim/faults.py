"""What goes wrong in a seed, and what is asked of the hall in it: each is off in about half of the seeds.

A seed with few faults and few sorts of work goes deep where one with all of them would only be noisy.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Faults:
    """Means are seconds between two of a kind, 0 for never; the rest are probabilities."""

    seconds: float = 0.0  # how long the trouble lasts
    drop: float = 0.0  # of lines to the hall
    double: float = 0.0
    reorder: float = 0.0
    delays: tuple[float, ...] = (0.001,)
    kill: float = 0.0  # at every effect boundary
    restart: float = 0.0  # mean between kills from outside
    early: int = 0  # so often a hall dies at its start, before it has committed anything
    freeze: float = 0.0  # mean
    clock: float = 0.0  # mean between jumps of the wall clock
    misbehave: float = 0.0
    worker: float = 0.0  # mean between deaths and lost connections of workers
    one_way: str = ""  # from some moment on, for ever, one worker cannot "hear" or cannot "say"
    stall: float = 0.0  # mean between peers that do not read for a while
    shutdown: float = 0.0  # mean between orderly ends of the hall
    refuse: float = 0.0  # of batches: an error before anything was written
    betray: float = 0.0  # of batches: an error although it was committed
    unread: float = 0.0  # of reads
    slow: float = 0.0  # of syncs
    full: float = 0.0  # mean between full disks

    @property
    def network_lies(self) -> bool:
        """Whether lines are lost, said twice or out of order, as TCP would not do."""
        return bool(self.drop or self.double or self.reorder)

    @property
    def may_kill(self) -> bool:
        """Whether a hall may end without having synced what it committed."""
        return bool(self.kill or self.restart or self.betray)

    @staticmethod
    def roll(dice: random.Random) -> Faults:
        def maybe(value: Any, none: Any = 0.0, chance: float = 0.5) -> Any:
            return value if dice.random() < chance else none

        seconds = dice.choices((dice.uniform(2, 5), dice.uniform(5, 12), dice.uniform(20, 45)), (64, 28, 8))[0]
        pace = seconds / 3
        lies = dice.random() < 0.65
        stores = dice.random() < 0.5
        return Faults(
            seconds=seconds,
            drop=maybe(dice.uniform(0, 0.1)) * lies,
            double=maybe(dice.uniform(0, 0.2)) * lies,
            reorder=maybe(dice.uniform(0, 0.3)) * lies,
            delays=maybe((0.001, 0.02, 0.7), (0.0005, 0.002)),
            kill=maybe(0.006),
            restart=maybe(pace),
            early=maybe(dice.choice((1, 2)), 0, 0.3),
            freeze=maybe(pace * 1.5),
            clock=maybe(pace),
            misbehave=maybe(0.3),
            worker=maybe(pace / 2),
            one_way=maybe(dice.choice(("hear", "say")), ""),
            stall=maybe(pace),
            shutdown=maybe(pace * 2),
            refuse=maybe(0.01) * stores,
            betray=maybe(0.015) * stores,
            unread=maybe(0.01) * stores,
            slow=maybe(0.02) * stores,
            full=maybe(pace) * stores,
        )


@dataclass
class Work:
    """The sorts of work, and of what people do, that this seed has."""

    poison: bool
    storms: bool  # many submits of one key at one moment
    bulks: bool  # fifty jobs at once
    once: bool  # max_attempts 1
    urgent: bool  # priorities
    races: bool  # a cancel at the moment of the result
    lanes: bool  # two thousand lanes
    far: bool  # jobs delayed far beyond a lease
    short: bool  # jobs that expire, or time out
    gates: bool  # after and lock
    limits: bool  # queues with max_per_second and max_waiting
    edits: bool  # cancel, retry, change, remove
    tasks: bool  # the same with where
    logs: bool  # log_of, followed
    orders: bool  # what people tell workers
    guest: bool  # a token that is made and revoked
    forgetful: bool  # the hall remembers few events only

    @staticmethod
    def roll(dice: random.Random) -> Work:
        wanted = {field.name: dice.random() < 0.5 for field in fields(Work)}
        wanted["lanes"] = dice.random() < 0.008
        return Work(**wanted)
