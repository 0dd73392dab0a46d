"""The hall that is measured: one of our own as a process, on a directory that is gone afterwards, or one that runs
already."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hirehall.bench.tied import PREFIX
from hirehall.client.address import locate
from hirehall.processes import Member

ENDING_SECONDS = 1.0  # from its last word on a connection
BESIDE = 100  # connections beside those that are asked for


class RunningHall:
    """A hall that somebody else started. Its process is not ours to look at. `folder` is for what our workers say."""

    pid: int | None = None

    def __init__(self, url: str, token: str | None, ca: str | None, folder: Path) -> None:
        self.url = url
        self.token = token
        self.ca = ca
        self.folder = folder

    def check(self) -> None:
        """Raise Unavailable when it is known to have ended: something went wrong with it."""

    def file_mib(self) -> tuple[float, float] | None:
        """The sizes of the database and of its log, where they are known."""
        return None


class OwnHall(RunningHall):
    """`hirehall serve` on TCP, with its data in `folder` and room for so many `connections`; `program` is what is run
    as a module, a test puts another in its place."""

    pid: int

    def __init__(self, folder: Path, connections: int = 0, program: str = "hirehall") -> None:
        super().__init__("", None, None, folder)
        self._connections, self._program = connections + BESIDE, program
        self.start()

    def start(self) -> None:
        """Until it is ready. Raises Unavailable with its last words."""
        data = ("--data", str(self.folder), "--tcp", "127.0.0.1:0")
        most = ("--max-connections", str(self._connections))
        tied = ("hirehall.bench.tied", str(self.folder))
        self._member = Member("hall", *tied, self._program, "serve", *data, *most, log=self.folder / "serve.log")
        self.pid = self._member.pid
        try:
            self.url = self._member.ready().split(" ready on ")[-1].split(" ")[0]
            self.token = locate(data=self.folder, environ={}).token
        except BaseException:
            self._member.end()
            raise

    @property
    def http(self) -> str:
        """Where its pages are."""
        return str(json.loads((self.folder / "access.json").read_text())["http"])

    def check(self) -> None:
        self._member.check(ENDING_SECONDS)

    def stop(self) -> None:
        """End it; `start` goes on with the same data."""
        self._member.end()

    def file_mib(self) -> tuple[float, float]:
        return size_mib(self.folder / "hall.db"), size_mib(self.folder / "hall.db-wal")


def size_mib(path: Path) -> float:
    """A file's size, 0 when it is not there."""
    return path.stat().st_size / (1 << 20) if path.exists() else 0.0


@contextmanager
def own_hall(parent: Path | None = None, connections: int = 0, program: str = "hirehall") -> Iterator[OwnHall]:
    """A hall in a directory below `parent` (that of temporary files if none); both are gone afterwards, also when this
    process is killed."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as folder:
        hall = OwnHall(Path(folder), connections, program)
        try:
            yield hall
        finally:
            hall.stop()


@contextmanager
def running_hall(url: str, token: str | None, ca: str | None) -> Iterator[RunningHall]:
    """The hall that `url` names."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        yield RunningHall(url, token, ca, Path(folder))
