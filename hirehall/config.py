"""Every option of the server, declared once: flags, environment, TOML and the docs all come from these rows."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hirehall.errors import BadRequest
from hirehall.model import LONGEST_SOCKET_PATH

DEFAULT_DATA = Path("~/.local/state/hirehall")
DEPUTY_PORT = 11746


class Option(Struct, frozen=True):
    """One option: `--name`, `HIREHALL_NAME` in the environment, `name` in the TOML file."""

    name: str
    kind: type
    default: Any
    unit: str
    help: str

    @property
    def environment(self) -> str:
        """The variable that sets it."""
        return f"HIREHALL_{self.name.upper()}"


OPTIONS = (
    Option("data", str, str(DEFAULT_DATA), "directory", "where jobs, the access file and the UNIX socket are kept"),
    Option("tcp", str, f"127.0.0.1:{DEPUTY_PORT}", "HOST:PORT", "where to listen for JSON lines; port 0: a free one"),
    Option("unix", str, "", "path", "UNIX socket; DATA/hall.sock by default, none where that is too long"),
    Option("store", str, "", "URL", "the store: sqlite:PATH, or memory: (nothing survives); sqlite:DATA/hall.db"),
    Option("anonymous", str, "", "roles", "what sessions without a token may do: submit,work,read,admin"),
)  # fmt: skip
BY_NAME = {option.name: option for option in OPTIONS}


class Settings(Struct, frozen=True):
    """What a hall runs with."""

    data: Path
    tcp: str
    unix: Path | None  # None: the default one's path would be too long for a socket
    store: str
    anonymous: tuple[str, ...]


def settle(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Flags before environment before file before defaults; None is not given. Raises BadRequest naming the option."""
    from_file = read_file(file) if file is not None else {}
    values: dict[str, Any] = {}
    for option in OPTIONS:
        given = [flags.get(option.name), environment.get(option.environment), from_file.get(option.name)]
        values[option.name] = next((value for value in given if value is not None), option.default)
    data = Path(values["data"]).expanduser().absolute()
    return Settings(
        data,
        values["tcp"],
        Path(values["unix"]).expanduser().absolute() if values["unix"] else _default_socket(data),
        values["store"] or f"sqlite:{data / 'hall.db'}",
        tuple(role.strip() for role in values["anonymous"].split(",") if role.strip()),
    )


def _default_socket(data: Path) -> Path | None:
    """A data directory may lie too deep for a socket in it; TCP works everywhere."""
    path = data / "hall.sock"
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH else None


def read_file(path: Path) -> dict[str, Any]:
    """The options that a TOML file sets; a strange one is named with its nearest neighbour."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise BadRequest(f"cannot read the configuration {path}: {exc}") from exc
    for name, value in values.items():
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(BY_NAME)}"
            raise BadRequest(f"{path} sets {name!r}, which is no option: {hint}")
        if not isinstance(value, BY_NAME[name].kind):
            raise BadRequest(
                f"{path}: {name} is {value!r}, give a {BY_NAME[name].kind.__name__} ({BY_NAME[name].unit})"
            )
    return values


def host_and_port(address: str) -> tuple[str, int]:
    """`HOST:PORT` taken apart; IPv6 hosts stand in brackets."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise BadRequest(f"--tcp {address!r}: write HOST:PORT, for example 127.0.0.1:{DEPUTY_PORT}")
    return host.strip("[]") or "127.0.0.1", int(port)


def check_loopback(host: str) -> None:
    """Refuse to listen beyond this machine: there is no TLS and there are no personal tokens yet."""
    if not _is_loopback(host):
        raise BadRequest(
            f"--tcp {host}: this hall listens on this machine only (127.0.0.1, ::1, localhost); beyond it TLS and"
            " personal tokens are needed, which it does not have yet"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
