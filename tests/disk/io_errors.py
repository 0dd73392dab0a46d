"""A disk that fails once, at the Nth call of a kind, for every N until there is no Nth call: SQLite's own method.

A hall goes through the same short life each time: an empty directory, jobs in, jobs out, the log carried over, an
orderly end. After the error it goes on or it stops; what it had answered is there either way.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.disk.forked_hall import ForkedHall
from tests.disk.found import Broken, judge
from tests.disk.ledger import Ledger
from tests.disk.load import Book, Peer
from tests.system.lines import Silence

EXIT_STORE = 74
EXITS_AT_START = (3, EXIT_STORE)  # it cannot be started here and now; its store is broken
FILES = (
    "", "access.json", "access.json.new", "hall.db", "hall.db-wal", "hall.db-shm", "hall.db-journal", "hall.db.lock",
)  # fmt: skip
INJECTED = re.compile(r"^\d+ +([\d.]+) .*\(INJECTED\)$", re.MULTILINE)
SYNCED = re.compile(r"^(\d+) +[\d.]+ fdatasync", re.MULTILINE)
OK = '\\"ok\\":true'
EXITED = re.compile(r"^\d+ +([\d.]+) \+\+\+ (?:exited with|killed by)", re.MULTILINE)


class Kind(NamedTuple):
    """strace counts the calls of each thread by itself: `since` and `files` say where the first one is that fails."""

    call: str
    error: str
    since: str = "start"  # "start": the hall's first call; "ready": the first one after its start
    files: tuple[str, ...] = FILES
    hears: bool = False  # what peers are told stands in the record too

    def __str__(self) -> str:
        return f"{self.call} {self.error} since {self.since}{f' in {self.files[0]}' if self.files != FILES else ''}"


KINDS = (
    Kind("fdatasync", "EIO"),
    Kind("fdatasync", "EIO", "ready", hears=True),
    Kind("fsync", "EIO"),
    Kind("pwrite64", "EIO"),
    Kind("pwrite64", "ENOSPC"),
    Kind("pread64", "EIO"),
    Kind("openat", "EIO"),
    Kind("write", "EIO"),
    Kind("write", "ENOSPC"),
    Kind("ftruncate", "EIO"),
    Kind("unlink", "EIO"),
    Kind("rename", "EIO"),
    Kind("mkdir", "EIO"),
    Kind("mmap", "ENOMEM"),
    # What carries the log over: only that writes the file itself while a hall runs.
    Kind("pwrite64", "EIO", "ready", ("hall.db",)),
    Kind("pwrite64", "ENOSPC", "ready", ("hall.db",)),
    Kind("fdatasync", "EIO", "ready", ("hall.db",)),
)


class Fault(NamedTuple):
    kind: Kind
    number: int

    def __str__(self) -> str:
        return f"number {self.number} of {self.kind}"


class Outcome(NamedTuple):
    """`end` is how the hall ended; `seconds` from the error to the end of its process, where it stopped by itself."""

    fault: Fault
    was_injected: bool
    end: str
    seconds: float
    why: str  # what is wrong; nothing if all is well


def tracer(fault: Fault, data: Path, record: Path) -> list[str]:
    kind = fault.kind
    paths = [part for name in kind.files for part in ("-P", str(data / name if name else data))]
    if kind.hears:  # sockets are no files of ours
        paths = []
    shown = f"{kind.call},write" if kind.hears else kind.call
    what = ["-e", f"trace={shown}", "-e", f"inject={kind.call}:error={kind.error}:when={fault.number}"]
    return ["-ttt", "-o", str(record), *paths, *what]


def run(fault: Fault, mutant: str = "") -> Outcome:
    """One life with one fault in it."""
    work = Path(tempfile.mkdtemp(prefix="hall-fault-"))
    data, strace = work / "data", work / "strace"
    hall = ForkedHall(data, mutant=mutant)
    arguments = tracer(fault, data, strace)
    ledger = Ledger((book := Book()).requests, book.orders, "")
    why = end = ""
    try:
        end = live(hall, book, ledger, fault.kind.since, arguments)
        judge_the_end(hall, end)
        hall.tracer = None
        judge_what_is_left(hall, ledger)
    except (Broken, Silence) as broken:
        why = f"{fault}: {broken}"
    finally:
        hall.close()
        said = strace.read_text() if strace.exists() else ""
        shutil.rmtree(work)
    injected = INJECTED.search(said)
    if injected is not None and fault.kind.hears and not why:
        why = said_too_much(said, injected)
    seconds = 0.0
    if injected is not None and end in ("stopped", "refused"):
        seconds = max(float(at) for at in EXITED.findall(said)) - float(injected[1])
    return Outcome(fault, injected is not None, end, seconds, why)


def said_too_much(record: str, injected: re.Match[str]) -> str:
    """No `ok` may leave once the log could not be synced, and nothing is synced again: who asks twice is told that all
    is well. (A thread that carries the log over syncs too: it may be in the midst of that, and the hall hears of its
    errors with the next commit.)"""
    thread, first = record[injected.start() : injected.end()].split(maxsplit=1)[0], SYNCED.search(record)
    is_the_logs_own = first is not None and first[1] == thread
    if not is_the_logs_own:
        return ""
    later = record[injected.end() :]
    if OK in later:
        return "an ok left after the failed sync"
    closing = min(re.findall(r"^(\d+) ", record, re.MULTILINE), key=int)  # the first thread, which closes the store
    return "a sync was tried again" if {thread, closing} & set(SYNCED.findall(later)) else ""


def live(hall: ForkedHall, book: Book, ledger: Ledger, since: str, arguments: list[str]) -> str:
    """How it ended: "refused" to start, "stopped" by itself, or "went on"."""
    hall.tracer = arguments if since == "start" else None
    try:
        hall.start()
    except Silence:
        return "refused"
    if since == "ready":
        hall.attach(hall.pid, arguments)
    ledger.token = hall.access["token"]
    try:
        work(hall, book, ledger)
    except (ConnectionError, Silence) as exc:
        try:
            hall.ended()
        except subprocess.TimeoutExpired:
            raise Broken(f"the hall neither answers nor stops: {exc}") from exc
        return "stopped"
    code = hall.stop()
    return "went on" if code == 0 else "stopped"


def work(hall: ForkedHall, book: Book, ledger: Ledger) -> None:
    """Jobs in, jobs out."""
    client, worker = Peer(hall, book, ledger=ledger), Peer(hall, book, "w", ledger)
    hall.lines += [client, worker]
    for number in range(1, 7):
        client.ask("submit", kind="work", payload={"n": number, "filler": "x" * 3_000})
    client.ask("submit", jobs=[{"kind": "work", "payload": {"n": number}} for number in range(7, 10)])
    refs = [client.post("submit", kind="work", payload={"n": n, "filler": "y" * 9_000}) for n in range(10, 20)]
    for ref in refs:
        client.answer(ref)
    client.ask("submit", kind="work", payload={"n": 20}, keep_seconds=0.01)
    worker.ask("work", kinds=["*"], credit=8)
    for _ in range(3):
        for job in worker.delivered():
            me = {"id": job["id"], "attempt": job["attempt"]}
            worker.ask("log", **me, text="line")
            worker.ask("done", **me, result={"n": job["payload"]["n"], "log": ""})
    client.ask("queue", queue="night", max_waiting=77)


def judge_the_end(hall: ForkedHall, end: str) -> None:
    """A hall that does not go on says why, in a line, and its exit status is one that a supervisor knows."""
    said = hall.log.read_text()
    if "Traceback" in said:
        raise Broken(f"a traceback instead of a message: {said[-600:]}")
    if end == "went on":
        return
    assert hall.process is not None
    code = hall.process.poll()
    if code not in (EXITS_AT_START if end == "refused" else (EXIT_STORE,)):
        raise Broken(f"it {end} with exit status {code}: {said[-300:]}")
    if "hirehall: " not in said:
        raise Broken(f"it {end} and did not say why: {said!r}")


def judge_what_is_left(hall: ForkedHall, ledger: Ledger) -> None:
    """The disk works again: a hall starts, and all that was answered is there."""
    token = hall.access["token"] if (hall.data / "access.json").exists() else ""
    ledger.token = ledger.token or token
    try:
        hall.start()
    except Silence as exc:
        raise Broken(f"no hall starts after it: {exc}") from exc
    with hall.session() as client:
        name = client.ok("submit", kind="more", payload=0)["id"]  # it takes jobs again; the judge has not heard of it
        client.ok("cancel", id=name)
        client.ok("remove", id=name)
    hall.kill()
    with asyncio.Runner() as runner:
        judge(hall.data, ledger, runner.get_loop(), thorough=True)


def sweep(kind: Kind, stride: int = 1) -> Iterator[Outcome]:
    """The first, and then every `stride`-th call, until there is none any more."""
    for number in itertools.count(1, stride):
        outcome = run(Fault(kind, number))
        if not outcome.was_injected:
            return
        yield outcome
