"""Hirehall, a durable job server: the names that clients and workers use.

    from hirehall import connect         with connect() as hall: job = hall.submit("resize", {"file": "a"})
    from hirehall import connect_async   async with connect_async() as hall: job = await hall.submit(...)
    from hirehall import job             @job above a function makes it a kind that a worker can run

Names are loaded when they are first used: a script that only submits starts without the worker's half.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hirehall.client.async_client import AsyncHall, AsyncJob, connect_async
    from hirehall.client.outcomes import JobCancelled, JobEnded, JobExpired, JobFailed
    from hirehall.client.sync_client import Hall, Job, connect
    from hirehall.errors import HallError, Unavailable, Unknown
    from hirehall.runners.context import Context
    from hirehall.runners.registry import job
    from hirehall.runners.steer import Fail, Retry
    from hirehall.worker.agent import Agent

__version__ = "0.1.0"

_HOME = {
    "Agent": "hirehall.worker.agent",
    "AsyncHall": "hirehall.client.async_client",
    "AsyncJob": "hirehall.client.async_client",
    "Context": "hirehall.runners.context",
    "Fail": "hirehall.runners.steer",
    "Hall": "hirehall.client.sync_client",
    "HallError": "hirehall.errors",
    "Job": "hirehall.client.sync_client",
    "JobCancelled": "hirehall.client.outcomes",
    "JobEnded": "hirehall.client.outcomes",
    "JobExpired": "hirehall.client.outcomes",
    "JobFailed": "hirehall.client.outcomes",
    "Retry": "hirehall.runners.steer",
    "Unavailable": "hirehall.errors",
    "Unknown": "hirehall.errors",
    "connect": "hirehall.client.sync_client",
    "connect_async": "hirehall.client.async_client",
    "job": "hirehall.runners.registry",
}

__all__ = [
    "Agent",
    "AsyncHall",
    "AsyncJob",
    "Context",
    "Fail",
    "Hall",
    "HallError",
    "Job",
    "JobCancelled",
    "JobEnded",
    "JobExpired",
    "JobFailed",
    "Retry",
    "Unavailable",
    "Unknown",
    "__version__",
    "connect",
    "connect_async",
    "job",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'hirehall' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
