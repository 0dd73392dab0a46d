"""Which status says which error."""

from __future__ import annotations

from hirehall.errors import BadRequest, HallError, NotFound, TooLarge

BY_CODE = {
    "bad_request": 400, "unauthenticated": 401, "forbidden": 403, "not_found": 404, "key_conflict": 409,
    "stale_lease": 409, "wrong_state": 409, "queue_closed": 409, "too_large": 413, "busy": 429, "unknown": 500,
    "damaged": 500, "unavailable": 503, "storage_full": 507,
}  # fmt: skip


def status_of(error: HallError) -> int:
    """The one that HTTP has for it: a more exact one where the door found it, else that of its code."""
    return getattr(error, "status", None) or BY_CODE.get(error.code, 500)


def exact(error: HallError, status: int) -> HallError:
    """`error`, to be said with this status."""
    error.status = status  # type: ignore[attr-defined]
    return error


def of_status(status: int, message: str) -> HallError:
    """What the router or the parser found, as an error of ours."""
    sorts: dict[int, type[HallError]] = {404: NotFound, 413: TooLarge, 414: TooLarge, 431: TooLarge}
    return exact(sorts.get(status, BadRequest)(message), status)
