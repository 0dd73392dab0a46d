"""The servers of the peers as Debian packages, and which versions took part."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from benchmarks.contestant import program_path
from benchmarks.peers.peer import Peer

PACKAGES = {
    "beanstalkd": "beanstalkd",
    "gearmand": "gearman-job-server",
    "redis-server": "redis-server",
    "postgres": "postgresql",
    "rabbitmq-server": "rabbitmq-server",
}
POLICY = Path("/usr/sbin/policy-rc.d")  # what Debian asks before it starts a service


def missing(program: str) -> str:
    """Empty when the program is there, or could be installed; else why it is not."""
    if not program or shutil.which(program, path=program_path()):
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"there is no {program} here, and only root on Debian can install {PACKAGES[program]}"
    if not install(PACKAGES[program]):
        return f"apt-get could not install {PACKAGES[program]}"
    return "" if shutil.which(program, path=program_path()) else f"{PACKAGES[program]} has no {program}"


def install(package: str) -> bool:
    """With apt-get; the services in it are not started."""
    mine = not POLICY.exists()
    if mine:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        return _apt("install", "-y", "--no-install-recommends", package) or (
            _apt("update") and _apt("install", "-y", "--no-install-recommends", package)
        )
    finally:
        if mine:
            POLICY.unlink()


def _apt(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    asked = ["apt-get", "-q", *arguments]
    return subprocess.run(asked, env=environment, check=False, stdout=subprocess.DEVNULL).returncode == 0


def versions(kinds: Iterable[type[Peer]]) -> dict[str, str]:
    """Of every server and every library."""
    libraries = {package for kind in kinds for package in kind.packages}
    servers = {PACKAGES[kind.needs] for kind in kinds if kind.needs}
    return {name: version(name) for name in sorted(libraries)} | {name: _debian(name) for name in sorted(servers)}


def _debian(package: str) -> str:
    if shutil.which("dpkg-query") is None:
        return "unknown"
    asked = ["dpkg-query", "--showformat", "${Version}", "--show", package]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
