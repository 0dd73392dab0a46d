"""`hirehall work` as it is, but with the short lease of these runs: python -m tests.chaos.agent OPTIONS."""

from __future__ import annotations

import sys
from functools import partial

from hirehall.__main__ import main
from hirehall.cli import work
from hirehall.worker.agent import Agent

LEASE_SECONDS = 3.0

if __name__ == "__main__":
    work.Agent = partial(Agent, lease_seconds=LEASE_SECONDS)  # type: ignore[misc, assignment]
    sys.argv[1:1] = ["work"]
    main()
