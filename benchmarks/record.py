"""Runs `hirehall bench` with the options given here, and keeps its figures for the goals in docs/performance.md.

python -m benchmarks.record --sustained
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.contestant import ROOT, python
from tests.figures import keep


def main(options: list[str]) -> int:
    """The status of the bench; what has failed is not kept."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        file = Path(folder) / "figures.json"
        bench = subprocess.run(python("-m", "hirehall", "bench", *options, "--json", str(file)), cwd=ROOT, check=False)
        if not bench.returncode:
            keep("bench", {"load": round(load, 1), **json.loads(file.read_text())})
        return bench.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
