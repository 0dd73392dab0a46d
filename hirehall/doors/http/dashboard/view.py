"""What a page is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from hirehall.errors import BadRequest, NotFound
from hirehall.service.commands import COMMANDS
from hirehall.wire import requests

Ask = Callable[[Any], Awaitable[Any]]
Params = Mapping[str, str]
Facts = dict[str, Any]
MAX_PARAM = 1_000  # characters


class View(Struct, frozen=True, kw_only=True):
    """`NAME.html` shows the facts, in `parts`: `parts/PART.html`, each one element with the id PART, is sent anew when
    it has changed. They are looked at every `every_seconds`, and when something comes that `watches` asks for. It is
    for who may say the commands that it `needs`."""

    name: str
    path: str
    place: str  # its line in the rail
    needs: tuple[type, ...]
    facts: Callable[[Ask, Params], Awaitable[Facts]]
    parts: tuple[str, ...]
    params: tuple[str, ...] = ()  # the words of its path, and what its query may hold
    watches: Callable[[Params], requests.Watch] | None = None
    every_seconds: float = 1.0

    def is_for(self, roles: frozenset[str]) -> bool:
        """Whether who has these roles may ask what it shows."""
        return not any(COMMANDS[need].roles.isdisjoint(roles) for need in self.needs if COMMANDS[need].roles)

    def read(self, given: Mapping[str, str]) -> dict[str, str]:
        """Its parameters out of a query. Raises BadRequest for others."""
        for name, value in given.items():
            if name not in self.params:
                raise BadRequest(f"this page takes no {name[:40]!r}")
            if len(value) > MAX_PARAM:
                raise BadRequest(f"{name} has more than {MAX_PARAM} characters")
        return {name: given[name] for name in self.params if given.get(name)}

    def query(self, params: Params) -> str:
        """How `live` and what changes something say which page this is."""
        return urlencode({"page": self.name, **params})


def chosen(views: Mapping[str, View], given: Mapping[str, str]) -> tuple[View, dict[str, str]]:
    """The page that a query speaks of, and its parameters."""
    view = views.get(given.get("page", ""))
    if view is None:
        raise NotFound("there is no such page")
    return view, view.read({name: value for name, value in given.items() if name != "page"})
