"""A disk of a few MiB: a tmpfs in a mount namespace of its own, which a process holds open as long as it is needed."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from tests.system.hall_process import Hall

MIB = 1 << 20
HOLD = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo ready && exec cat'


class SmallDisk:
    """Mounted at `mount`, but only for processes that `inside` starts; others see it below `root`."""

    def __init__(self, mount: Path, mib: int) -> None:
        mount.mkdir(parents=True)
        self.mount = mount
        hold = ["unshare", "-m", "--propagation", "private", "sh", "-c", HOLD, "sh", f"{mib}m", str(mount)]
        self._holder = subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            self.close()
            raise OSError("cannot mount a tmpfs in a namespace of its own")

    @property
    def root(self) -> Path:
        """Where this process sees it."""
        return Path(f"/proc/{self._holder.pid}/root{self.mount}")

    def inside(self, command: list[str]) -> list[str]:
        """The command, as it is run in the disk's namespace."""
        return ["nsenter", "-m", "-t", str(self._holder.pid), "--wd=.", "--", *command]

    @property
    def free(self) -> int:
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def fill(self, *, but: int = 0) -> None:
        """Somebody else takes all that is free, but for `but` bytes."""
        with (self.root / "foreign").open("ab", buffering=0) as file:
            try:
                while self.free > but:
                    file.write(bytes(min(MIB, self.free - but)))
            except OSError as exc:
                if exc.errno != errno.ENOSPC:
                    raise

    def clear(self) -> None:
        """And gives it back."""
        (self.root / "foreign").unlink()

    def close(self) -> None:
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        self._holder.stdin.close()
        self._holder.wait(10)
        self._holder.stdout.close()


class HallOnDisk(Hall):
    """A hall whose data directory is on a small disk."""

    def __init__(self, disk: SmallDisk, *options: str) -> None:
        super().__init__(disk.root / "data", options=options)
        self.disk = disk

    def command(self) -> list[str]:
        seen = str(self.disk.mount / "data")
        return self.disk.inside([seen if word == str(self.data) else word for word in super().command()])

    @property
    def ballast(self) -> int:
        """Its size in bytes; 0 when it was given up."""
        file = self.data / "hall.db.ballast"
        return file.stat().st_blocks * 512 if file.exists() else 0
