"""What a script run has in the directory of its attempt (folder.py): made fresh, removed afterwards.

in/            HALL_IN, its inputs, which are there before
out/           HALL_OUT, which stays when something is left in it
payload.json   HALL_PAYLOAD
result         HALL_RESULT, written by the script if it likes
tmp/           TMPDIR
work/          where the script runs
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from hirehall import tracing
from hirehall.runners.folder import IN, OUT, has_files, made, remove
from hirehall.runners.port import MAX_RESULT
from hirehall.wire.replies import Delivery

PASSED_ON = ("PATH", "HOME", "LANG")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


class Workspace:
    """One run's directories. Raises OSError when they cannot be made."""

    def __init__(self, job: Delivery, folder: str) -> None:
        self.base = Path(folder)
        self.payload = self.base / "payload.json"
        self.result = self.base / "result"
        self.work = self.base / "work"
        try:
            self.inputs, self.out = made(folder, IN), made(folder, OUT)
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
            "HALL_IN": str(self.inputs),
            "HALL_OUT": str(self.out),
            "HALL_WRITE": "3",
        }

    @property
    def has_files(self) -> bool:
        """Whether the script left files."""
        return has_files(str(self.base))

    @property
    def result_size(self) -> int:
        """Bytes that the script left in HALL_RESULT."""
        try:
            return self.result.lstat().st_size
        except OSError:
            return 0

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
            return file.read(MAX_RESULT + 1)

    def remove(self, *, but_out: bool = False) -> None:
        """Leave nothing behind, as far as the script's permissions let us; or only what it left to be sent."""
        if not but_out:
            remove(self.base)
            return
        for part in (self.inputs, self.work, self.base / "tmp"):
            remove(part)
        for file in (self.payload, self.result):
            file.unlink(missing_ok=True)
