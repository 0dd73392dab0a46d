"""A hall as a real process on a data directory: started, killed, frozen, thawed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.system.lines import Line, Silence, dial, greet, read_access, readable

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0
STOP_SECONDS = 10.0


class Hall:
    """One data directory and the process that serves it. A restart keeps the port: peers find it again."""

    def __init__(
        self,
        data: Path,
        *,
        anonymous: str = "submit,work",
        tcp: str = "127.0.0.1:0",
        options: tuple[str, ...] = (),
        code: Path = ROOT,
    ) -> None:
        self.data = data
        self.options = options
        self.code = code  # where the package is
        self.anonymous = anonymous
        self.tcp = tcp
        self.spool = Path(tempfile.mkdtemp(prefix="hall-"))  # a UNIX socket's path must be short
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.lines: list[Line] = []

    @property
    def unix(self) -> str:
        return str(self.spool / "s")

    @property
    def access(self) -> dict[str, Any]:
        return read_access(self.data)

    @property
    def pid(self) -> int:
        assert self.process is not None, "the hall was never started"
        return self.process.pid

    def command(self) -> list[str]:
        """The command line that starts this hall."""
        listen = ["--tcp", self.tcp] if self.tcp else []
        roles = ["--anonymous", self.anonymous] if self.anonymous else []
        serve = [sys.executable, "-m", "hirehall", "serve", "--data", str(self.data)]
        return [*serve, *listen, "--unix", self.unix, *roles, *self.options]

    def start(self) -> Hall:
        """Start it and wait for its line that says it is ready."""
        self.started_at = time.monotonic()
        self.process = self.launch()
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise
        if self.tcp:
            self.tcp = self.access["url"].partition("://")[2]
        return self

    def launch(self) -> subprocess.Popen[bytes]:
        """The process itself, which is not ready yet."""
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command(), cwd=self.code, stdout=subprocess.PIPE, stderr=log)

    def kill(self) -> float:
        """SIGKILL; when it was gone."""
        return self._end(signal.SIGKILL)[1]

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)[0]

    def ended(self, within: float = STOP_SECONDS) -> int:
        """The exit code of a hall that ends without a signal."""
        assert self.process is not None
        code = self.process.wait(within)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> Hall:
        """kill -9 and start again."""
        self.kill()
        return self.start()

    def close(self) -> None:
        """Leave nothing behind but the data; what the hall logged is shown when the test failed."""
        print(self._complaint())
        for line in self.lines:
            line.close()
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.kill()
        shutil.rmtree(self.spool, ignore_errors=True)

    def guest(self, newline: bytes = b"\n") -> Line:
        """A TCP connection that has not said hello."""
        return self._known(Line(dial(self.access["url"]), newline))

    def unix_guest(self, newline: bytes = b"\n") -> Line:
        """A UNIX connection that has not said hello."""
        return self._known(Line(dial(f"hall+unix://{self.unix}"), newline))

    def session(self, *, worker: str = "", name: str = "") -> Line:
        """A connection that has said hello with the hall's own token."""
        return self._known(greet(self.data, worker=worker, name=name))

    def _known(self, line: Line) -> Line:
        self.lines.append(line)
        return line

    @property
    def log(self) -> Path:
        return self.spool / "stderr"

    def _await_ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        deadline = self.started_at + START_SECONDS
        said = b""
        while b"ready" not in said:
            left = deadline - time.monotonic()
            if left <= 0 or not readable(self.process.stdout, left):  # type: ignore[arg-type]
                raise Silence(f"not ready within {START_SECONDS} s: {said!r}\n{self._complaint()}")
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise Silence(f"the hall ended with {self.process.wait()} at start\n{self._complaint()}")
            said += part

    def _complaint(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def _end(self, number: signal.Signals) -> tuple[int, float]:
        assert self.process is not None
        self.process.send_signal(number)
        return self.ended(), time.monotonic()
