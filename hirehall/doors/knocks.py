"""Who knocks with wrong tokens again and again has to wait."""

from __future__ import annotations

import ipaddress
from collections import deque

FAILURES = 10  # of one address within
WINDOW_SECONDS = 60.0
MAX_ADDRESSES = 10_000  # remembered; the oldest is forgotten first


class Knocks:
    """Failed hellos by address. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._failures: dict[str, deque[float]] = {}

    def failed(self, address: str, now: float) -> None:
        """A connection from `address` did not say hello, or not with a token that counts."""
        times = self._failures.pop(address, deque(maxlen=FAILURES))
        times.append(now)
        self._failures[address] = times  # the latest to fail stands last
        if len(self._failures) > MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]

    def must_wait(self, address: str, now: float) -> bool:
        """Whether `address` has failed too often of late."""
        times = self._failures.get(address)
        return times is not None and len(times) == FAILURES and now - times[0] < WINDOW_SECONDS


def source(peer: object) -> str:
    """Whom a socket's peer counts as: its IPv4 address, or the network of 2^64 addresses that one IPv6 host may use."""
    host = str(peer[0]) if isinstance(peer, tuple) else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
