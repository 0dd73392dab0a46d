"""The faults that a hall gives by itself, as they are stored."""

from __future__ import annotations

import msgspec

from hirehall.model import Fault, State, id_text


def fault(kind: str, message: str) -> bytes:
    """JSON of a Fault."""
    return msgspec.json.encode(Fault(kind, message))


def parent_failed(parent: int, state: State | None) -> bytes:
    """Why a job is cancelled whose parent ended otherwise than succeeded; `state` None: there is no such job.
    It does not say more: whoever reads it may not be allowed to see the parent."""
    how = "is not known here" if state is None else "did not succeed"
    return fault("ParentFailed", f"job {id_text(parent)}, for which it waited, {how}")


DISCARDED = fault("Discarded", "the draft was discarded before it was committed")
