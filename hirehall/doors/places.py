"""How many may be in at once: connections have places, and there is no more room than the process may open."""

from __future__ import annotations

import contextlib
import resource
from collections import Counter
from collections.abc import Callable

from hirehall.errors import Busy

MAX_CONNECTIONS = 10_000
RESERVED = 64  # descriptors that no connection gets: the store, the log, listening sockets, whatever a library opens
MAX_STRANGERS = 256  # from beyond this machine, before their hello
MAX_STRANGERS_OF_ONE = 64  # of one address


class Place:
    """What one connection takes up, from its accept to its end."""

    def __init__(self, places: Places, stranger: str | None) -> None:
        self._places = places
        self._stranger = stranger
        self._left = False
        self.peer = ""  # where it comes from, for the log
        self.at_end: Callable[[], None] | None = None

    def greeted(self) -> None:
        """It has said who it is."""
        if self._stranger is not None:
            self._places.known(self._stranger)
            self._stranger = None

    def leave(self) -> None:
        """It is gone; saying so again changes nothing."""
        if not self._left:
            self._left = True
            self.greeted()
            self._places.taken -= 1
            if self.at_end is not None:
                self.at_end()


class Places:
    """The places of one hall, whatever the door: `most` connections at once."""

    def __init__(self, most: int = MAX_CONNECTIONS) -> None:
        self.most = most
        self.taken = 0
        self._strangers: Counter[str] = Counter()  # by address, those who have not said hello yet

    def take(self, stranger: str | None = None) -> Place:
        """A place; `stranger` is the address of somebody from beyond this machine. Raises Busy when there is none."""
        if self.taken >= self.most:
            raise Busy(f"this hall has all the {self.most} connections that it takes: try again in a moment")
        if stranger is not None:
            if self._strangers[stranger] >= MAX_STRANGERS_OF_ONE:
                raise Busy(f"{MAX_STRANGERS_OF_ONE} connections from {stranger} have not said hello yet: say it first")
            if self._strangers.total() >= MAX_STRANGERS:
                raise Busy(f"{MAX_STRANGERS} connections have not said hello yet: try again in a moment")
            self._strangers[stranger] += 1
        self.taken += 1
        return Place(self, stranger)

    def known(self, address: str) -> None:
        """A stranger is none any more."""
        self._strangers[address] -= 1
        if not self._strangers[address]:
            del self._strangers[address]


def room_for_connections(wanted: int) -> int:
    """As many of the `wanted` connections as this process may have open, once its limit is as high as it can be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # where "no limit" is more than the system gives: as it was
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(min(wanted, soft - RESERVED), 1)
