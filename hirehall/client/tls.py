"""TLS for clients: whom to trust, and a blocking socket that two threads may use at once."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from hirehall.client.address import Address
from hirehall.errors import BadRequest, Unavailable

READ_BYTES = 1 << 18
PEM_END = "-----END CERTIFICATE-----"


def context_for(address: Address) -> ssl.SSLContext:
    """Trusts the CA that the address names, else the certificate that it names, which need not hold the host's name;
    else the CAs of the system. Raises BadRequest."""
    if address.certificate is not None and address.ca is None:
        return _only(address.certificate)
    try:
        context = ssl.create_default_context(cafile=address.ca)
    except OSError as why:  # an SSLError is one
        reason = "it holds no certificate" if isinstance(why, ssl.SSLError) else why.strerror
        raise BadRequest(f"cannot read the CA file {address.ca}: {reason}; give a PEM file with --ca") from why
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _only(certificate: str) -> ssl.SSLContext:
    """Trusts the first certificate in this file and no other, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        first = Path(certificate).read_text().partition(PEM_END)
        context.load_verify_locations(cadata=first[0] + first[1])
    except (OSError, ValueError) as why:  # an SSLError is an OSError
        raise BadRequest(f"cannot read the hall's certificate {certificate}: {why}; name its CA with --ca") from why
    return context


def untrusted(address: Address, why: OSError) -> Unavailable | None:
    """The error for a handshake that failed; None for any other failure."""
    if isinstance(why, ssl.SSLCertVerificationError):
        return Unavailable(
            f"the certificate of {address} is not trusted: {why.verify_message}; name the CA that signed it with --ca"
            " or HIREHALL_CA"
        )
    if isinstance(why, ssl.SSLError | ConnectionResetError):
        return Unavailable(f"cannot speak TLS with {address}: {why.strerror or why}; is it a hall with --tls-cert?")
    return None


class TlsSocket:
    """What the blocking client uses of a socket, with TLS in between. One thread may read while others write: the
    standard library's SSLSocket does not allow that, so the lock here is never held while the network is waited for."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._lock = threading.Lock()  # guards the three above
        self._writing = threading.Lock()  # records leave in the order in which they were made
        self._shake_hands()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._sock.sendall(self._outgoing.read())
                self._feed(self._sock.recv(READ_BYTES))
            except ssl.SSLError:
                self._sock.sendall(self._outgoing.read())  # the alert that tells the hall why
                raise
            else:
                self._sock.sendall(self._outgoing.read())
                return

    def _feed(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def recv(self, most: int) -> bytes:
        """Some bytes, when there are any; none at the end. Raises OSError. For one thread only."""
        while True:
            with self._lock:
                try:
                    return self._tls.read(most)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
            data = self._sock.recv(READ_BYTES)
            with self._lock:
                self._feed(data)

    def sendall(self, data: bytes) -> None:
        """Send all of it, with what TLS itself wanted to say."""
        with self._writing:
            with self._lock:
                left = memoryview(data)
                while left:
                    left = left[self._tls.write(left) :]
                records = self._outgoing.read()
            self._sock.sendall(records)

    def settimeout(self, seconds: float | None) -> None:
        """As for a socket."""
        self._sock.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        """As for a socket: it ends the reading of the other thread."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """As for a socket."""
        self._sock.close()
