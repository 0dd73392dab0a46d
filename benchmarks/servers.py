"""How the servers that several contestants stand on are started."""

from __future__ import annotations

import socket

from benchmarks.contestant import Contestant, python

AS_DEBIAN = ("--save", "3600 1 300 100 60 10000", "--appendonly", "no")
SAFEST = ("--save", "3600 1 300 100 60 10000", "--appendonly", "yes", "--appendfsync", "always")


class OnBeanstalkd(Contestant):
    """beanstalkd with these options."""

    needs = "beanstalkd"
    options: tuple[str, ...] = ()

    def server_command(self) -> list[str]:
        return ["beanstalkd", "-l", "127.0.0.1", "-p", str(self.port), *self.options]


class OnRedis(Contestant):
    """A Redis of its own, with these options."""

    needs = "redis-server"
    options: tuple[str, ...] = AS_DEBIAN

    def server_command(self) -> list[str]:
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", ".", *self.options]

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")  # not while it loads its file
        except OSError:
            return False


class OnHall(Contestant):
    """A hall as it comes."""

    def server_command(self) -> list[str]:
        return python("-m", "hirehall", "serve", "--data", "data", "--tcp", f"127.0.0.1:{self.port}")

    def answers(self) -> bool:
        return super().answers() and (self.folder / "data" / "access.json").exists()
