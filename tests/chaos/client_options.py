"""What both clients are told: where the hall is, what to submit, how fast."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from tests.chaos.load import Job, job


class Options(NamedTuple):
    """The words of a client's command line."""

    data: Path
    acks: Path
    prefix: str
    count: int
    rate: float
    bulk: int
    long_ms: int
    calm: bool


def read_options() -> Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("acks", type=Path)
    parser.add_argument("prefix")
    parser.add_argument("count", type=int)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--bulk", type=int, default=1)
    parser.add_argument("--long-ms", type=int, default=2000)
    parser.add_argument("--calm", action="store_true")
    return Options(**vars(parser.parse_args()))


def batches_of(options: Options, done: set[str]) -> list[list[Job]]:
    """What is still to be submitted."""
    jobs = [job(options.prefix, n, long_ms=options.long_ms, calm=options.calm) for n in range(options.count)]
    left = [it for it in jobs if it["key"] not in done]
    return [left[n : n + options.bulk] for n in range(0, len(left), options.bulk)]
