"""What a function raises to say more than "it failed"."""

from __future__ import annotations


class Fail(Exception):
    """The job failed; another attempt is made only with `retry=True`."""

    def __init__(self, message: str = "", *, retry: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retry = retry


class Retry(Exception):
    """Try again: after `delay_seconds`, or after the job's own backoff when that is None. It counts as an
    attempt."""

    def __init__(self, message: str = "tried too early", *, delay_seconds: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.delay_seconds = delay_seconds
