"""The demo's three processes: started, watched, and ended by their own ids, whatever happens."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import TracebackType
from typing import Self

from hirehall.processes import Member

SCRIPT = Path(__file__).with_name("checksum.sh")
TASKS = "hirehall.cli.demo.tasks"


class Crew:
    """A hall in `home` and its two workers. As a context: nobody is left behind."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._members: list[Member] = []

    def start(self) -> str:
        """All three; the hall's address. Raises Unavailable with the last words of who does not start."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        ready = self._hire("hall", "serve", "--data", str(self.home), "--tcp", "127.0.0.1:0")
        self._hire("Python worker", "work", TASKS, "--name", "python", "--data", str(self.home))
        command = f"checksum=sh {shlex.quote(str(SCRIPT))}"
        self._hire("script worker", "work", "--script", command, "--name", "script", "--data", str(self.home))
        return ready.split(" ready on ")[-1].split(" ")[0]

    def check(self) -> None:
        """Raise Unavailable when one of them has ended: nobody would do its work."""
        for member in self._members:
            member.check()

    def _hire(self, name: str, *arguments: str) -> str:
        """Start one; the first line it says, which it says when it is ready."""
        log = self.home / f"{name.replace(' ', '-')}.log"
        log.unlink(missing_ok=True)  # of a run before
        self._members.append(Member(name, "hirehall", *arguments, log=log))
        return self._members[-1].ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Workers first, so that they can say goodbye to the hall."""
        for group in (self._members[1:], self._members[:1]):
            for member in group:
                member.leave()
            for member in group:
                member.wait()
