"""Power cuts: the lives of a hall are recorded once, then cut short thousands of times."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.disk.forked_hall import ForkedHall
from tests.disk.found import Broken, judge
from tests.disk.images import MANNERS, Disk, all_kept, put
from tests.disk.ledger import Ledger
from tests.disk.load import Book, Load
from tests.disk.trace import Asked, Event, Name, Recorder, Said, Sync, Write, tracer
from tests.system.hall_process import STOP_SECONDS
from tests.system.lines import Silence

STOPPED = "--- stopped by SIGSTOP ---"  # says strace once of each thread
MEMORY = next((place for place in (Path("/dev/shm"),) if place.is_dir()), None)  # images need no disk
STARTED_EVERY = 200  # images: a real hall, for the others its store
THOROUGH_EVERY = 8  # images: integrity_check, for the others quick_check, which leaves the indexes out

Life = tuple[int, str]  # steps of the load; how it ends: "stop" or "kill"
SHORT: tuple[Life, ...] = ((12, "kill"), (6, "stop"), (4, "kill"))
LONG: tuple[Life, ...] = ((90, "kill"), (60, "stop"), (60, "kill"), (0, "stop"), (60, "stop"))


@dataclass
class Record:
    """A run that can be cut anywhere."""

    root: str
    events: list[Event]
    book: Book
    token: str
    counts: Counter[str] = field(default_factory=Counter)

    def ledger(self) -> Ledger:
        return Ledger(self.book.requests, self.book.orders, self.token)


def record(lives: tuple[Life, ...], seed: int, *, mutant: str = "") -> Record:
    """Let a hall live on a directory that does not exist yet, and write down all it does."""
    work = Path(tempfile.mkdtemp(prefix="hall-power-"))
    root = work / "root"
    root.mkdir()
    recorder, book = Recorder(str(root)), Book()
    hall = ForkedHall(root / "deep" / "data", mutant=mutant)
    try:
        for number, (steps, end) in enumerate(lives):
            strace = work / f"{number}.strace"
            hall.tracer = tracer(strace)
            hall.start()
            if steps:
                Load(hall, book, f"{seed}-{number}").run(steps)
            if end == "stop":
                assert hall.stop() == 0
            else:
                freeze(hall, strace)
                hall.kill()
            token = hall.access["token"]
            recorder.read(strace)
            check_the_record(recorder)
    finally:
        hall.close()
        shutil.rmtree(work)
    counts = Counter({"lives": len(lives)}) + what_happened(recorder.events)
    return Record(str(root), recorder.events, book, token, counts)


def what_happened(events: list[Event]) -> Counter[str]:
    """How often the rare things did, for which a record is made."""
    counts: Counter[str] = Counter(events=len(events))
    files = {inode: path for event in events if isinstance(event, Name) for path, inode in event.entries.items()}
    for event in events:
        path = files.get(event.inode, "") if isinstance(event, (Sync, Write)) else ""
        counts["answers"] += isinstance(event, Said)
        counts["syncs"] += isinstance(event, Sync)
        counts["log carried over"] += isinstance(event, Sync) and path.endswith("hall.db")
        counts["log begun anew"] += isinstance(event, Write) and path.endswith("-wal") and event.offset == 0
        counts["log removed"] += isinstance(event, Name) and any(
            path.endswith("-wal") and inode is None for path, inode in event.entries.items()
        )
    return counts


def freeze(hall: ForkedHall, strace: Path) -> None:
    """Stop every thread between two calls: one that was killed inside a write would have done it or not."""
    hall.freeze()
    deadline = time.monotonic() + STOP_SECONDS
    said = ""
    with strace.open() as record:
        while said.count(STOPPED) < len(list(Path(f"/proc/{hall.pid}/task").iterdir())):
            said += record.read()
            assert time.monotonic() < deadline, "the hall does not freeze"


def check_the_record(recorder: Recorder) -> None:
    """Nothing escaped the tracer: with every write kept, the model's files are the real ones, byte for byte."""
    disk = Disk(recorder.root)
    for event in recorder.events:
        disk.follow(event)
    image = disk.after(random.Random(0), all_kept, all_kept)
    for path in Path(recorder.root).rglob("*"):
        if path.is_file() and not path.name.endswith("-shm"):
            assert image.pop(str(path)) == path.read_bytes(), f"{path} is not as recorded"
    assert not [path for path, content in image.items() if content is not None and not path.endswith("-shm")]


@dataclass
class Cut:
    """One image: after so many events, with this seed for what survived."""

    at: int
    seed: str


def cuts(record: Record, count: int, seed: int) -> list[Cut]:
    """Every prefix as often as `count` allows; what is left over stands where it hurts: behind answers and syncs."""
    rng = random.Random(f"cuts {seed}")
    size = len(record.events)
    rounds, rest = divmod(count, size + 1)
    places = [at for _ in range(rounds) for at in range(size + 1)]
    sore = [at + 1 for at, event in enumerate(record.events) if isinstance(event, (Said, Sync, Name))]
    places += [rng.choice(sore) if rng.random() < 0.5 else rng.randrange(size + 1) for _ in range(rest)]
    return [Cut(at, f"{seed}-{number}-{at}") for number, at in enumerate(sorted(places))]


@dataclass
class Failure:
    cut: Cut
    why: str


def sweep(record: Record, planned: list[Cut], stop_at: int = 1) -> Iterator[Failure]:
    """Build and judge these images, in their order; what broke, until `stop_at` of them did."""
    disk, ledger = Disk(record.root), record.ledger()
    failures = at = 0
    with asyncio.Runner() as runner:
        for number, cut in enumerate(planned):
            for event in record.events[at : cut.at]:
                disk.follow(event)
                if isinstance(event, Said):
                    ledger.hear(event.message)
                elif isinstance(event, Asked):
                    ledger.ask(event.ref)
            at = cut.at
            try:
                _judge(record, disk, ledger, cut, runner.get_loop(), number)
            except Broken as broken:
                failures += 1
                yield Failure(cut, str(broken))
                if failures == stop_at:
                    return


def _judge(record: Record, disk: Disk, ledger: Ledger, cut: Cut, loop: asyncio.AbstractEventLoop, number: int) -> None:
    rng = random.Random(cut.seed)
    image = disk.after(rng, rng.choice(MANNERS), rng.choice(MANNERS))
    target = Path(tempfile.mkdtemp(prefix="hall-image-", dir=MEMORY))
    try:
        put(image, record.root, target)
        record.counts["images"] += 1
        data = target / "deep" / "data"
        if number % STARTED_EVERY == 0:
            start_and_kill(data)
        judge(data, ledger, loop, thorough=number % THOROUGH_EVERY == 0)
    finally:
        shutil.rmtree(target)


def start_and_kill(data: Path) -> None:
    """A real hall comes up there. Raises Broken."""
    hall = ForkedHall(data)
    try:
        hall.start().session().ok("ping")
        hall.kill()
    except Silence as silence:
        raise Broken(f"a hall does not start: {silence}") from silence
    finally:
        hall.close()


def replay(record: Record, cut: Cut) -> str:
    """What is wrong with this one image; nothing if all is well."""
    return next((failure.why for failure in sweep(record, [cut])), "")
