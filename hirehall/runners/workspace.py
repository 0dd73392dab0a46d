"""The directory of one script run: made fresh, removed afterwards.

BASE/payload.json   HALL_PAYLOAD
BASE/result         HALL_RESULT, written by the script if it likes
BASE/tmp/           TMPDIR
BASE/work/          where the script runs
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hirehall import tracing
from hirehall.model import MAX_BODY
from hirehall.wire.replies import Delivery

PASSED_ON = ("PATH", "HOME", "LANG")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


class Workspace:
    """One run's directory. Raises OSError when it cannot be made."""

    def __init__(self, job: Delivery) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="hirehall-"))
        self.payload = self.base / "payload.json"
        self.result = self.base / "result"
        self.work = self.base / "work"
        try:
            self.work.mkdir()
            (self.base / "tmp").mkdir()
            self.payload.write_bytes(bytes(job.payload))
        except OSError:
            self.remove()
            raise

    def environment(self, job: Delivery, url: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Everything the script's environment holds: built from nothing, so that no secret of ours is in
        it."""
        inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {
            "PATH": DEFAULT_PATH,
            "LANG": "C.UTF-8",
            **inherited,
            "TMPDIR": str(self.base / "tmp"),
            **extra,
            **{name.upper(): text for name, text in tracing.of(job.meta).items()},
            "HALL_JOB_ID": job.id,
            "HALL_KIND": job.kind,
            "HALL_QUEUE": job.queue,
            "HALL_ATTEMPT": str(job.attempt),
            "HALL_URL": url,
            "HALL_PAYLOAD": str(self.payload),
            "HALL_RESULT": str(self.result),
            "HALL_WRITE": "3",
        }

    def read_result(self) -> bytes | None:
        """What the script left in HALL_RESULT, one byte more than fits at most; None when it wrote nothing
        there."""
        try:
            # Not through a link and never waiting: what lies there is the script's choice, not ours.
            number = os.open(self.result, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                return None
            return file.read(MAX_BODY + 1)

    def remove(self) -> None:
        """Leave nothing behind, as far as the script's permissions let us."""
        shutil.rmtree(self.base, onerror=_open_up)


def _open_up(function: object, path: str, _info: object) -> None:
    """A directory that the script made unreadable or read-only is still its own run's: open it and try
    again."""
    parent = Path(path).parent
    try:
        for folder in (parent, Path(path)):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        if callable(function):
            function(path)
    except OSError:
        return
