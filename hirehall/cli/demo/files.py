"""Which files of a folder the demo works on."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Made by tools, not by people.
SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".cache",
        ".hypothesis",
    }
)
SKIPPED_ENDINGS = ("_cache", ".egg-info")


class Listing(NamedTuple):
    """`files` relative to the folder, sorted; `left_out` says what else is there."""

    files: list[Path]
    left_out: str


def list_files(folder: Path, limit: int) -> Listing:
    """The regular files below `folder`; links are not followed, what tools keep for themselves is skipped."""
    left_out: Counter[str] = Counter()
    found = sorted(walk(folder, left_out), key=os.fsencode)
    if len(found) > limit:
        left_out["files beyond --limit"] = len(found) - limit
    files = [path.relative_to(folder) for path in found[:limit]]
    return Listing(files, ", ".join(f"{what} ({number})" for what, number in left_out.items()))


def walk(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    """Every regular file, whatever its name."""

    def unreadable(_error: OSError) -> None:
        left_out["unreadable folders"] += 1

    for directory, folders, names in os.walk(folder, onerror=unreadable):
        wanted = [name for name in folders if not is_skipped(Path(directory, name))]
        left_out["folders of tools or links"] += len(folders) - len(wanted)
        folders[:] = wanted
        for name in names:
            path = Path(directory, name)
            if (what := oddity(path)) is None:
                yield path
            else:
                left_out[what] += 1
    for what in [what for what, number in left_out.items() if not number]:
        del left_out[what]


def is_skipped(folder: Path) -> bool:
    """Whether nothing in this folder is worked on."""
    return folder.name in SKIPPED or folder.name.endswith(SKIPPED_ENDINGS) or folder.is_symlink()


def oddity(path: Path) -> str | None:
    """What it is instead of a regular file."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return "vanished files"
    if stat.S_ISREG(mode):
        return None
    return "links" if stat.S_ISLNK(mode) else "pipes, sockets and devices"
