"""Where the hall is: arguments, then HIREHALL_URL and HIREHALL_TOKEN, then the access file of a data
directory.

A running hall writes `access.json` (`{"url", "unix", "token"}`, readable by its user only) into its data
directory, so that nobody types an address on the machine where it runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hirehall.errors import BadRequest, Unavailable

if TYPE_CHECKING:
    from urllib.parse import SplitResult

DEFAULT_PORT = 11746
DEFAULT_DATA = "~/.local/state/hirehall"
ACCESS_FILE = "access.json"


class Address(NamedTuple):
    """A hall to connect to: `path` is a UNIX socket, else `host` and `port` count. `token` None means
    anonymous. With `tls` the hall shows a certificate, signed by `ca` (a PEM file) or one of the system's; or it is the
    first one in the file `certificate`, as a hall of this machine says of itself."""

    host: str = ""
    port: int = 0
    path: str = ""
    token: str | None = None
    tls: bool = False
    ca: str | None = None
    certificate: str | None = None

    def __str__(self) -> str:
        if self.path:
            return f"hall+unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'hall+tls' if self.tls else 'hall'}://{host}:{self.port}"


class Access(msgspec.Struct):
    """What a hall writes down for the clients of its own machine."""

    url: str | None = None
    unix: str | None = None
    token: str | None = None
    certificate: str | None = None


def locate(
    url: str | None = None,
    token: str | None = None,
    *,
    data: str | os.PathLike[str] | None = None,
    ca: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Address:
    """The hall that these arguments and the environment mean.

    Raises BadRequest for an address that cannot be one and Unavailable when no hall has left an access file.
    """
    env = os.environ if environ is None else environ
    token = token or env.get("HIREHALL_TOKEN") or None
    authority = os.fspath(ca or env.get("HIREHALL_CA") or "") or None
    if data is None or url:
        url = url or env.get("HIREHALL_URL")
    if url:
        return parse(url)._replace(token=token, ca=authority)
    found = _from_access_file(_data_directory(data, env))
    return found._replace(token=token or found.token, ca=authority)


def parse(url: str) -> Address:
    """`hall://HOST:PORT`, `hall+tls://HOST:PORT` or `hall+unix:///PATH` as an address without a token. Raises
    BadRequest."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - an access file names a socket, and then nobody needs it

    parts = urlsplit(url)
    if parts.scheme == "hall+unix" and parts.path and not parts.netloc:
        return Address(path=parts.path)
    if parts.scheme in {"hall", "hall+tls"} and parts.hostname and parts.path in {"", "/"}:
        return Address(host=parts.hostname, port=_port(parts, url), tls=parts.scheme == "hall+tls")
    raise BadRequest(
        f"{url!r} is not a hall's address: write hall://HOST:PORT, hall+tls://HOST:PORT or hall+unix:///PATH"
    )


def _port(parts: SplitResult, url: str) -> int:
    try:
        return parts.port or DEFAULT_PORT
    except ValueError as why:
        raise BadRequest(f"{url!r} is not a hall's address: {why}") from why


def _data_directory(data: str | os.PathLike[str] | None, env: Mapping[str, str]) -> Path:
    if data is None and not env.get("HIREHALL_DATA") and env.get("HOME"):
        return Path(DEFAULT_DATA.replace("~", env["HOME"], 1))
    return Path(data or env.get("HIREHALL_DATA") or DEFAULT_DATA).expanduser()


def _from_access_file(directory: Path) -> Address:
    file = directory / ACCESS_FILE
    try:
        access = msgspec.json.decode(file.read_bytes(), type=Access)
    except FileNotFoundError:
        raise Unavailable(
            f"no hall found: start one with `hirehall serve`, or set HIREHALL_URL (there is no {file})"
        ) from None
    except OSError as why:
        raise Unavailable(
            f"cannot read {file}: {why.strerror}; run as its user, or set HIREHALL_URL and HIREHALL_TOKEN"
        ) from why
    except msgspec.MsgspecError as why:
        raise Unavailable(f"cannot read {file}: {why}; start the hall again, it writes the file anew") from why
    return _address(access, file)


def _address(access: Access, file: Path) -> Address:
    if access.unix and (not access.url or Path(access.unix).exists()):  # somebody may have tidied it away
        return Address(path=access.unix, token=access.token, certificate=access.certificate)
    if access.url:
        return parse(access.url)._replace(token=access.token, certificate=access.certificate)
    raise Unavailable(f"{file} names no address: start the hall again, it writes the file anew")
