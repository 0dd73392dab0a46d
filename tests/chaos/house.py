"""The hall of these runs: killed, stopped, frozen, and how long it took to answer again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.system.audit import Mark
from tests.system.hall_process import Hall
from tests.system.lines import Line, dial


class House:
    """One hall. `restarts` takes the seconds from each kill -9 to the first answer; `mark` writes into the side-effect
    log; `cut_off` is told when connections are gone."""

    def __init__(
        self, hall: Hall, restarts: list[float], mark: Callable[[Mark], None], cut_off: Callable[[], None]
    ) -> None:
        self.hall = hall
        self.thaw_at: float | None = None
        self.socket_gone_at: float | None = None
        self.restarts = restarts
        self._mark = mark
        self._cut_off = cut_off

    def kill(self) -> None:
        """kill -9, frozen or not."""
        killed_at = time.monotonic()
        self._away(killed_at)
        self.hall.kill()
        self.thaw_at = None
        self._cut_off()
        self._start()
        self.restarts.append(time.monotonic() - killed_at)

    def stop(self) -> None:
        """SIGTERM, which it obeys, and started again."""
        self.thaw()
        self._away(time.monotonic())
        assert self.hall.stop() == 0, "a hall that is told to leave leaves cleanly"
        self._cut_off()
        self._start()

    def replace_store(self) -> None:
        """kill -9, and a hall on an empty directory in its place, at the same addresses. The old one lies beside it."""
        self.thaw()
        self._away(killed_at := time.monotonic())
        self.hall.kill()
        self._cut_off()
        self.hall.data.rename(replaced(self.hall.data))
        self.hall.data.mkdir(mode=0o700)
        self._mark(Mark("-", 0, "hall", "replaced", killed_at))
        self._start()
        self.restarts.append(time.monotonic() - killed_at)

    def freeze(self, until: float) -> None:
        if self.thaw_at is None:
            self._away(time.monotonic())
            self.hall.freeze()
        self.thaw_at = max(until, self.thaw_at or 0.0)

    def thaw(self) -> None:
        if self.thaw_at is not None:
            self.thaw_at = None
            self._back()
            self.hall.thaw()

    def remove_socket(self) -> None:
        """TCP goes on as if nothing had happened."""
        self.thaw()
        Path(self.hall.unix).unlink()
        self.socket_gone_at = time.monotonic()
        first_answer(self.hall.access["url"])

    def tick(self, now: float, heal_after: float) -> None:
        """Do what is due: wake up; a restart brings a removed socket back."""
        if self.thaw_at is not None and now >= self.thaw_at:
            self.thaw()
        if self.socket_gone_at is not None and now >= self.socket_gone_at + heal_after:
            self.kill()

    def _start(self) -> None:
        self.hall.start()
        first_answer(self.hall.access["url"])
        if self.socket_gone_at is not None:
            first_answer(f"hall+unix://{self.hall.unix}")
            self.socket_gone_at = None
        self._back()

    def _away(self, at: float) -> None:
        if self.thaw_at is None:
            self._mark(Mark("-", 0, "hall", "away", at))

    def _back(self) -> None:
        self._mark(Mark("-", 0, "hall", "back", time.monotonic()))


def replaced(data: Path) -> Path:
    """Where a data directory lies when another one has taken its place."""
    return data.with_name(f"{data.name}-before")


def first_answer(url: str) -> None:
    """Ask the hall at `url` whether it is there; it is."""
    with Line(dial(url)) as line:
        assert line.ask("ping") is not None
