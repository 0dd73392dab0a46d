"""The office with a place for files, and desks: sessions of doors in this process, as the one over HTTP has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hirehall.blobs.local import LocalBlobs
from hirehall.errors import from_wire
from hirehall.model import Blob
from hirehall.ports import MAX_PIECE, Upload
from hirehall.service.asking import Inside
from hirehall.service.file_commands import Attach
from hirehall.service.files import Files
from hirehall.service.sessions import Identity, Session
from hirehall.wire.replies import ErrorReply
from tests.blobs.shelf import digest
from tests.service.office import Guest, Office

TEXT, OTHER = b"the first content", b"another content"
EVERYBODY = ("submit", "work", "read", "admin")


class Desk(Session):
    """Says request structs, hears reply structs."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(0, Inside(lambda: None), identity)
        self.said: list[Any] = []

    def put(self, message: Any) -> int:
        self.said.append(message)
        return 0


class Archive(Office):
    """Contents lie in `folder`."""

    folder: Path

    def furnish(self, folder: Path) -> None:
        """Between the start of the hall and everything else."""
        self.folder = folder
        self.hall.blobs = LocalBlobs(folder, lambda: self.clock().wall_ms)
        self.hall.files = Files(self.hall)

    def desk(self, name: str = "local", *roles: str) -> Desk:
        desk = self.hall.joined(Desk(Identity(name, frozenset(roles or EVERYBODY))))
        desk.greeted = True
        return desk

    def ask(self, desk: Desk, message: Any) -> Any:
        """The answer to one request. Raises the error that it is."""
        self.hall.received(desk, [message])
        self.settle()
        reply = desk.said.pop()
        if isinstance(reply, ErrorReply):
            raise from_wire(reply.error.code, reply.error.message)
        return reply

    def run(self, coroutine: Any) -> Any:
        return self._run(coroutine)

    def upload(self, desk: Desk, data: bytes) -> Blob:
        """A content, from its first to its last byte."""
        files = self.hall.files
        upload: Upload = self.run(files.begin(desk, len(data), digest(data)))
        for at in range(0, len(data), MAX_PIECE):
            self.run(files.write(desk, upload.id, at, data[at : at + MAX_PIECE]))
        return self.run(files.finish(desk, upload.id))

    def read(self, sha256: str) -> bytes:
        return self.run(self.hall.files.read(sha256, 0, MAX_PIECE))

    def contents(self) -> list[str]:
        """What lies on the disk, by sha256."""
        self.settle()
        removing = self.hall.files._removing
        if removing is not None and not removing.done():
            self.run(removing)
        return sorted(path.name for path in self.folder.glob("??/*"))

    def leap(self, seconds: float) -> None:
        """As if the machine had slept so long, and a moment for what is due then."""
        self.seconds += seconds
        self.loop.now += seconds
        self.pass_time(2)


def draft(guest: Guest, **fields: Any) -> str:
    """A new draft; its id."""
    return str(guest.ok("submit", kind="saw", draft=True, **fields)["id"])


def attach(archive: Archive, desk: Desk, job: str, name: str = "a.txt", data: bytes = TEXT) -> Any:
    blob = archive.upload(desk, data)
    return archive.ask(desk, Attach(id=job, name=name, sha256=blob.sha256)).file


def shown(guest: Guest, job: str) -> list[tuple[str, str, str]]:
    return [(file["direction"], file["name"], file["sha256"]) for file in guest.view(job)["files"]]
