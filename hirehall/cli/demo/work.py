"""From files to jobs, and from jobs to what became of them."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from hirehall.cli.output import clean
from hirehall.client.sync_client import Hall, Job

KINDS = ("count", "checksum")
TIMEOUT_SECONDS = 60.0


class HandedIn(Struct):
    """The jobs of every file, in the order of KINDS, and when they were handed in."""

    jobs: dict[str, tuple[Job, ...]]
    started: float  # time.perf_counter

    def of_kind(self, kind: str) -> list[Job]:
        """The jobs that one of the workers does."""
        place = KINDS.index(kind)
        return [jobs[place] for jobs in self.jobs.values()]


def hand_in(hall: Hall, folder: Path, files: Sequence[Path]) -> HandedIn:
    """Two jobs per file, in as few messages as they fit into."""
    started = time.perf_counter()
    entries = [{"kind": kind, "payload": payload(folder, file)} for file in files for kind in KINDS]
    handles = hall.submit_many(entries, max_attempts=1, timeout_seconds=TIMEOUT_SECONDS, follow=True)
    pairs = zip(handles[::2], handles[1::2], strict=True)
    return HandedIn({shown(file): pair for file, pair in zip(files, pairs, strict=True)}, started)


def payload(folder: Path, file: Path) -> dict[str, str]:
    """The name for people, the path for programs: a path is bytes, and JSON holds only text."""
    path = os.fsencode((folder / file).absolute())
    return {"file": shown(file), "path_base64": base64.b64encode(path).decode()}


def shown(file: Path) -> str:
    """A file's name as a terminal, and JSON, can show it."""
    return clean(os.fsencode(file).decode("utf-8", "backslashreplace")).replace("\n", "\\n")
