"""One round: a load, a plan of what happens to everybody, the wait until all is done, and the evidence of it.

The driver is a loop of short turns: whatever is due is done, whoever died is replaced. It gives up only when nothing
has ended for a long time, never because a machine is slow.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.cast import NODE, SORTS, Actor, Place, tell
from tests.chaos.house import House
from tests.chaos.load import keys_of
from tests.chaos.plan import Fault
from tests.system.audit import FINAL, Ack, Evidence, Mark, Told, dump_jobs, find_jobs, read_acks, read_marks, read_told
from tests.system.hall_process import Hall
from tests.system.lines import greet

TURN_SECONDS = 0.02
STALL_SECONDS = 90.0
HEAL_SECONDS = 2.0  # after which a hall without its UNIX socket is killed
REHIRE_SECONDS = 0.5
REMOVED = 20  # ended jobs that a person removes at the end
CREW = ("raw", "bulk", "threads", "threads", "pool", "scripts", "bash", "node")
Say = Callable[[str], None]


@dataclass
class Round:
    """What one round is made of. `clients` are their prefixes and how many jobs each submits."""

    name: str
    jobs: int
    plan: list[Fault]
    rate: float  # jobs handed in a second, of all clients together
    long_ms: int = 2000
    calm: bool = False
    crew: tuple[str, ...] = CREW

    @property
    def clients(self) -> dict[str, int]:
        """Two that speak the protocol themselves, two with the official client."""
        each = self.jobs // 4
        sizes = [each, each, each, self.jobs - 3 * each]
        return {f"{self.name}-{who}": size for who, size in zip(("raw1", "raw2", "off1", "off2"), sizes, strict=True)}


@dataclass
class Tally:
    """What was done to whom, and what the hall took to answer again."""

    faults: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)  # killed, by their part
    restarts: list[float] = field(default_factory=list)  # one for each kill of the hall

    @property
    def kills(self) -> int:
        """SIGKILLs."""
        return len(self.restarts) + self.others.total()

    def add(self, other: Tally) -> None:
        """The sum of both."""
        self.faults += other.faults
        self.others += other.others
        self.restarts += other.restarts


class Storm:
    """One round on a hall that runs already."""

    def __init__(self, hall: Hall, folder: Path, round: Round, say: Say = lambda _line: None) -> None:  # noqa: A002
        folder.mkdir()
        self.folder, self.round, self.say = folder, round, say
        self.tally = Tally()
        self.place = Place(hall.data, folder / "marks", folder / "said")
        self._log = os.open(self.place.marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._reader = self.place.marks.open("rb")
        self._rest = b""
        self.ends = 0
        self.house = House(hall, self.tally.restarts, self._mark, self._cut_off)
        self.plan = list(round.plan)
        self.workers: list[Actor] = []
        self.clients: dict[str, Actor] = {}
        self._hired: Counter[str] = Counter()
        self._hire_at: list[tuple[float, str]] = []
        self._moved_at = time.monotonic()
        self._shown_at = 0.0
        self.began_at = time.time() - 1.0

    # The whole of it.

    def run(self) -> Evidence:
        """From the first job to the evidence; every process of it has ended then."""
        try:
            self.begin()
            self.until(lambda: not self.plan and not self.clients)
            self.thaw_all()
            self.until(self.is_settled)
            return self.evidence()
        finally:
            self.close()

    def begin(self) -> None:
        """Hire everybody."""
        self.hire_all()
        for prefix in self.round.clients:
            self._send_client(prefix)

    def hire_all(self) -> None:
        """Everybody who works."""
        for sort in self.round.crew:
            if sort != "node" or NODE is not None:
                self._hire(sort)

    def until(self, done: Callable[[], bool]) -> None:
        """Take turns until that is so."""
        while not done():
            self.turn()
            time.sleep(TURN_SECONDS)

    def turn(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        self._count_ends(now)
        self.house.tick(now, HEAL_SECONDS)
        for actor in [*self.workers, *self.clients.values()]:
            if actor.thaw_at is not None and now >= actor.thaw_at:
                self._thaw(actor)
        self._bury()
        self._rehire(now)
        if self.plan and self.ends >= self.plan[0].share * self.round.jobs:
            self._inflict(self.plan.pop(0), now)
        if now >= self._shown_at:
            self._shown_at = now + 5.0
            self.say(f"{self.round.name}: {self.ends} of {self.round.jobs} jobs, {self.tally.kills} kills")

    def _count_ends(self, now: float) -> None:
        lines = (self._rest + self._reader.read()).split(b"\n")
        self._rest = lines.pop()
        new = sum(b" end " in line for line in lines)
        self.ends += new
        if new or now < self._moved_at:
            self._moved_at = now
        assert now - self._moved_at < STALL_SECONDS, f"nothing ended for {STALL_SECONDS:g} s\n{self.complaint()}"

    def _progressed(self) -> None:
        self._moved_at = time.monotonic()

    # What is done to them.

    def _inflict(self, fault: Fault, now: float) -> None:
        what, whom = fault.what.split(" ", 1)
        self.tally.faults[fault.what] += 1
        if what == "remove":
            self.house.remove_socket()
        elif what == "replace":
            self.house.replace_store()
        elif whom.startswith("hall"):
            self._hurt_hall(fault, now)
        elif whom == "child":
            self._kill_child(fault)
        else:
            self._hurt(what, fault, now)

    def _hurt_hall(self, fault: Fault, now: float) -> None:
        if fault.what == "freeze hall":
            self.house.freeze(now + fault.seconds)
        elif fault.what == "stop hall":
            self.house.stop()
        else:
            if fault.what == "kill hall and worker":
                self._hurt("kill", fault, now)
            self.house.kill()

    def _hurt(self, what: str, fault: Fault, now: float) -> None:
        """Kill, freeze or stop a worker or client that is up; nobody, when all are down."""
        group = list(self.clients.values()) if fault.what.endswith("client") else self.workers
        up = [actor for actor in group if actor.is_up]
        if not up:
            return
        actor = up[int(fault.whom * len(up))]
        if what == "freeze":
            self._mark(Mark("-", 0, actor.name, "frozen", time.monotonic()))
            actor.freeze(now + fault.seconds)
        elif what == "stop":
            actor.stop()
        else:
            actor.kill()
            self._mark(Mark("-", 0, actor.name, "killed", time.monotonic()))
            self.tally.others[actor.sort] += 1

    def _kill_child(self, fault: Fault) -> None:
        """A script, or a process of a pool; its worker lives."""
        parents = [actor for actor in self.workers if actor.sort in {"scripts", "pool"} and actor.is_up]
        found = [(actor, child) for actor in parents for child in actor.children()]
        if found:
            actor, child = found[int(fault.whom * len(found))]
            self._mark(Mark("-", 0, actor.name, "struck", time.monotonic()))
            tell(child, signal.SIGKILL)
            self._mark(Mark("-", 0, actor.name, "struck", time.monotonic()))
            self.tally.others["child"] += 1

    def _thaw(self, actor: Actor) -> None:
        self._mark(Mark("-", 0, actor.name, "thawed", time.monotonic()))
        actor.thaw()

    def thaw_all(self) -> None:
        """Everybody goes on."""
        self.house.thaw()
        for actor in [*self.workers, *self.clients.values()]:
            if actor.thaw_at is not None:
                self._thaw(actor)

    def _cut_off(self) -> None:
        """The hall's connections are gone: a worker without a name cannot come back for its jobs."""
        now = time.monotonic()
        for actor in self.workers:
            if actor.is_nameless:
                actor.wanted = True
                self._mark(Mark("-", 0, actor.name, "killed", now))

    # Who comes and goes.

    def _hire(self, sort: str) -> None:
        self._hired[sort] += 1
        name = f"{self.round.name}-{sort}{self._hired[sort]}"
        self.workers.append(Actor(name, sort, SORTS[sort](self.place, name), self.place))

    def _send_client(self, prefix: str) -> None:
        """A client of this prefix; the one before may have been killed."""
        clients = self.round.clients
        official = "-off" in prefix
        words = [str(self.place.data), str(self.acks(prefix)), prefix, str(clients[prefix])]
        words += ["--rate", str(self.round.rate / len(clients)), "--long-ms", str(self.round.long_ms)]
        words += ["--bulk", "25" if official else "10" if prefix.endswith("1") else "1"]
        words += ["--calm"] if self.round.calm else []
        module = "tests.chaos.official_client" if official else "tests.chaos.raw_client"
        self._hired[prefix] += 1
        name = f"{prefix}.{self._hired[prefix]}"
        self.clients[prefix] = Actor(name, "client", [sys.executable, "-m", module, *words], self.place)

    def acks(self, prefix: str) -> Path:
        return self.folder / f"acks-{prefix}"

    def _bury(self) -> None:
        """Whoever has ended is replaced, but for a client that has nothing left to do."""
        for actor in [actor for actor in self.workers if actor.process.poll() is not None]:
            self.workers.remove(actor)
            self._mark(Mark("-", 0, actor.name, "killed", time.monotonic()))
            self._hire_at.append((time.monotonic() + (REHIRE_SECONDS if actor.is_nameless else 0.0), actor.sort))
        for prefix, actor in list(self.clients.items()):
            code = actor.process.poll()
            if code is None:
                continue
            del self.clients[prefix]
            self._progressed()
            assert code == 0 or actor.wanted, f"client {prefix} failed with {code}\n{self.complaint()}"
            if code != 0:
                self._send_client(prefix)

    def _rehire(self, now: float) -> None:
        for due, sort in [entry for entry in self._hire_at if entry[0] <= now]:
            self._hire_at.remove((due, sort))
            self._hire(sort)

    # The end.

    def is_settled(self) -> bool:
        """Whether every job of the hall has ended."""
        with greet(self.place.data) as line:
            counts = line.ok("counts")["counts"]
        return not any(entry["jobs"] for entry in counts if entry["state"] not in FINAL)

    def evidence(self) -> Evidence:
        """Everything that an audit reads. Some jobs are removed, and the hall killed, between the two dumps."""
        self.dismiss()
        acks = self.all_acks()
        with greet(self.place.data) as line:
            dump = dump_jobs(line, [*find_jobs(line, created_after=self.began_at), *(ack.id for ack in acks)])
            removed = frozenset(sorted(dump)[:: max(len(dump) // REMOVED, 1)])
            line.ok("remove", ids=sorted(removed))
        self.house.kill()
        with greet(self.place.data) as line:
            again = dump_jobs(line, dump)
        keys = keys_of(self.round.clients)
        return Evidence(acks, read_marks([self.place.marks]), dump, again, keys, self.all_told(), removed)

    def all_acks(self) -> list[Ack]:
        return read_acks(self.acks(prefix) for prefix in self.round.clients)

    def all_told(self) -> list[Told]:
        return read_told(self.acks(prefix) for prefix in self.round.clients)

    def dismiss(self) -> None:
        """SIGTERM to all workers; they leave."""
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.process.wait(STALL_SECONDS)
        self.workers.clear()

    def complaint(self) -> str:
        """What the processes have said last, and what they wait for."""
        with greet(self.place.data) as line:
            counts = line.ok("counts")["counts"]
        said = self.place.log.read_text(errors="replace")[-3000:] if self.place.log.exists() else ""
        return f"{counts}\n{said}\n{self.house.hall.log.read_text(errors='replace')[-1000:]}"

    def close(self) -> None:
        """Leave nobody behind."""
        for actor in [*self.workers, *self.clients.values()]:
            actor.close()
        self.house.thaw()
        self._reader.close()
        os.close(self._log)

    def _mark(self, mark: Mark) -> None:
        os.write(self._log, mark.line())
