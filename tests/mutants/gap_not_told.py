"""Events: a watcher that comes back to another run of the hall goes on as if nothing had been missed."""

from __future__ import annotations

from typing import Any

from hirehall.service.events import Events
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Events.watch

    def watch(events: Any, session: Any, interest: Any, since: str | None) -> bool:
        return original(events, session, interest, since) or True

    replace(Events, "watch", watch)
