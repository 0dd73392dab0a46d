"""Whether the hall lives, and whether it takes new jobs: for whoever starts it anew or sends others elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

STUCK_SECONDS = 10.0  # a batch that is with the store for longer will not come soon


def alive(hall: Hall) -> tuple[bool, str]:
    """Whether there is sense in letting it run. That it answers at all shows that its loop turns."""
    if hall.failed.done():
        return False, f"the hall stops: {hall.failed.result().message}"
    return True, "alive"


def ready(hall: Hall) -> tuple[bool, str]:
    """Whether a job that is submitted now would be taken, and else each reason why not, on lines of their own."""
    reasons = why_not(hall)
    return not reasons, "\n".join(reasons) or "ready"


def why_not(hall: Hall) -> list[str]:
    """Every reason why new jobs are not taken. Damage is none: jobs on whole pages go on, and nobody else has them."""
    lives, words = alive(hall)
    if not lives:
        return [words]
    since = hall.metrics.committing_since
    waited = 0.0 if since is None else hall.clock().mono - since
    reasons = {
        "the hall is ending": hall.ending.begun or hall.read_until is not None,
        "its disk is full: new jobs are refused": hall.store.is_full,
        f"its disk has not answered for {waited:.0f} s": waited > STUCK_SECONDS,
    }
    return [reason for reason, holds in reasons.items() if holds]
