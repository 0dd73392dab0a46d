"""Lanes and crews: matching works on these, never on single jobs.

A lane is a set of equal jobs; a crew is a set of equal workers (same queues, kinds and offers). A worker's turn goes to
the highest priority that its crew may take; there the shares take turns, and inside a share its lanes.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Iterable

import msgspec

from hirehall.core.matching import satisfies, serves
from hirehall.core.operations import lane_number
from hirehall.core.queues import QueueLine
from hirehall.core.workers import Worker
from hirehall.model import DEFAULT_SETTINGS, LaneKey, Offers, QueueSettings


class Lane:
    """One (queue, kind, requires, share, priority).

    `ready` counts its ready jobs less those `promised` to claims that the store has not answered yet; `listed` counts
    the crews in whose turns it stands.
    """

    __slots__ = ("crews", "key", "line", "listed", "number", "promised", "ready")

    def __init__(self, key: LaneKey, line: QueueLine) -> None:
        self.key = key
        self.line = line
        self.number = lane_number(key)
        self.ready = 0
        self.promised = 0
        self.listed = 0
        self.crews: list[Crew] = []

    @property
    def waiting(self) -> int:
        """Its ready jobs, also those that a claim may get now."""
        return self.ready + self.promised

    @property
    def is_unserved(self) -> bool:
        """Whether it has ready jobs, and nobody is here who may take them."""
        return self.waiting > 0 and not any(
            worker.session is not None for crew in self.crews for worker in crew.members
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing is lost when it is forgotten: it is made again when a job needs it."""
        return not (self.ready or self.promised or self.listed)


class Crew:
    """Equal workers, those of them with free credit, and the lanes with ready jobs that they may take."""

    def __init__(self, queues: frozenset[str], kinds: frozenset[str], offers: Offers) -> None:
        self.queues, self.kinds, self.offers = queues, kinds, offers
        self.members: set[Worker] = set()
        self.free: OrderedDict[Worker, None] = OrderedDict()
        self.turns = Turns()
        self.served = 0  # the round in which it was last given a job, or came

    def may_take(self, key: LaneKey) -> bool:
        """Whether a job of this lane may run here."""
        return serves(self.queues, self.kinds, key.queue, key.kind) and (
            key.requires == "{}" or satisfies(self.offers, msgspec.json.decode(key.requires))
        )

    def add_ready(self, lane: Lane) -> None:
        """This lane has ready jobs now."""
        self.turns.add(lane)

    @property
    def has_ready(self) -> bool:
        """Whether any lane that this crew may take has ready jobs."""
        return self.turns.peek() is not None

    @property
    def is_one_to_one(self) -> bool:
        """Whether every turn is that of the same lane and the same worker."""
        return len(self.free) == 1 and len(self.turns) == 1

    def next_lane(self) -> Lane | None:
        """The lane whose turn it is; taking it passes the turn on."""
        return self.turns.take()

    def next_worker(self) -> Worker | None:
        """The free worker whose turn it is; taking it passes the turn on."""
        for worker in self.free:
            if len(self.free) > 1:
                self.free.move_to_end(worker)
            return worker
        return None

    def refresh(self, worker: Worker) -> bool:
        """Put `worker` where its credit says: among the free ones or not. Answers whether it is free."""
        if worker.free > 0:
            self.free.setdefault(worker)
            return True
        self.free.pop(worker, None)
        return False


class Turns:
    """Lanes with ready jobs in the order of their turns. Lanes that ran empty, or whose queue is held,
    are dropped when their turn comes."""

    def __init__(self) -> None:
        self._priorities: list[int] = []  # negated, so that the largest comes first
        self._shares: dict[int, OrderedDict[str, deque[Lane]]] = {}
        self._listed: dict[int, Lane] = {}

    def __len__(self) -> int:
        return len(self._listed)

    def add(self, lane: Lane) -> None:
        """Give `lane` a place behind the others of its share, and its share one behind the others."""
        if lane.number in self._listed:
            return
        self._listed[lane.number] = lane
        lane.listed += 1
        level = -lane.key.priority
        if level not in self._shares:
            insort(self._priorities, level)
            self._shares[level] = OrderedDict()
        self._shares[level].setdefault(lane.key.share, deque()).append(lane)

    def peek(self) -> Lane | None:
        """The lane whose turn it is, without passing it on."""
        while self._priorities:
            shares = self._shares[self._priorities[0]]
            share = next(iter(shares))
            lane = shares[share][0]
            if lane.ready > 0 and not lane.line.held:
                return lane
            self._drop(shares, share)
        return None

    def take(self) -> Lane | None:
        """The lane whose turn it is; its share goes to the back of the shares, and it to the back of its share."""
        lane = self.peek()
        if lane is not None:
            shares = self._shares[-lane.key.priority]
            shares[lane.key.share].rotate(-1)
            shares.move_to_end(lane.key.share)
        return lane

    def clear(self) -> None:
        """Let go of every lane."""
        for lane in self._listed.values():
            lane.listed -= 1
        self._listed.clear()
        self._shares.clear()
        self._priorities.clear()

    def _drop(self, shares: OrderedDict[str, deque[Lane]], share: str) -> None:
        lane = self._listed.pop(shares[share].popleft().number)
        lane.listed -= 1
        if not shares[share]:
            del shares[share]
        if not shares:
            del self._shares[self._priorities.pop(0)]


