"""Retry rules: whether an attempt may be followed by another, and after how long."""

from __future__ import annotations

from hirehall.model import DEFAULT_BACKOFF, Backoff

MAX_EXPONENT = 60  # 2 ** 60 seconds is already past every cap


def attempts_left(attempt: int, forgiven: int, max_attempts: int) -> bool:
    """Whether a job whose attempt number `attempt` just ended may be handed out again."""
    return attempt - forgiven < max_attempts


def backoff_seconds(backoff: Backoff | None, tries: int, roll: float) -> float:
    """How long to wait after the `tries`-th counted attempt failed; `roll` in [0, 1) is the randomness."""
    rule = backoff or DEFAULT_BACKOFF
    growth = {"constant": 1.0, "linear": float(tries), "exponential": 2.0 ** min(tries - 1, MAX_EXPONENT)}
    delay = min(rule.base_seconds * growth[rule.kind], rule.max_seconds)
    return delay * (1.0 + rule.jitter * (2.0 * roll - 1.0))
