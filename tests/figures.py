"""What a proof has measured, kept in docs/figures for the page that is made of it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docs.reliability import SUITES

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"

Figures = dict[str, int | float | str]


def record(suite: str, figures: Figures) -> Path:
    """Keep the `figures` that this command, as it was typed, gave; they replace the last ones of this suite, one of
    docs.reliability.SUITES."""
    if suite not in SUITES:
        raise ValueError(f"the page has no row for {suite!r}: add it to SUITES in docs/reliability.py")
    return keep(suite, figures)


def keep(name: str, figures: Mapping[str, Any]) -> Path:
    """Keep `figures` for a page of their own."""
    FIGURES.mkdir(exist_ok=True)
    path = FIGURES / f"{name}.json"
    kept = {
        "command": command(),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}",
        "figures": figures,
    }
    path.write_text(json.dumps(kept, indent=2) + "\n")
    return path


def command() -> str:
    """What was typed to start this process, as it can be typed again at the root of the repository."""
    return shlex.join(["python", *sys.orig_argv[1:]])


def _commit() -> str:
    """The short name of what was measured, with a plus when the files differ from it."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
