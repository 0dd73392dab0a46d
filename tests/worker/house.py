"""A hall in this process with a client, and agents in threads."""

from __future__ import annotations

from typing import Any

from hirehall import Agent
from hirehall.client.sync_client import Hall
from hirehall.runners.port import Runner
from hirehall.testing import HallTestServer, WorkerThread

PATIENCE = 20.0  # seconds


class House:
    """A hall, a client, and agents in threads."""

    def __init__(self, server: HallTestServer) -> None:
        self.server = server
        self.client: Hall = server.client()
        self.agents: list[Agent] = []
        self._threads: list[WorkerThread] = []

    def hire(self, *runners: Runner, **options: Any) -> Agent:
        agent = Agent(runners, url=self.server.url, token=self.server.token, **options)
        self._threads.append(WorkerThread(agent))
        return agent

    def log(self, job: str, stream: str) -> list[str]:
        entries = self.client.request({"cmd": "log_of", "id": job})["log"]["entries"]
        return [line for entry in entries if entry["stream"] == stream for line in entry["text"].split("\n")]

    def view(self, agent: Agent) -> dict[str, Any]:
        views = self.client.request({"cmd": "workers"})["workers"]
        return next((view for view in views if view["worker"] == agent.worker), {})

    def order(self, agent: Agent, do: str, **fields: Any) -> None:
        self.client.request({"cmd": "worker", "worker": agent.worker, "do": do, **fields})

    def has_left(self, which: int = -1) -> bool:
        return not self._threads[which]._thread.is_alive()

    def close(self) -> None:
        for thread in self._threads:
            thread.stop()
