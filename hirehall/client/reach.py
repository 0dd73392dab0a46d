"""What both shells need to know about reaching a hall."""

from __future__ import annotations

import errno

from hirehall.client.address import Address
from hirehall.errors import BadRequest, Forbidden, Unauthenticated, Unavailable

CONNECT_SECONDS = 10.0  # to connect and to be greeted

# Trying again cannot help against these.
FATAL = (Unauthenticated, Forbidden, BadRequest)


class Unanswered(Unavailable):
    """the hall closed the connection before it answered hello"""


def is_refused(why: OSError) -> bool:
    """Whether nobody listens there: the hall is gone, not only out of reach. asyncio wraps the errors of a host with
    several addresses into a text."""
    said = str(why)
    refusals = said.count(f"[Errno {errno.ECONNREFUSED}]")
    return isinstance(why, ConnectionRefusedError | FileNotFoundError) or 0 < refusals == said.count("[Errno ")


def silent(address: Address) -> Unavailable:
    """The error for something that takes connections and says nothing."""
    return Unavailable(f"the hall at {address} does not answer: is it a hall's address?{_if_tls(address)}")


def closed(address: Address) -> Unavailable:
    """The error for something that hangs up before it says anything."""
    return Unanswered(f"the hall at {address} closed the connection before it answered hello{_if_tls(address)}")


def _if_tls(address: Address) -> str:
    is_plain = not address.tls and not address.path
    return f"; if it speaks TLS write hall+tls://{address.host}:{address.port}" if is_plain else ""


def unreachable(address: Address, why: OSError) -> Unavailable:
    """The error for a hall that is not there, or not to be trusted."""
    if address.tls:
        from hirehall.client.tls import untrusted  # noqa: PLC0415 - it costs time to load, and few need it

        if (error := untrusted(address, why)) is not None:
            return error
    if isinstance(why, ConnectionResetError | BrokenPipeError):
        return closed(address)
    reason = why.strerror or str(why)
    return Unavailable(
        f"cannot reach the hall at {address}: {reason}; start it with `hirehall serve`, or check the address"
    )
