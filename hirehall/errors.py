"""Every error that a caller may handle: one root, one class per wire code, the docstring is the default sentence.

HallError
├── BadRequest  TooLarge  Unauthenticated  Forbidden  NotFound  KeyConflict  StaleLease
├── WrongState  QueueClosed  StorageFull  Damaged  Busy  Unavailable  Unknown
└── StoreBroken   (never on the wire: the hall stops instead of guessing)
"""

from __future__ import annotations


class HallError(Exception):
    """the hall cannot do this"""

    code = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())

    @property
    def message(self) -> str:
        """The sentence for a person: names the thing and the remedy."""
        return str(self.args[0])


class BadRequest(HallError):
    """the request is not one that the protocol knows"""

    code = "bad_request"


class TooLarge(HallError):
    """the message is larger than the hall accepts"""

    code = "too_large"


class Unauthenticated(HallError):
    """say hello with a token first"""

    code = "unauthenticated"


class Forbidden(HallError):
    """this token does not have the role for that"""

    code = "forbidden"


class NotFound(HallError):
    """there is no such job"""

    code = "not_found"


class KeyConflict(HallError):
    """the key already names a job with another kind or payload"""

    code = "key_conflict"


class StaleLease(HallError):
    """this attempt no longer holds the job"""

    code = "stale_lease"


class WrongState(HallError):
    """the job is not in a state from which this step leads"""

    code = "wrong_state"


class QueueClosed(HallError):
    """the queue accepts no jobs now"""

    code = "queue_closed"


class StorageFull(HallError):
    """the hall's disk is full: free some space and try again"""

    code = "storage_full"


class Damaged(HallError):
    """the hall's disk gave back other bytes than were written there: nothing of that is told"""

    code = "damaged"


class Busy(HallError):
    """the hall has too much to do: try again in a moment"""

    code = "busy"


class Unavailable(HallError):
    """the hall cannot be reached: start it, or check the address"""

    code = "unavailable"


class Unknown(HallError):
    """the connection was lost before the answer: it may or may not have happened; repeat it with the same key"""

    code = "unknown"


class StoreBroken(HallError):
    """the store answered with an I/O error; the hall stops rather than guess what was written"""

    code = "store_broken"


def _codes(root: type[HallError]) -> dict[str, type[HallError]]:
    return {sub.code: sub for sub in root.__subclasses__()}


BY_CODE: dict[str, type[HallError]] = _codes(HallError)


def from_wire(code: str, message: str) -> HallError:
    """The error that a reply's `code` and `message` stand for; an unknown code keeps the root class."""
    return BY_CODE.get(code, HallError)(message)
