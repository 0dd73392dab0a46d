"""Starting a Python process that sees the same modules as this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """This interpreter, running a module of ours. `-P`: only PYTHONPATH says where modules are, see `environment`."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(**more: str) -> Mapping[str, str]:
    """Our own environment, and our `sys.path` as PYTHONPATH."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path, **more}
