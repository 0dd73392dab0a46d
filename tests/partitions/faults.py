"""The ways in which a network fails, as rows: how the cable is cut, until when, and how it comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.partitions.cable import BOTH, IN, OUT, Namespace
from tests.partitions.ground import Ground, in_namespace, through_proxy
from tests.partitions.proxy import Proxy

STALL_BYTES = 64 * 1024
OUTCOME_BYTES = 150  # more than one outcome, fewer than three
pause = threading.Event().wait  # for as long as a cut lasts


class Fault(NamedTuple):
    """`play(ground, lease_seconds)` breaks the cable and heals it; `ground` makes what it is played on."""

    name: str
    play: Callable[[Ground, float], None]
    ground: Callable[[Path], Ground] = in_namespace
    kills: bool = False  # whoever is at the far end is gone, and comes back as another process


def cut_for(direction: str, leases: float) -> Callable[[Ground, float], None]:
    def play(ground: Ground, lease: float) -> None:
        ground.cable.cut(direction)
        pause(lease * leases)
        ground.cable.heal()

    return play


def flap(ground: Ground, lease: float) -> None:
    """A second away, a second there, for three leases."""
    over = time.monotonic() + 3 * lease
    while time.monotonic() < over:
        ground.cable.cut(BOTH)
        pause(1.0)
        ground.cable.heal()
        pause(1.0)


def vanish(ground: Ground, lease: float) -> None:
    """Half-open: one end is gone without a FIN and comes back knowing nothing."""
    assert isinstance(ground.cable, Namespace), "only a machine can vanish"
    ground.cable.vanish()
    pause(lease * 1.5)
    ground.cable.heal()


def stall(ground: Ground, lease: float) -> None:
    """Nothing more comes in the middle of a job's delivery, on connections that stay open; later all of it does."""
    assert isinstance(ground.cable, Proxy), "only a proxy counts bytes"
    if ground.kind:
        ground.cable.stall_after(STALL_BYTES)
        with ground.line() as line:
            ground.submit(line, ground.kind, "large", 0.1, queue="far", padding="x" * 4 * STALL_BYTES)
    else:  # a client: in the middle of what it is told of its jobs' ends
        ground.cable.stall_after(OUTCOME_BYTES)
    pause(lease * 3)
    ground.cable.heal()


def close_and_cut(ground: Ground, lease: float) -> None:
    """Something between closes the connection at both ends, and then nobody gets through: the hall takes the close for
    the worker's."""
    assert isinstance(ground.cable, Proxy), "a cable closes nothing"
    ground.cable.hang_up()
    pause(lease * 1.6)
    ground.cable.heal()


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("full cut", cut_for(BOTH, 1.6)),
        Fault("worker to hall only", cut_for(IN, 1.6)),
        Fault("hall to worker only", cut_for(OUT, 1.6)),
        Fault("flapping", flap),
        Fault("three leases", cut_for(BOTH, 3)),
        Fault("half-open", vanish, kills=True),
        Fault("64 KiB then stall", stall, through_proxy),
        Fault("closed, then cut", close_and_cut, through_proxy),
    )
}
