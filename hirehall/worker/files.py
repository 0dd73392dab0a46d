"""Files that may change while a worker runs. Looking once a second is enough for people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

LOOK_SECONDS = 1.0

State = dict[Path, tuple[int, int, int]]


def state(paths: Iterable[Path]) -> State:
    """What tells that a file is another one than before; a missing one is left out."""
    found: State = {}
    for path in paths:
        try:
            seen = path.stat()
        except OSError:
            continue
        found[path] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
    return found


def differing(before: State, now: State) -> list[Path]:
    """Files that have changed, come or gone."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


async def changes(paths: Callable[[], Iterable[Path]], before: State) -> AsyncIterator[list[Path]]:
    """The files that differ from `before`, each time that some do. Looks in a thread: a folder may be far away."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = await asyncio.to_thread(lambda: state(paths()))
        changed, before = differing(before, now), now
        if changed:
            yield changed
