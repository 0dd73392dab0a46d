"""What this door says: JSON, one shape of error, and headers that make browsers distrust whatever it is."""

from __future__ import annotations

from http import HTTPStatus

from hirehall.errors import HallError
from hirehall.wire.codec import encode
from hirehall.wire.replies import ErrorBody, ErrorReply

JSON, HTML, BYTES = "application/json", "text/html", "application/octet-stream"
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    b" frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SAFE_HEADERS = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)  # fmt: skip


def error_body(error: HallError) -> bytes:
    """The shape of every error."""
    return encode(ErrorReply(error=ErrorBody(error.code, error.message)))


def raw_answer(status: int, body: bytes) -> bytes:
    """An answer for who has not come as far as the site; the connection closes behind it."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), f"content-type: {JSON}".encode()]
    lines += [name + b": " + value for name, value in SAFE_HEADERS]
    lines += [b"content-length: %d" % len(body), b"connection: close", b"", body]
    return b"\r\n".join(lines)
