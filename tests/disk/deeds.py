"""What is done to a hall's file once in a while, cut short anywhere: its upgrade, a backup, a restore."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from hirehall.errors import HallError
from hirehall.stores import wal
from hirehall.stores.sqlite import SQLiteStore
from tests.disk.forked_hall import ForkedCommand, ForkedHall
from tests.disk.found import AtOnce, Broken
from tests.disk.images import MANNERS, Disk, put
from tests.disk.load import Book, Load
from tests.disk.power import MEMORY, check_the_record
from tests.disk.trace import Event, Recorder, tracer

OLD_FILE = Path(__file__).resolve().parents[1] / "stores" / "data" / "schema-1.db"
ROWS = "SELECT id, state, attempt, payload, result FROM jobs"
UNFINISHED = "SELECT id, 0, 0, payload, NULL FROM jobs WHERE state < 4"
ENDING = 12  # events
IMAGES_OF_AN_ENDING = 12

Rows = frozenset[tuple[object, ...]]


@dataclass
class Deed:
    """Events from `first` on are the deed's own. `judge` looks at an image: its root, and whether the deed was done."""

    root: str
    events: list[Event]
    first: int
    judge: Callable[[Path, bool], None]


def rows_of(database: Path, query: str = ROWS) -> Rows:
    """The jobs that a hall would find there. Raises Broken."""
    with asyncio.Runner() as runner, mock.patch.object(wal, "ThreadPoolExecutor", AtOnce):
        store = SQLiteStore(str(database))
        try:
            runner.run(store.open())
        except HallError as exc:
            raise Broken(f"{database.name} does not open: {exc.message}") from exc
        try:
            said = store.db.execute("PRAGMA integrity_check(1)").fetchall()
            if said != [("ok",)]:
                raise Broken(f"{database.name} is damaged: {said}")
            return frozenset(store.db.execute(query))
        finally:
            runner.run(store.close())


def rows_as_they_are(database: Path, query: str = ROWS) -> Rows:
    """The same, of a copy: opening changes files."""
    with tempfile.TemporaryDirectory(prefix="hall-look-") as copy:
        for path in database.parent.glob(f"{database.name}*"):
            shutil.copy(path, copy)
        return rows_of(Path(copy) / database.name, query)


@contextmanager
def site() -> Iterator[Path]:
    """A directory for a deed: `root` in it is watched."""
    with tempfile.TemporaryDirectory(prefix="hall-deed-") as work:
        (Path(work) / "root" / "data").mkdir(parents=True, mode=0o700)
        yield Path(work)


def lived_in(data: Path, seed: str, steps: int) -> None:
    """Leave the files of a hall that was killed, its log beside them."""
    hall = ForkedHall(data)
    try:
        Load(hall.start(), Book(), seed).run(steps)
        hall.kill()
    finally:
        hall.close()


def done(work: Path, act: Callable[[list[str]], None], judge: Callable[[Path, bool], None]) -> Deed:
    """`act`, traced."""
    recorder = Recorder(str(work / "root"))
    recorder.adopt()
    first = len(recorder.events)
    act(tracer(work / "strace"))
    recorder.read(work / "strace")
    check_the_record(recorder)
    return Deed(recorder.root, recorder.events, first, judge)


def upgrade() -> Deed:
    """A hall starts on the file of an older one."""
    with site() as work:
        data = work / "root" / "data"
        shutil.copy(OLD_FILE, data / "hall.db")
        every = {row[0] for row in rows_as_they_are(data / "hall.db")}
        unfinished = rows_as_they_are(data / "hall.db", UNFINISHED)

        def start(traced: list[str]) -> None:
            hall = ForkedHall(data, tracer=traced)
            try:
                assert hall.start().stop() == 0
            finally:
                hall.close()

        def judge(root: Path, _: bool) -> None:
            found = rows_of(root / "data" / "hall.db", "SELECT id, 0, 0, payload, NULL FROM jobs")
            if not unfinished <= found or not {row[0] for row in found} <= every:
                raise Broken("the upgrade has lost jobs, or made some")

        return done(work, start, judge)


def backup() -> Deed:
    """A backup is made of a hall's file."""
    with site() as work:
        data, copies = work / "root" / "data", work / "root" / "copies"
        copies.mkdir()
        lived_in(data, "backup", 30)
        rows = rows_as_they_are(data / "hall.db")

        def judge(root: Path, is_done: bool) -> None:
            copy = root / "copies" / "hall.db"
            if rows_of(root / "data" / "hall.db") != rows:
                raise Broken("the backup has changed what it was made of")
            if copy.exists() or is_done:
                if not copy.exists():
                    raise Broken("the backup was made and is not there")
                if rows_of(copy) != rows:
                    raise Broken("the backup is not what the hall had")

        return done(work, ForkedCommandOf(data, "backup", str(copies / "hall.db")), judge)


def restore() -> Deed:
    """A backup takes the place of a hall's file, whose log was left by a kill."""
    with site() as work:
        data, copy = work / "root" / "data", work / "root" / "copy.db"
        lived_in(data, "old", 15)
        ForkedCommand(data, "backup", str(copy)).succeed()
        lived_in(data, "new", 30)
        before, after = rows_as_they_are(data / "hall.db"), rows_as_they_are(copy)
        assert before != after

        def judge(root: Path, is_done: bool) -> None:
            found = rows_of(root / "data" / "hall.db")
            if found != after and (is_done or found != before):
                raise Broken("what is there is neither what was there nor what was restored")

        return done(work, ForkedCommandOf(data, "restore", str(copy), "--force"), judge)


class ForkedCommandOf:
    """A command that waits for its tracer."""

    def __init__(self, data: Path, *words: str) -> None:
        self.data, self.words = data, words

    def __call__(self, traced: list[str]) -> None:
        ForkedCommand(self.data, *self.words, tracer=traced).succeed()


DEEDS = (upgrade, backup, restore)


def cut_everywhere(deed: Deed, seed: int) -> Iterator[str]:
    """An image after each event of the deed, and more of the last ones, where files take each other's place; what
    broke."""
    disk, followed = Disk(deed.root), 0
    last = len(deed.events)
    ending = [at for at in range(last - ENDING, last + 1) for _ in range(IMAGES_OF_AN_ENDING)]
    for number, at in enumerate([*range(deed.first, last - ENDING), *ending]):
        for event in deed.events[followed:at]:
            disk.follow(event)
        followed = at
        rng = random.Random(f"{seed}-{number}")
        image = disk.after(rng, rng.choice(MANNERS), rng.choice(MANNERS))
        with tempfile.TemporaryDirectory(prefix="hall-image-", dir=MEMORY) as target:
            put(image, deed.root, Path(target))
            try:
                deed.judge(Path(target), at == last)
            except Broken as broken:
                yield f"after event {at} of {last}: {broken}"
