"""What the peers on PostgreSQL stand on: a cluster of their own with Debian's settings, where a commit waits for the
disk, and a client that knows from the table when nothing is left."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from benchmarks.peers.peer import PORT, Peer

USER = "postgres"
STOP_SECONDS = 10.0


def address(port: int = PORT) -> str:
    """The database."""
    return f"postgresql://{USER}@127.0.0.1:{port}/postgres"


class PeerOnPostgres(Peer):
    """A server that refuses to be root, and ends its own children."""

    setting, needs = "PostgreSQL, synchronous_commit on", "postgres"
    lost = "nothing"
    is_durable = True
    known = "the worker rings in the job; at the end of many, the table has none left"

    def __init__(self, folder: Path, port: int | None = None, slow: Path | None = None) -> None:
        super().__init__(folder, port, slow)
        self.server_user = USER if os.geteuid() == 0 else None

    def start_server(self) -> None:
        data = self.folder / "data"
        data.mkdir()
        self.folder.chmod(0o711)
        if self.server_user:
            os.chown(data, *pwd.getpwnam(USER)[2:4])
        made = ["initdb", "--pgdata", "data", "--username", USER, "--auth", "trust", "--no-sync", "--encoding", "UTF8"]
        self.run_to_end(made, self.server_user)
        super().start_server()

    def server_command(self) -> list[str]:
        alone = ["-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
        return ["postgres", "-D", "data", "-p", str(self.port), *alone]

    def answers(self) -> bool:
        asked = ["pg_isready", "--quiet", "--dbname", address(self.port)]
        return subprocess.run(asked, env=self.environment, check=False).returncode == 0

    def stop(self) -> None:
        self.stop_workers()
        for server in self._servers:
            server.send_signal(signal.SIGQUIT)  # it ends its children, which are in groups of their own
            with suppress(subprocess.TimeoutExpired):  # what it is killed for then
                server.wait(STOP_SECONDS)
        super().stop()
