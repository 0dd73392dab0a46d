"""Certificates for tests, made by the `openssl` program: a CA, and what it signs."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["-newkey", "rsa:2048"]}


class Pair(NamedTuple):
    """A certificate that is its own CA, and its key."""

    certificate: Path
    key: Path

    def trust(self) -> ssl.SSLContext:
        """A client's context that trusts only this one."""
        return ssl.create_default_context(cafile=str(self.certificate))


def make_pair(folder: Path, name: str = "hall", hosts: tuple[str, ...] = ("127.0.0.1",), kind: str = "ec") -> Pair:
    """A new self-signed certificate for these addresses and for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not here: install it to test TLS")
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    names = ",".join(["DNS:localhost", *(f"IP:{host}" for host in hosts)])
    command = ["openssl", "req", "-x509", *KEYS[kind], "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    files = ["-keyout", str(pair.key), "-out", str(pair.certificate), "-addext", f"subjectAltName={names}"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    pair.key.chmod(0o600)
    return pair


@cache
def common_pair() -> Pair:
    """One for all tests of this process that only need some certificate."""
    return make_pair(Path(tempfile.mkdtemp(prefix="hall-tls-")))
