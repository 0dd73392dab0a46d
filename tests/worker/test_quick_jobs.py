"""Agents and a real hall: what quick jobs gain, and that nobody pays for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hirehall import Agent
from hirehall.runners.python import PythonRunner
from hirehall.testing import HallTestServer, functions_of
from tests.patience import eventually
from tests.runners.test_threads_limit import Crowd
from tests.worker.house import PATIENCE, House

IDLE_MOST_SECONDS = 2.0  # tens of milliseconds, on a machine that does other things too


@pytest.fixture
def house() -> Iterator[House]:
    with HallTestServer() as server:
        house = House(server)
        yield house
        house.close()


class Shop:
    """Functions for the workers of one test, and what was seen of their runs."""

    def __init__(self) -> None:
        self.crowd = Crowd()
        self.free = threading.Event()
        self.begun: dict[int, float] = {}  # when each slow job began, by its payload

    def hire(self, house: House, concurrency: int) -> Agent:
        def quick(payload: Any) -> None:
            self.crowd.visit()

        def slow(payload: int) -> None:
            self.begun[payload] = time.monotonic()
            self.crowd.visit(lambda: self.free.wait(PATIENCE))

        return house.hire(PythonRunner(functions_of([quick, slow])), concurrency=concurrency)


def warm(house: House, agent: Agent, jobs: int = 3000) -> None:
    """Quick jobs until the agent holds more than it runs at once."""

    def has_grown() -> bool:
        house.client.submit_many([{"kind": "quick"} for _ in range(jobs)])
        eventually(lambda: not house.client.find(state="ready").jobs)
        return bool(agent._serving.ahead)

    eventually(has_grown)


def all_ended(house: House) -> bool:
    return not (house.client.find(state="ready").jobs or house.client.find(state="running").jobs)


def test_a_worker_of_quick_jobs_holds_more_than_it_runs_at_once_and_shows_both(house: House) -> None:
    shop = Shop()
    agent = shop.hire(house, 3)
    warm(house, agent)
    view = house.view(agent)
    assert view["credit"] > 3
    assert view["concurrency"] == 3


def test_held_jobs_go_to_an_idle_worker_when_jobs_turn_slow(house: House) -> None:
    """The first holds them all: its quick jobs came before them. The second may take some a moment later."""
    shop, other = Shop(), Shop()
    agent, idle = shop.hire(house, 2), other.hire(house, 4)
    eventually(lambda: house.view(idle))
    house.order(idle, "pause")
    warm(house, agent)
    eventually(lambda: all_ended(house))
    house.client.submit_many(
        [*({"kind": "quick"} for _ in range(50)), *({"kind": "slow", "payload": n} for n in range(6))]
    )
    eventually(lambda: len(shop.begun) == 2)
    house.order(idle, "resume")
    idle_from = time.monotonic()
    eventually(lambda: len(other.begun) == 4)
    assert max(other.begun.values()) - idle_from < IDLE_MOST_SECONDS
    assert len(shop.begun) == 2
    assert shop.crowd.most <= 2
    shop.free.set()
    other.free.set()
    eventually(lambda: all_ended(house))
    jobs = house.client.find(kind="slow").jobs
    assert {job.state for job in jobs} == {"succeeded"}
    assert all(job.attempt - job.forgiven == 1 for job in jobs), "what had not begun was no attempt"
    assert any(job.forgiven for job in jobs), "they were held"


def test_what_is_held_and_has_not_begun_goes_back_when_the_worker_drains(house: House) -> None:
    shop = Shop()
    agent = shop.hire(house, 1)
    warm(house, agent)
    eventually(lambda: all_ended(house))
    house.client.submit_many([{"kind": "slow", "payload": n} for n in range(5)])
    eventually(lambda: shop.begun)
    house.order(agent, "drain")
    eventually(lambda: len(house.client.find(state="ready").jobs) == 4)
    shop.free.set()
    eventually(house.has_left)
    assert all(job.attempt == job.forgiven for job in house.client.find(state="ready").jobs)


def test_jobs_that_may_be_started_once_all_succeed_where_others_are_held(house: House) -> None:
    shop = Shop()
    agent = shop.hire(house, 2)
    warm(house, agent)
    eventually(lambda: all_ended(house))
    house.client.submit_many([{"kind": "slow", "payload": n, "max_attempts": 1} for n in range(6)])
    eventually(lambda: len(shop.begun) == 2)
    eventually(lambda: len(house.view(agent)["running"]) == 2)
    shop.free.set()
    eventually(lambda: all_ended(house))
    assert {job.state for job in house.client.find(kind="slow").jobs} == {"succeeded"}
    assert shop.crowd.most <= 2
