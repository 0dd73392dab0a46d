"""One transfer of an attempt's files, in a thread of its own: what blocks is here, and what takes long to load.

All of it may be said again: inputs are gone on with, an upload of the same content is the same content, and an output
attached again replaces itself.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from hirehall.client.files import Files, NotBack, Patience
from hirehall.core.file_names import check_file_name
from hirehall.errors import BadRequest, Busy, HallError, NotFound, TooLarge, Unavailable
from hirehall.model import MAX_FILE, MAX_FILES, InputFile
from hirehall.runners.folder import IN, OUT, made
from hirehall.wire.large import Reference
from hirehall.wire.replies import FileView
from hirehall.worker.stopping import Stop

MOST_FORGOTTEN = 3  # times in a row that the hall does not know what we have just sent: it was started anew
RESULT = "result{}.json"
SORTS = {stat.S_IFDIR: "a directory", stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


class Dogged(Patience):
    """As long as the lease lives: while the hall is away it is the lease that ends, and with it the transfer."""

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def wait(self, have: int, why: Exception) -> None:
        """Patience counts from when the hall has us back: its door must be near then."""
        if not self._stop.is_connected():
            self.extend()
        super().wait(have, why)

    def pause(self, seconds: float) -> None:
        """Unless it is to end."""
        self._stop.pause(seconds)


class Transfer:
    """For the attempt at `job` that this `worker` holds, whose directory is `folder`."""

    def __init__(self, files: Files, stop: Stop, job: str, attempt: int, worker: str, folder: str) -> None:
        self._files, self._stop = files, stop
        self._job, self._attempt, self._worker, self._folder = job, attempt, worker, folder

    def fetch(self, inputs: Sequence[InputFile]) -> None:
        """Each of them under its name. Raises HallError, OSError, Stopped."""
        into, part = made(self._folder, IN), Path(self._folder, "part")
        for one in inputs:
            file = FileView("in", one.name, one.sha256, "", one.bytes)
            self._until_it_is_done(partial(self._files.fetch, self._job, file, part, self._stop.look))
            part.rename(into / one.name)

    def send(self, result: bytes | None) -> bytes | None:
        """All that lies in `out`, and `result` as one more; what is to be told as the result then. Raises HallError,
        OSError, Stopped."""
        names = left_in(Path(self._folder, OUT), MAX_FILES - (result is not None))
        for name in names:
            with opened(Path(self._folder, OUT, name)) as file:
                self._give(name, file)
        if result is None:
            return None
        name = free_name(names)
        return msgspec.json.encode(Reference(name, self._give(name, io.BytesIO(result)), len(result)))

    def _give(self, name: str, file: BinaryIO) -> str:
        """Its sha256."""
        digest = ""

        def give() -> None:
            nonlocal digest
            digest = self._files.send(file, self._stop.look).sha256
            self._files.attach(self._job, self._attempt, self._worker, name, digest)

        self._until_it_is_done(give)
        return digest

    def _until_it_is_done(self, step: Callable[[], None]) -> None:
        """A hall that is away, or busy, or was started anew and has forgotten what was sent, may do it yet."""
        patience, forgotten = Dogged(self._stop), 0
        while True:
            self._stop.look()
            try:
                return step()
            except NotBack:  # that was patience enough
                raise
            except (Busy, Unavailable) as why:
                patience.wait(0, why)
            except NotFound:
                forgotten += 1
                if forgotten >= MOST_FORGOTTEN:
                    raise


def left_in(out: Path, most: int) -> list[str]:
    """The names of what lies there, when all of it can become files. Raises BadRequest, TooLarge, OSError."""
    try:
        if not stat.S_ISDIR(out.lstat().st_mode):
            raise BadRequest("the directory for its files is one no more")
        names = sorted(path.name for path in out.iterdir())
    except FileNotFoundError:
        return []
    if len(names) > most:
        raise BadRequest(f"it left {len(names)} files: {most} at most, with its result {MAX_FILES}; pack some together")
    for name in names:
        check_file_name(name)
        check_file(name, (out / name).lstat())
    return names


def check_file(name: str, found: os.stat_result) -> None:
    """Raise unless it is one that the hall takes."""
    if not stat.S_ISREG(found.st_mode):
        sort = SORTS.get(stat.S_IFMT(found.st_mode), "a device")
        raise BadRequest(f"it left {name!r}, which is {sort}: only files are sent; pack a directory into one")
    if found.st_size > MAX_FILE:
        raise TooLarge(
            f"it left {name!r} with {found.st_size} bytes: a file has at most {MAX_FILE}; cut it into several"
        )


def opened(path: Path) -> BinaryIO:
    """Never through a link, and never waiting. Raises BadRequest, TooLarge, OSError."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as why:
        if why.errno == errno.ELOOP:  # it was a file when it was looked at
            raise BadRequest(f"it left {path.name!r}, which is a link: only files are sent") from why
        raise
    file = os.fdopen(number, "rb", buffering=0)
    try:
        check_file(path.name, os.fstat(number))
    except HallError:
        file.close()
        raise
    return file


def free_name(names: Sequence[str]) -> str:
    """For the result: one that no file has, capitals or not."""
    taken = {name.casefold() for name in names}
    tries = (RESULT.format(f"-{number}" if number else "") for number in range(len(names) + 1))
    return next(name for name in tries if name not in taken)
