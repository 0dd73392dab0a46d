"""The ground of one case: a hall, a cable, who is here and who is at the far end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.certificates import make_pair
from tests.partitions.cable import Cable, Namespace
from tests.partitions.proxy import Proxy
from tests.system.audit import Ack, Mark, read_marks
from tests.system.hall_process import ROOT, Hall
from tests.system.lines import Line, dial

PATIENCE = 60.0  # of the tests, for what has no bound of its own; the machine may be busy
LOOK_SECONDS = 0.02


class DistantHall(Hall):
    """A hall at the far end of the cable."""

    def __init__(self, prefix: tuple[str, ...], data: Path, **options: Any) -> None:
        super().__init__(data, **options)
        self.prefix = prefix

    def command(self) -> list[str]:
        return [*self.prefix, *super().command()]


class Ground:
    """Everything that one case has started. `marks` is the side-effect log of all workers."""

    def __init__(self, folder: Path, hall: Hall, cable: Cable, far: dict[str, str], prefix: tuple[str, ...]) -> None:
        self.folder = folder
        self.hall = hall
        self.cable = cable
        self.marks_file = folder / "marks"
        self.kind = ""  # of its jobs
        self.acks: list[Ack] = []
        self.keys: set[str] = set()
        self._far, self._prefix = far, prefix
        self._started: list[subprocess.Popen[Any]] = []

    @property
    def near_env(self) -> dict[str, str]:
        return {"HIREHALL_URL": f"hall+unix://{self.hall.unix}"}

    def line(self) -> Line:
        """A session that no cut touches."""
        line = Line(dial(f"hall+unix://{self.hall.unix}"))
        line.ok("hello", token=self.hall.access["token"], protocol=1)
        return line

    def submit(self, line: Line, kind: str, key: str, seconds: float, queue: str = "default", **more: Any) -> str:
        """A job that works for `seconds`; its key is known to the audit."""
        self.keys.add(key)
        payload = {"marks": str(self.marks_file), "marker": key, "seconds": seconds, **more}
        job = str(line.ok("submit", kind=kind, payload=payload, key=key, queue=queue)["id"])
        self.acks.append(Ack(job, key, key))
        return job

    def agent(self, name: str, runner: str, lease: float, *, far: bool) -> subprocess.Popen[Any]:
        """A worker; its log is the file of its name."""
        command = [sys.executable, "-m", "tests.partitions.agent", name, runner, str(lease)]
        return self.start(name, command, far=far)

    def start(self, name: str, command: list[str], *, far: bool, **options: Any) -> subprocess.Popen[Any]:
        """A process here or at the far end; what it complains of goes into the file `name`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HIREHALL_")}
        env = {**kept, "PYTHONPATH": str(ROOT), **(self._far if far else self.near_env)}
        env["HIREHALL_TOKEN"] = self.hall.access["token"]
        prefix = self._prefix if far else ()
        with (self.folder / name).open("ab") as log:
            process = subprocess.Popen([*prefix, *command], cwd=ROOT, env=env, stderr=log, **options)
        self._started.append(process)
        return process

    def log_of(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")

    def marks(self) -> list[Mark]:
        return read_marks([self.marks_file]) if self.marks_file.exists() else []

    def add_mark(self, mark: Mark) -> None:
        with self.marks_file.open("ab", buffering=0) as log:
            log.write(mark.line())

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self.hall.close()
        self.cable.close()


def until(true: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
    """Look again and again."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(LOOK_SECONDS)


def in_namespace(folder: Path) -> Ground:
    """The hall is here; the far end is another network. Raises CannotCut."""
    cable = Namespace()
    return _open(folder, cable, Hall, cable.here, cable.prefix)


def with_distant_hall(folder: Path) -> Ground:
    """The hall is at the far end, and so are the workers that reach it by its UNIX socket; clients are here."""
    cable = Namespace()
    return _open(folder, cable, partial(DistantHall, cable.prefix), cable.there, ())


def _open(folder: Path, cable: Namespace, make: Callable[..., Hall], address: str, prefix: tuple[str, ...]) -> Ground:
    """With TLS, since it listens for other machines; and then not as root, so from a copy that anybody may read."""
    try:
        pair = make_pair(folder, hosts=(address,))
        shutil.copytree(ROOT / "hirehall", folder / "code" / "hirehall", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "hall").mkdir(mode=0o700)
        tls = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key), "--user", "nobody")
        hall = make(folder / "hall", anonymous="", tcp=f"{address}:0", options=tls, code=folder / "code")
        started(hall)
    except BaseException:
        cable.close()
        raise
    far = {"HIREHALL_URL": hall.access["url"], "HIREHALL_CA": str(pair.certificate)}
    return Ground(folder, hall, cable, far, prefix)


def started(hall: Hall) -> Hall:
    """The hall, as another user where it is to be one; closed again when it does not start."""
    try:
        for owned in (hall.data, hall.spool) if "--user" in hall.options else ():
            shutil.chown(owned, "nobody")
        return hall.start()
    except BaseException:
        hall.close()
        raise


def through_proxy(folder: Path) -> Ground:
    """The far end reaches the hall through a proxy of ours."""
    hall = started(Hall(folder / "hall", anonymous=""))
    host, _, port = hall.tcp.rpartition(":")
    cable = Proxy(host, int(port))
    far = {"HIREHALL_URL": cable.url}
    return Ground(folder, hall, cable, far, ())
