"""A worker's own configuration file: what may change while it works counts within seconds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hirehall.errors import BadRequest
from hirehall.worker.agent import Agent
from hirehall.worker.files import changes, state
from hirehall.worker.settings import WorkSettings, settle

log = logging.getLogger("hirehall.worker")


class ConfigFile:
    """`path`, on top of which `flags` stand. Raises BadRequest when it cannot be read at first."""

    def __init__(self, path: Path, flags: Mapping[str, Any]) -> None:
        self._path = path
        self._flags = flags
        self._seen = state([path])
        self.settings = settle(flags, path)

    async def watch(self, agent: Agent) -> None:
        """Bring what changes to `agent`, until cancelled."""
        async for _ in changes(lambda: [self._path], self._seen):
            try:
                settings = settle(self._flags, self._path)
            except BadRequest as why:
                log.error("%s; the settings stay as they were", why)
            else:
                before, self.settings = self.settings, settings
                self._bring(agent, before, settings)

    def _bring(self, agent: Agent, before: WorkSettings, now: WorkSettings) -> None:
        for setting in now.changed(before):
            if setting.live:
                value = msgspec.json.encode(getattr(now, setting.name)).decode()
                log.info("%s: %s is now %s", self._path, setting.name, value)
            else:
                log.warning("%s: %s has changed: restart this worker for it to count", self._path, setting.name)
        apply(agent, before, now)


def apply(agent: Agent, before: WorkSettings, now: WorkSettings) -> None:
    """What differs and may change while it works. What the hall has set meanwhile stays, unless it differs here."""
    if (before.queues, before.offers) != (now.queues, now.offers):
        agent.serve(queues=now.queues, offers=now.offers)
    if before.concurrency != now.concurrency:
        agent.set_concurrency(now.concurrency)
    if before.paused != now.paused:
        agent.pause() if now.paused else agent.resume()
    if now.draining:
        agent.drain()
