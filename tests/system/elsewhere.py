"""Another place on the network: a network namespace at the end of a cable, else another address of this machine."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import psutil


class Elsewhere(NamedTuple):
    """`address`: where a hall here can be reached from there. `prefix`: what makes a command run there."""

    address: str
    prefix: tuple[str, ...]


@contextlib.contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """The farthest place that this machine lets us have."""
    name = f"hall{os.getpid()}"
    try:
        place = namespace(name)
    except (OSError, subprocess.CalledProcessError):
        place = Elsewhere(own_address(), ())
    try:
        yield place
    finally:
        if place.prefix:
            ip("netns", "del", name)


def namespace(name: str) -> Elsewhere:
    """Raises OSError or CalledProcessError where that is not allowed."""
    if shutil.which("ip") is None:
        raise FileNotFoundError("ip")
    subnet = f"10.203.{os.getpid() % 256}"
    ip("netns", "add", name)
    try:
        near, far = f"{name[-11:]}a", f"{name[-11:]}b"
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("addr", "add", f"{subnet}.1/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", name, "addr", "add", f"{subnet}.2/30", "dev", far)
        ip("-n", name, "link", "set", far, "up")
    except subprocess.CalledProcessError:
        ip("netns", "del", name)
        raise
    return Elsewhere(f"{subnet}.1", ("ip", "netns", "exec", name))


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def own_address() -> str:
    """An IPv4 address of this machine that is not loopback, if it has one."""
    up = {name for name, found in psutil.net_if_stats().items() if found.isup}
    found = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up and "." in address.address and not ipaddress.ip_address(address.address).is_loopback
    ]
    return found[0] if found else "127.0.0.2"
