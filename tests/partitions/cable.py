"""Cables that can be cut: to a network namespace, or, for what only a proxy can do, through one of ours.

A cable joins `here`, this machine's own network, and `there`, the far end. In each direction it can be cut by itself.
What is cut drops packets without a word: no FIN, no RST, no error to anybody.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from itertools import count
from typing import Protocol

from tests.system.elsewhere import ip

OUT, IN, BOTH = "here to there", "there to here", "both"
NOWHERE = "02:00:00:00:00:01"  # no card has this address: what is sent to it is gone
_numbers = count()
_making = threading.Lock()


class Cable(Protocol):
    """`cut` in one direction or both until `heal`."""

    def cut(self, direction: str) -> None: ...

    def heal(self) -> None: ...

    def close(self) -> None: ...


class CannotCut(Exception):
    """This machine lets nobody make a network namespace: why."""


class Namespace:
    """A network namespace at the end of a cable: `here` and `there` are the addresses of its two ends."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.name = f"cut{os.getpid()}n{number}"
        self._near, self._far = f"ha{os.getpid() % 100000}n{number}", f"hb{os.getpid() % 100000}n{number}"
        subnet = f"10.204.{os.getpid() % 256}"
        self.here, self.there = f"{subnet}.{number % 64 * 4 + 1}", f"{subnet}.{number % 64 * 4 + 2}"
        self.prefix = ("ip", "netns", "exec", self.name)
        if shutil.which("ip") is None:
            raise CannotCut("the program ip is not here: install iproute2")
        try:
            self._lay()
        except BaseException:
            self.close()
            raise

    def _lay(self) -> None:
        try:
            with _making:
                ip("netns", "add", self.name)
        except subprocess.CalledProcessError as why:
            raise CannotCut(f"cannot make a network namespace: {why.stderr.decode().strip()}") from why
        ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
        ip("addr", "add", f"{self.here}/30", "dev", self._near)
        ip("link", "set", self._near, "up")
        self._inside("addr", "add", f"{self.there}/30", "dev", self._far)
        self._inside("link", "set", self._far, "up")
        self._inside("link", "set", "lo", "up")

    def _inside(self, *words: str) -> None:
        ip("-n", self.name, *words)

    def cut(self, direction: str) -> None:
        """Pull the plug; or, for one direction, send to a card that nobody has."""
        if direction == BOTH:
            self._inside("link", "set", self._far, "down")
        elif direction == OUT:
            ip(*self._wrong(self.there, self._near))
        else:
            self._inside(*self._wrong(self.here, self._far))

    @staticmethod
    def _wrong(address: str, card: str) -> tuple[str, ...]:
        return ("neigh", "replace", address, "lladdr", NOWHERE, "dev", card, "nud", "permanent")

    def heal(self) -> None:
        self._inside("link", "set", self._far, "up")
        for inside, address, card in (((), self.there, self._near), (("-n", self.name), self.here, self._far)):
            subprocess.run(["ip", *inside, "neigh", "del", address, "dev", card], check=False, capture_output=True)

    def vanish(self) -> None:
        """The far machine loses its power: its processes and all that its kernel knows are gone, and nobody is told.
        Another one with the same address takes its place, behind a cable that is still cut."""
        self.cut(BOTH)
        self._end_processes()
        ip("netns", "del", self.name)
        self._await_card_gone()
        self._lay()
        self.cut(BOTH)

    def _await_card_gone(self) -> None:
        """A namespace's cards go a little after it, and take their other ends with them."""
        subprocess.run(["ip", "link", "del", self._near], check=False, capture_output=True)

    def _end_processes(self) -> None:
        found = subprocess.run(["ip", "netns", "pids", self.name], check=False, capture_output=True, text=True)
        for pid in found.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def close(self) -> None:
        self._end_processes()
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._near], check=False, capture_output=True)
