"""What pages show, sent anew as it changes. All who look at the same, with the same rights, share one look: it asks the
hall as one of them, renders each part once, and says what differs. Nobody looks: nothing is asked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request

from hirehall.doors.http.calls import identity_of
from hirehall.doors.http.dashboard.rendering import render_part
from hirehall.doors.http.dashboard.view import Facts, View
from hirehall.doors.http.dashboard.views import sees
from hirehall.doors.http.streams import Stream
from hirehall.errors import HallError
from hirehall.service.asking import Push
from hirehall.service.sessions import Identity

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

log = logging.getLogger("hirehall")

PACE_SECONDS = 0.25  # between two messages to one page, and between two looks
SPREAD_SECONDS = 0.1  # looks do not begin all at once, but near enough to each other that a page hears of all in one
GATHER_SECONDS = 0.15  # message


class Rights(NamedTuple):
    """What decides what somebody sees. `owner`: whose jobs only, where that is so."""

    roles: frozenset[str]
    queues: frozenset[str] | None
    kinds: frozenset[str] | None
    owner: str | None


def rights_of(identity: Identity) -> Rights:
    owner = None if "read" in identity.roles else identity.name
    return Rights(identity.roles, identity.queues, identity.kinds, owner)


class Key(NamedTuple):
    """Who has the same key sees the same."""

    view: View
    params: tuple[tuple[str, str], ...]
    rights: Rights


class Look:
    """One view with its parameters, for everyone with the same rights."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.readers: dict[Reader, None] = {}
        self._facts: Facts = {}
        self._said: dict[str, bytes] = {}
        self._phase = hash(key) % 1_000 / 1_000 * SPREAD_SECONDS
        self._news = asyncio.Event()
        self._watching: Reader | None = None
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    def join(self, reader: Reader) -> None:
        """From now on it is told; first what was said already."""
        self.readers[reader] = None
        reader.tell(self._said)
        self._news.set()

    def leave(self, reader: Reader) -> None:
        self.readers.pop(reader, None)
        if not self.readers:
            self._task.cancel()

    def changed(self) -> None:
        """Look again, soon."""
        self._news.set()

    async def _go_on(self) -> None:
        while True:
            self._news.clear()
            if self.readers:
                try:
                    await self._look(next(iter(self.readers)))
                except Exception:  # a mistake of ours: all who look at this would see it stand still for ever
                    log.exception("page %s cannot be shown", self.key.view.name)
            await asyncio.sleep(PACE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._until_next()):
                    await self._news.wait()

    def _until_next(self) -> float:
        """Seconds until it is time to look again, whatever happens."""
        every = self.key.view.every_seconds
        return every - (asyncio.get_running_loop().time() - self._phase) % every

    async def _look(self, reader: Reader) -> None:
        """As `reader`, who may leave at any moment; then the next one is asked for."""
        view, params = self.key.view, dict(self.key.params)
        try:
            if view.watches is not None and self._watching is not reader:
                await reader.session.ask(view.watches(params))
                self._watching = reader
            facts = await view.facts(reader.session.ask, params)
        except HallError:
            return  # what it is about has gone, or the hall is going: the page keeps what it has
        if facts == self._facts:
            return
        rights = {"may": self.key.rights.roles, "sees": sees(self.key.rights.roles), "query": view.query(params)}
        changed: dict[str, bytes] = {}
        for part in view.parts:
            said = _as_data(render_part(part, facts | rights))
            if self._said.get(part) != said:
                changed[part] = said
        self._facts = facts  # only now: what could not be shown is tried again
        if changed:
            self._said |= changed
            for other in self.readers:
                other.tell(changed)


def _as_data(html: bytes) -> bytes:
    """Lines of an event; a lone CR would end one, too."""
    lines = html.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines)


class Looks:
    """All that is looked at now."""

    def __init__(self) -> None:
        self._looks: dict[Key, Look] = {}

    def join(self, key: Key, reader: Reader) -> None:
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = Look(key)
        look.join(reader)

    def leave(self, key: Key, reader: Reader) -> None:
        look = self._looks.get(key)
        if look is not None:
            look.leave(reader)
            if not look.readers:
                del self._looks[key]

    def changed(self, keys: tuple[Key, ...] | None = None) -> None:
        """Somebody changed something: whoever looks (at these) sees it now."""
        for key in list(self._looks) if keys is None else keys:
            if key in self._looks:
                self._looks[key].changed()


class Reader(Stream):
    """One open page. What it has not taken yet is the latest of each part, never more."""

    pace_seconds = PACE_SECONDS
    gather_seconds = GATHER_SECONDS

    def __init__(self, hall: Hall, request: Request, looks: Looks, keys: tuple[Key, ...]) -> None:
        super().__init__(hall, request, self._join, self._happened)
        self._looks, self._keys = looks, keys
        self._unsaid: dict[str, bytes] = {}
        self.may_hear: Callable[[], bool] = lambda: True  # still

    async def _join(self) -> None:
        for key in self._keys:
            self._looks.join(key, self)

    def tell(self, parts: Mapping[str, bytes]) -> None:
        """These parts are new."""
        if parts:
            self._unsaid |= parts
            self.wake()

    def _happened(self, push: Push) -> bytes:
        """Something happened that this page is about."""
        self._looks.changed(self._keys[-1:])
        return b""

    def take(self) -> bytes:
        if not self.may_hear():
            self.end()
            return b""
        said = super().take()
        if not self._unsaid:
            return said
        parts, self._unsaid = self._unsaid, {}
        return said + b"".join(parts.values()) + b"\n"

    def leave(self) -> None:
        for key in self._keys:
            self._looks.leave(key, self)
        super().leave()


def keys_of(request: Request, rail: View, view: View, params: Mapping[str, str]) -> tuple[Key, ...]:
    """What a page shows that may change: the rail, and itself."""
    rights = rights_of(identity_of(request))
    found = (Key(rail, (("place", view.place),), rights), Key(view, tuple(sorted(params.items())), rights))
    return tuple(key for key in found if key.view.parts and key.view.is_for(rights.roles))
