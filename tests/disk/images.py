"""Crash images: what a disk may hold when the power goes after the first N events of a record.

The model is harsher than any file system in use. What a sync of a file covered is there. Of the writes after it each
is there, gone, or torn at 512 bytes, in any combination; a write that is gone may still have made the file longer, by
zeros. A name is there for sure only when its directory was synced after it was made: syncing the file is not enough.
Names change in their order where they touch each other (a rename is whole or not at all) and in any order elsewhere.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.disk.trace import Event, Name, Resize, Sync, Write

SECTOR = 512
KEEP, DROP, TEAR, ZEROS = "keep", "drop", "tear", "zeros"

Change = Write | Resize
Fates = Callable[[random.Random, int], list[str]]  # of so many unsynced changes, in their order


def all_kept(_: random.Random, count: int) -> list[str]:
    return [KEEP] * count


def all_gone(_: random.Random, count: int) -> list[str]:
    return [DROP] * count


def only_the_last(_: random.Random, count: int) -> list[str]:
    """Reordered: the newest reached the disk first."""
    return [DROP] * (count - 1) + [KEEP] * (count > 0)


def all_but_one(rng: random.Random, count: int) -> list[str]:
    fates = [KEEP] * count
    if count:
        fates[rng.randrange(count)] = rng.choice((DROP, TEAR, ZEROS))
    return fates


def torn_at_the_end(_: random.Random, count: int) -> list[str]:
    return [KEEP] * (count - 1) + [TEAR] * (count > 0)


def anything(rng: random.Random, count: int) -> list[str]:
    return rng.choices((KEEP, DROP, TEAR, ZEROS), (3, 3, 2, 1), k=count)


MANNERS: tuple[Fates, ...] = (all_kept, all_gone, only_the_last, all_but_one, torn_at_the_end, anything, anything)


@dataclass
class File:
    """What is on the disk for sure, and what came after, with the number of its event."""

    durable: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, Change]] = field(default_factory=list)

    def sync(self, began: int) -> None:
        covered = [change for at, change in self.since if at < began]
        for change in covered:
            carry_out(self.durable, change, KEEP, None)
        del self.since[: len(covered)]

    def after(self, rng: random.Random, manner: Fates) -> bytes:
        content = bytearray(self.durable)
        for (_, change), fate in zip(self.since, manner(rng, len(self.since)), strict=True):
            carry_out(content, change, fate, rng)
        return bytes(content)


@dataclass
class Directory:
    durable: dict[str, int] = field(default_factory=dict)
    since: list[tuple[int, dict[str, int | None]]] = field(default_factory=list)

    def sync(self, began: int) -> None:
        covered = [entries for at, entries in self.since if at < began]
        for entries in covered:
            rename(self.durable, entries)
        del self.since[: len(covered)]

    def after(self, rng: random.Random, manner: Fates) -> dict[str, int]:
        """Of changes that touch each other, as many as kept their order; all the others by themselves."""
        names = dict(self.durable)
        fates = manner(rng, len(self.since))
        lost: set[str] = set()
        for (_, entries), fate in zip(self.since, fates, strict=True):
            if fate in (KEEP, TEAR) and lost.isdisjoint(entries):
                rename(names, entries)
            else:
                lost.update(entries)
        return names


def rename(names: dict[str, int], entries: dict[str, int | None]) -> None:
    for path, inode in entries.items():
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode


def carry_out(content: bytearray, change: Change, fate: str, rng: random.Random | None) -> None:
    """One change of a file, as far as it reached the disk."""
    if isinstance(change, Resize):
        if fate in (KEEP, ZEROS):
            resize(content, change.size)
        return
    end = change.offset + len(change.data)
    if fate == DROP:
        return
    if end > len(content):
        resize(content, end)
    if fate == KEEP:
        content[change.offset : end] = change.data
    elif fate == TEAR:
        assert rng is not None
        for start, stop in torn(change.offset, end, rng):
            content[start:stop] = change.data[start - change.offset : stop - change.offset]


def resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def torn(offset: int, end: int, rng: random.Random) -> Iterator[tuple[int, int]]:
    """The sectors that made it: the first ones, the last ones, or any."""
    edges = [offset, *range(offset - offset % SECTOR + SECTOR, end, SECTOR), end]
    sectors = list(itertools.pairwise(edges))
    cut = rng.randint(0, len(sectors))
    match rng.randrange(3):
        case 0:
            yield from sectors[:cut]
        case 1:
            yield from sectors[cut:]
        case _:
            yield from (sector for sector in sectors if rng.random() < 0.5)


class Disk:
    """Follows a record, event by event. `root` is there from the beginning."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files: dict[int, File] = {}
        self.directories: dict[str, Directory] = {root: Directory()}
        self._where = {0: root}  # inode of a directory -> path
        self._at = 0

    def follow(self, event: Event) -> None:
        at, self._at = self._at, self._at + 1
        if isinstance(event, Name):
            self._named(at, event)
        elif isinstance(event, (Write, Resize)):
            self.files[event.inode].since.append((at, event))
        elif isinstance(event, Sync):
            where = self._where.get(event.inode)
            synced = self.files[event.inode] if where is None else self.directories[where]
            synced.sync(event.began)

    def _named(self, at: int, event: Name) -> None:
        parents = {str(PurePosixPath(path).parent) for path in event.entries}
        assert len(parents) == 1, f"from one directory to another: {event}"
        self.directories[parents.pop()].since.append((at, event.entries))
        for path, inode in event.entries.items():
            if inode is None or inode in self.files or inode in self._where:
                continue
            if event.is_directory:
                self._where[inode] = path
                self.directories[path] = Directory()
            else:
                self.files[inode] = File()

    def after(self, rng: random.Random, names: Fates, contents: Fates) -> dict[str, bytes | None]:
        """What is there when the power comes back: path -> content, None for a directory."""
        found: dict[str, bytes | None] = {}
        self._look(self.root, rng, names, contents, found)
        return found

    def _look(
        self, directory: str, rng: random.Random, names: Fates, contents: Fates, found: dict[str, bytes | None]
    ) -> None:
        for path, inode in self.directories[directory].after(rng, names).items():
            if inode in self._where:
                found[path] = None
                self._look(path, rng, names, contents, found)
            elif not path.endswith("-shm"):  # SQLite makes it anew
                found[path] = self.files[inode].after(rng, contents)


def put(image: dict[str, bytes | None], root: str, target: Path) -> None:
    """Write an image of `root` to `target`, which is empty."""
    for path, content in image.items():
        place = target / PurePosixPath(path).relative_to(root)
        if content is None:
            place.mkdir(mode=0o700)
        else:
            place.write_bytes(content)
            place.chmod(0o600)
