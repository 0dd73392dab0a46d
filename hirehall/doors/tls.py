"""TLS for doors: one certificate and its key, which can be read again while connections last."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NoReturn

from hirehall.errors import BadRequest

HANDSHAKE_SECONDS = 10.0
SHUTDOWN_SECONDS = 5.0


class Certificates:
    """What a TLS door shows. `context` is what listens; every new connection uses what was read last."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self._latest = self.context = read_context(certificate, key)
        self.context.sni_callback = self._use_latest

    def reload(self) -> None:
        """Read both files again. Raises BadRequest, and then nothing has changed."""
        self._latest = read_context(*self._files)

    def _use_latest(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called in every handshake. Loading into the old context would keep an old certificate whose key is of
        another type."""
        connection.context = self._latest


def read_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Raises BadRequest with the reason why these two are of no use."""
    for what, path in (("certificate", certificate), ("key", key)):
        try:
            path.read_bytes()
        except OSError as exc:
            raise BadRequest(f"cannot read the TLS {what} {path}: {exc.strerror}") from exc
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except ssl.SSLError as exc:
        raise BadRequest(_why(exc, certificate, key)) from exc
    return context


def _refuse_passphrase() -> NoReturn:
    raise BadRequest("the TLS key is locked with a passphrase: give one without, readable by the hall's user only")


def _why(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the TLS key {key} does not belong to the certificate {certificate}: give the one it was made with"
    return f"the TLS certificate {certificate} or its key {key} is not in PEM format: {error.reason or error}"
