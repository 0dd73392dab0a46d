"""How a job ended, as the submitter meets it: a value, or one of these errors.

HallError
├── JobEnded          (.id, .error)
│   ├── JobFailed     the work failed and its attempts are used up
│   ├── JobCancelled  someone stopped it, or a job it needed did not succeed
│   └── JobExpired    it was not started in time
├── ShutDown          a planned end of the hall; its jobs go on when it is started again
└── Broken            what came in is not the protocol
"""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.errors import HallError, Unavailable
from hirehall.model import Fault
from hirehall.wire.replies import Ended

# What decoding raises for bytes that are not what they should be.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Broken(HallError):
    """the hall sent something that is not the protocol: check that the address is a hall's"""

    code = "broken"


class ShutDown(Unavailable):
    """the hall was shut down"""


class JobEnded(HallError):
    """the job ended without a result"""

    code = "job_ended"

    def __init__(self, message: str | None = None, *, id: str = "", error: Fault | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.id = id
        self.error = error or Fault("", "")


class JobFailed(JobEnded):
    """the job failed"""

    code = "job_failed"


class JobCancelled(JobEnded):
    """the job was cancelled"""

    code = "job_cancelled"


class JobExpired(JobEnded):
    """the job was not started in time"""

    code = "job_expired"


class _WireFault(msgspec.Struct):
    type: str = ""
    message: str = ""
    trace: str | None = None


ERRORS: dict[str, type[JobEnded]] = {"failed": JobFailed, "cancelled": JobCancelled, "expired": JobExpired}
FINAL = frozenset({"succeeded", *ERRORS})
_decode_fault = msgspec.json.Decoder(_WireFault | None).decode


def value_of(outcome: Ended | HallError) -> Any:
    """The decoded result of a job that succeeded; raises what it ended with otherwise, and Broken for what cannot be
    decoded."""
    if isinstance(outcome, HallError):
        raise outcome
    if outcome.state != "succeeded":
        raise error_of(outcome)
    try:
        return msgspec.json.decode(outcome.result)
    except UNREADABLE as why:
        raise Broken(f"the result of job {outcome.id} cannot be read: {why}") from why


def error_of(outcome: Ended) -> JobEnded:
    """The error that stands for an outcome without a result."""
    fault = _fault(outcome.error)
    kind = ERRORS.get(outcome.state, JobEnded)
    said = ": ".join(part for part in (fault.type, fault.message) if part)
    return kind(f"job {outcome.id} {outcome.state}" + (f": {said}" if said else ""), id=outcome.id, error=fault)


def _fault(raw: msgspec.Raw) -> Fault:
    try:
        seen = _decode_fault(raw) or _WireFault()
    except UNREADABLE:
        return Fault("", bytes(raw).decode("utf-8", "replace"))
    return Fault(seen.type, seen.message, seen.trace or "")
