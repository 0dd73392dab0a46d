"""The hall that is measured: one of our own as a process, on a directory that is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hirehall.client.address import locate
from hirehall.processes import Member


class OwnHall:
    """`hirehall serve` on TCP, with its data in `folder` and room for so many `connections`."""

    def __init__(self, folder: Path, connections: int = 1000) -> None:
        self.folder = folder
        self._connections = connections
        self.start()

    def start(self) -> None:
        """Until it is ready. Raises Unavailable with its last words."""
        data = ("--data", str(self.folder), "--tcp", "127.0.0.1:0", "--unix", str(self.folder / "hall.sock"))
        most = ("--max-connections", str(self._connections))
        self._member = Member("hall", "hirehall", "serve", *data, *most, log=self.folder / "serve.log")
        self.pid = self._member.pid
        try:
            self.url = self._member.ready().split(" ready on ")[-1].split(" ")[0]
        except BaseException:
            self._member.wait()
            raise
        self.token = locate(data=self.folder, environ={}).token

    def check(self) -> None:
        """Raise Unavailable when it has ended."""
        self._member.check()

    def stop(self) -> None:
        """End it; `start` goes on with the same data."""
        self._member.end()

    def file_mib(self) -> tuple[float, float]:
        """The sizes of the database and of its log."""
        database, log = self.folder / "hall.db", self.folder / "hall.db-wal"
        return size_mib(database), size_mib(log)


def size_mib(path: Path) -> float:
    """A file's size, 0 when it is not there."""
    return path.stat().st_size / (1 << 20) if path.exists() else 0.0


@contextmanager
def own_hall(parent: Path | None = None, connections: int = 1000) -> Iterator[OwnHall]:
    """A hall in a directory below `parent` (that of temporary files if none); both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hirehall-bench-", dir=parent) as folder:
        hall = OwnHall(Path(folder), connections)
        try:
            yield hall
        finally:
            hall.stop()
