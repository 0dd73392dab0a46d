"""`python -m tests.benchmarks.hasty ARGUMENT...` runs `hirehall ARGUMENT...`; its hall waits only a moment for who does
not read."""

from __future__ import annotations

import sys

from hirehall.__main__ import main
from hirehall.doors.http import streams

if __name__ == "__main__":
    streams.CUT_SECONDS = 3.0
    sys.exit(main())
