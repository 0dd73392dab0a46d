"""What sessions hear while the disk is full."""

from __future__ import annotations

import json

import pytest

from tests.service.office import Office
from tests.stores.makers import Pages


@pytest.fixture
def full(office: Office) -> Office:
    """A hall whose disk is full, but for the ballast's room."""
    store = office.store
    assert store._room is not None
    store.ballast = store._room.ballast = Pages(store.db, 1_000)
    office.loop.as_if_running(store._room.make)
    return office


def test_submits_are_refused_and_the_metrics_say_why(full: Office) -> None:
    guest = full.guest("g")
    assert guest.refused("submit", kind="saw").startswith("storage_full: the disk of full is full: free some space")
    assert guest.refused("submit", kind="saw", jobs=[{}, {"key": "k"}]).startswith("storage_full")
    assert guest.ok("metrics")["metrics"]["storage_full"] == 1
    assert guest.ok("counts")["counts"] == []


def test_a_worker_with_free_places_gets_nothing_of_what_was_refused(full: Office) -> None:
    worker = full.worker("w")
    full.guest("g").refused("submit", kind="saw")
    assert worker.runs() == []
    (view,) = worker.ok("workers")["workers"]
    assert view["running"] == []


def test_deputys_clients_hear_it_too(full: Office) -> None:
    peer = full.peer("deputy")
    peer.send(json.dumps({"cmd": "do", "id": 1, "type": "saw"}).encode() + b"\r\n")
    full.settle()
    assert [line["error"]["code"] for line in peer.lines()] == ["storage_full"]
