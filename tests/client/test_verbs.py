"""Every verb says a request that the hall's own table of requests admits, and both clients have every verb."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import msgspec
import pytest

from hirehall import AsyncHall, Hall
from hirehall.client import verbs
from hirehall.client.asking import Ask
from hirehall.wire.requests import AnyRequest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
FILTERS = {"queue": "q", "kind": "k", "state": "ready", "tag": "t", "key": "x", "worker": "w",
           "created_after": NOON, "created_before": 1.5}  # fmt: skip
CHANGES = {"queue": "q", "priority": 1, "requires": None, "share": "s", "run_at": None, "expires_at": NOON,
           "timeout_seconds": None, "max_attempts": 2, "keep_seconds": 3.0, "tags": [], "meta": {"a": "b"}}  # fmt: skip
SETTINGS = {"state": "paused", "max_running": None, "max_per_second": 0.5, "max_waiting": 1, "lock_limit": 2,
            "max_attempts": 3, "backoff": {"kind": "linear", "base_seconds": 1.0}, "keep_seconds": None}  # fmt: skip

SAID: dict[str, Ask[object]] = {
    "get": verbs.get(["01"]),
    "wait": verbs.wait(["01"], 1.5),
    "find": verbs.find(limit=5, before="01", **FILTERS),  # type: ignore[arg-type]
    "explain": verbs.explain("01"),
    "log_of": verbs.log_of("01", 2, 30),
    "cancel": verbs.cancel("01"),
    "retry": verbs.retry("01"),
    "remove": verbs.remove("01"),
    "change": verbs.change("01", **CHANGES),  # type: ignore[arg-type]
    "cancel_each": verbs.cancel_each(["01", "02"]),
    "retry_each": verbs.retry_each(["01", "02"]),
    "remove_each": verbs.remove_each(["01", "02"]),
    "change_each": verbs.change_each(["01"], **CHANGES),  # type: ignore[arg-type]
    "cancel_where": verbs.cancel_where(**FILTERS),  # type: ignore[arg-type]
    "retry_where": verbs.retry_where(**FILTERS),  # type: ignore[arg-type]
    "remove_where": verbs.remove_where(**FILTERS),  # type: ignore[arg-type]
    "change_where": verbs.change_where(FILTERS, **CHANGES),  # type: ignore[arg-type]
    "tasks": verbs.tasks(),
    "task": verbs.task("t"),
    "stop_task": verbs.stop_task("t"),
    "counts": verbs.counts("q", "k"),
    "queues": verbs.queues(),
    "queue": verbs.queue("q", **SETTINGS),  # type: ignore[arg-type]
    "pause": verbs.pause("q"),
    "resume": verbs.resume("q"),
    "drain": verbs.drain("q"),
    "workers": verbs.workers(),
    "worker": verbs.worker("w", "set", 4),
    "can": verbs.can("k", "q", {"gpu": 1}),
    "kinds": verbs.kinds(),
    "metrics": verbs.metrics(),
    "shutdown": verbs.shutdown(workers=True),
    "request": verbs.request({"cmd": "ping"}),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_verb_says_is_a_request_of_the_protocol(name: str) -> None:
    line = msgspec.json.encode(SAID[name].command)
    assert msgspec.json.decode(line, type=AnyRequest) is not None


def test_a_task_is_stopped_by_a_request_of_the_protocol() -> None:
    assert msgspec.json.decode(msgspec.json.encode(verbs.stop_task("t").command), type=AnyRequest).stop is True


@pytest.mark.parametrize("name", SAID)
def test_both_clients_have_every_verb_with_its_signature_and_its_words(name: str) -> None:
    verb = getattr(verbs, name)
    for client in (Hall, AsyncHall):
        method = getattr(client, name)
        assert method.__doc__ == verb.__doc__
        assert inspect.signature(method) == inspect.signature(verb)
    assert set(SAID) <= {name for name, _ in inspect.getmembers(verbs, inspect.isfunction)}
