"""`--reload`, for development: when the code of the functions changes, what runs is finished and the worker starts
anew, as the same process with a new program in it. Code that does not load is reported, and the old goes on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hirehall.runners import spawn
from hirehall.worker.agent import Agent
from hirehall.worker.files import LOOK_SECONDS, changes, differing, state

log = logging.getLogger("hirehall.worker")

TRIAL = "hirehall.runners.trial"


class Reload:
    """Watches the files of `targets` and what lies beside them. `is_due`: the agent drains in order to start anew."""

    def __init__(self, targets: Sequence[str]) -> None:
        self._targets = targets
        self._seen = state(self._paths())
        self.is_due = False

    def _paths(self) -> set[Path]:
        folders = {folder for folder in map(_folder, self._targets) if folder is not None}
        beside = {path for folder in folders for path in folder.glob("*.py")}
        return beside | {path for path in imported() if any(path.is_relative_to(folder) for folder in folders)}

    async def watch(self, agent: Agent) -> None:
        """Until there is new code that loads; then `agent` drains."""
        async for changed in changes(self._paths, self._seen):
            names = ", ".join(path.name for path in changed)
            error = await trial(self._targets)
            if not error:
                log.info("%s changed: finishing what runs, then starting anew", names)
                self.is_due = True
                agent.drain()
                return
            log.error("%s changed, but the old code goes on: %s", names, error)

    def wait(self) -> None:
        """Without an agent: until something has changed."""
        while not differing(self._seen, state(self._paths())):
            time.sleep(LOOK_SECONDS)


def imported() -> set[Path]:
    """The files of all modules of this process, except what is installed."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {path for path in map(Path, filter(None, files)) if "site-packages" not in path.parts}


def _folder(target: str) -> Path | None:
    """Where a file's or a module's neighbours are."""
    if target.endswith(".py") or "/" in target:
        return Path(target).resolve().parent
    file = getattr(sys.modules.get(target), "__file__", None)
    return None if file is None else Path(file).resolve().parent


async def trial(targets: Sequence[str]) -> str:
    """Load `targets` in another process: why they cannot be loaded, or nothing."""
    process = await asyncio.create_subprocess_exec(
        *spawn.command(TRIAL, *targets), env=spawn.environment(), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return said.decode(errors="replace").strip().splitlines()[-1] if process.returncode and said else ""


def start_anew() -> NoReturn:
    """Replace this process by the same command."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line again