class Hallway:
    """All lanes and crews, and which crew may take which lane."""

    def __init__(self) -> None:
        self.lanes: dict[tuple[str, str, str, str, int], Lane] = {}
        self.by_number: dict[int, Lane] = {}
        self.lines: dict[str, QueueLine] = {}
        self.limited: dict[str, QueueLine] = {}  # those with limits, or held
        self.lock_limits: dict[str, int] = {}  # of queues that say how many jobs of one lock may go
        self.bounded: dict[str, QueueLine] = {}  # those where only so many jobs may wait
        self.crews: dict[bytes, Crew] = {}
        self.round = 0  # grows with every batch
        self.hungry: dict[Crew, None] = {}  # crews that may have both a free worker and a ready job, in order

    def lane(self, key: tuple[str, str, str, str, int]) -> Lane:
        """The lane of this key, made if it is new."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = Lane(LaneKey(*key), self.line(key[0]))
            lane.line.lanes[lane] = None
            self.lanes[lane.key] = self.by_number[lane.number] = lane
            lane.crews = [crew for crew in self.crews.values() if crew.may_take(lane.key)]
        return lane

    def line(self, name: str) -> QueueLine:
        """The queue of this name, made if nobody has spoken of it."""
        line = self.lines.get(name)
        if line is None:
            line = self.lines[name] = QueueLine(name)
        return line

    def check_open(self, queue: str, jobs: int) -> None:
        """Raise QueueClosed or Busy when this queue does not take `jobs` more."""
        line = self.lines.get(queue)
        if line is not None:
            line.check_open(jobs)

    def set_line(self, name: str, settings: QueueSettings) -> None:
        """These settings of a queue are durable."""
        line = self.line(name)
        line.set(settings)
        self.lock_limits[name] = settings.lock_limit
        if settings.max_waiting is None:
            self.bounded.pop(name, None)
        else:
            self.bounded[name] = line
        if line.room is None:
            self.limited.pop(name, None)
        else:
            self.limited[name] = line
        self.let_go(line)

    @property
    def set_lines(self) -> list[str]:
        """Queues with settings of their own."""
        return [name for name, line in self.lines.items() if line.wanted != DEFAULT_SETTINGS]

    def let_go(self, line: QueueLine) -> None:
        """Let the queue's ready jobs have their turns, if it hands any out."""
        line.held = not line.hands_out
        if not line.held:
            for lane in line.lanes:
                self._offer(lane)

    def look_again(self, queue: str) -> None:
        """After the last look at its limits, a job of this queue left a hand, or a claim found none."""
        line = self.limited.get(queue)
        if line is not None:
            self.let_go(line)

    def add_ready(self, lane: Lane, jobs: int = 1) -> None:
        """`jobs` more of this lane may be claimed."""
        was_empty = lane.ready <= 0
        lane.ready += jobs
        if was_empty:
            self._offer(lane)

    def _offer(self, lane: Lane) -> None:
        if lane.ready > 0 and not lane.line.held:
            for crew in lane.crews:
                crew.add_ready(lane)
                if crew.free:
                    self.hungry.setdefault(crew)

    def crew(self, queues: frozenset[str], kinds: frozenset[str], offers: Offers) -> Crew:
        """The crew of these, made if it is new."""
        key = msgspec.json.encode([sorted(queues), sorted(kinds), offers], order="sorted")
        crew = self.crews.get(key)
        if crew is None:
            crew = self.crews[key] = Crew(queues, kinds, offers)
            crew.served = self.round
            for lane in self.lanes.values():
                self._introduce(crew, lane)
        return crew

    def _introduce(self, crew: Crew, lane: Lane) -> None:
        if crew.may_take(lane.key):
            lane.crews.append(crew)
            if lane.ready > 0 and not lane.line.held:
                crew.add_ready(lane)

    def leave(self, worker: Worker) -> None:
        """It takes no jobs any more."""
        crew, worker.crew = worker.crew, None
        if crew is not None:
            crew.members.discard(worker)
            crew.free.pop(worker, None)
            if not crew.members:
                self.disband(crew)

    def disband(self, crew: Crew) -> None:
        """Forget a crew that has no members."""
        self.crews = {key: other for key, other in self.crews.items() if other is not crew}
        self.hungry.pop(crew, None)
        crew.turns.clear()
        for lane in self.lanes.values():
            if crew in lane.crews:
                lane.crews.remove(crew)

    def refresh(self, worker: Worker) -> None:
        """After a change of credit, hands or connection: is this worker free, and is there something for it?"""
        crew = worker.crew
        if crew is not None and crew.refresh(worker) and crew.has_ready:
            self.hungry.setdefault(crew)

    def hungry_in_turn(self) -> list[Crew]:
        """A new round: who was served longest ago comes first. A worker that never hears of its jobs, and so gives each
        of them back, must not get the same one for ever while others are free."""
        self.round += 1
        return sorted(self.hungry, key=_served)

    def forget_idle_lanes(self, keep: int) -> None:
        """Bound the memory that lanes without ready jobs take; they are made again when a job needs them."""
        if len(self.lanes) > keep:
            for lane in [lane for lane in self.lanes.values() if lane.is_idle]:
                self._forget(lane)
            for line in [line for line in self.lines.values() if line.is_idle]:
                del self.lines[line.name]

    def forget_unused(self, lanes: Iterable[Lane]) -> None:
        """What a refused submit has made must not stay: no commit follows it that would clear it away."""
        for lane in dict.fromkeys(lanes):
            if lane.is_idle:
                self._forget(lane)
                if lane.line.is_idle:
                    self.lines.pop(lane.line.name, None)

    def _forget(self, lane: Lane) -> None:
        del self.lanes[lane.key], self.by_number[lane.number]
        lane.line.lanes.pop(lane, None)


def _served(crew: Crew) -> int:
    return crew.served
